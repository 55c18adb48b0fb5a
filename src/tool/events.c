#include "tool/events.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include "events/peek.h"
#include "store/group.h"
#include "tool/entries.h"
#include "tool/event_line.h"

#define LIST_DEFAULT    50
#define LIST_MAX        1000000
#define TAIL_DEFAULT    10
#define TAIL_MAX        10000
#define FOLLOW_PAUSE_MS 500

/* What the visits share. */
struct look {
    struct call *c;
    struct host h;
    const struct config_provider *provider;
    struct buf line;
};

static enum verdict begin(struct call *c, struct look *l)
{
    enum verdict v;

    *l = (struct look){.c = c, .line = BUF_INIT(EVENT_LINE_MAX)};
    v = host_open_store(c, &l->h);
    if (v == VERDICT_DONE) {
        l->provider = host_provider(c, &l->h, call_option(c, "provider"));
        v = l->provider != NULL ? VERDICT_DONE : VERDICT_USAGE;
    }
    return v;
}

static enum verdict end(struct look *l, enum verdict v)
{
    buf_free(&l->line);
    host_close(&l->h);
    return v;
}

/* One entry as a row; its body only for scripts. */
static bool show_row(void *ctx, const struct journal_entry *e)
{
    struct look *l = ctx;
    struct out *o = l->c->out;
    struct slice user;

    if (out_is_json(o)) {
        buf_reset(&l->line);
        event_line_body(journal_value(e, "body"), &l->line);
    }
    out_text(o, "entry", slice_of(e->id));
    out_time(o, "at", entries_at(e));
    out_text(o, "type", journal_value(e, "type"));
    out_text(o, "id", journal_value(e, "id"));
    if (out_is_json(o))
        out_json(o, "body", l->line.n > 0 ? buf_slice(&l->line) : SLICE_LITERAL("null"));
    else if (peek_text(journal_value(e, "body"), "user_id", l->h.arena, &user))
        out_text(o, "user", user);
    else
        out_none(o, "user");
    out_end(o);
    return true;
}

static enum verdict list(struct call *c)
{
    struct entries_filter filter;
    struct look l;
    long long max;
    enum verdict v;

    if (!entries_filter_read(c, &filter) || !call_number(c, "max", 0, LIST_MAX, LIST_DEFAULT, &max))
        return VERDICT_USAGE;
    v = begin(c, &l);
    if (v == VERDICT_DONE)
        v = entries_walk(c, &l.h, l.provider,
                         &(struct entries_walk){.list = JOURNAL_EVENTS,
                                                .filter = &filter,
                                                .after = call_option(c, "after"),
                                                .backwards = call_option(c, "newest") != NULL,
                                                .max = (size_t)max,
                                                .visit = show_row,
                                                .ctx = &l});
    return end(&l, v);
}

static const struct option_row list_options[] = {
    HOST_PROVIDER_OPTION,
    ENTRIES_FILTER_OPTIONS,
    {"after", "ENTRY", "only what came after that entry", false},
    {"max", "N", "at most so many; 0: all; 50 if it is not given", false},
    {"newest", NULL, "the newest first", false},
    {0}};

const struct verb verb_events_list = {
    "events list", "", "lists what was handed off", list_options, 0, 0, list};

/* --- show ------------------------------------------------------------------------------------- */

struct wanted {
    struct look *l;
    const char *name; /* the event's id, or the entry's */
    bool found;
};

static bool show_whole(void *ctx, const struct journal_entry *e)
{
    struct wanted *w = ctx;
    struct out *o = w->l->c->out;

    if (!slice_is(journal_value(e, "id"), w->name) && strcmp(e->id, w->name) != 0)
        return true;
    w->found = true;
    buf_reset(&w->l->line);
    event_line_body(journal_value(e, "body"), &w->l->line);
    out_form(o, OUT_FACTS);
    out_text(o, "entry", slice_of(e->id));
    out_text(o, "id", journal_value(e, "id"));
    out_text(o, "type", journal_value(e, "type"));
    out_time(o, "at", entries_at(e));
    if (out_is_json(o))
        out_json(o, "body", w->l->line.n > 0 ? buf_slice(&w->l->line) : SLICE_LITERAL("null"));
    out_end(o);
    if (!out_is_json(o))
        out_body(o, "body", journal_value(e, "body"));
    return false;
}

static enum verdict show(struct call *c)
{
    struct look l;
    struct wanted w = {.l = &l, .name = c->operand[0]};
    enum verdict v = begin(c, &l);

    if (v == VERDICT_DONE)
        v = entries_walk(
            c, &l.h, l.provider,
            &(struct entries_walk){
                .list = JOURNAL_EVENTS, .backwards = true, .visit = show_whole, .ctx = &w});
    if (v == VERDICT_DONE && !w.found)
        v = call_end(c, VERDICT_NO,
                     "no entry of the hand-off has that id; it was never accepted, or trimmed "
                     "since (see `guichet audit list`)");
    return end(&l, v);
}

static const struct option_row provider_option[] = {HOST_PROVIDER_OPTION, {0}};

const struct verb verb_events_show = {
    "events show", "ID", "shows an event, by its id or its entry's", provider_option, 1, 1, show};

/* --- tail ------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static enum verdict follow(struct look *l, const struct entries_filter *filter,
                           char seen[static ENTRIES_ID_ROOM])
{
    const struct timespec pause = {0, FOLLOW_PAUSE_MS * 1000000L};
    struct sigaction action = {.sa_handler = stop};
    enum verdict v = VERDICT_DONE;

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    out_flush(l->c->out);
    while (v == VERDICT_DONE && !stopped) {
        (void)nanosleep(&pause, NULL);
        char after[ENTRIES_ID_ROOM];
        (void)snprintf(after, sizeof after, "%s", seen);
        v = entries_walk(l->c, &l->h, l->provider,
                         &(struct entries_walk){.list = JOURNAL_EVENTS,
                                                .filter = filter,
                                                .after = after[0] != '\0' ? after : NULL,
                                                .visit = show_row,
                                                .ctx = l,
                                                .seen = seen});
        out_flush(l->c->out);
    }
    return v;
}

static bool count(void *ctx, const struct journal_entry *e)
{
    (void)e;
    ++*(size_t *)ctx;
    return true;
}

static enum verdict tail(struct call *c)
{
    char first[ENTRIES_ID_ROOM] = "", seen[ENTRIES_ID_ROOM] = "";
    struct entries_filter filter;
    struct look l;
    size_t there = 0;
    long long max;
    enum verdict v;

    if (!entries_filter_read(c, &filter) || !call_number(c, "max", 0, TAIL_MAX, TAIL_DEFAULT, &max))
        return VERDICT_USAGE;
    v = begin(c, &l);
    /* The entry before the newest `max`, if there are so many. */
    if (v == VERDICT_DONE)
        v = entries_walk(c, &l.h, l.provider,
                         &(struct entries_walk){.list = JOURNAL_EVENTS,
                                                .filter = max > 0 ? &filter : NULL,
                                                .backwards = true,
                                                .max = (size_t)max + 1,
                                                .visit = count,
                                                .ctx = &there,
                                                .seen = first});
    if (there > (size_t)max)
        (void)snprintf(seen, sizeof seen, "%s", first);
    if (v == VERDICT_DONE)
        v = entries_walk(c, &l.h, l.provider,
                         &(struct entries_walk){.list = JOURNAL_EVENTS,
                                                .filter = &filter,
                                                .after = there > (size_t)max ? first : NULL,
                                                .visit = show_row,
                                                .ctx = &l,
                                                .seen = seen});
    if (v == VERDICT_DONE && call_option(c, "follow") != NULL)
        v = follow(&l, &filter, seen);
    return end(&l, v);
}

static const struct option_row tail_options[] = {
    HOST_PROVIDER_OPTION,
    ENTRIES_FILTER_OPTIONS,
    {"max", "N", "the newest so many; 10 if it is not given", false},
    {"follow", NULL, "go on with what comes, until it is interrupted", false},
    {0}};

const struct verb verb_events_tail = {
    "events tail", "", "shows the newest events, and what comes", tail_options, 0, 0, tail};

/* --- export and trim --------------------------------------------------------------------------- */

static bool print_line(void *ctx, const struct journal_entry *e)
{
    struct look *l = ctx;

    buf_reset(&l->line);
    event_line(e, &l->line);
    buf_adds(&l->line, "\n");
    return !l->line.overflow && fwrite(l->line.p, 1, l->line.n, stdout) == l->line.n;
}

static enum verdict export(struct call *c) {
    struct entries_filter filter; struct look l; enum verdict v;

    if (!entries_filter_read(c, &filter)) return VERDICT_USAGE;
    v = begin(c, &l);
    if (v == VERDICT_DONE) v = entries_walk(c, &l.h, l.provider,
                                            &(struct entries_walk){.list = JOURNAL_EVENTS,
                                                                   .filter = &filter,
                                                                   .after = call_option(c, "after"),
                                                                   .visit = print_line,
                                                                   .ctx = &l});
    if (v == VERDICT_DONE && l.line.overflow)
        v = call_end(c, VERDICT_AWAY, "no room for an event as a line; what follows is missing");
    if (v == VERDICT_DONE && (fflush(stdout) != 0 || ferror(stdout)))
        v = call_end(c, VERDICT_AWAY, "standard output does not take more");
    return end(&l, v);
}

static const struct option_row export_options[] = {
    HOST_PROVIDER_OPTION,
    ENTRIES_FILTER_OPTIONS,
    {"after", "ENTRY", "only what came after that entry", false},
    {0}};

const struct verb verb_events_export = {
    "events export", "", "writes events as JSON lines, bodies included", export_options, 0, 0,
    export};

static enum verdict trim_to(struct call *c, struct look *l)
{
    struct journal j = host_journal(&l->h, l->provider);
    struct group_state group[GROUPS_MAX];
    const char *needed = NULL;
    struct fail why = {""};
    int64_t removed, left;
    size_t n;

    if (!group_list(&j, group, &n, &why))
        return call_end(c, VERDICT_AWAY, "%s", why.text);
    if (n == 0)
        return call_end(c, VERDICT_NO,
                        "nobody reads the hand-off in a group, so nothing counts as done; "
                        "`guichet consume --group NAME` makes one");
    for (size_t i = 0; i < n; i++)
        if (needed == NULL || journal_compare(group[i].needed, needed) < 0)
            needed = group[i].needed;
    if (!journal_trim(&j, JOURNAL_EVENTS, needed, &removed, &why) ||
        !journal_count(&j, JOURNAL_EVENTS, &left, &why))
        return call_end(c, VERDICT_AWAY, "%s", why.text);
    out_form(c->out, OUT_FACTS);
    out_number(c->out, "removed", removed);
    out_number(c->out, "left", left);
    out_end(c->out);
    return VERDICT_DONE;
}

static enum verdict trim(struct call *c)
{
    struct look l;
    enum verdict v = begin(c, &l);

    return end(&l, v == VERDICT_DONE ? trim_to(c, &l) : v);
}

const struct verb verb_events_trim = {
    "events trim", "", "takes away what every consumer group has done", provider_option, 0, 0,
    trim};
