/* Applying what pings spoke of: once, or as a worker. */
#include <stdio.h>

#include "tool/airtable.h"

#define TICK_MS        500                             /* between two looks at the store */
#define AWAY_MS        5000                            /* after what may pass by itself */
#define KEEP_ALIVE_US  (INT64_C(48) * 3600 * US_PER_S) /* of life left, when it is prolonged */
#define KEEP_EVERY_MS  INT64_C(3600000)
#define MADE_MS        60000 /* between two attempts to make a hook */
#define MADE_AGAIN_MS  10000 /* the same, after one to which there was no answer */
#define POLL_DEFAULT_S 3600
#define FULL_DEFAULT_S 86400

static void add(struct airtable_report *sum, const struct airtable_report *r)
{
    sum->payloads += r->payloads;
    sum->records += r->records;
    sum->requests += r->requests;
    sum->refreshes += r->refreshes;
    sum->hooks += r->hooks;
    sum->sound = r->sound;
}

static void put_report(struct airtable_call *a, const struct airtable_report *r)
{
    struct out *o = a->call->out;

    out_form(o, OUT_FACTS);
    out_number(o, "hooks", r->hooks);
    out_number(o, "payloads", r->payloads);
    out_number(o, "records", r->records);
    out_number(o, "full_refreshes", r->refreshes);
    out_number(o, "requests", r->requests);
    out_number(o, "sound_hooks", r->sound);
    out_end(o);
    out_flush(o);
}

static enum verdict run_drain(struct call *c)
{
    struct airtable_call a;
    struct airtable_report report = {0};
    struct fail why = {""};
    enum verdict v = airtable_open(c, &a);

    if (v == VERDICT_DONE) {
        v = airtable_verdict(&a,
                             airtable_drain(a.airtable, call_option(c, "due") == NULL,
                                            call_option(c, "full") != NULL, &report, &why),
                             &why);
        put_report(&a, &report);
        if (v == VERDICT_DONE && report.sound == 0)
            v = VERDICT_NO;
    }
    airtable_close(&a);
    return v;
}

static const struct option_row drain_options[] = {
    AIRTABLE_OPTIONS,
    {"due", NULL, "only hooks that were pinged since their last drain", false},
    {"full", NULL, "read the whole base anew first", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_drain = {
    .name = "airtable drain",
    .operands = "",
    .help = "applies the payloads of the base's known hooks, each once",
    .option = drain_options,
    .run = run_drain,
};

/* --- the worker ------------------------------------------------------------------------------- */

struct watch {
    struct airtable_call a;
    int64_t poll_ms, full_us;
    int64_t polled_ms, kept_ms, made_ms; /* monotonic: when it was last done */
    const char *url; /* of a hook that is made when none is sound; NULL: none is */
};

static int64_t now_ms(void)
{
    return clock_monotonic_ms(&clock_system);
}

/* What cannot be done now is said and tried again; what never will ends the worker only at its start. */
static void say_trouble(struct watch *w, const struct fail *why)
{
    log_rarely(w->a.host.program.log, LOG_LEVEL_ERROR, "airtable", 60 * US_PER_S, "airtable: %s",
               why->text);
}

static void turn(struct watch *w, struct airtable_report *sum)
{
    struct airtable_report report = {0};
    struct fail why = {""};
    bool due = false, full = false, all = now_ms() - w->polled_ms >= w->poll_ms;
    enum airtable_outcome outcome;

    if (now_ms() - w->kept_ms >= KEEP_EVERY_MS) {
        outcome = airtable_keep_alive(w->a.airtable, KEEP_ALIVE_US, &report, &why);
        sum->requests += report.requests;
        if (outcome == AIRTABLE_DONE)
            w->kept_ms = now_ms();
        else
            say_trouble(w, &why);
    }
    if (!airtable_due(w->a.airtable, w->full_us, &due, &full, &why)) {
        say_trouble(w, &why);
        command_pause(AWAY_MS);
        return;
    }
    if (!due && !all && !full)
        return;
    outcome = airtable_drain(w->a.airtable, all, full, &report, &why);
    add(sum, &report);
    if (outcome == AIRTABLE_DONE) {
        if (all)
            w->polled_ms = now_ms();
        if (report.sound == 0 && w->url != NULL && now_ms() - w->made_ms >= MADE_MS) {
            w->made_ms = now_ms();
            if (airtable_setup_hook(&w->a, w->url) == VERDICT_AWAY)
                w->made_ms -= MADE_MS - MADE_AGAIN_MS;
        }
        if (report.payloads > 0 || report.refreshes > 0)
            log_say(w->a.host.program.log, LOG_LEVEL_INFO,
                    "airtable: %lld payloads applied, %lld records written, %lld full refreshes, "
                    "%lld requests",
                    (long long)report.payloads, (long long)report.records,
                    (long long)report.refreshes, (long long)report.requests);
        return;
    }
    if (command_stopped())
        return;
    if (outcome != AIRTABLE_BUSY && outcome != AIRTABLE_STOPPED)
        say_trouble(w, &why);
    command_pause(outcome == AIRTABLE_REFUSED ? 6 * AWAY_MS : AWAY_MS / 5);
}

static enum verdict run_watch(struct call *c)
{
    struct watch w = {.poll_ms = 0};
    struct airtable_report sum = {0};
    long long poll_s, full_s;
    enum verdict v = airtable_open(c, &w.a);

    if (v == VERDICT_DONE && (!call_number(c, "poll", 1, 604800, POLL_DEFAULT_S, &poll_s) ||
                              !call_number(c, "full", 0, 31536000, FULL_DEFAULT_S, &full_s)))
        v = VERDICT_USAGE;
    if (v == VERDICT_DONE && call_option(c, "setup") != NULL) {
        w.url = airtable_public_url(c);
        if (w.url == NULL || airtable_secrets(&w.a) == NULL)
            v = VERDICT_USAGE;
    }
    if (v == VERDICT_DONE) {
        w.poll_ms = poll_s * 1000;
        w.full_us = full_s * US_PER_S;
        w.polled_ms = now_ms() - w.poll_ms; /* what came while no worker ran */
        w.kept_ms = now_ms() - KEEP_EVERY_MS;
        w.made_ms = now_ms() - MADE_MS;
        while (!command_stopped()) {
            turn(&w, &sum);
            if (!command_stopped())
                command_pause(TICK_MS);
        }
        put_report(&w.a, &sum);
    }
    airtable_close(&w.a);
    return v;
}

static const struct option_row watch_options[] = {
    AIRTABLE_OPTIONS,
    {"poll", "SECONDS", "ask also without a ping, so often (3600)", false},
    {"full", "SECONDS", "read the whole base anew, so often (86400; 0 never)", false},
    {"setup", NULL, "make a hook when none is sound, as the verb setup does", false},
    {"url", "URL", "where its pings go, instead of WEBHOOK_PUBLIC_URL", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_watch = {
    .name = "airtable watch",
    .operands = "",
    .help = "a worker: drains whenever a ping came, and keeps the hooks alive",
    .option = watch_options,
    .run = run_watch,
};
