#include "spool/spool_file.h"

#include <errno.h>
#include <string.h>

#include "base/write.h"

#define MAGIC   "guichet spool 1\n"
#define KINDS   "emc"
#define PARTS   4
#define MAGIC_N (sizeof(MAGIC) - 1)
/* Behind the digest, in front of the parts. */
#define FIXED_N (8 + 8 + STORE_NONCE_BYTES + 1 + PARTS * 4)
#define HEAD_N  (MAGIC_N + SHA256_BYTES + FIXED_N)

static void put(uint8_t **at, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(v >> (8 * i));
}

static uint64_t get(const uint8_t **at, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t) * (*at)++ << (8 * i);
    return v;
}

uint32_t spool_file_size(const struct spool_entry *e)
{
    const struct slice part[PARTS] = {e->provider, e->id, e->type, e->body};
    size_t n = HEAD_N;

    for (size_t i = 0; i < PARTS; i++) {
        if (part[i].n > UINT32_MAX - n)
            return 0;
        n += part[i].n;
    }
    return (uint32_t)n;
}

bool spool_file_write(int fd, const struct spool_entry *e)
{
    uint8_t head[HEAD_N], *at = head + MAGIC_N + SHA256_BYTES;
    const struct slice digested[PARTS + 1] = {
        {(const char *)head + MAGIC_N + SHA256_BYTES, FIXED_N},
        e->provider,
        e->id,
        e->type,
        e->body};

    memcpy(head, MAGIC, MAGIC_N);
    put(&at, (uint64_t)e->received_us, 8);
    put(&at, (uint64_t)e->arrived_us, 8);
    memcpy(at, e->nonce, sizeof e->nonce);
    at += sizeof e->nonce;
    *at++ = (uint8_t)KINDS[e->kind];
    for (size_t i = 1; i <= PARTS; i++)
        put(&at, digested[i].n, 4);
    if (!sha256(digested, PARTS + 1, head + MAGIC_N)) {
        errno = EIO;
        return false;
    }
    if (!write_all(fd, head, sizeof head))
        return false;
    for (size_t i = 1; i <= PARTS; i++)
        if (!write_all(fd, digested[i].p, digested[i].n))
            return false;
    return true;
}

bool spool_file_parse(struct slice bytes, struct spool_entry *out)
{
    const uint8_t *at = (const uint8_t *)bytes.p + MAGIC_N + SHA256_BYTES;
    struct slice *const part[PARTS] = {&out->provider, &out->id, &out->type, &out->body};
    struct slice rest;
    uint8_t digest[SHA256_BYTES];
    const char *kind;

    *out = (struct spool_entry){0};
    if (bytes.n < HEAD_N || memcmp(bytes.p, MAGIC, MAGIC_N) != 0)
        return false;
    rest = slice_from(bytes, MAGIC_N + SHA256_BYTES);
    if (!sha256(&rest, 1, digest) || memcmp(digest, bytes.p + MAGIC_N, sizeof digest) != 0)
        return false;
    out->received_us = (int64_t)get(&at, 8);
    out->arrived_us = (int64_t)get(&at, 8);
    memcpy(out->nonce, at, sizeof out->nonce);
    at += sizeof out->nonce;
    kind = memchr(KINDS, *at++, sizeof KINDS - 1);
    if (kind == NULL)
        return false;
    out->kind = (enum spool_kind)(kind - KINDS);
    rest = slice_from(bytes, HEAD_N);
    for (size_t i = 0; i < PARTS; i++) {
        size_t n = (size_t)get(&at, 4);
        if (n > rest.n)
            return false;
        *part[i] = (struct slice){rest.p, n};
        rest = slice_from(rest, n);
    }
    return rest.n == 0 && sha256(&out->body, 1, out->body_sha256);
}
