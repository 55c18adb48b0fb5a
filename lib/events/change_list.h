/* change_list: the changes of one event while its handler makes them.
 *
 * A list that finds no memory, or no room, notes it and stays as it is; so a handler needs no check, and
 * its caller one at the end. Everything added must live as long as the arena. */
#ifndef GUICHET_EVENTS_CHANGE_LIST_H
#define GUICHET_EVENTS_CHANGE_LIST_H

#include "base/arena.h"
#include "base/buf.h"
#include "events/change.h"

struct change_list {
    struct arena *arena;
    struct change *change; /* n of them, at most CHANGES_MAX */
    size_t n, room;
    bool failed; /* something is missing: the list must not be used */
};

struct change_list change_list_new(struct arena *arena);

/* One change each; see enum change_verb. */
void change_list_set_newer(struct change_list *l, struct slice key, struct slice field,
                           struct slice value, uint32_t group_max);
void change_list_set_earliest(struct change_list *l, struct slice key, struct slice field);
void change_list_add(struct change_list *l, struct slice key, struct slice field,
                     struct slice value);
/* The fields (at most CHANGE_FIELDS_MAX) are copied. */
void change_list_create_once(struct change_list *l, struct slice key,
                             const struct change_field *fields, uint32_t nfields, uint32_t compare);
void change_list_append(struct change_list *l, struct slice key, struct slice value);

/* The prefix and the text, one after the other, in the arena. */
struct slice change_list_join(struct change_list *l, const char *prefix, struct slice text);

/* The buffer's content in the arena; the buffer is freed. */
struct slice change_list_keep(struct change_list *l, struct buf *text);

#endif
