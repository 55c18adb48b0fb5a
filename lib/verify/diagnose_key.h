/* diagnose_key: the keys that a sender may have made of a secret. For diagnose.c alone. */
#ifndef GUICHET_VERIFY_DIAGNOSE_KEY_H
#define GUICHET_VERIFY_DIAGNOSE_KEY_H

#include "verify/scheme.h"
#include "verify/secret.h"

#define DIAGNOSE_KEYS_MAX      20
#define DIAGNOSE_KEY_BYTES_MAX (SECRET_BYTES_MAX + 2)

struct diagnose_key {
    const char *what; /* the mistake; NULL: the key that is due */
    uint8_t bytes[DIAGNOSE_KEY_BYTES_MAX];
    size_t n;
};

/* All different keys, the one that is due first (if the text has its form). Returns their number.
 * The caller wipes them. */
size_t diagnose_keys(enum scheme_encoding encoding, const struct secret_text *secret,
                     struct diagnose_key out[static DIAGNOSE_KEYS_MAX]);

#endif
