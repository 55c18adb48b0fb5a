#include "pages/status_parts.h"

#include "base/clock.h"
#include "pages/jsonw.h"

static void put_time(struct jsonw *j, const char *key, int64_t us)
{
    char text[RFC3339_ROOM];

    rfc3339_format(us, text);
    if (us > 0)
        jsonw_text(j, key, text);
    else
        jsonw_null(j, key);
}

/* all: also those of which there were none */
static void put_outcomes(struct jsonw *j, const struct state_day_sum *sum, bool all)
{
    jsonw_open(j, "outcomes");
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        if (all || sum->webhooks[o] > 0)
            jsonw_number(j, state_outcome_name((enum outcome)o), (int64_t)sum->webhooks[o]);
    jsonw_close(j);
}

static void put_received(struct jsonw *j, const struct status_day *day)
{
    jsonw_open(j, "received");
    put_time(j, "from", day->column[0].from_us);
    jsonw_number(j, "column_seconds", STATUS_COLUMN_MINUTES * 60);
    jsonw_number(j, "total", (int64_t)status_total(&day->whole));
    put_outcomes(j, &day->whole, true);
    jsonw_open_list(j, "columns");
    for (size_t i = 0; i < day->ncolumns; i++) {
        jsonw_open(j, NULL);
        put_time(j, "from", day->column[i].from_us);
        put_outcomes(j, &day->column[i].sum, false);
        jsonw_close(j);
    }
    jsonw_close_list(j);
    jsonw_close(j);
}

static void put_latency(struct jsonw *j, const char *key, const struct state_day_sum *sum)
{
    jsonw_open(j, key);
    jsonw_seconds(j, "p50_seconds", state_quantile_us(sum->request, 500, NULL));
    jsonw_seconds(j, "p99_seconds", state_quantile_us(sum->request, 990, NULL));
    jsonw_close(j);
}

static void put_provider(struct jsonw *j, const struct status_provider *p)
{
    const struct config_provider *c = p->config;
    bool limited = c->rate_count > 0;

    jsonw_open(j, NULL);
    jsonw_text(j, "name", c->name);
    jsonw_bool(j, "retired", c->retired);
    jsonw_known(j, "rate_limit", limited ? c->rate_count : -1);
    jsonw_known(j, "rate_window_seconds", limited ? c->rate_window_us / US_PER_S : -1);
    jsonw_known(j, "rate_used", limited ? p->rate_used : -1);
    jsonw_known(j, "backlog_entries", p->backlog_entries);
    jsonw_known(j, "backlog_limit", c->backlog_limit > 0 ? c->backlog_limit : -1);
    jsonw_known(j, "quarantine_entries", p->quarantine_entries);
    jsonw_number(j, "quarantine_limit", c->quarantine_limit);
    jsonw_close(j);
}

void status_render_json(const struct status_input *in, const struct status_day *day,
                        struct buf *out)
{
    struct jsonw whole = {.out = out}, *j = &whole;

    jsonw_open(j, NULL);
    jsonw_text(j, "status", status_word(in));
    put_time(j, "since", in->since_us);
    put_time(j, "at", in->now_us);
    put_received(j, day);
    jsonw_open(j, "latency");
    put_latency(j, "hour", &day->hour);
    put_latency(j, "day", &day->whole);
    jsonw_close(j);
    jsonw_open_list(j, "providers");
    for (size_t i = 0; i < in->config->nproviders; i++)
        put_provider(j, &in->provider[i]);
    jsonw_close_list(j);
    jsonw_open(j, "store");
    jsonw_bool(j, "up", in->up);
    if (in->durable < 0)
        jsonw_null(j, "durable");
    else
        jsonw_bool(j, "durable", in->durable == 1);
    jsonw_close(j);
    if (in->spool) {
        jsonw_open(j, "spool");
        jsonw_known(j, "entries", in->spool_entries);
        jsonw_number(j, "limit", in->config->spool_limit);
        jsonw_seconds(j, "oldest_seconds", in->spool_oldest_us);
        jsonw_close(j);
    } else {
        jsonw_null(j, "spool");
    }
    jsonw_close(j);
}
