#include "verify/sign.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/text.h"

#define ID_MAX      256
#define DIGEST_ROOM (2 * SHA256_BYTES + 1) /* as hex, the longer of the two */
#define TIME_ROOM   24

static void write_digest(enum scheme_encoding encoding, const uint8_t digest[static SHA256_BYTES],
                         char out[static DIGEST_ROOM])
{
    if (encoding == ENCODING_BASE64)
        base64_encode(digest, SHA256_BYTES, out);
    else
        hex_encode(digest, SHA256_BYTES, out);
}

static int digest_of(const struct scheme *s, const struct secret_text *secret,
                     const struct slice *part, size_t nparts, char *text, struct fail *why)
{
    uint8_t key[SECRET_BYTES_MAX], digest[SHA256_BYTES];
    int n = secret_decode(s->key, secret, key, why);
    struct mac *m = n > 0 ? mac_new(key, (size_t)n) : NULL;
    bool ok = m != NULL && mac_sign(m, part, nparts, digest);

    if (n > 0 && !ok)
        fail_set(why, "out of memory, or OpenSSL lacks HMAC-SHA256");
    if (ok)
        write_digest(s->digest, digest, text);
    mac_free(m);
    explicit_bzero(key, sizeof key);
    return ok ? 0 : -1;
}

/* One of the header's digests; the time, where it stands there, comes before the first. */
static void add(const struct scheme *s, const char *digest, bool first, struct slice time,
                struct buf *out)
{
    if (first && s->syntax == SYNTAX_FIELDS)
        buf_addf(out, "t=%.*s", (int)time.n, time.p);
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
    char digest[DIGEST_ROOM];

    if (n == 0 || nparts == 0)
        return fail_set(why, "there is nothing to sign with");
    if (n > 1 && s->syntax == SYNTAX_PREFIX)
        return fail_set(why,
                        "a header of the scheme %s has room for one signature; name the one secret "
                        "to sign with",
                        s->name);
    for (size_t i = 0; i < n; i++) {
        if (digest_of(s, &secret[i], part, nparts, digest, why) != 0)
            return -1;
        add(s, digest, i == 0, time, out);
    }
    return out->overflow ? fail_set(why, "the header would be too long") : 0;
}

bool sign_needs_time(const struct scheme *s)
{
    return strstr(s->content, "{time}") != NULL;
}

int sign_headers(const struct scheme *s, struct mac *mac, struct slice id, int64_t now_us,
                 struct slice body, struct sign_header out[static SIGN_HEADERS_MAX],
                 struct fail *why)
{
    struct slice part[SCHEME_PARTS_MAX];
    uint8_t digest[SHA256_BYTES];
    char encoded[DIGEST_ROOM], time[TIME_ROOM];
    struct buf value = BUF_INIT(SIGN_VALUE_ROOM - 1);
    size_t nparts;
    int n = 0;

    if (s->id_header != NULL && !text_is_plain(id, 1, ID_MAX))
        return fail_set(why,
                        "the scheme %s sends the id in the header %s: it must be 1 to %d bytes "
                        "of text without control characters",
                        s->name, s->id_header, ID_MAX);
    (void)snprintf(time, sizeof time, "%" PRId64, now_us / US_PER_S);
    nparts = scheme_content(s, id, slice_of(time), body, part);
    if (nparts == 0 || !mac_sign(mac, part, nparts, digest))
        return fail_set(why, "the body could not be signed");
    write_digest(s->digest, digest, encoded);
    add(s, encoded, true, slice_of(time), &value);
    if (value.n == 0 || value.overflow) {
        buf_free(&value);
        return fail_set(why, "the header would be too long, or memory is short");
    }
    out[n].name = s->header;
    (void)snprintf(out[n++].value, sizeof out->value, "%s", value.p);
    buf_free(&value);
    if (s->id_header != NULL) {
        out[n].name = s->id_header;
        (void)snprintf(out[n++].value, sizeof out->value, "%.*s", (int)id.n, id.p);
    }
    if (s->time_header != NULL) {
        out[n].name = s->time_header;
        (void)snprintf(out[n++].value, sizeof out->value, "%s", time);
    }
    return n;
}
