#include "verify/mac.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* The two algorithms, looked up once: a lookup by name costs as much as hashing a small body and takes
 * locks that all threads share. They are constants in all but name and live until the process ends. */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_algorithm;
static EVP_MAC *hmac_algorithm;

static void fetch(void)
{
    sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    hmac_algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

struct mac {
    EVP_MAC_CTX
    *ctx; /* holds the two padded keys already hashed; each signature starts from them */
};

struct mac *mac_new(const uint8_t *key, size_t n)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    struct mac *m = NULL;

    (void)pthread_once(&fetched, fetch);
    if (n == 0 || hmac_algorithm == NULL)
        return NULL;
    m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->ctx = EVP_MAC_CTX_new(hmac_algorithm);
    if (m->ctx == NULL || EVP_MAC_init(m->ctx, key, n, params) != 1) {
        mac_free(m);
        return NULL;
    }
    return m;
}

void mac_free(struct mac *m)
{
    if (m == NULL)
        return;
    EVP_MAC_CTX_free(m->ctx); /* OpenSSL wipes the key */
    free(m);
}

bool mac_sign(struct mac *m, const struct slice *part, size_t nparts,
              uint8_t out[static SHA256_BYTES])
{
    size_t n = 0;
    /* No key: start again from the prepared one. */
    bool ok = EVP_MAC_init(m->ctx, NULL, 0, NULL) == 1;

    for (size_t i = 0; ok && i < nparts; i++)
        ok = part[i].n == 0 ||
             EVP_MAC_update(m->ctx, (const unsigned char *)part[i].p, part[i].n) == 1;
    ok = ok && EVP_MAC_final(m->ctx, out, &n, SHA256_BYTES) == 1 && n == SHA256_BYTES;
    if (!ok)
        memset(out, 0, SHA256_BYTES);
    return ok;
}

size_t mac_once(enum mac_hash hash, const uint8_t *key, size_t n, const struct slice *part,
                size_t nparts, uint8_t out[static MAC_BYTES_MAX])
{
    char name[3][8] = {[MAC_SHA256] = "SHA256", [MAC_SHA1] = "SHA1", [MAC_SHA512] = "SHA512"};
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name[hash], 0),
                           OSSL_PARAM_construct_end()};
    static const uint8_t none[1];
    EVP_MAC_CTX *ctx = NULL;
    size_t length = 0;
    bool ok;

    (void)pthread_once(&fetched, fetch);
    if (hmac_algorithm != NULL)
        ctx = EVP_MAC_CTX_new(hmac_algorithm);
    ok = ctx != NULL && EVP_MAC_init(ctx, n > 0 ? key : none, n, params) == 1;
    for (size_t i = 0; ok && i < nparts; i++)
        ok =
            part[i].n == 0 || EVP_MAC_update(ctx, (const unsigned char *)part[i].p, part[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &length, MAC_BYTES_MAX) == 1;
    EVP_MAC_CTX_free(ctx);
    return ok ? length : 0;
}

bool sha256(const struct slice *part, size_t nparts, uint8_t out[static SHA256_BYTES])
{
    EVP_MD_CTX *ctx = NULL;
    bool ok = false;

    (void)pthread_once(&fetched, fetch);
    if (sha256_algorithm == NULL)
        goto done;
    ctx = EVP_MD_CTX_new();
    ok = ctx != NULL && EVP_DigestInit_ex2(ctx, sha256_algorithm, NULL) == 1;
    for (size_t i = 0; ok && i < nparts; i++)
        ok = part[i].n == 0 || EVP_DigestUpdate(ctx, part[i].p, part[i].n) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;

done:
    EVP_MD_CTX_free(ctx);
    if (!ok)
        memset(out, 0, SHA256_BYTES);
    return ok;
}

bool equal_constant_time(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

/* The kernel's, for OpenSSL's generator takes a quarter of a CGI process's time to set up. */
bool random_bytes(uint8_t *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        out += got;
        n -= (size_t)got;
    }
    return true;
}
