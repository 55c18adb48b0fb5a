/* By the general functions, which know every hash, and set them all up when they are first called. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "verify/mac.h"

size_t mac_once(enum mac_hash hash, const uint8_t *key, size_t n, const struct slice *part,
                size_t nparts, uint8_t out[static MAC_BYTES_MAX])
{
    char name[3][8] = {[MAC_SHA256] = "SHA256", [MAC_SHA1] = "SHA1", [MAC_SHA512] = "SHA512"};
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name[hash], 0),
                           OSSL_PARAM_construct_end()};
    static const uint8_t none[1];
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = NULL;
    size_t length = 0;
    bool ok;

    if (algorithm != NULL)
        ctx = EVP_MAC_CTX_new(algorithm);
    ok = ctx != NULL && EVP_MAC_init(ctx, n > 0 ? key : none, n, params) == 1;
    for (size_t i = 0; ok && i < nparts; i++)
        ok =
            part[i].n == 0 || EVP_MAC_update(ctx, (const unsigned char *)part[i].p, part[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &length, MAC_BYTES_MAX) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(algorithm);
    return ok ? length : 0;
}
