/* memory_object: records and lists in memory, for the store of the tests. Where memory is short the
 * program ends: a test's store has nothing better to do. Private to lib/store/memory*.c. */
#ifndef GUICHET_STORE_MEMORY_OBJECT_H
#define GUICHET_STORE_MEMORY_OBJECT_H

#include "base/clock.h"
#include "base/slice.h"

struct field {
    struct slice name, value; /* owned */
};

/* A set of fields: a record, or an entry of a list. */
struct row {
    struct field *field;
    size_t n;
    uint64_t number; /* of an entry: in the order in which they were added to the list, from 1 */
};

/* What a key names: one row (a record), or a list of them. */
struct object {
    char *provider;
    struct slice key;
    bool is_list;
    struct row *row;
    size_t n;
    uint64_t added;     /* rows so far */
    int64_t expires_us; /* 0: never */
};

/* All objects of a store. */
struct objects {
    struct object *object;
    size_t n;
    const struct clock *clock; /* by which they expire */
};

void objects_free(struct objects *o);

/* The object of that key, emptied if it has expired; NULL if there is none. */
struct object *objects_find(struct objects *o, const char *provider, struct slice key);
/* The same, made if it is new; valid until the next one is made. */
struct object *objects_make(struct objects *o, const char *provider, struct slice key,
                            bool is_list);
/* The one row of a record, made if it is new. */
struct row *objects_record(struct objects *o, const char *provider, struct slice key);
/* A field of a record; p == NULL if it is not there. */
struct slice objects_field(struct objects *o, const char *provider, struct slice key,
                           struct slice name);

struct row *object_add_row(struct object *o);
void object_remove_row(struct object *o, size_t i);

struct slice row_get(const struct row *r, struct slice name);
void row_put(struct row *r, struct slice name, struct slice value);
void row_remove(struct row *r, struct slice name);

/* Copies that are owned, and freed by text_drop; SLICE_NONE is legal. */
struct slice text_keep(struct slice s);
void text_drop(struct slice s);

#endif
