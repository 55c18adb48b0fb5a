#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/group.h"
#include "store/memory_store.h"

/* A group is a list "group:<name>" of what it took and has not done: entry (number), consumer, at
 * (us), deliveries; its first row remembers in `read` the number of the newest entry that was taken. */

#define KEY_ROOM (GROUP_NAME_MAX + 8)

static struct object *group_of(const struct journal *j, const char *group)
{
    struct memory *m = (struct memory *)j->store;
    char key[KEY_ROOM];

    (void)snprintf(key, sizeof key, "group:%s", group);
    return objects_find(&m->all, j->provider, slice_of(key));
}

static struct object *events_of(const struct journal *j)
{
    struct memory *m = (struct memory *)j->store;

    return objects_make(&m->all, j->provider, SLICE_LITERAL("events"), true);
}

static int64_t number_at(const struct row *r, const char *name)
{
    struct slice s = row_get(r, slice_of(name));

    return s.p != NULL ? number_of(s) : 0;
}

static void put_number(struct row *r, const char *name, int64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, number);
    row_put(r, slice_of(name), slice_of(text));
}

static bool away(const struct journal *j, struct fail *why)
{
    const struct memory *m = (const struct memory *)j->store;

    if (m->fail_word != NULL)
        fail_set(why, "store: %s", m->fail_word);
    return m->fail_word != NULL;
}

static struct object *there(const struct journal *j, const char *group, struct fail *why)
{
    struct object *o = away(j, why) ? NULL : group_of(j, group);

    if (o != NULL && o->n > 0)
        return o;
    if (((struct memory *)j->store)->fail_word == NULL)
        fail_set(why, "there is no group \"%s\"", group);
    return NULL;
}

static bool memory_make(const struct journal *j, const char *group, bool from_now, struct fail *why)
{
    struct memory *m = (struct memory *)j->store;
    struct object *events = events_of(j), *o;
    char key[KEY_ROOM];

    if (away(j, why))
        return false;
    (void)snprintf(key, sizeof key, "group:%s", group);
    int64_t added = (int64_t)events->added;
    o = objects_make(&m->all, j->provider, slice_of(key), true);
    if (o->n == 0)
        put_number(object_add_row(o), "read", from_now ? added : 0);
    return true;
}

static bool memory_drop(const struct journal *j, const char *group, bool *dropped, struct fail *why)
{
    struct object *o;

    if (away(j, why))
        return false;
    o = group_of(j, group);
    *dropped = o != NULL && o->n > 0;
    while (o != NULL && o->n > 0)
        object_remove_row(o, o->n - 1);
    return true;
}

static bool memory_list(const struct journal *j, struct group_state *out, size_t *n,
                        struct fail *why)
{
    struct memory *m = (struct memory *)j->store;

    if (away(j, why))
        return false;
    for (size_t i = 0; i < m->all.n && *n < GROUPS_MAX; i++) {
        const struct object *o = &m->all.object[i];
        int64_t needed;
        if (o->n == 0 || strcmp(o->provider, j->provider) != 0 || !slice_begins(o->key, "group:"))
            continue;
        needed = number_at(&o->row[0], "read") + 1;
        for (size_t r = 1; r < o->n; r++)
            if (number_at(&o->row[r], "entry") < needed)
                needed = number_at(&o->row[r], "entry");
        out[*n] = (struct group_state){.pending = (int64_t)o->n - 1};
        (void)snprintf(out[*n].name, sizeof out[*n].name, "%.*s", (int)o->key.n - 6, o->key.p + 6);
        (void)snprintf(out[*n].needed, sizeof out[*n].needed, "%" PRId64 "-0", needed);
        (*n)++;
    }
    return true;
}

/* The entry of that number, whole. */
static bool give(const struct journal *j, int64_t number, struct group_entry *out, struct fail *why)
{
    char until[32], before[32];
    struct journal_page page;
    struct journal_range range = {.after = before, .until = until, .max = 1};

    (void)snprintf(until, sizeof until, "%" PRId64 "-0", number);
    (void)snprintf(before, sizeof before, "%" PRId64 "-0", number - 1);
    if (!journal_read(j, JOURNAL_EVENTS, &range, &page, why))
        return false;
    if (page.n == 1)
        out->entry = page.entry[0];
    return page.n == 1;
}

static bool memory_take(const struct journal *j, const char *group, const char *consumer,
                        size_t max, int64_t idle_ms, struct group_entry **out, size_t *n,
                        struct fail *why)
{
    struct memory *m = (struct memory *)j->store;
    struct object *o = there(j, group, why), *events;
    int64_t now = clock_now_us(m->clock);

    if (o == NULL)
        return false;
    *out = arena_alloc(j->arena, max * sizeof **out);
    for (size_t r = 1; *out != NULL && r < o->n && *n < max; r++) {
        struct row *row = &o->row[r];
        if (now - number_at(row, "at") < idle_ms * 1000)
            continue;
        if (!give(j, number_at(row, "entry"), &(*out)[*n], why)) {
            object_remove_row(o, r--); /* the entry is gone */
            continue;
        }
        put_number(row, "at", now);
        put_number(row, "deliveries", number_at(row, "deliveries") + 1);
        row_put(row, SLICE_LITERAL("consumer"), slice_of(consumer));
        (*out)[(*n)++].deliveries = number_at(row, "deliveries");
    }
    events = events_of(j);
    for (size_t i = 0; *out != NULL && i < events->n && *n < max; i++) {
        int64_t number = (int64_t)events->row[i].number;
        if (number <= number_at(&o->row[0], "read") || !give(j, number, &(*out)[*n], why))
            continue;
        struct row *row = object_add_row(o);
        put_number(row, "entry", number);
        put_number(row, "at", now);
        put_number(row, "deliveries", 1);
        row_put(row, SLICE_LITERAL("consumer"), slice_of(consumer));
        put_number(&o->row[0], "read", number);
        (*out)[(*n)++].deliveries = 1;
    }
    return *out != NULL;
}

/* The row of an entry that was taken; 0: there is none. */
static size_t row_of(const struct object *o, const char *id)
{
    for (size_t r = 1; o != NULL && r < o->n; r++)
        if (number_at(&o->row[r], "entry") == (int64_t)strtoull(id, NULL, 10))
            return r;
    return 0;
}

static bool memory_hold(const struct journal *j, const char *group, const char *consumer,
                        const char *id, bool *held, struct fail *why)
{
    struct memory *m = (struct memory *)j->store;
    struct object *o = there(j, group, why);
    size_t r = row_of(o, id);

    *held = r > 0 && slice_is(row_get(&o->row[r], SLICE_LITERAL("consumer")), consumer);
    if (*held)
        put_number(&o->row[r], "at", clock_now_us(m->clock));
    return o != NULL;
}

static bool memory_done(const struct journal *j, const char *group, const char *id,
                        struct fail *why)
{
    struct object *o = there(j, group, why);
    size_t r = row_of(o, id);

    if (r > 0)
        object_remove_row(o, r);
    return o != NULL;
}

static bool memory_bury(const struct journal *j, const char *group, const struct group_entry *e,
                        const char *reason, struct fail *why)
{
    struct memory *m = (struct memory *)j->store;
    struct object *o = there(j, group, why), *dead;
    size_t r = row_of(o, e->entry.id);
    struct row *row;

    if (o == NULL || r == 0)
        return o != NULL;
    object_remove_row(o, r);
    dead = objects_make(&m->all, j->provider, slice_of(journal_list_names[JOURNAL_DEAD]), true);
    row = object_add_row(dead);
    row_put(row, SLICE_LITERAL("group"), slice_of(group));
    row_put(row, SLICE_LITERAL("entry"), slice_of(e->entry.id));
    row_put(row, SLICE_LITERAL("reason"), slice_of(reason));
    put_number(row, "deliveries", e->deliveries);
    for (size_t i = 0; i < e->entry.nfields; i++)
        row_put(row, e->entry.field[i].name, e->entry.field[i].value);
    return true;
}

const struct group_ops memory_group = {
    .make = memory_make,
    .drop = memory_drop,
    .list = memory_list,
    .take = memory_take,
    .hold = memory_hold,
    .done = memory_done,
    .bury = memory_bury,
};
