#include "verify/diagnose_digest.h"

#include "base/codec.h"

#define DIGEST_TEXT_MAX 192 /* base64 of the hex digits of SHA-512 takes 172 */

const char *const digest_writing_name[] = {
    [WRITTEN_HEX] = "hex",
    [WRITTEN_BASE64] = "base64",
    [WRITTEN_BASE64URL] = "base64url (with - and _)",
    [WRITTEN_HEX_IN_BASE64] = "base64 of the hex digits",
};

struct digests {
    struct diagnose_digest *out;
    size_t n;
    struct slice *time;
};

static ssize_t decode_url(struct slice text, uint8_t *out, size_t room)
{
    char plain[DIGEST_TEXT_MAX];

    for (size_t i = 0; i < text.n; i++)
        plain[i] = text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i];
    return base64_decode((struct slice){plain, text.n}, out, room);
}

static ssize_t decode_twice(struct slice text, uint8_t *out, size_t room)
{
    uint8_t digits[2 * MAC_BYTES_MAX];
    ssize_t n = base64_decode(text, digits, sizeof digits);

    return n > 0 ? hex_decode((struct slice){(const char *)digits, (size_t)n}, out, room) : -1;
}

/* The first way of writing in which the text is a digest. */
static void consider(struct digests *d, struct slice prefix, struct slice text)
{
    static ssize_t (*const decode[])(struct slice, uint8_t *, size_t) = {
        [WRITTEN_HEX] = hex_decode,
        [WRITTEN_HEX_IN_BASE64] = decode_twice,
        [WRITTEN_BASE64] = base64_decode,
        [WRITTEN_BASE64URL] = decode_url,
    };
    static const enum digest_writing order[] = {WRITTEN_HEX, WRITTEN_HEX_IN_BASE64, WRITTEN_BASE64,
                                                WRITTEN_BASE64URL};

    if (text.n == 0 || text.n > DIGEST_TEXT_MAX)
        return;
    for (size_t i = 0; i < sizeof order / sizeof order[0] && d->n < DIAGNOSE_DIGESTS_MAX; i++) {
        struct diagnose_digest *g = &d->out[d->n];
        ssize_t n = decode[order[i]](text, g->bytes, sizeof g->bytes);
        if (n < DIAGNOSE_DIGEST_BYTES_MIN)
            continue;
        g->n = (size_t)n;
        g->writing = order[i];
        g->prefix = prefix;
        d->n++;
        return;
    }
}

/* A word alone, and what stands behind its first separator. */
static void consider_word(struct digests *d, struct slice word)
{
    static const char separators[] = "=,:";
    static const char *const name[] = {"t=", "ts="};

    consider(d, SLICE_NONE, word);
    for (size_t k = 0; k < 2; k++)
        if (slice_begins(word, name[k]) && d->time->n == 0 && memchr(word.p, ',', word.n) == NULL)
            *d->time = slice_from(word, strlen(name[k]));
    for (size_t k = 0; k < sizeof separators - 1; k++) {
        const char *at = word.n > 0 ? memchr(word.p, separators[k], word.n) : NULL;
        if (at != NULL) {
            size_t n = (size_t)(at - word.p) + 1;
            consider(d, (struct slice){word.p, n}, slice_from(word, n));
        }
    }
}

/* The words between any of the separators. */
static void walk(struct digests *d, struct slice value, const char *separators)
{
    size_t from = 0;

    for (size_t i = 0; i <= value.n; i++) {
        if (i < value.n && strchr(separators, value.p[i]) == NULL)
            continue;
        if (i > from)
            consider_word(d, (struct slice){value.p + from, i - from});
        from = i + 1;
    }
}

size_t diagnose_digests(struct slice value, struct diagnose_digest out[static DIAGNOSE_DIGESTS_MAX],
                        struct slice *time)
{
    struct digests d = {out, 0, time};

    *time = SLICE_NONE;
    /* As a list of `version,digest`, then as fields `name=value,name=value`. */
    walk(&d, value, " \t\"'");
    if (memchr(value.p != NULL ? value.p : "", ',', value.n) != NULL)
        walk(&d, value, " \t,;\"'");
    return d.n;
}
