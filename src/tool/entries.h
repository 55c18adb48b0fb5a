/* entries: walking a list of a provider (store/journal.h) with filters, page by page. */
#ifndef GUICHET_TOOL_ENTRIES_H
#define GUICHET_TOOL_ENTRIES_H

#include "tool/host.h"

struct entries_filter {
    const char *type, *user; /* NULL: any */
    int64_t since_us, until_us;
};

/* The options for a verb's table, and what they say. False: said why. */
#define ENTRIES_FILTER_OPTIONS                                                                     \
    {"type", "NAME", "only events of that type", false},                                           \
        {"user", "ID", "only events of that user", false},                                         \
        {"since", "TIME", "only from then on, as 2025-10-15T10:30:00Z, 2025-10-15 or 2h", false},  \
    {                                                                                              \
        "until", "TIME", "only before then", false                                                 \
    }
bool entries_filter_read(struct call *c, struct entries_filter *out);
bool entries_match(const struct entries_filter *f, const struct journal_entry *e,
                   struct arena *arena);

/* The value of a field; p == NULL: it has none of that name. */
struct slice entries_value(const struct journal_entry *e, const char *name);
/* When it came: its field `at`, else what its id says (ms). µs since 1970. */
int64_t entries_at(const struct journal_entry *e);

/* Called with each entry; false ends the walk. What lies in the entry is gone afterwards. */
typedef bool entries_visit(void *ctx, const struct journal_entry *e);

struct entries_walk {
    enum journal_list list;
    const struct entries_filter *filter; /* NULL: all */
    const char *after;                   /* NULL: from the first */
    bool backwards;
    size_t max; /* entries that match; 0: all */
    entries_visit *visit;
    void *ctx;
    char
        *seen; /* of ENTRIES_ID_ROOM, or NULL: set to the id of the last entry that was looked at */
};

#define ENTRIES_ID_ROOM 48

/* VERDICT_AWAY, said why, when the store gave no answer. */
enum verdict entries_walk(struct call *c, struct host *h, const struct config_provider *p,
                          const struct entries_walk *w);

#endif
