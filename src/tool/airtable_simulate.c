/* Pings as Airtable sends them, and as those who get it wrong do: what the endpoint must take, and must
 * not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "airtable/http_client.h"
#include "base/codec.h"
#include "tool/airtable_secret.h"
#include "verify/mac.h"

#define BODY_ROOM   512
#define HEADER_ROOM 160
#define BURST_MAX   1000

/* With what bytes a ping is signed. */
enum key_kind { KEY_BYTES, KEY_TEXT, KEY_BASE64, KEY_HEX, KEY_ABSENT };

static const struct variant {
    const char *name;
    enum key_kind key;
    const char *prefix;
    bool altered; /* the body is another than was signed */
    int times;    /* 0: as --burst says */
    long status;  /* that a right endpoint answers */
    const char *what;
} variants[] = {
    {"sound", KEY_BYTES, "hmac-sha256=", false, 1, 200, "as Airtable signs"},
    {"old-prefix", KEY_BYTES, "sha256=", false, 1, 200, "the prefix of older simulators"},
    {"replay", KEY_BYTES, "hmac-sha256=", false, 2, 200, "the same bytes twice: harmless"},
    {"burst", KEY_BYTES, "hmac-sha256=", false, 0, 200, "many in a row: never 429"},
    {"text-key", KEY_TEXT, "hmac-sha256=", false, 1, 401, "signed with the secret's text"},
    {"base64-text", KEY_BASE64, "hmac-sha256=", false, 1, 401, "signed with the base64 text"},
    {"hex-text", KEY_HEX, "hmac-sha256=", false, 1, 401, "signed with the hex text"},
    {"altered-body", KEY_BYTES, "hmac-sha256=", true, 1, 401, "one byte is another"},
    {"wrong-prefix", KEY_BYTES, "hmac-sha256-", false, 1, 401, "a prefix that is none"},
    {"unsigned", KEY_ABSENT, "", false, 1, 401, "no signature at all"},
};

struct simulation {
    struct call *c;
    struct airtable_call *a;
    const char *url, *hook, *base; /* hook: NULL, the first whose secret is there */
    struct secret_text text;
    uint8_t key[SECRET_BYTES_MAX];
    int nkey;
    char body[BODY_ROOM];
    long long burst;
};

/* The secret of the hook that is named, or the first one there is. */
static bool choose_secret(struct simulation *s, struct fail *why)
{
    static struct secret_text found[SECRETS_LIVE_MAX];
    const struct config_list *list = &s->a->provider->secret;
    const char *hook = s->hook;
    bool chosen = false;

    for (size_t i = 0; i < list->n && !chosen; i++) {
        int n = secret_read(list->item[i].text, list->item[i].origin, environ, found,
                            SECRETS_LIVE_MAX, why);
        if (n < 0)
            return false;
        for (int k = 0; k < n && !chosen; k++) {
            chosen = hook == NULL || found[k].file[0] == '\0' || strcmp(found[k].file, hook) == 0;
            if (chosen)
                s->text = found[k];
        }
        secret_wipe(found, SECRETS_LIVE_MAX);
    }
    if (!chosen)
        fail_set(why, "there is no secret of %s; `guichet airtable import-secret %s` keeps one",
                 hook, hook);
    return chosen && (s->nkey = secret_decode(ENCODING_HEX64_OR_NAMED, &s->text, s->key, why)) > 0;
}

static void compose_body(struct simulation *s)
{
    const char *hook = s->hook, *base = s->base;
    char at[RFC3339_US_ROOM];

    if (hook == NULL)
        hook = s->text.file[0] != '\0' ? s->text.file : "achSimulated00000";
    if (base == NULL)
        base = getenv("AIRTABLE_BASE_ID");
    if (base == NULL)
        base = "appSimulated00000";
    rfc3339_format_us(clock_now_us(&clock_system), at);
    memcpy(at + strlen(at) - 4, "Z", 2); /* milliseconds */
    (void)snprintf(
        s->body, sizeof s->body,
        "{\"base\":{\"id\":\"%.60s\"},\"webhook\":{\"id\":\"%.60s\"},\"timestamp\":\"%s\"}", base,
        hook, at);
}

/* The line with the signature; false where there is none. */
static bool sign(const struct simulation *s, const struct variant *v, char out[static HEADER_ROOM])
{
    char form[SECRET_FORM_ROOM] = "";
    struct slice body = slice_of(s->body);
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    struct mac *mac = NULL;
    bool ok;

    if (v->key == KEY_BASE64)
        base64_encode(s->key, (size_t)s->nkey, form);
    else if (v->key == KEY_HEX)
        hex_encode(s->key, (size_t)s->nkey, form);
    if (v->key == KEY_BYTES)
        mac = mac_new(s->key, (size_t)s->nkey);
    else if (v->key == KEY_TEXT)
        mac = mac_new((const uint8_t *)s->text.text, s->text.n);
    else if (v->key != KEY_ABSENT)
        mac = mac_new((const uint8_t *)form, strlen(form));
    ok = mac != NULL && mac_sign(mac, &body, 1, digest);
    if (ok) {
        hex_encode(digest, sizeof digest, hex);
        (void)snprintf(out, HEADER_ROOM, "X-Airtable-Content-MAC: %s%s", v->prefix, hex);
    }
    mac_free(mac);
    explicit_bzero(form, sizeof form);
    return ok;
}

/* Sends it as often as it says. *status: the first answer that is not the right one, or that. */
static bool send_variant(struct simulation *s, const struct variant *v, long *status,
                         struct fail *why)
{
    char signature[HEADER_ROOM], body[BODY_ROOM];
    const char *header[VERB_REPEATED_MAX + 2] = {NULL};
    struct http_client *client;
    size_t n = 0;
    bool ok = true;

    if (sign(s, v, signature))
        header[n++] = signature;
    for (size_t i = 0; call_each(s->c, "header", i) != NULL; i++)
        header[n++] = call_each(s->c, "header", i);
    memcpy(body, s->body, sizeof body);
    if (v->altered)
        body[strlen(body) - 3] ^= 1;
    client = http_client_new(s->url, header, NULL, NULL, why);
    if (client == NULL)
        return false;
    *status = v->status;
    for (long long i = 0; ok && *status == v->status && i < (v->times > 0 ? v->times : s->burst);
         i++) {
        struct buf answer;
        ok = http_client_send(client, "POST", "", slice_of(body), status, &answer, why);
        /* An accepted ping is answered with nothing. */
        if (ok && *status == 200 && answer.n > 0)
            *status = 0;
        if (ok)
            buf_free(&answer);
    }
    http_client_free(client);
    return ok;
}

static enum verdict no_such_variant(struct simulation *s, const char *name)
{
    struct buf known = BUF_INIT(512);
    enum verdict v;

    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        buf_addf(&known, "%s%s", i > 0 ? ", " : "", variants[i].name);
    v = call_end(s->c, VERDICT_USAGE, "there is no variant %s; there are %s", name,
                 known.p != NULL ? known.p : "some");
    buf_free(&known);
    return v;
}

static enum verdict send_all(struct simulation *s)
{
    enum verdict v = VERDICT_DONE;
    const char *only = call_option(s->c, "variant");
    size_t sent = 0;

    out_form(s->c->out, OUT_ROWS);
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        const struct variant *variant = &variants[i];
        struct fail why = {""};
        long status = 0;
        if (only != NULL && strcmp(only, variant->name) != 0)
            continue;
        if (!send_variant(s, variant, &status, &why))
            return call_end(s->c, VERDICT_AWAY, "%s", why.text);
        sent++;
        out_text(s->c->out, "variant", slice_of(variant->name));
        out_number(s->c->out, "status", status);
        out_number(s->c->out, "expected", variant->status);
        out_bool(s->c->out, "right", status == variant->status);
        out_text(s->c->out, "what", slice_of(variant->what));
        out_end(s->c->out);
        if (status != variant->status)
            v = VERDICT_NO;
    }
    if (sent == 0)
        return no_such_variant(s, only);
    return v;
}

static void prepare(struct simulation *s, struct airtable_call *a, const char *url,
                    const char *hook)
{
    *s = (struct simulation){.c = a->call,
                             .a = a,
                             .url = url,
                             .hook = hook,
                             .base = call_option(a->call, "base"),
                             .burst = 1};
}

static void wipe(struct simulation *s)
{
    secret_wipe(&s->text, 1);
    explicit_bzero(s->key, sizeof s->key);
}

bool airtable_ping(struct airtable_call *a, const char *url, const char *hook, long *status,
                   struct fail *why)
{
    struct simulation s;
    bool ok;

    prepare(&s, a, url, hook);
    *status = 0;
    ok = choose_secret(&s, why);
    if (ok) {
        compose_body(&s);
        ok = send_variant(&s, &variants[0], status, why);
    }
    wipe(&s);
    return ok;
}

static enum verdict run_simulate(struct call *c)
{
    struct airtable_call a;
    struct simulation s = {.c = c};
    struct fail why = {""};
    enum verdict v = airtable_open_local(c, &a);
    const char *url = NULL;

    if (v == VERDICT_DONE) {
        url = airtable_public_url(c);
        prepare(&s, &a, url, call_option(c, "hook"));
    }
    if (v == VERDICT_DONE && (url == NULL || !call_number(c, "burst", 1, BURST_MAX, 20, &s.burst)))
        v = VERDICT_USAGE;
    if (v == VERDICT_DONE && !choose_secret(&s, &why))
        v = call_end(c, VERDICT_USAGE, "%s", why.text);
    if (v == VERDICT_DONE) {
        compose_body(&s);
        v = send_all(&s);
    }
    wipe(&s);
    airtable_close(&a);
    return v;
}

static const struct option_row simulate_options[] = {
    HOST_PROVIDER_OPTION,
    AIRTABLE_ENV_OPTION,
    {"url", "URL", "where pings go, instead of WEBHOOK_PUBLIC_URL", false},
    {"hook", "HOOK", "of which hook, and with whose secret (the first that is there)", false},
    {"base", "ID", "of which base, instead of AIRTABLE_BASE_ID", false},
    {"variant", "NAME", "only this one", false},
    {"burst", "N", "pings of the variant burst (20)", false},
    {"header", "LINE", "a header besides, such as \"X-Forwarded-Proto: https\"", true},
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_simulate = {
    .name = "airtable simulate",
    .operands = "",
    .help = "sends pings signed as Airtable signs, and some that must be refused",
    .option = simulate_options,
    .run = run_simulate,
};
