/* memory_apply: the changes of an event on objects in memory, all or none. Private to
 * lib/store/memory*.c. */
#ifndef GUICHET_STORE_MEMORY_APPLY_H
#define GUICHET_STORE_MEMORY_APPLY_H

#include "store/memory_object.h"
#include "store/store.h"

#define UNDO_MAX 1024

/* How to take back one change: a field's old value, or one entry at the end of a list. */
struct undo {
    size_t object;
    bool appended;
    int64_t limit; /* entries of the list that are kept once it is sure that the change stays */
    struct slice name, old; /* old.p == NULL: it was not there */
};

struct applier {
    struct objects *all;
    struct undo undo[UNDO_MAX];
    size_t nundo;
    unsigned flags; /* STORE_*, of the event at hand */
    bool damaged;   /* why it cannot be applied lies in the store, not in the event */
};

/* Applies the event's changes with that stamp. NULL, or a word when the event cannot be applied;
 * then nothing of it was. */
const char *apply_changes(struct applier *a, const struct store_provider *p,
                          const struct store_member *e, int64_t stamp_us);

/* A number that was stored as text. */
int64_t number_of(struct slice s);

#endif
