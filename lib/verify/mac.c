#include "verify/mac.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

/* SHA-256 by OpenSSL's own functions for it, which OpenSSL 3 marks as deprecated, for a reason: the
 * general ones (EVP) look algorithms up by name in providers that are set up first. That takes half of the
 * time that a CGI process lives, and a signature a third longer. HMAC on top of it is two lines of RFC 2104. */
#define BLOCK_BYTES SHA256_CBLOCK

struct mac {
    SHA256_CTX inner, outer; /* each has taken in its padded key */
};

static bool update(SHA256_CTX *ctx, const struct slice *part, size_t nparts)
{
    bool ok = true;

    for (size_t i = 0; ok && i < nparts; i++)
        ok = part[i].n == 0 || SHA256_Update(ctx, part[i].p, part[i].n) == 1;
    return ok;
}

/* Starts a hash with the key, padded with zeros to a block, each byte changed by `pad`. */
static bool start(SHA256_CTX *ctx, const uint8_t key[static BLOCK_BYTES], uint8_t pad)
{
    uint8_t block[BLOCK_BYTES];
    bool ok;

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    ok = SHA256_Init(ctx) == 1 && SHA256_Update(ctx, block, sizeof block) == 1;
    OPENSSL_cleanse(block, sizeof block);
    return ok;
}

struct mac *mac_new(const uint8_t *key, size_t n)
{
    uint8_t block[BLOCK_BYTES] = {0};
    const struct slice whole = {(const char *)key, n};
    struct mac *m = n > 0 ? calloc(1, sizeof *m) : NULL;
    bool ok = m != NULL;

    /* A key longer than a block is hashed first. */
    if (ok && n > sizeof block)
        ok = sha256(&whole, 1, block);
    else if (ok)
        memcpy(block, key, n);
    ok = ok && start(&m->inner, block, 0x36) && start(&m->outer, block, 0x5c);
    OPENSSL_cleanse(block, sizeof block);
    if (!ok) {
        mac_free(m);
        return NULL;
    }
    return m;
}

void mac_free(struct mac *m)
{
    if (m == NULL)
        return;
    OPENSSL_cleanse(m, sizeof *m);
    free(m);
}

bool mac_sign(struct mac *m, const struct slice *part, size_t nparts,
              uint8_t out[static SHA256_BYTES])
{
    SHA256_CTX ctx = m->inner;
    bool ok = update(&ctx, part, nparts) && SHA256_Final(out, &ctx) == 1;

    ctx = m->outer;
    ok = ok && SHA256_Update(&ctx, out, SHA256_BYTES) == 1 && SHA256_Final(out, &ctx) == 1;
    OPENSSL_cleanse(&ctx, sizeof ctx);
    if (!ok)
        memset(out, 0, SHA256_BYTES);
    return ok;
}

bool sha256(const struct slice *part, size_t nparts, uint8_t out[static SHA256_BYTES])
{
    SHA256_CTX ctx;
    bool ok = SHA256_Init(&ctx) == 1 && update(&ctx, part, nparts) && SHA256_Final(out, &ctx) == 1;

    OPENSSL_cleanse(&ctx, sizeof ctx);
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
