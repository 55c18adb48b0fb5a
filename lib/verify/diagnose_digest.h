/* diagnose_digest: whatever in a header's value may be a digest, however it is written. For
 * diagnose.c alone. */
#ifndef GUICHET_VERIFY_DIAGNOSE_DIGEST_H
#define GUICHET_VERIFY_DIAGNOSE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "verify/mac.h"

#define DIAGNOSE_DIGESTS_MAX      16
#define DIAGNOSE_DIGEST_BYTES_MIN 16 /* fewer would fit something by chance */

enum digest_writing { WRITTEN_HEX, WRITTEN_BASE64, WRITTEN_BASE64URL, WRITTEN_HEX_IN_BASE64 };
extern const char *const digest_writing_name[];

struct diagnose_digest {
    uint8_t bytes[MAC_BYTES_MAX];
    size_t n;
    enum digest_writing writing;
    struct slice prefix; /* before it, with its separator: "sha256=", "v1,", or empty */
};

/* Returns how many were found; *time gets what stands behind `t=` or `ts=`, or nothing. */
size_t diagnose_digests(struct slice value, struct diagnose_digest out[static DIAGNOSE_DIGESTS_MAX],
                        struct slice *time);

#endif
