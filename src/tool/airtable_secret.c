/* Secrets of hooks: taking over one that Airtable showed, and writing one in another form. A secret comes
 * from standard input or a file, never from an argument. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/text.h"
#include "tool/airtable_secret.h"

#define SHORT_BYTES 16 /* a key of fewer is worth a warning */

/* What was given: 64 hex digits, hex:..., base64:..., or base64 as Airtable shows it. Returns the number of
 * bytes, or -1 and said why. */
static int read_given(struct call *c, uint8_t out[static SECRET_BYTES_MAX])
{
    struct secret_text text = {.n = 0};
    const char *file = call_option(c, "file");
    FILE *from = file != NULL ? fopen(file, "re") : stdin;
    struct fail why = {""};
    struct slice given;
    int n = -1;

    if (from == NULL) {
        (void)call_end(c, VERDICT_USAGE, "cannot open %s: %s", file, strerror(errno));
        return -1;
    }
    if (isatty(fileno(from)))
        fprintf(stderr, "The secret (macSecretBase64), then Enter: ");
    text.n = fread(text.text, 1, SECRET_BYTES_MAX, from);
    while (text.n > 0 && strchr("\r\n \t\"", text.text[text.n - 1]) != NULL)
        text.n--;
    text.text[text.n] = '\0';
    given = (struct slice){text.text, text.n};
    if (secret_decode(ENCODING_HEX64_OR_NAMED, &text, out, &why) > 0)
        n = secret_decode(ENCODING_HEX64_OR_NAMED, &text, out, &why);
    else
        n = (int)base64_decode(given, out, SECRET_BYTES_MAX);
    if (n < 1)
        (void)call_end(c, VERDICT_USAGE,
                       "that is no secret: it is 64 hex digits, hex: and hex digits, base64: and "
                       "base64, or the base64 that Airtable shows as macSecretBase64");
    else if (n < SHORT_BYTES)
        fprintf(stderr, "guichet %s: the key has only %d bytes; Airtable's have 32\n",
                c->verb->name, n);
    secret_wipe(&text, 1);
    if (from != stdin)
        (void)fclose(from);
    return n;
}

static void write_base64(const uint8_t *bytes, int n, char out[static SECRET_FORM_ROOM])
{
    memcpy(out, "base64:", 7);
    base64_encode(bytes, (size_t)n, out + 7);
}

static enum verdict run_import(struct call *c)
{
    struct airtable_call a;
    uint8_t key[SECRET_BYTES_MAX];
    char form[SECRET_FORM_ROOM];
    struct fail why = {""};
    enum verdict v = airtable_open_local(c, &a);
    int n = -1;

    if (v == VERDICT_DONE && airtable_secrets(&a) == NULL)
        v = VERDICT_USAGE;
    if (v == VERDICT_DONE && !airtable_hook_is(c->operand[0]))
        v = call_end(c, VERDICT_USAGE, "%s is not the id of a hook, which begins with ach",
                     c->operand[0]);
    if (v == VERDICT_DONE) {
        n = read_given(c, key);
        v = n > 0 ? VERDICT_DONE : VERDICT_USAGE;
    }
    if (v == VERDICT_DONE) {
        write_base64(key, n, form);
        if (!airtable_keep_secret(&a, c->operand[0], form, &why))
            v = call_end(c, VERDICT_AWAY, "%s", why.text);
        else
            out_say(c->out, "pings of %s are verified with it within a second", c->operand[0]);
    }
    explicit_bzero(key, sizeof key);
    explicit_bzero(form, sizeof form);
    airtable_close(&a);
    return v;
}

static const struct option_row import_options[] = {
    HOST_PROVIDER_OPTION,
    AIRTABLE_ENV_OPTION,
    {"file", "FILE", "where the secret is, instead of standard input", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_import_secret = {
    .name = "airtable import-secret",
    .operands = "HOOK",
    .help = "keeps the secret that Airtable showed (macSecretBase64) in the provider's folder",
    .option = import_options,
    .least = 1,
    .most = 1,
    .run = run_import,
};

/* --- forms ------------------------------------------------------------------------------------ */

static enum verdict run_convert(struct call *c)
{
    const char *to = call_option(c, "to");
    uint8_t key[SECRET_BYTES_MAX];
    char form[SECRET_FORM_ROOM];
    int n;

    if (to == NULL)
        to = "base64";
    if (strcmp(to, "hex") != 0 && strcmp(to, "base64") != 0)
        return call_end(c, VERDICT_USAGE, "--to is hex or base64");
    n = read_given(c, key);
    if (n < 0)
        return VERDICT_USAGE;
    if (strcmp(to, "hex") == 0) {
        memcpy(form, "hex:", 4);
        hex_encode(key, (size_t)n, form + 4);
    } else {
        write_base64(key, n, form);
    }
    out_form(c->out, OUT_FACTS);
    out_number(c->out, "bytes", n);
    out_text(c->out, "secret", slice_of(form));
    out_end(c->out);
    explicit_bzero(key, sizeof key);
    explicit_bzero(form, sizeof form);
    return VERDICT_DONE;
}

static const struct option_row convert_options[] = {
    {"to", "FORM", "hex or base64 (base64)", false},
    {"file", "FILE", "where the secret is, instead of standard input", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_secret_convert = {
    .name = "airtable secret-convert",
    .operands = "",
    .help = "writes a secret in another form: hex: or base64:, of the same bytes",
    .option = convert_options,
    .run = run_convert,
};
