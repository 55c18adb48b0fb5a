#include "verify/signature.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/text.h"

#define SECONDS_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static bool has_comma(struct slice s)
{
    return s.n > 0 && memchr(s.p, ',', s.n) != NULL;
}

/* Cuts the first entry off *rest, which ends at the separator or at the end of the text. */
static struct slice cut(struct slice *rest, char separator)
{
    const char *end = memchr(rest->p, separator, rest->n);
    struct slice entry = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};

    *rest = slice_from(*rest, end != NULL ? entry.n + 1 : entry.n);
    return entry;
}

/* The same for a name: false, and *rest as it was, when the separator is not there. */
static bool cut_name(struct slice *rest, char separator, struct slice *name)
{
    if (rest->n == 0 || memchr(rest->p, separator, rest->n) == NULL)
        return false;
    *name = cut(rest, separator);
    return true;
}

static bool decode(enum scheme_encoding encoding, struct slice text,
                   uint8_t out[static SHA256_BYTES])
{
    if (encoding == ENCODING_HEX)
        return hex_decode(text, out, SHA256_BYTES) == SHA256_BYTES;
    return encoding == ENCODING_BASE64 && base64_decode(text, out, SHA256_BYTES) == SHA256_BYTES;
}

/* Keeps the digest if it is one. False when there is no room for another. */
static bool keep(const struct scheme *s, struct slice text, struct signature *out)
{
    uint8_t digest[SHA256_BYTES];

    if (!decode(s->digest, text, digest))
        return true;
    if (out->n == SIGNATURE_DIGESTS_MAX)
        return false;
    memcpy(out->digest[out->n++], digest, sizeof digest);
    return true;
}

static enum signature_reason parse_prefix(const struct scheme *s, struct slice value,
                                          struct signature *out)
{
    if (has_comma(value))
        return SIGNATURE_DOUBLED;
    for (size_t i = 0; i < SCHEME_PREFIXES_MAX && s->prefix[i] != NULL; i++)
        if (slice_begins(value, s->prefix[i])) {
            (void)keep(s, slice_from(value, strlen(s->prefix[i])), out);
            break;
        }
    return out->n > 0 ? SIGNATURE_OK : SIGNATURE_MALFORMED;
}

static enum signature_reason parse_list(const struct scheme *s, struct slice value,
                                        struct signature *out)
{
    const struct slice wanted = {s->prefix[0], strlen(s->prefix[0])};

    while (value.n > 0) {
        struct slice entry = cut(&value, ' ');
        struct slice version;
        if (!cut_name(&entry, ',', &version))
            continue;
        if (has_comma(entry))
            return SIGNATURE_DOUBLED;
        if (slice_equal(version, wanted) && !keep(s, entry, out))
            return SIGNATURE_MALFORMED;
    }
    return out->n > 0 ? SIGNATURE_OK : SIGNATURE_MALFORMED;
}

static enum signature_reason parse_fields(const struct scheme *s, struct slice value,
                                          struct signature *out)
{
    const struct slice wanted = {s->prefix[0], strlen(s->prefix[0])};

    while (value.n > 0) {
        struct slice field = cut(&value, ',');
        struct slice name;
        if (field.n > 0 && (field.p[0] == ' ' || field.p[0] == '\t'))
            return SIGNATURE_DOUBLED; /* servers join with ", ", senders write none */
        if (!cut_name(&field, '=', &name))
            continue;
        if (slice_is(name, "t")) {
            if (out->time.p != NULL)
                return SIGNATURE_DOUBLED;
            out->time = field;
        } else if (slice_equal(name, wanted) && !keep(s, field, out)) {
            return SIGNATURE_MALFORMED;
        }
    }
    return out->n > 0 && out->time.p != NULL ? SIGNATURE_OK : SIGNATURE_MALFORMED;
}

enum signature_reason signature_parse(const struct scheme *s, struct slice value,
                                      struct signature *out)
{
    out->n = 0;
    out->time = SLICE_NONE;
    if (value.n == 0)
        return SIGNATURE_MISSING;
    if (value.n > SIGNATURE_BYTES_MAX)
        return SIGNATURE_MALFORMED;
    switch (s->syntax) {
    case SYNTAX_PREFIX:
        return parse_prefix(s, value, out);
    case SYNTAX_LIST:
        return parse_list(s, value, out);
    case SYNTAX_FIELDS:
        return parse_fields(s, value, out);
    }
    return SIGNATURE_MALFORMED;
}

bool signature_time(struct slice text, int64_t *out_us)
{
    int64_t seconds;

    if (!text_to_i64(text, &seconds) || seconds > SECONDS_MAX)
        return false;
    *out_us = seconds * US_PER_S;
    return true;
}
