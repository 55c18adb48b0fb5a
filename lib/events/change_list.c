#include "events/change_list.h"

/* Enough for all events but those with a profile. */
#define ROOM_FIRST 8

struct change_list change_list_new(struct arena *arena)
{
    return (struct change_list){.arena = arena};
}

static bool grow(struct change_list *l)
{
    size_t room = l->room == 0 ? ROOM_FIRST : l->room * 2;
    struct change *bigger;

    if (room > CHANGES_MAX)
        room = CHANGES_MAX;
    if (l->n == room)
        return false;
    bigger = arena_raw(l->arena, room * sizeof *bigger);
    if (bigger == NULL)
        return false;
    if (l->n > 0)
        memcpy(bigger, l->change, l->n * sizeof *bigger);
    l->change = bigger;
    l->room = room;
    return true;
}

static void put(struct change_list *l, const struct change *c)
{
    if (l->failed || (l->n == l->room && !grow(l))) {
        l->failed = true;
        return;
    }
    l->change[l->n++] = *c;
}

void change_list_set_newer(struct change_list *l, struct slice key, struct slice field,
                           struct slice value, uint32_t group_max)
{
    put(l, &(struct change){.verb = CHANGE_SET_IF_NEWER,
                            .key = key,
                            .field = field,
                            .value = value,
                            .group_max = group_max});
}

void change_list_set_earliest(struct change_list *l, struct slice key, struct slice field)
{
    put(l, &(struct change){.verb = CHANGE_SET_EARLIEST, .key = key, .field = field});
}

void change_list_add(struct change_list *l, struct slice key, struct slice field,
                     struct slice value)
{
    put(l, &(struct change){.verb = CHANGE_ADD, .key = key, .field = field, .value = value});
}

void change_list_create_once(struct change_list *l, struct slice key,
                             const struct change_field *fields, uint32_t nfields, uint32_t compare)
{
    struct change_field *copy = NULL;

    if (nfields <= CHANGE_FIELDS_MAX)
        copy = arena_raw(l->arena, nfields * sizeof *copy);
    if (copy == NULL) {
        l->failed = true;
        return;
    }
    memcpy(copy, fields, nfields * sizeof *copy);
    put(l, &(struct change){.verb = CHANGE_CREATE_ONCE,
                            .key = key,
                            .nfields = nfields,
                            .compare = compare,
                            .fields = copy});
}

void change_list_append(struct change_list *l, struct slice key, struct slice value)
{
    put(l, &(struct change){.verb = CHANGE_APPEND, .key = key, .value = value});
}

struct slice change_list_join(struct change_list *l, const char *prefix, struct slice text)
{
    struct slice head = slice_of(prefix);
    char *p = arena_raw(l->arena, head.n + text.n);

    if (p == NULL) {
        l->failed = true;
        return SLICE_NONE;
    }
    memcpy(p, head.p, head.n);
    if (text.n > 0)
        memcpy(p + head.n, text.p, text.n);
    return (struct slice){p, head.n + text.n};
}

struct slice change_list_keep(struct change_list *l, struct buf *text)
{
    struct slice kept = text->overflow ? SLICE_NONE : arena_copy(l->arena, buf_slice(text));

    buf_free(text);
    if (kept.p == NULL)
        l->failed = true;
    return kept;
}
