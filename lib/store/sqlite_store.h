/* sqlite_store: the store of one thread, for the files that make it up. Private to
 * lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_STORE_H
#define GUICHET_STORE_SQLITE_STORE_H

#include "store/group.h"
#include "store/sqlite_task.h"
#include "store/step.h"
#include "store/transfer.h"

/* Walks over the keys that can be under way at once. */
#define SQLITE_WALKS_MAX 8

struct sqlite_store {
    struct store base;
    struct sqlite_link link;
    /* The key behind which the walk with that cursor goes on; the cursor's remainder by
     * SQLITE_WALKS_MAX is its place. */
    struct {
        uint64_t cursor;
        char *after;
    } walk[SQLITE_WALKS_MAX];
    uint64_t walked; /* the newest cursor */
};

extern const struct journal_ops sqlite_journal;
extern const struct group_ops sqlite_group;
extern const struct step_ops sqlite_step;
extern const struct transfer_ops sqlite_transfer;

/* sqlite_link_open, and counts connections for the guard. */
bool sqlite_store_open(struct sqlite_store *s, int64_t deadline_ms, struct sqlite_trouble *t);

/* The batch as one transaction, kept or, as a trial, taken back. False: nothing of it was applied. The
 * connection is open. */
bool sqlite_store_batch(struct sqlite_store *s, const struct store_batch *batch, bool keep,
                        struct store_result *result, struct sqlite_trouble *trouble);

/* Whether that provider's part is closed (store/transfer.h), and then *t, for its commits. Within a
 * transaction, so that nothing is written behind the back of who closes it. SQLite's result code. */
int sqlite_store_closed(struct sqlite_store *s, const char *provider, struct sqlite_trouble *t,
                        bool *closed);

bool sqlite_run_id(struct store *base, int64_t deadline_ms, char out[static 48], struct fail *why);
void sqlite_examine(struct store *base, const struct store_provider *p, size_t n,
                    int64_t deadline_ms, struct store_findings *out);

#endif
