#include "pages/status.h"

#include <stdio.h>

#include "base/clock.h"
#include "pages/html.h"
#include "pages/page.h"
#include "pages/status_parts.h"

#define MINUTE_US (60 * US_PER_S)

/* --- the figures ------------------------------------------------------------------------------------- */

uint64_t status_total(const struct state_day_sum *sum)
{
    uint64_t n = 0;

    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        n += sum->webhooks[o];
    return n;
}

static void add(struct state_day_sum *to, const struct state_day_sum *from)
{
    for (size_t o = 0; o < OUTCOME_COUNT; o++)
        to->webhooks[o] += from->webhooks[o];
    for (size_t b = 0; b < STATE_BUCKETS; b++)
        to->request[b] += from->request[b];
}

void status_read_day(struct state *s, int64_t now_us, struct status_day *out)
{
    int64_t now = now_us / MINUTE_US;

    memset(out, 0, sizeof *out);
    for (int64_t from = now - STATE_DAY_MINUTES + 1, to; from <= now; from = to) {
        struct status_column *c = &out->column[out->ncolumns++];
        to = from - from % STATUS_COLUMN_MINUTES + STATUS_COLUMN_MINUTES;
        to = to <= now ? to : now + 1;
        c->from_us = from * MINUTE_US;
        c->to_us = to * MINUTE_US;
        state_day_read(s, now_us, from, to - 1, &c->sum);
        add(&out->whole, &c->sum);
    }
    state_day_read(s, now_us, now - 59, now, &out->hour);
}

const char *status_word(const struct status_input *in)
{
    if (in->up)
        return "working";
    return in->spool && in->config->when_store_down == STORE_DOWN_SPOOL ? "spooling" : "down";
}

/* --- text -------------------------------------------------------------------------------------------- */

void status_time(struct buf *out, int64_t us)
{
    static const char *const month[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[RFC3339_ROOM], day[4], year[8], hour[8];

    rfc3339_format(us, text); /* 2026-11-22T20:03:11Z */
    (void)snprintf(day, sizeof day, "%.2s", text + 8);
    (void)snprintf(year, sizeof year, "%.4s", text);
    (void)snprintf(hour, sizeof hour, "%.5s", text + 11);
    size_t m = (size_t)((text[5] - '0') * 10 + text[6] - '0' - 1) % 12;
    html_put(out, "<time datetime=\"$\">$ $ $, $ UTC</time>", text, day[0] == '0' ? day + 1 : day,
             month[m], year, hour);
}

/* "3 min", "2 h 11 min", "5 days": as exact as people want it. */
static void put_duration(struct buf *out, int64_t us)
{
    int64_t s = us > 0 ? us / US_PER_S : 0, minutes = s / 60, hours = minutes / 60;

    if (s < 120)
        buf_addf(out, "%lld s", (long long)s);
    else if (hours == 0)
        buf_addf(out, "%lld min", (long long)minutes);
    else if (hours < 48)
        buf_addf(out, "%lld h %lld min", (long long)hours, (long long)(minutes % 60));
    else
        buf_addf(out, "%lld days", (long long)(hours / 24));
}

/* --- parts ------------------------------------------------------------------------------------------- */

static void put_now(const struct status_input *in, struct buf *out)
{
    static const struct {
        const char *word, *title, *text, *drawing;
    } row[] = {
        {"working", "Webhooks are received", "What arrives is verified and stored",
         "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M7.5 12.5l3 3 6-6.5\"/>"},
        {"spooling", "Webhooks are kept on the disk",
         "The store is away; events are acknowledged and take effect when it is back",
         "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M9.5 8v8M14.5 8v8\"/>"},
        {"down", "Webhooks cannot be stored",
         "The store is away; senders are told to try again later",
         "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M8.5 8.5l7 7M15.5 8.5l-7 7\"/>"},
    };
    const char *word = status_word(in);

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (strcmp(row[i].word, word) != 0)
            continue;
        html_put(out,
                 "<section class=\"panel now $\"><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\">",
                 word);
        buf_adds(out, row[i].drawing);
        html_put(out, "</svg><div><h1>$</h1>\n<p>$.</p>", row[i].title, row[i].text);
        if (in->since_us > 0) {
            buf_adds(out, "\n<p class=\"soft\">Since ");
            status_time(out, in->since_us);
            buf_adds(out, " (");
            put_duration(out, in->now_us - in->since_us);
            buf_adds(out, ").</p>");
        }
        buf_adds(out, "</div></section>\n");
    }
}

/* A quantile as people read it. */
static void latency_text(const struct state_day_sum *sum, unsigned thousandths, char *out,
                         size_t room)
{
    bool beyond;
    int64_t us = state_quantile_us(sum->request, thousandths, &beyond);

    if (us < 0)
        (void)snprintf(out, room, "–");
    else if (us < 10000)
        (void)snprintf(out, room, "%.1f ms", (double)us / 1e3);
    else if (us < US_PER_S)
        (void)snprintf(out, room, "%.0f ms", (double)us / 1e3);
    else
        (void)snprintf(out, room, "%s%.1f s", beyond ? "> " : "", (double)us / 1e6);
}

static void put_figure(struct buf *out, const char *name, const char *hour, const char *day)
{
    html_put(out,
             "<div><dt>$</dt><dd>$ <small>in the last hour</small> <small>$ in 24 hours</small>"
             "</dd></div>\n",
             name, hour, day);
}

static void put_figures(const struct status_day *day, struct buf *out)
{
    static const struct {
        const char *name;
        unsigned thousandths;
    } quantile[] = {{"Latency p50", 500}, {"Latency p99", 990}};
    char number[HTML_NUMBER_ROOM], hour[HTML_NUMBER_ROOM], text[32], of_day[32];

    buf_adds(out, "<dl class=\"figures\">\n");
    put_figure(out, "Webhooks", html_number(status_total(&day->hour), hour),
               html_number(status_total(&day->whole), number));
    put_figure(out, "Accepted", html_number(status_of_group(&day->hour, 0), hour),
               html_number(status_of_group(&day->whole, 0), number));
    for (size_t i = 0; i < sizeof quantile / sizeof quantile[0]; i++) {
        latency_text(&day->hour, quantile[i].thousandths, text, sizeof text);
        latency_text(&day->whole, quantile[i].thousandths, of_day, sizeof of_day);
        put_figure(out, quantile[i].name, text, of_day);
    }
    buf_adds(out, "</dl>\n");
}

static void put_outcomes(const struct status_day *day, struct buf *out)
{
    static const char *const meaning[OUTCOME_COUNT] = {
        [OUTCOME_ACCEPTED] = "stored",
        [OUTCOME_DUPLICATE] = "received before, answered as at first",
        [OUTCOME_CONFLICT] = "known id, other content",
        [OUTCOME_LIMITED] = "over the rate limit",
        [OUTCOME_INVALID] = "authentic, but not a sound event",
        [OUTCOME_UNAUTHORIZED] = "signature or key missing or wrong",
        [OUTCOME_REJECTED] = "not read: method, media type, size, plain HTTP",
        [OUTCOME_UNAVAILABLE] = "the store was away or full; to be sent again",
        [OUTCOME_SPOOLED] = "kept on the disk for the store",
        [OUTCOME_ERROR] = "a fault of this server",
    };
    char number[HTML_NUMBER_ROOM], hour[HTML_NUMBER_ROOM];

    buf_adds(out, "<h2>By outcome</h2>\n");
    html_table(out, "panel ", "By outcome", NULL, "Outcome", "#Last hour", "#24 hours");
    for (size_t g = 0; g < STATUS_GROUPS; g++)
        for (unsigned o = 0; o < OUTCOME_COUNT; o++)
            if ((status_group[g].outcomes >> o & 1) != 0)
                html_put(out,
                         "<tr><th class=\"outcome\" scope=\"row\"><b><span class=\"key $\"></span>"
                         "$</b> <small class=\"soft\">$</small></th><td class=\"n\">$</td><td "
                         "class=\"n\">$</td></tr>\n",
                         status_group[g].css_class, state_outcome_name((enum outcome)o), meaning[o],
                         html_number(day->hour.webhooks[o], hour),
                         html_number(day->whole.webhooks[o], number));
    html_table_end(out);
}

/* --- store and spool --------------------------------------------------------------------------------- */

static void put_known(struct buf *out, int64_t v)
{
    char number[HTML_NUMBER_ROOM];

    if (v < 0)
        buf_adds(out, "<span class=\"soft\">not known</span>");
    else
        buf_adds(out, html_number((uint64_t)v, number));
}

static void put_window(const struct status_provider *p, struct buf *out)
{
    const struct config_provider *c = p->config;
    char limit[HTML_NUMBER_ROOM];
    int64_t share;

    if (c->rate_count == 0) {
        buf_adds(out, "<span class=\"soft\">no limit</span>");
        return;
    }
    put_known(out, p->rate_used);
    html_put(out, p->rate_used < 0 ? "; at most $ in " : " of $ in ",
             html_number((uint64_t)c->rate_count, limit));
    put_duration(out, c->rate_window_us);
    share = p->rate_used <= 0 ? 0 : p->rate_used * 100 / c->rate_count;
    if (p->rate_used >= 0)
        buf_addf(out,
                 "<svg class=\"bar\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" "
                 "aria-hidden=\"true\"><rect class=\"%s\" width=\"%lld\" height=\"1\"/></svg>",
                 share >= 90   ? "failed"
                 : share >= 70 ? "refused"
                               : "accepted",
                 (long long)(share > 100 ? 100 : share));
}

static void put_providers(const struct status_input *in, struct buf *out)
{
    buf_adds(out, "<h2>Senders</h2>\n");
    html_table(out, "panel ", "Senders", NULL, "Sender", "Rate window used", "#Backlog",
               "#Quarantine");
    for (size_t i = 0; i < in->config->nproviders; i++) {
        const struct status_provider *p = &in->provider[i];
        html_put(out, "<tr><th scope=\"row\">$</th><td>", p->config->name);
        if (p->config->retired)
            buf_adds(out, "<span class=\"soft\">no longer in use</span>");
        else
            put_window(p, out);
        buf_adds(out, "</td><td class=\"n\">");
        put_known(out, p->backlog_entries);
        buf_adds(out, "</td><td class=\"n\">");
        put_known(out, p->quarantine_entries);
        buf_adds(out, "</td></tr>\n");
    }
    html_table_end(out);
}

static void put_spool(const struct status_input *in, struct buf *out)
{
    char limit[HTML_NUMBER_ROOM];

    buf_adds(out, "<dt>Spool</dt><dd>");
    if (!in->spool) {
        buf_adds(out, "none: events are refused while the store is away");
    } else if (in->spool_entries == 0) {
        buf_adds(out, "empty");
    } else if (in->spool_entries < 0) {
        buf_adds(out, "not known");
    } else {
        put_known(out, in->spool_entries);
        html_put(out, " of $ events wait", html_number((uint64_t)in->config->spool_limit, limit));
        if (in->spool_oldest_us >= 0) {
            buf_adds(out, ", the oldest for ");
            put_duration(out, in->spool_oldest_us);
        }
    }
    buf_adds(out, "</dd>\n");
}

static void put_store(const struct status_input *in, struct buf *out)
{
    static const char *const durable[] = {"cannot be seen",
                                          "<strong class=\"warn\">weaker than configured</strong>",
                                          "as configured"};

    buf_adds(out, "<h2>Store and spool</h2>\n<dl class=\"panel facts\">\n<dt>Store</dt><dd>");
    buf_adds(out, in->up ? "answers" : "<strong class=\"bad\">does not answer</strong>");
    buf_adds(out, "</dd>\n<dt>Durability</dt><dd>");
    buf_adds(out, durable[in->durable + 1]);
    buf_adds(out, "</dd>\n");
    put_spool(in, out);
    buf_adds(out, "</dl>\n");
}

void status_render(const struct status_input *in, const struct status_day *day, struct buf *out)
{
    struct buf footer = BUF_INIT(2048);

    page_begin(out, in->config, "/status", "Status");
    put_now(in, out);
    put_figures(day, out);
    status_chart(day, out);
    put_outcomes(day, out);
    put_providers(in, out);
    put_store(in, out);
    buf_adds(&footer, "As of ");
    status_time(&footer, in->now_us);
    buf_adds(&footer, ", counted since ");
    status_time(&footer, day->column[0].from_us);
    html_put(&footer, ", on this host. The same as <a href=\"$/status.json\">JSON</a>.",
             in->config->base_path);
    page_end(out, footer.p != NULL ? footer.p : "");
    buf_free(&footer);
}
