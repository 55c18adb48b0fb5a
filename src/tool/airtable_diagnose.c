/* Everything that must be so for a base to be kept right, looked at in its order, each with its remedy. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool/airtable_secret.h"

#define KEY_BYTES_FEW  16
#define EXPIRY_NEAR_US (INT64_C(36) * 3600 * US_PER_S)

struct diagnosis {
    struct call *c;
    struct airtable_call a;
    bool sick;
};

/* One line. `remedy` NULL: all is well. */
static void put(struct diagnosis *d, const char *what, const char *remedy, const char *found)
{
    struct out *o = d->c->out;

    out_text(o, "check", slice_of(what));
    out_bool(o, "well", remedy == NULL);
    out_text(o, "found", slice_of(found));
    if (remedy != NULL)
        out_text(o, "remedy", slice_of(remedy));
    else
        out_none(o, "remedy");
    out_end(o);
    d->sick = d->sick || remedy != NULL;
}

/* Every secret, by its form and length; never by itself. */
static void look_at_secrets(struct diagnosis *d)
{
    static struct secret_text text[SECRETS_LIVE_MAX];
    const struct config_list *list = &d->a.provider->secret;

    for (size_t i = 0; i < list->n; i++) {
        struct fail why = {""};
        int n = secret_read(list->item[i].text, list->item[i].origin, environ, text,
                            SECRETS_LIVE_MAX, &why);
        if (n < 0)
            put(d, "secret",
                "give the folder and its files to the service's user, 0700 and 0600; where it has "
                "none "
                "yet, `guichet airtable setup` makes a hook and keeps its secret",
                why.text);
        for (int k = 0; k < n; k++) {
            uint8_t key[SECRET_BYTES_MAX];
            char found[AIRTABLE_TEXT_MAX];
            int bytes = secret_decode(ENCODING_HEX64_OR_NAMED, &text[k], key, &why);
            explicit_bzero(key, sizeof key);
            (void)snprintf(found, sizeof found, "%.60s: %d bytes",
                           text[k].file[0] != '\0' ? text[k].file : "for any hook", bytes);
            put(d, "secret",
                bytes < 0 ? "keep it with `guichet airtable import-secret`"
                : bytes < KEY_BYTES_FEW
                    ? "Airtable's have 32: take macSecretBase64 whole, or `recreate` the hook"
                    : NULL,
                bytes < 0 ? why.text : found);
        }
        if (n > 0)
            secret_wipe(text, SECRETS_LIVE_MAX);
    }
}

static bool look_at_token(struct diagnosis *d)
{
    struct airtable_scopes may;
    struct fail why = {""};
    enum airtable_outcome outcome = airtable_try_scopes(d->a.airtable, &may, &why);

    if (outcome != AIRTABLE_DONE) {
        put(d, "token",
            outcome == AIRTABLE_REFUSED
                ? "make a token for this base, with the three scopes, at airtable.com/create/tokens"
                : "does this host reach api.airtable.com (firewall, proxy, DNS)? Else try again "
                  "later",
            why.text);
        return false;
    }
    put(d, "token: webhook:manage", may.hooks ? NULL : "add the scope, and the base, to the token",
        may.hooks ? "it may look at hooks" : why.text);
    put(d, "token: schema.bases:read", may.schema ? NULL : "add the scope to the token",
        may.schema ? "it may look at tables" : "it may not look at tables");
    put(d, "token: data.records:read",
        may.records || !may.schema ? NULL : "add the scope to the token",
        may.records ? "it may look at records" : "it may not, or could not be tried");
    return may.hooks;
}

static void look_at_hook(struct diagnosis *d, const struct airtable_hook *h, const char *url)
{
    int64_t left_us = h->expires_us - clock_now_us(&clock_system);
    char found[2 * AIRTABLE_TEXT_MAX];

    put(d, "address",
        strcmp(h->url, url) == 0 ? NULL : "`guichet airtable setup` makes a hook for the right one",
        h->url);
    put(d, "enabled",
        h->alive && h->error[0] == '\0' ? NULL : "it never comes back: `guichet airtable setup`",
        h->error[0] != '\0' ? h->error
        : h->alive          ? "it is"
                            : "it has expired");
    put(d, "notifications",
        h->notifies ? NULL
        : h->off    ? "`guichet airtable enable`, unless that is meant"
                    : "`guichet airtable enable` (a worker does it too)",
        h->notifies ? "they are on"
        : h->off    ? "they are off, by `guichet airtable disable`"
                    : "they are off: Airtable gave up");
    (void)snprintf(found, sizeof found, "%lld hours are left",
                   (long long)(left_us / US_PER_S / 3600));
    put(d, "expiry",
        h->expires_us == 0 || left_us > EXPIRY_NEAR_US
            ? NULL
            : "`guichet airtable refresh` (a worker does it): does one run?",
        h->expires_us == 0 ? "it never expires" : found);
    put(d, "last ping",
        h->result[0] == '\0' ? NULL : "the web server's log and the audit log say more",
        h->result[0] == '\0' ? "it was taken, or none was sent" : h->result);
    (void)snprintf(found, sizeof found, "%lld payloads wait",
                   (long long)(h->cursor > 0 ? h->next - h->cursor : h->next - 1));
    put(d, "lag", h->known && h->next <= h->cursor ? NULL : "run `guichet airtable watch`", found);
}

static void try_ping(struct diagnosis *d, const char *url, const char *hook)
{
    struct fail why = {""};
    char found[64];
    long status = 0;
    bool sent = airtable_ping(&d->a, url, hook, &status, &why);

    (void)snprintf(found, sizeof found, "answered %ld", status);
    put(d, "a signed ping",
        !sent ? "does the address lead to this host, with a sound certificate, and does the web "
                "server run (`guichet doctor`)? Without the hook's secret: `recreate` it"
        : status == 200 ? NULL
        : status == 401 ? "the responder has another secret for this hook, or reads another folder"
        : status == 403 ? "the address must be https://, or a proxy must say that it was"
        : status == 404 ? "nothing is mounted at that path"
        : status == 503 ? "the store is away"
                        : "only 200 without a body is right; does the address lead here?",
        sent ? found : why.text);
}

static enum verdict look(struct diagnosis *d)
{
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    const struct airtable_hook *chosen = NULL;
    const char *url = airtable_public_url(d->c), *named = call_option(d->c, "hook");
    struct fail why = {""};
    size_t n = 0;

    if (url == NULL)
        return VERDICT_USAGE;
    look_at_secrets(d);
    if (look_at_token(d)) {
        enum verdict v =
            airtable_verdict(&d->a, airtable_hooks(d->a.airtable, hook, &n, &why), &why);
        if (v != VERDICT_DONE)
            return v;
        for (size_t i = 0; i < n; i++) {
            const struct airtable_hook *h = &hook[i];
            bool better = chosen == NULL || (!chosen->alive && h->alive);
            if (h->listed &&
                (named != NULL ? strcmp(h->id, named) == 0 : strcmp(h->url, url) == 0 && better))
                chosen = h;
        }
        put(d, "hook", chosen != NULL ? NULL : "`guichet airtable setup` makes one",
            chosen != NULL ? chosen->id : "the base has none for this address");
    }
    if (chosen != NULL) {
        look_at_hook(d, chosen, url);
        try_ping(d, url, chosen->id);
    }
    return d->sick ? VERDICT_NO : VERDICT_DONE;
}

static enum verdict run_diagnose(struct call *c)
{
    struct diagnosis d = {.c = c};
    enum verdict v = airtable_open(c, &d.a);

    out_form(c->out, OUT_ROWS);
    if (v == VERDICT_DONE)
        v = look(&d);
    airtable_close(&d.a);
    return v;
}

static const struct option_row diagnose_options[] = {
    AIRTABLE_OPTIONS,
    {"url", "URL", "where pings go, instead of WEBHOOK_PUBLIC_URL", false},
    {"hook", "HOOK", "that hook, instead of the one for the URL", false},
    {"header", "LINE", "a header of the ping besides, such as \"X-Forwarded-Proto: https\"", true},
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_diagnose = {
    .name = "airtable diagnose",
    .operands = "",
    .help = "looks at secrets, token, hook and a ping through the real server, with remedies",
    .option = diagnose_options,
    .run = run_diagnose,
};
