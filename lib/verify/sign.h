/* sign: the sender's side of a scheme: the header by which a body verifies. */
#ifndef GUICHET_VERIFY_SIGN_H
#define GUICHET_VERIFY_SIGN_H

#include "base/buf.h"
#include "base/fail.h"
#include "verify/scheme.h"
#include "verify/secret.h"

/* Appends the value of the scheme's signature header to `out`, with a digest for each of the n secrets
 * (1 where the scheme's header has room for one only). `id` and `time` (seconds since 1970 in decimal)
 * are signed where the scheme signs them. 0, or -1 with cause and remedy. */
int sign_value(const struct scheme *s, const struct secret_text *secret, size_t n, struct slice id,
               struct slice time, struct slice body, struct buf *out, struct fail *why);

/* Whether the scheme signs a time. */
bool sign_needs_time(const struct scheme *s);

#endif
