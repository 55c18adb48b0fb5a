#include "verify/sign.h"

#include "base/codec.h"
#include "verify/mac.h"

static int digest_of(const struct scheme *s, const struct secret_text *secret,
                     const struct slice *part, size_t nparts, char *text, struct fail *why)
{
    uint8_t key[SECRET_BYTES_MAX], digest[SHA256_BYTES];
    int n = secret_decode(s->key, secret, key, why);
    struct mac *m = n > 0 ? mac_new(key, (size_t)n) : NULL;
    bool ok = m != NULL && mac_sign(m, part, nparts, digest);

    if (n > 0 && !ok)
        fail_set(why, "out of memory, or OpenSSL lacks HMAC-SHA256");
    if (ok && s->digest == ENCODING_HEX)
        hex_encode(digest, sizeof digest, text);
    else if (ok)
        base64_encode(digest, sizeof digest, text);
    mac_free(m);
    explicit_bzero(key, sizeof key);
    return ok ? 0 : -1;
}

static void add(const struct scheme *s, const char *digest, bool first, struct buf *out)
{
    switch (s->syntax) {
    case SYNTAX_PREFIX:
        buf_addf(out, "%s%s", s->prefix[0], digest);
        break;
    case SYNTAX_LIST:
        buf_addf(out, "%s%s,%s", first ? "" : " ", s->prefix[0], digest);
        break;
    case SYNTAX_FIELDS:
        buf_addf(out, ",%s=%s", s->prefix[0], digest);
        break;
    }
}

int sign_value(const struct scheme *s, const struct secret_text *secret, size_t n, struct slice id,
               struct slice time, struct slice body, struct buf *out, struct fail *why)
{
    struct slice part[SCHEME_PARTS_MAX];
    size_t nparts = scheme_content(s, id, time, body, part);
    char digest[2 * SHA256_BYTES + 1];

    if (n == 0 || nparts == 0)
        return fail_set(why, "there is nothing to sign with");
    if (n > 1 && s->syntax == SYNTAX_PREFIX)
        return fail_set(why,
                        "a header of the scheme %s has room for one signature; name the one secret "
                        "to sign with",
                        s->name);
    if (s->syntax == SYNTAX_FIELDS)
        buf_addf(out, "t=%.*s", (int)time.n, time.p);
    for (size_t i = 0; i < n; i++) {
        if (digest_of(s, &secret[i], part, nparts, digest, why) != 0)
            return -1;
        add(s, digest, i == 0, out);
    }
    return out->overflow ? fail_set(why, "the header would be too long") : 0;
}

bool sign_needs_time(const struct scheme *s)
{
    return strstr(s->content, "{time}") != NULL;
}
