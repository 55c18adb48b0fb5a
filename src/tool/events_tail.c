/* events tail: the newest events of the hand-off, and what comes. */
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include "tool/events.h"

#define TAIL_DEFAULT    10
#define TAIL_MAX        10000
#define FOLLOW_PAUSE_MS 500

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static enum verdict follow(struct call *c, struct host *h, const struct config_provider *p,
                           struct entries_walk *walk)
{
    const struct timespec pause = {0, FOLLOW_PAUSE_MS * 1000000L};
    struct sigaction action = {.sa_handler = stop};
    enum verdict v = VERDICT_DONE;
    char after[ENTRIES_ID_ROOM];

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    out_flush(c->out);
    while (v == VERDICT_DONE && !stopped && out_is_wanted(c->out)) {
        (void)nanosleep(&pause, NULL);
        (void)snprintf(after, sizeof after, "%s", walk->seen);
        walk->after = after[0] != '\0' ? after : NULL;
        v = entries_walk(c, h, p, walk);
        out_flush(c->out);
    }
    return v;
}

static bool count(void *ctx, const struct journal_entry *e)
{
    (void)e;
    ++*(size_t *)ctx;
    return true;
}

static enum verdict tail_them(struct call *c, struct host *h, const struct config_provider *p)
{
    char first[ENTRIES_ID_ROOM] = "", seen[ENTRIES_ID_ROOM] = "";
    struct events_look l = events_look_begin(c, h);
    struct entries_filter filter;
    struct entries_walk walk = {.list = JOURNAL_EVENTS,
                                .filter = &filter,
                                .for_reader = true,
                                .visit = events_look_row,
                                .ctx = &l,
                                .seen = seen};
    size_t there = 0;
    long long max;
    enum verdict v;

    if (!entries_filter_read(c, events_fields, &filter) ||
        !call_number(c, "max", 0, TAIL_MAX, TAIL_DEFAULT, &max))
        return VERDICT_USAGE;
    /* The entry before the newest `max`, if there are so many. */
    v = entries_walk(c, h, p,
                     &(struct entries_walk){.list = JOURNAL_EVENTS,
                                            .filter = max > 0 ? &filter : NULL,
                                            .backwards = true,
                                            .max = (size_t)max + 1,
                                            .visit = count,
                                            .ctx = &there,
                                            .seen = first});
    if (there > (size_t)max) {
        (void)snprintf(seen, sizeof seen, "%s", first);
        walk.after = first;
    }
    if (v == VERDICT_DONE)
        v = entries_walk(c, h, p, &walk);
    if (v == VERDICT_DONE && call_option(c, "follow") != NULL)
        v = follow(c, h, p, &walk);
    else
        v = list_end(c, v);
    events_look_end(&l);
    return v;
}

static enum verdict tail(struct call *c)
{
    return host_on_provider(c, tail_them);
}

static const struct option_row tail_options[] = {
    HOST_PROVIDER_OPTION,
    EVENTS_FILTER_OPTIONS,
    ENTRIES_TIME_OPTIONS,
    {"max", "N", "the newest so many; 10 if it is not given", false},
    {"follow", NULL, "go on with what comes, until it is interrupted or nobody reads it", false},
    {0}};

const struct verb verb_events_tail = {
    "events tail", "", "shows the newest events, and what comes", tail_options, 0, 0, tail};
