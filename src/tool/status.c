#include "tool/status.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tool/host.h"

/* A count, or "-" where it is not known. */
static void number(struct out *o, const char *name, int64_t n)
{
    if (n >= 0)
        out_number(o, name, n);
    else
        out_none(o, name);
}

static void show_host(struct out *o, const struct status_input *in, const struct config *c)
{
    char store[STORE_URL_MAX];

    store_address(c->store, store, sizeof store);
    out_form(o, OUT_FACTS);
    out_word(o, "status", status_word(in), in->up ? OUT_GOOD : in->spool ? OUT_DOUBT : OUT_BAD);
    if (in->since_us != 0)
        out_time(o, "since", in->since_us);
    else
        out_none(o, "since");
    out_text(o, "store", slice_of(store));
    out_text(o, "durable", slice_of(in->durable < 0 ? "not known" : in->durable ? "yes" : "no"));
    if (in->spool) {
        number(o, "spool entries", in->spool_entries);
        number(o, "spool oldest, s", in->spool_oldest_us < 0 ? -1 : in->spool_oldest_us / US_PER_S);
    }
    out_end(o);
}

static void show_latency(struct out *o, const char *name, const struct state_day_sum *sum,
                         unsigned thousandths)
{
    char text[32];
    bool beyond = false;
    int64_t us = state_quantile_us(sum->request, thousandths, &beyond);

    (void)snprintf(text, sizeof text, "%s%.1f", beyond ? "over " : "", (double)us / 1000);
    if (us >= 0)
        out_text(o, name, slice_of(text));
    else
        out_none(o, name);
}

static void show_traffic(struct out *o, const struct status_day *day)
{
    static const char *const spans[] = {"hour", "24 hours"};
    const struct state_day_sum *const sums[] = {&day->hour, &day->whole};

    out_say(o, "%s", "");
    out_form(o, OUT_ROWS);
    for (int i = 0; i < 2; i++) {
        const struct state_day_sum *s = sums[i];
        out_text(o, "last", slice_of(spans[i]));
        out_number(o, "webhooks", (int64_t)status_total(s));
        for (int k = 0; k < OUTCOME_COUNT; k++)
            out_number(o, state_outcome_name((enum outcome)k), (int64_t)s->webhooks[k]);
        show_latency(o, "p50 ms", s, 500);
        show_latency(o, "p99 ms", s, 990);
        out_end(o);
    }
}

static void show_providers(struct out *o, const struct status_input *in, const struct config *c)
{
    out_say(o, "%s", "");
    out_form(o, OUT_ROWS);
    for (size_t i = 0; i < c->nproviders; i++) {
        const struct status_provider *p = &in->provider[i];
        out_text(o, "provider", slice_of(p->config->name));
        out_text(o, "path", slice_of(p->config->path));
        number(o, "window used", p->config->rate_count > 0 ? p->rate_used : -1);
        number(o, "of", p->config->rate_count > 0 ? p->config->rate_count : -1);
        number(o, "hand-off", p->backlog_entries);
        number(o, "quarantine", p->quarantine_entries);
        out_end(o);
    }
}

static enum verdict show(struct call *c, struct host *h)
{
    struct buf json = BUF_INIT(STATUS_BYTES_MAX);
    struct receiver *r = NULL;
    static struct status_input in;
    static struct status_day day;
    struct fail why = {""};

    if (program_open_spool(&h->program, &why) == 0)
        r = program_receiver(&h->program, &why);
    if (r == NULL)
        return call_end(c, VERDICT_USAGE, "%s", why.text);
    receiver_look(r, &in);
    status_read_day(h->program.state, in.now_us, &day);
    if (out_is_json(c->out)) {
        status_render_json(&in, &day, &json);
        printf("%.*s\n", (int)json.n, json.p != NULL ? json.p : "");
        buf_free(&json);
    } else {
        show_host(c->out, &in, h->config);
        show_traffic(c->out, &day);
        show_providers(c->out, &in, h->config);
    }
    receiver_free(r);
    return in.up ? VERDICT_DONE : VERDICT_NO;
}

static enum verdict status(struct call *c)
{
    struct stat st;
    struct host h;
    enum verdict v = host_become(c, call_option(c, "user"));

    if (v == VERDICT_DONE)
        v = host_open(c, &h);
    else
        return v;
    /* What was counted is in the files of the service's user. */
    if (v == VERDICT_DONE && stat(h.config->state_dir, &st) == 0 && st.st_uid != geteuid())
        v = call_end(
            c, VERDICT_USAGE,
            "the state folder %s belongs to user %ld, who alone reads what was counted: run "
            "it as that user, or as root with --user NAME",
            h.config->state_dir, (long)st.st_uid);
    if (v == VERDICT_DONE)
        v = show(c, &h);
    host_close(&h);
    return v;
}

static const struct option_row options[] = {HOST_USER_OPTION, {0}};

const struct verb verb_status = {
    "status", "",    "shows how the host is: store, spool, the last day of webhooks", options, 0,
    0,        status};
