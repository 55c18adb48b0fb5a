/* secrets: which are live, when each verified something last, and when an old one can go. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/value.h"
#include "events/event.h"
#include "observe/state_use.h"
#include "tool/host.h"
#include "tool/keys.h"
#include "tool/live.h"
#include "tool/secrets.h"

#define IDLE_DEFAULT_US (24 * 3600 * US_PER_S)

enum secrets_advice secrets_judge(const int64_t *last_us, size_t n, size_t i, int64_t now_us,
                                  int64_t idle_us)
{
    int64_t newest_us = 0;

    for (size_t k = 0; k < n; k++)
        if (k != i && last_us[k] > newest_us)
            newest_us = last_us[k];
    if (n == 1)
        return SECRETS_ONLY;
    if (last_us[i] == 0)
        return newest_us == 0 ? SECRETS_UNUSED : SECRETS_NOT_YET;
    if (last_us[i] >= newest_us)
        return SECRETS_IN_USE;
    return now_us - last_us[i] >= idle_us ? SECRETS_CAN_GO : SECRETS_WAIT;
}

static const struct {
    const char *word, *text;
} advice[] = {
    [SECRETS_ONLY] = {"only", "the only one: keep it"},
    [SECRETS_UNUSED] = {"unused", "none has verified anything yet"},
    [SECRETS_NOT_YET] = {"not_yet", "has verified nothing yet: new, or not the sender's"},
    [SECRETS_IN_USE] = {"in_use", "in use"},
    [SECRETS_WAIT] = {"wait", "a newer one is in use; can go after "},
    [SECRETS_CAN_GO] = {"can_go", "can go: the sender uses another one now"},
};

static void tell(struct call *c, const struct config_provider *p, const struct live *l, size_t i,
                 const int64_t *last_us, int64_t now_us, int64_t idle_us, bool known)
{
    struct out *out = c->out;
    enum secrets_advice a = secrets_judge(last_us, l->n, i, now_us, idle_us);
    char fingerprint[17], text[128], until[RFC3339_ROOM] = "";

    (void)snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64,
                   secret_fingerprint(&l->secret[i].text));
    if (a == SECRETS_WAIT)
        rfc3339_format(last_us[i] + idle_us, until);
    (void)snprintf(text, sizeof text, "%s%s", advice[a].text, until);
    out_text(out, "provider", slice_of(p->name));
    out_number(out, "slot", (int64_t)i);
    out_text(out, "kind", slice_of(l->secret[i].kind));
    out_text(out, "secret", slice_of(l->secret[i].where));
    out_text(out, "fingerprint", slice_of(fingerprint));
    if (last_us[i] > 0)
        out_time(out, "last_used", last_us[i]);
    else
        out_none(out, "last_used");
    out_text(out, "state", slice_of(known ? advice[a].word : "not_known"));
    out_text(out, "advice", slice_of(known ? text : "not known when it was used"));
    out_end(out);
}

static enum verdict tell_provider(struct call *c, const struct config_provider *p,
                                  const struct state_use *use, int64_t idle_us, bool known)
{
    struct live *l = live_new();
    int64_t last_us[SECRETS_LIVE_MAX] = {0}, now_us = clock_now_us(&clock_system);
    struct fail why = {"no memory"};
    enum verdict v = VERDICT_DONE;

    if (l == NULL || live_add_list(l, &p->secret, &why) != 0) {
        v = call_end(c, VERDICT_USAGE, "%s", why.text);
        goto done;
    }
    for (size_t i = 0; i < l->n; i++)
        last_us[i] = state_use_last(use, secret_fingerprint(&l->secret[i].text));
    for (size_t i = 0; i < l->n; i++)
        tell(c, p, l, i, last_us, now_us, idle_us, known);

done:
    live_free(l);
    return v;
}

static bool read_idle(struct call *c, int64_t *out)
{
    const char *text = call_option(c, "idle");

    *out = IDLE_DEFAULT_US;
    if (text == NULL || (value_duration(slice_of(text), out) && *out > 0))
        return true;
    (void)call_end(c, VERDICT_USAGE, "--idle must be a duration as in 36h or 7d");
    return false;
}

static enum verdict secrets(struct call *c)
{
    const char *named = call_option(c, "provider");
    struct state_use use = {.files = 0};
    struct fail why = {""};
    int64_t idle_us;
    struct host h;
    bool known;
    enum verdict v;

    if (!read_idle(c, &idle_us))
        return VERDICT_USAGE;
    v = host_open(c, &h);
    if (v == VERDICT_DONE && named != NULL && host_provider(c, &h, named) == NULL)
        v = VERDICT_USAGE;
    if (v != VERDICT_DONE)
        goto done;
    known =
        state_use_read(h.config->state_dir, event_type_names, event_type_count, &use, &why) == 0;
    for (size_t i = 0; i < h.config->nproviders && v == VERDICT_DONE; i++) {
        const struct config_provider *p = &h.config->provider[i];
        if (!p->retired && (named == NULL || strcmp(named, p->name) == 0))
            v = tell_provider(c, p, &use, idle_us, known);
    }
    if (v == VERDICT_DONE && !known)
        v = call_end(c, VERDICT_AWAY, "when they were used is not known: %s", why.text);

done:
    state_use_free(&use);
    host_close(&h);
    return v;
}

static const struct option_row options[] = {
    HOST_PROVIDER_OPTION,
    {"idle", "DURATION", "how long an old one must be out of use until it can go; 24h", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_secrets = {
    "secrets", "",     "shows when each secret verified something, and which can go", options, 0,
    0,         secrets};
