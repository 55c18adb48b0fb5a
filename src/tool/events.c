#include "tool/events.h"

#include <stdio.h>
#include "events/peek.h"
#include "store/group.h"
#include "tool/event_line.h"

struct events_look events_look_begin(struct call *c, struct host *h)
{
    return (struct events_look){c, h->arena, BUF_INIT(EVENT_LINE_MAX)};
}

void events_look_end(struct events_look *l)
{
    buf_free(&l->line);
}

bool events_look_row(void *ctx, const struct journal_entry *e)
{
    struct events_look *l = ctx;
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
    else if (peek_text(journal_value(e, "body"), "user_id", l->arena, &user))
        out_text(o, "user", user);
    else
        out_none(o, "user");
    out_end(o);
    return true;
}

const char *const events_fields[] = {"type", "user", NULL};

static enum verdict list_them(struct call *c, struct host *h, const struct config_provider *p)
{
    struct events_look l = events_look_begin(c, h);
    enum verdict v = entries_list(c, h, p, JOURNAL_EVENTS, events_fields, events_look_row, &l);

    events_look_end(&l);
    return v;
}

static enum verdict list(struct call *c)
{
    return host_on_provider(c, list_them);
}

static const struct option_row list_options[] = {
    HOST_PROVIDER_OPTION, EVENTS_FILTER_OPTIONS, ENTRIES_LIST_OPTIONS, {0}};

const struct verb verb_events_list = {
    "events list", "", "lists what was handed off, the oldest first", list_options, 0, 0, list};

/* --- show ------------------------------------------------------------------------------------- */

struct wanted {
    struct events_look *l;
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

static enum verdict show_it(struct call *c, struct host *h, const struct config_provider *p)
{
    struct events_look l = events_look_begin(c, h);
    struct wanted w = {.l = &l, .name = c->operand[0]};
    enum verdict v = entries_walk(
        c, h, p,
        &(struct entries_walk){
            .list = JOURNAL_EVENTS, .backwards = true, .visit = show_whole, .ctx = &w});

    if (v == VERDICT_DONE && !w.found)
        v = call_end(c, VERDICT_NO,
                     "no entry of the hand-off has that id; it was never accepted, or trimmed "
                     "since (see `guichet audit list`)");
    events_look_end(&l);
    return v;
}

static enum verdict show(struct call *c)
{
    return host_on_provider(c, show_it);
}

static const struct option_row provider_option[] = {HOST_PROVIDER_OPTION, {0}};

const struct verb verb_events_show = {
    "events show", "ID", "shows an event, by its id or its entry's", provider_option, 1, 1, show};

/* --- export and trim --------------------------------------------------------------------------- */

static bool print_line(void *ctx, const struct journal_entry *e)
{
    struct events_look *l = ctx;

    buf_reset(&l->line);
    event_line(e, &l->line);
    buf_adds(&l->line, "\n");
    return !l->line.overflow && fwrite(l->line.p, 1, l->line.n, stdout) == l->line.n;
}

static enum verdict export_them(struct call *c, struct host *h, const struct config_provider *p)
{
    struct events_look l = events_look_begin(c, h);
    struct entries_filter filter;
    struct entries_walk walk = {.list = JOURNAL_EVENTS,
                                .filter = &filter,
                                .for_reader = true,
                                .visit = print_line,
                                .ctx = &l};
    enum verdict v = VERDICT_USAGE;

    if (entries_filter_read(c, events_fields, &filter) && entries_after_read(c, &walk.after))
        v = entries_walk(c, h, p, &walk);
    if (v == VERDICT_DONE && l.line.overflow)
        v = call_end(c, VERDICT_AWAY, "no room for an event as a line; what follows is missing");
    events_look_end(&l);
    return v;
}

static enum verdict export_all(struct call *c)
{
    return host_on_provider(c, export_them);
}

static const struct option_row export_options[] = {
    HOST_PROVIDER_OPTION, EVENTS_FILTER_OPTIONS, ENTRIES_TIME_OPTIONS, ENTRIES_AFTER_OPTION, {0}};

const struct verb verb_events_export = {
    "events export", "", "writes events as JSON lines, bodies included", export_options, 0, 0,
    export_all};

static enum verdict trim_it(struct call *c, struct host *h, const struct config_provider *p)
{
    struct journal j = host_journal(h, p);
    struct group_state group[GROUPS_MAX];
    const char *needed;
    struct fail why = {""};
    int64_t removed, left;
    size_t n;

    if (!group_list(&j, group, &n, &why))
        return call_end(c, VERDICT_AWAY, "%s", why.text);
    if (n == 0)
        return call_end(c, VERDICT_NO,
                        "nobody reads the hand-off in a group, so nothing counts as done; "
                        "`guichet consume --group NAME` makes one");
    needed = group_all_need(group, n);
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
    return host_on_provider(c, trim_it);
}

const struct verb verb_events_trim = {
    "events trim", "", "takes away what every consumer group has done", provider_option, 0, 0,
    trim};
