/* signature: what the value of a signature header says. A pure parser: it allocates nothing and gives
 * slices out of the value. */
#ifndef GUICHET_VERIFY_SIGNATURE_H
#define GUICHET_VERIFY_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "observe/state.h"
#include "verify/mac.h"
#include "verify/scheme.h"

#define SIGNATURE_DIGESTS_MAX                                                                      \
    16 /* of one header; while a sender changes its secret it sends several */
#define SIGNATURE_BYTES_MAX 4096 /* of the header */

struct signature {
    uint8_t digest[SIGNATURE_DIGESTS_MAX][SHA256_BYTES];
    size_t n;          /* at least 1 when it was understood */
    struct slice time; /* SYNTAX_FIELDS: the field `t` */
};

/* Reads the value by the scheme's syntax.
 *
 * A digest is exactly 64 hex digits of either case, or base64 of exactly 32 bytes; nothing shorter is ever
 * compared. In a list or in fields an entry of another version, or a malformed one, is passed over.
 *
 * SIGNATURE_OK; SIGNATURE_MISSING: the value is empty; SIGNATURE_DOUBLED: two headers were joined by a
 * web server (a comma where the syntax has none, a second time); SIGNATURE_MALFORMED: anything else,
 * also more than SIGNATURE_DIGESTS_MAX digests. */
enum signature_reason signature_parse(const struct scheme *s, struct slice value,
                                      struct signature *out);

/* The signed time, in decimal seconds since 1970 up to the year 9999, in µs. False if text is anything
 * else. */
bool signature_time(struct slice text, int64_t *out_us);

#endif
