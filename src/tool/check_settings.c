/* The settings, as far as no host and no store is needed to judge them. */
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "base/clock.h"
#include "config/proxy.h"
#include "config/value.h"
#include "tool/check_judge.h"
#include "verify/secret.h"

#define WIDE_PREFIX (96 + 8) /* of an IPv4 network; one of IPv6 is judged by as many bits */
#define RETRIES_US  (4 * 86400 * US_PER_S) /* senders try for up to three days and a half */

static void check_notices(struct check *k)
{
    const struct config *c = k->config;

    check_line(k, CHECK_OK, "configuration", "", "", "%s is valid",
               c->file != NULL ? c->file : "the environment alone");
    for (size_t i = 0; i < c->nnotices; i++)
        check_line(k, c->notice_is_error[i] ? CHECK_FAIL : CHECK_OK, "configuration.notice", "",
                   c->notice_is_error[i] ? "set both variables, or neither" : "", "%s",
                   c->notice[i]);
}

static void check_mounted(struct check *k)
{
    size_t n = 0;

    for (size_t i = 0; i < k->config->nproviders; i++)
        n += !k->config->provider[i].retired;
    check_line(k, n > 0 ? CHECK_OK : CHECK_FAIL, "providers", "",
               n > 0 ? ""
                     : "set T4G_API_KEY and T4G_WEBHOOK_SECRET, or write a section [provider "
                       "dazno]",
               "%zu mounted", n);
}

static void check_https(struct check *k)
{
    if (k->config->require_https)
        check_line(k, CHECK_OK, "https", "", "", "required where secrets are sent");
    else
        check_line(k, CHECK_FAIL, "https", "", "set [server] require_https = yes",
                   "plain HTTP is answered, so keys can be read on the way");
}

static void check_proxies(struct check *k)
{
    const struct config *c = k->config;
    char text[PROXY_TEXT_ROOM];
    bool wide = false;

    for (size_t i = 0; i < c->nproxies; i++) {
        if (c->proxy[i].unix_peer || c->proxy[i].prefix >= WIDE_PREFIX)
            continue;
        proxy_text(&c->proxy[i], text);
        wide = true;
        check_line(k, CHECK_WARN, "proxies", "", "name the proxies alone in trusted_proxies",
                   "%s is a wide network: each of its hosts can claim HTTPS and any address", text);
    }
    if (!wide)
        check_line(k, CHECK_OK, "proxies", "", "", "%zu addresses or networks are trusted",
                   c->nproxies);
}

static void check_token(struct check *k)
{
    const struct config *c = k->config;
    struct secret_text text;
    struct fail why = {""};
    enum check_level level;

    if (c->metrics_token == NULL) {
        check_line(k, CHECK_WARN, "metrics.token", "",
                   "set [metrics] token = file:/PATH or GUICHET_METRICS_TOKEN "
                   "(openssl rand -hex 32)",
                   "not set: nobody can read the metrics");
        return;
    }
    if (secret_read(c->metrics_token, c->metrics_token_origin, environ, &text, 1, &why) != 1) {
        check_line(k, CHECK_FAIL, "metrics.token", "", "", "%s", why.text);
        return;
    }
    level = judge_secret(text.text, text.n, JUDGE_TOKEN_MIN);
    check_line(k, level == CHECK_OK ? CHECK_OK : CHECK_WARN, "metrics.token", "",
               level == CHECK_OK ? "" : "make a random one: openssl rand -hex 32",
               "set, %zu characters", text.n);
    secret_wipe(&text, 1);
}

static void check_replay(struct check *k, const struct config_provider *p, const struct scheme *s)
{
    static const struct {
        enum check_level level;
        const char *text, *remedy;
    } lines[] = {
        [REPLAY_SIGNED_TIME] = {CHECK_OK, "its signed time keeps old requests out", ""},
        [REPLAY_MAX_AGE] = {CHECK_OK, "max_age keeps old events out when their ids are forgotten",
                            ""},
        [REPLAY_GAP] = {CHECK_FAIL,
                        "max_age is longer than keep_ids: an event whose id is forgotten is taken "
                        "a second time",
                        "set max_age to at most keep_ids"},
        [REPLAY_OPEN] = {CHECK_WARN,
                         "no time is signed and max_age is off: a request that somebody kept can "
                         "be sent again when its id is forgotten, or after a store was restored",
                         "set max_age, to at most keep_ids"},
        [REPLAY_NO_TIME] = {CHECK_WARN, "its requests bear no time, so ids alone keep old ones out",
                            "keep the ids as long as the store's memory allows (keep_ids)"},
        [REPLAY_HARMLESS] = {CHECK_OK, "a ping that is sent again changes nothing", ""},
    };
    enum judge_replay r = judge_replay(s, p->max_age_us, p->keep_ids_us);

    check_line(k, lines[r].level, "replay", p->name, lines[r].remedy, "%s", lines[r].text);
}

static void check_keep_ids(struct check *k, const struct config_provider *p, const struct scheme *s)
{
    char text[VALUE_TEXT_ROOM];
    /* Dazno gives up after some 36 minutes, less than keep_ids can be. */
    bool enough = s->typed || s->ping || p->keep_ids_us >= RETRIES_US;

    value_duration_text(p->keep_ids_us, text);
    check_line(k, enough ? CHECK_OK : CHECK_WARN, "keep_ids", p->name,
               enough ? "" : "set keep_ids to at least 4d", "%s%s", text,
               enough ? ""
                      : ": senders try again for days, and an id that is forgotten "
                        "before lets the event in twice");
}

static void check_limit(struct check *k, const struct config_provider *p, const struct scheme *s)
{
    if (s->ping)
        return;
    if (p->rate_count == 0)
        check_line(k, CHECK_OK, "rate_limit", p->name, "", "none");
    else if (p->rate_limit_status == 503)
        check_line(k, CHECK_OK, "rate_limit", p->name, "", "503 beyond it, which senders retry");
    else if (k->only_5xx)
        check_line(k, CHECK_FAIL, "rate_limit", p->name, "set rate_limit_status = 503",
                   "429 beyond it, which a sender that retries only 5xx takes for final: the "
                   "event is lost");
    else
        check_line(k, judge_retries_429(s) ? CHECK_OK : CHECK_WARN, "rate_limit", p->name,
                   judge_retries_429(s) ? "" : "set rate_limit_status = 503, or no rate_limit",
                   "429 beyond it, which a sender of %s %s", s->name,
                   judge_retries_429(s) ? "retries" : "may take for final");
}

void check_settings(struct check *k)
{
    check_notices(k);
    check_mounted(k);
    check_https(k);
    check_proxies(k);
    check_token(k);
    for (size_t i = 0; i < k->config->nproviders; i++) {
        const struct config_provider *p = &k->config->provider[i];
        const struct scheme *s = scheme_find(p->scheme);
        if (p->retired || s == NULL)
            continue; /* check_keys says so */
        check_replay(k, p, s);
        check_keep_ids(k, p, s);
        check_limit(k, p, s);
    }
}
