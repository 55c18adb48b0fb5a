/* events: looking at the hand-off, and trimming it. */
#ifndef GUICHET_TOOL_EVENTS_H
#define GUICHET_TOOL_EVENTS_H

#include "base/buf.h"
#include "tool/entries.h"

extern const struct verb verb_events_list, verb_events_show, verb_events_tail, verb_events_export,
    verb_events_trim;

/* What shows entries. */
struct events_look {
    struct call *c;
    struct arena *arena; /* the host's */
    struct buf line;
};
struct events_look events_look_begin(struct call *c, struct host *h);
void events_look_end(struct events_look *l);
/* An entries_visit of a struct events_look: the entry as a row; its body only for scripts. */
bool events_look_row(void *ctx, const struct journal_entry *e);
/* By what --type and --user of events filter. */
extern const char *const events_fields[];

#define EVENTS_FILTER_OPTIONS                                                                      \
    {"type", "NAME", "only events of that type", false},                                           \
    {                                                                                              \
        "user", "ID", "only events of that user", false                                            \
    }

#endif
