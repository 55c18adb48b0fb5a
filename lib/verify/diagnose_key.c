#include "verify/diagnose_key.h"

#include <ctype.h>

#include "base/codec.h"
#include "base/text.h"

typedef ssize_t key_maker(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX]);

static ssize_t copy(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    memcpy(out, text.p, text.n);
    return (ssize_t)text.n;
}

static ssize_t with_tail(struct slice text, const char *tail,
                         uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    memcpy(out, text.p, text.n);
    memcpy(out + text.n, tail, strlen(tail));
    return (ssize_t)(text.n + strlen(tail));
}

static ssize_t from_hex(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return hex_decode(text, out, SECRET_BYTES_MAX);
}

static ssize_t from_base64(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return base64_decode(text, out, SECRET_BYTES_MAX);
}

/* Without the prefix, as text; -1 where there is none. */
static ssize_t behind(struct slice text, const char *prefix,
                      uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return slice_begins(text, prefix) ? copy(slice_from(text, strlen(prefix)), out) : -1;
}

static ssize_t whsec_text(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return behind(text, "whsec_", out);
}

static ssize_t whsec_base64(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return slice_begins(text, "whsec_") ? from_base64(slice_from(text, 6), out) : -1;
}

static ssize_t hex_text(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return behind(text, "hex:", out);
}

static ssize_t base64_text(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return behind(text, "base64:", out);
}

static ssize_t version_text(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return behind(text, "v1,", out);
}

static ssize_t version_base64(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    if (slice_begins(text, "v1,whsec_"))
        return from_base64(slice_from(text, 9), out);
    return slice_begins(text, "v1,") ? from_base64(slice_from(text, 3), out) : -1;
}

static ssize_t newline(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return with_tail(text, "\n", out);
}

static ssize_t crlf(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return with_tail(text, "\r\n", out);
}

static ssize_t carriage_return(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return with_tail(text, "\r", out);
}

static ssize_t space_behind(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return with_tail(text, " ", out);
}

static ssize_t space_before(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    out[0] = ' ';
    memcpy(out + 1, text.p, text.n);
    return (ssize_t)text.n + 1;
}

static ssize_t trimmed(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    return copy(text_trim(text), out);
}

static ssize_t unquoted(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    if (text.n < 3 || (text.p[0] != '"' && text.p[0] != '\'') || text.p[text.n - 1] != text.p[0])
        return -1;
    return copy((struct slice){text.p + 1, text.n - 2}, out);
}

static ssize_t lower(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    for (size_t i = 0; i < text.n; i++)
        out[i] = (uint8_t)tolower((unsigned char)text.p[i]);
    return (ssize_t)text.n;
}

static ssize_t upper(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    for (size_t i = 0; i < text.n; i++)
        out[i] = (uint8_t)toupper((unsigned char)text.p[i]);
    return (ssize_t)text.n;
}

static ssize_t empty(struct slice text, uint8_t out[static DIAGNOSE_KEY_BYTES_MAX])
{
    (void)text;
    (void)out;
    return 0;
}

static const struct {
    key_maker *make;
    const char *what;
} makers[] = {
    {copy, "the sender takes the secret's characters as they stand as the key, where this scheme "
           "decodes them"},
    {from_hex, "the sender decodes the secret as hex digits, where this scheme does not"},
    {from_base64, "the sender decodes the secret as base64, where this scheme does not"},
    {whsec_base64, "the sender takes `whsec_` off the secret and decodes the rest as base64, where "
                   "this scheme takes the whole text"},
    {whsec_text, "the sender takes `whsec_` off the secret and uses the rest as text"},
    {hex_text, "the sender takes the hex digits themselves as the key, where this scheme decodes "
               "them"},
    {base64_text, "the sender takes the base64 text itself as the key, where this scheme decodes "
                  "it"},
    {newline, "the sender's secret ends in a newline; take it off there (printf %s instead of "
              "echo)"},
    {crlf, "the sender's secret ends in a carriage return and a newline; take them off there"},
    {carriage_return, "the sender's secret ends in a carriage return (a file with DOS line ends); "
                      "take it off there"},
    {space_behind, "the sender's secret ends in a space; take it off there"},
    {space_before, "the sender's secret begins with a space; take it off there"},
    {trimmed, "the secret here has white space at an end, the sender's has not; take it off here"},
    {unquoted, "the secret here stands in quotes, which count as a part of it; take them off here"},
    {version_text, "the secret here begins with `v1,`, which is no part of it; take it off here"},
    {version_base64, "the secret here begins with `v1,`, which is no part of it; take it off here"},
    {lower, "the sender's secret is written in small letters, the one here is not"},
    {upper, "the sender's secret is written in capital letters, the one here is not"},
    {empty, "the sender signs with an empty secret: its variable is probably not set"},
};

static bool is_new(const struct diagnose_key *key, size_t n, const struct diagnose_key *k)
{
    for (size_t i = 0; i < n; i++)
        if (key[i].n == k->n && memcmp(key[i].bytes, k->bytes, k->n) == 0)
            return false;
    return true;
}

size_t diagnose_keys(enum scheme_encoding encoding, const struct secret_text *secret,
                     struct diagnose_key out[static DIAGNOSE_KEYS_MAX])
{
    struct slice text = {secret->text, secret->n};
    struct fail why;
    size_t n = 0;
    int due = secret_decode(encoding, secret, out[0].bytes, &why);

    _Static_assert(sizeof makers / sizeof makers[0] < DIAGNOSE_KEYS_MAX, "room for all of them");
    if (due > 0) {
        out[0].n = (size_t)due;
        out[n++].what = NULL;
    }
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        struct diagnose_key *k = &out[n];
        ssize_t length = makers[i].make(text, k->bytes);
        if (length < 0 || (length == 0 && makers[i].make != empty))
            continue;
        k->n = (size_t)length;
        k->what = makers[i].what;
        n += is_new(out, n, k);
    }
    return n;
}
