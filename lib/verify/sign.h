/* sign: what a sender puts into its headers, by the scheme's row: the other side of verify. */
#ifndef GUICHET_VERIFY_SIGN_H
#define GUICHET_VERIFY_SIGN_H

#include "base/buf.h"
#include "base/fail.h"
#include "verify/mac.h"
#include "verify/scheme.h"
#include "verify/secret.h"

/* Appends the value of the scheme's signature header to `out`, with a digest for each of the n secrets
 * (1 where the scheme's header has room for one only). `id` and `time` (seconds since 1970 in decimal)
 * are signed where the scheme signs them. 0, or -1 with cause and remedy. */
int sign_value(const struct scheme *s, const struct secret_text *secret, size_t n, struct slice id,
               struct slice time, struct slice body, struct buf *out, struct fail *why);

/* Whether the scheme signs a time. */
bool sign_needs_time(const struct scheme *s);

#define SIGN_HEADERS_MAX 3   /* the signature, the id, the time */
#define SIGN_VALUE_ROOM  320 /* of one value, with its NUL */

struct sign_header {
    const char *name; /* lower case, of the row */
    char value[SIGN_VALUE_ROOM];
};

/* The headers for a body, the signature first. `id` goes into the header that the row has for it
 * (else it is not used), now_us into the signed time. Returns their number, or -1: the id is missing
 * where the row wants one or is no plain text of 1 to 256 bytes, or signing failed. The API key is
 * not among them: it is no function of the body. */
int sign_headers(const struct scheme *s, struct mac *mac, struct slice id, int64_t now_us,
                 struct slice body, struct sign_header out[static SIGN_HEADERS_MAX],
                 struct fail *why);

#endif
