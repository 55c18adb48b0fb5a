#include "verify/secret.h"

#include "base/codec.h"
#include "base/text.h"
#include "verify/mac.h"

#define WHSEC_BYTES_MIN 24
#define WHSEC_BYTES_MAX 64

/* The digits after `prefix`, decoded; -1 when the text does not begin with it or they are none. */
static ssize_t decode_named(struct slice text, const char *prefix,
                            ssize_t (*decode)(struct slice, uint8_t *, size_t),
                            uint8_t out[static SECRET_BYTES_MAX])
{
    if (!slice_begins(text, prefix))
        return -1;
    return decode(slice_from(text, strlen(prefix)), out, SECRET_BYTES_MAX);
}

static ssize_t decode_whsec(struct slice text, uint8_t out[static SECRET_BYTES_MAX])
{
    struct slice digits = slice_begins(text, "whsec_") ? slice_from(text, 6) : text;
    ssize_t n = base64_decode(digits, out, SECRET_BYTES_MAX);

    return n >= WHSEC_BYTES_MIN && n <= WHSEC_BYTES_MAX ? n : -1;
}

/* 64 hex digits are base64 as well, of 48 bytes: so a bare text is never anything but hex. */
static ssize_t decode_hex64_or_named(struct slice text, uint8_t out[static SECRET_BYTES_MAX])
{
    ssize_t n = text.n == 64 ? hex_decode(text, out, SECRET_BYTES_MAX) : -1;

    if (n < 0)
        n = decode_named(text, "hex:", hex_decode, out);
    if (n < 0)
        n = decode_named(text, "base64:", base64_decode, out);
    return n;
}

static ssize_t decode_text(struct slice text, uint8_t out[static SECRET_BYTES_MAX])
{
    if (!text_is_plain(text, 1, SECRET_BYTES_MAX))
        return -1;
    memcpy(out, text.p, text.n);
    return (ssize_t)text.n;
}

int secret_decode(enum scheme_encoding encoding, const struct secret_text *text,
                  uint8_t out[static SECRET_BYTES_MAX], struct fail *why)
{
    static const struct {
        ssize_t (*decode)(struct slice text, uint8_t out[static SECRET_BYTES_MAX]);
        const char *form;
    } forms[] = {
        [ENCODING_TEXT] = {decode_text, "one line of text without control characters"},
        [ENCODING_WHSEC] = {decode_whsec, "`whsec_` (which may be left out) and base64 of 24 to 64 "
                                          "bytes, as the sender shows it"},
        [ENCODING_HEX64_OR_NAMED] =
            {decode_hex64_or_named, "exactly 64 hex digits, or `hex:` and hex digits, or `base64:` "
                                    "and base64 (the sender's macSecretBase64)"},
    };
    ssize_t n = -1;

    if ((size_t)encoding >= sizeof forms / sizeof forms[0] || forms[encoding].decode == NULL)
        return fail_set(why, "no secret can have this encoding, which is one of digests");
    n = forms[encoding].decode((struct slice){text->text, text->n}, out);
    if (n < 1)
        return fail_set(why, "the secret does not have the form its scheme demands: %s",
                        forms[encoding].form);
    return (int)n;
}

uint64_t secret_fingerprint(const struct secret_text *text)
{
    struct slice part[] = {SLICE_LITERAL("guichet secret fingerprint:"), {text->text, text->n}};
    uint8_t digest[SHA256_BYTES];
    uint64_t fingerprint = 0;

    if (sha256(part, 2, digest))
        for (size_t i = 0; i < sizeof fingerprint; i++)
            fingerprint = fingerprint << 8 | digest[i];
    return fingerprint != 0 ? fingerprint : 1;
}

void secret_wipe(struct secret_text *s, size_t n)
{
    explicit_bzero(s, n * sizeof *s);
}
