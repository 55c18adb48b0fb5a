/* entries: walking a list of a provider (store/journal.h) with filters, page by page. */
#ifndef GUICHET_TOOL_ENTRIES_H
#define GUICHET_TOOL_ENTRIES_H

#include "tool/host.h"
#include "tool/list.h"

#define ENTRIES_ID_ROOM    48
#define ENTRIES_FIELDS_MAX 3

struct entries_filter {
    struct {
        const char *name, *value;
    } field[ENTRIES_FIELDS_MAX]; /* that the entry must have */
    size_t nfields;
    const char *user; /* of the event in its body; NULL: any */
    int64_t since_us, until_us;
};

/* The options for a verb's table: those by time, and those that every verb that lists entries takes. */
#define ENTRIES_TIME_OPTIONS                                                                       \
    {"since", "TIME", "only what came from then on, as 2025-10-15T10:30:00Z, 2025-10-15 or 2h",    \
     false},                                                                                       \
    {                                                                                              \
        "until", "TIME", "only what came before then", false                                       \
    }
#define ENTRIES_AFTER_OPTION                                                                       \
    {                                                                                              \
        "after", "ENTRY", "only what came after that entry", false                                 \
    }
#define ENTRIES_LIST_OPTIONS ENTRIES_TIME_OPTIONS, ENTRIES_AFTER_OPTION, LIST_ORDER_OPTIONS

/* The options by time, and one for each field (an option of the same name; "user": of the body), whose
 * names end with NULL. False: said why. */
bool entries_filter_read(struct call *c, const char *const *field, struct entries_filter *out);
/* --after, or NULL where it was not given. False: said why. */
bool entries_after_read(const struct call *c, const char **out);
/* Whether the text, or each operand, is an entry's id. False: said why. */
bool entries_is_id(const struct call *c, const char *text);
bool entries_operands_read(const struct call *c);

/* When it came: its field `at`, else what its id says (ms). µs since 1970. */
int64_t entries_at(const struct journal_entry *e);

/* Called with each entry; false ends the walk. What lies in the entry is gone afterwards. */
typedef bool entries_visit(void *ctx, const struct journal_entry *e);

struct entries_walk {
    enum journal_list list;
    const struct entries_filter *filter; /* NULL: all */
    const char *after;                   /* NULL: from the first */
    bool backwards;
    size_t max;      /* entries that match; 0: all */
    bool for_reader; /* it only prints: a page at which nobody reads any more is the last */
    entries_visit *visit;
    void *ctx;
    char
        *seen; /* of ENTRIES_ID_ROOM, or NULL: set to the id of the last entry that was looked at */
};

/* VERDICT_AWAY, said why, when the store gave no answer. */
enum verdict entries_walk(struct call *c, struct host *h, const struct config_provider *p,
                          const struct entries_walk *w);

/* What a verb that lists entries does with ENTRIES_LIST_OPTIONS and the fields. */
enum verdict entries_list(struct call *c, struct host *h, const struct config_provider *p,
                          enum journal_list list, const char *const *field, entries_visit *show,
                          void *ctx);

#endif
