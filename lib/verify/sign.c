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

static void write_value(const struct scheme *s, const char *time, const char *digest,
                        struct sign_header *out)
{
    switch (s->syntax) {
    case SYNTAX_PREFIX:
        (void)snprintf(out->value, sizeof out->value, "%s%s", s->prefix[0], digest);
        break;
    case SYNTAX_LIST:
        (void)snprintf(out->value, sizeof out->value, "%s,%s", s->prefix[0], digest);
        break;
    case SYNTAX_FIELDS:
        (void)snprintf(out->value, sizeof out->value, "t=%s,%s=%s", time, s->prefix[0], digest);
        break;
    }
}

int sign_headers(const struct scheme *s, struct mac *mac, struct slice id, int64_t now_us,
                 struct slice body, struct sign_header out[static SIGN_HEADERS_MAX],
                 struct fail *why)
{
    struct slice part[SCHEME_PARTS_MAX];
    uint8_t digest[SHA256_BYTES];
    char encoded[DIGEST_ROOM], time[TIME_ROOM];
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
    out[n].name = s->header;
    write_value(s, time, encoded, &out[n++]);
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
