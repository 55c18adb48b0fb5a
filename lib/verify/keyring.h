/* keyring: the live secrets and API keys of one provider, read, judged and prepared. */
#ifndef GUICHET_VERIFY_KEYRING_H
#define GUICHET_VERIFY_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/fail.h"
#include "config/config.h"
#include "verify/mac.h"
#include "verify/scheme.h"
#include "verify/secret.h"

struct keyring_key {
    struct mac *mac;
    uint64_t fingerprint;            /* secret_fingerprint of its text */
    char owner[SECRET_FILE_MAX + 1]; /* the id whose events alone it proves; "": of any */
};

/* Belongs to one thread, as its macs do. */
struct keyring {
    size_t nsecrets; /* at least 1 */
    struct keyring_key
        secret[SECRETS_LIVE_MAX]; /* in the order of the configuration, a folder's by name */
    size_t napi_keys;             /* at least 1 where the scheme has an API key, else 0 */
    uint8_t api_key[SECRETS_LIVE_MAX][SHA256_BYTES]; /* SHA-256 of each: of one length to compare */
};

/* Reads all that the provider's specs name now. NULL when one of them is not sound, with origin, cause
 * and remedy. */
struct keyring *keyring_load(const struct scheme *scheme, const struct config_provider *p,
                             char *const *environment, struct fail *why);
void keyring_free(struct keyring *k);

/* Whether a spec of the provider names a file or folder, so that what it gives can change. */
bool keyring_can_change(const struct config_provider *p);

#endif
