/* signature: the first byte says by which scheme the rest is read, as a signature header, as a time and as
 * the text of a secret. What is understood is within its limits. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "verify/secret.h"
#include "verify/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_header(const struct scheme *s, struct slice value)
{
    struct signature signature;
    enum signature_reason reason = signature_parse(s, value, &signature);

    require(reason == SIGNATURE_OK || reason == SIGNATURE_MISSING ||
            reason == SIGNATURE_MALFORMED || reason == SIGNATURE_DOUBLED);
    require((reason == SIGNATURE_MISSING) == (value.n == 0));
    if (reason != SIGNATURE_OK)
        return;
    require(signature.n >= 1 && signature.n <= SIGNATURE_DIGESTS_MAX);
    require(value.n >= 43 * signature.n); /* no digest is shorter than 43 characters */
    require((s->syntax == SYNTAX_FIELDS) == (signature.time.p != NULL));
    if (signature.time.n > 0)
        require(signature.time.p >= value.p &&
                signature.time.p + signature.time.n <= value.p + value.n);
}

static void check_time(struct slice text)
{
    int64_t us = -1;

    if (signature_time(text, &us))
        require(us >= 0 && us % 1000000 == 0 && text.n >= 1 && text.n <= 12);
    else
        require(us == -1);
}

static void check_secret(enum scheme_encoding encoding, struct slice value)
{
    static struct secret_text text;
    uint8_t key[SECRET_BYTES_MAX];
    struct fail why = {""};
    int got;

    if (value.n > SECRET_BYTES_MAX)
        return;
    text.n = value.n;
    memcpy(text.text, value.p, value.n);
    text.text[value.n] = '\0';
    got = secret_decode(encoding, &text, key, &why);
    require(got == -1 ? why.text[0] != '\0' : got > 0 && (size_t)got <= value.n);
    secret_wipe(&text, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct scheme *s;
    struct slice value;

    if (n == 0)
        return 0;
    s = &scheme_table[data[0] % scheme_count];
    value = (struct slice){(const char *)data + 1, n - 1};
    check_header(s, value);
    check_time(value);
    check_secret(s->key, value);
    return 0;
}
