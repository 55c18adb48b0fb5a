#include "pages/status_parts.h"

#include "base/clock.h"
#include "pages/json.h"

static void put_time(struct json *j, const char *key, int64_t us)
{
    char text[RFC3339_ROOM];

    rfc3339_format(us, text);
    if (us > 0)
        json_text(j, key, text);
    else
        json_null(j, key);
}

/* all: also those of which there were none */
static void put_outcomes(struct json *j, const struct state_day_sum *sum, bool all)
{
    json_open(j, "outcomes");
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        if (all || sum->webhooks[o] > 0)
            json_number(j, state_outcome_name((enum outcome)o), (int64_t)sum->webhooks[o]);
    json_close(j);
}

static void put_received(struct json *j, const struct status_day *day)
{
    json_open(j, "received");
    put_time(j, "from", day->first_us);
    json_number(j, "column_seconds", STATUS_COLUMN_MINUTES * 60);
    json_number(j, "total", (int64_t)status_total(&day->whole));
    put_outcomes(j, &day->whole, true);
    json_open_list(j, "columns");
    for (size_t i = 0; i < STATUS_COLUMNS; i++) {
        json_open(j, NULL);
        put_time(j, "from", day->first_us + (int64_t)i * STATUS_COLUMN_MINUTES * 60 * US_PER_S);
        put_outcomes(j, &day->column[i], false);
        json_close(j);
    }
    json_close_list(j);
    json_close(j);
}

static void put_latency(struct json *j, const char *key, const struct state_day_sum *sum)
{
    json_open(j, key);
    json_seconds(j, "p50_seconds", state_quantile_us(sum->request, 500, NULL));
    json_seconds(j, "p99_seconds", state_quantile_us(sum->request, 990, NULL));
    json_close(j);
}

static void put_provider(struct json *j, const struct status_provider *p)
{
    const struct config_provider *c = p->config;
    bool limited = c->rate_count > 0;

    json_open(j, NULL);
    json_text(j, "name", c->name);
    json_bool(j, "retired", c->retired);
    json_known(j, "rate_limit", limited ? c->rate_count : -1);
    json_known(j, "rate_window_seconds", limited ? c->rate_window_us / US_PER_S : -1);
    json_known(j, "rate_used", limited ? p->rate_used : -1);
    json_known(j, "backlog_entries", p->backlog_entries);
    json_known(j, "backlog_limit", c->backlog_limit > 0 ? c->backlog_limit : -1);
    json_known(j, "quarantine_entries", p->quarantine_entries);
    json_number(j, "quarantine_limit", c->quarantine_limit);
    json_close(j);
}

void status_render_json(const struct status_input *in, const struct status_day *day,
                        struct buf *out)
{
    struct json whole = {.out = out}, *j = &whole;

    json_open(j, NULL);
    json_text(j, "status", status_word(in));
    put_time(j, "since", in->since_us);
    put_time(j, "at", in->now_us);
    put_received(j, day);
    json_open(j, "latency");
    put_latency(j, "hour", &day->hour);
    put_latency(j, "day", &day->whole);
    json_close(j);
    json_open_list(j, "providers");
    for (size_t i = 0; i < in->config->nproviders; i++)
        put_provider(j, &in->provider[i]);
    json_close_list(j);
    json_open(j, "store");
    json_bool(j, "up", in->up);
    if (in->durable < 0)
        json_null(j, "durable");
    else
        json_bool(j, "durable", in->durable == 1);
    json_close(j);
    if (in->spool) {
        json_open(j, "spool");
        json_known(j, "entries", in->spool_entries);
        json_number(j, "limit", in->config->spool_limit);
        json_seconds(j, "oldest_seconds", in->spool_oldest_us);
        json_close(j);
    } else {
        json_null(j, "spool");
    }
    json_close(j);
}
