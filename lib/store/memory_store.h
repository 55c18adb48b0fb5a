/* memory_store: what the parts of the memory back end share; private to lib/store/memory*.c. */
#ifndef GUICHET_STORE_MEMORY_STORE_H
#define GUICHET_STORE_MEMORY_STORE_H

#include "store/group.h"
#include "store/memory_apply.h"
#include "store/step.h"

struct memory {
    struct store base;
    const struct clock *clock;
    struct objects all;
    const char *fail_word; /* NULL: none */
    char fail_room[64];
    struct applier applier;
};

/* Entries of lists have the ids 1-0, 2-0 ... */
extern const struct journal_ops memory_journal;
extern const struct step_ops memory_step;
extern const struct group_ops memory_group;

#endif
