#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/memory_store.h"

#define ID_ROOM 32

/* NULL when the store plays dead. */
static struct memory *memory_of(const struct journal *j, struct fail *why)
{
    struct memory *m = (struct memory *)j->store;

    if (m->fail_word == NULL)
        return m;
    fail_set(why, "store: %s", m->fail_word);
    return NULL;
}

static struct object *list_of(struct memory *m, const struct journal *j, enum journal_list list)
{
    return objects_make(&m->all, j->provider, slice_of(journal_list_names[list]), true);
}

static uint64_t number_in(const char *id)
{
    return strtoull(id, NULL, 10);
}

static bool take(const struct journal *j, const struct row *r, const char *id,
                 struct journal_entry *out, struct fail *why)
{
    *out = (struct journal_entry){.id = id};
    out->field = arena_alloc(j->arena, (r->n + 1) * sizeof *out->field);
    for (size_t i = 0; out->field != NULL && i < r->n; i++) {
        out->field[i].name = arena_copy(j->arena, r->field[i].name);
        out->field[i].value = arena_copy(j->arena, r->field[i].value);
        out->nfields++;
    }
    if (out->field == NULL)
        fail_set(why, "no memory for what was read");
    return out->field != NULL;
}

static bool memory_read(const struct journal *j, enum journal_list list,
                        const struct journal_range *range, struct journal_page *out,
                        struct fail *why)
{
    struct memory *m = memory_of(j, why);
    struct object *o = m != NULL ? list_of(m, j, list) : NULL;

    if (o == NULL)
        return false;
    out->entry = arena_alloc(j->arena, (o->n + 1) * sizeof *out->entry);
    for (size_t i = 0; out->entry != NULL && i < o->n && out->n < range->max; i++) {
        const struct row *r = &o->row[range->backwards ? o->n - 1 - i : i];
        if (r->number <= number_in(range->after) ||
            (range->until[0] != '\0' && r->number > number_in(range->until)))
            continue;
        char *id = arena_alloc(j->arena, ID_ROOM);
        if (id == NULL)
            break;
        (void)snprintf(id, ID_ROOM, "%" PRIu64 "-0", r->number);
        if (!take(j, r, id, &out->entry[out->n], why))
            return false;
        out->n++;
    }
    return true;
}

static bool memory_count_list(const struct journal *j, enum journal_list list, int64_t *out,
                              struct fail *why)
{
    struct memory *m = memory_of(j, why);

    if (m != NULL)
        *out = (int64_t)list_of(m, j, list)->n;
    return m != NULL;
}

static bool memory_remove(const struct journal *j, enum journal_list list, const char *const *id,
                          size_t n, int64_t *removed, struct fail *why)
{
    struct memory *m = memory_of(j, why);
    struct object *o = m != NULL ? list_of(m, j, list) : NULL;

    for (size_t k = 0; o != NULL && k < n; k++)
        for (size_t i = 0; i < o->n; i++)
            if (o->row[i].number == number_in(id[k])) {
                object_remove_row(o, i);
                (*removed)++;
                break;
            }
    return o != NULL;
}

static bool memory_trim(const struct journal *j, enum journal_list list, const char *id,
                        int64_t *removed, struct fail *why)
{
    struct memory *m = memory_of(j, why);
    struct object *o = m != NULL ? list_of(m, j, list) : NULL;

    while (o != NULL && o->n > 0 && o->row[0].number < number_in(id)) {
        object_remove_row(o, 0);
        (*removed)++;
    }
    return o != NULL;
}

static bool memory_seal(const struct journal *j, const char *newest,
                        const struct journal_field *field, size_t n, bool *done, struct fail *why)
{
    struct memory *m = memory_of(j, why);
    struct object *o = m != NULL ? list_of(m, j, JOURNAL_SEALS) : NULL;
    uint64_t last = o != NULL && o->n > 0 ? o->row[o->n - 1].number : 0;

    if (o == NULL)
        return false;
    *done = last == (newest[0] != '\0' ? number_in(newest) : 0);
    if (*done) {
        struct row *r = object_add_row(o);
        for (size_t i = 0; i < n; i++)
            row_put(r, field[i].name, field[i].value);
    }
    return true;
}

static bool memory_record(const struct journal *j, const char *key, struct journal_entry *out,
                          struct fail *why)
{
    struct memory *m = memory_of(j, why);
    struct object *o = m != NULL ? objects_find(&m->all, j->provider, slice_of(key)) : NULL;

    if (m == NULL || o == NULL || o->n == 0)
        return m != NULL;
    return take(j, &o->row[0], key, out, why);
}

static bool memory_history_of(const struct journal *j, const char *key, struct slice **text,
                              size_t *n, struct fail *why)
{
    struct memory *m = memory_of(j, why);
    struct object *o = m != NULL ? objects_find(&m->all, j->provider, slice_of(key)) : NULL;

    if (m == NULL || o == NULL)
        return m != NULL;
    *text = arena_alloc(j->arena, (o->n + 1) * sizeof **text);
    for (size_t i = o->n > JOURNAL_PAGE_MAX ? o->n - JOURNAL_PAGE_MAX : 0;
         *text != NULL && i < o->n; i++)
        (*text)[(*n)++] = arena_copy(j->arena, row_get(&o->row[i], SLICE_LITERAL("value")));
    return true;
}

static bool memory_keys(const struct journal *j, const char *prefix, uint64_t *cursor,
                        struct slice **key, size_t *n, struct fail *why)
{
    struct memory *m = memory_of(j, why);

    if (m == NULL)
        return false;
    *key = arena_alloc(j->arena, (JOURNAL_PAGE_MAX + 1) * sizeof **key);
    while (*key != NULL && *cursor < m->all.n && *n < JOURNAL_PAGE_MAX) {
        const struct object *o = &m->all.object[(*cursor)++];
        if (o->n > 0 && strcmp(o->provider, j->provider) == 0 && slice_begins(o->key, prefix))
            (*key)[(*n)++] = arena_copy(j->arena, o->key);
    }
    if (*cursor >= m->all.n)
        *cursor = 0;
    return *key != NULL;
}

static bool memory_forget(const struct journal *j, const char *const *key, size_t n,
                          int64_t *removed, struct fail *why)
{
    struct memory *m = memory_of(j, why);

    for (size_t i = 0; m != NULL && i < n; i++) {
        struct object *o = objects_find(&m->all, j->provider, slice_of(key[i]));
        if (o == NULL || o->n == 0)
            continue;
        while (o->n > 0)
            object_remove_row(o, o->n - 1);
        (*removed)++;
    }
    return m != NULL;
}

/* The lease's key; the object expires by itself. */
static struct slice lease_key(const struct journal *j, const char *name)
{
    char key[JOURNAL_NAME_MAX + 8];

    (void)snprintf(key, sizeof key, "lease:%s", name);
    return arena_copy(j->arena, slice_of(key));
}

static bool memory_lease(const struct journal *j, const char *name, const char *holder,
                         int64_t hold_ms, bool *held, struct fail *why)
{
    struct memory *m = memory_of(j, why);
    struct slice key = lease_key(j, name), now;

    if (m == NULL)
        return false;
    now = objects_field(&m->all, j->provider, key, SLICE_LITERAL("holder"));
    *held = now.p == NULL || slice_is(now, holder);
    if (*held) {
        row_put(objects_record(&m->all, j->provider, key), SLICE_LITERAL("holder"),
                slice_of(holder));
        objects_find(&m->all, j->provider, key)->expires_us =
            clock_now_us(m->clock) + hold_ms * 1000;
    }
    return true;
}

static bool memory_release(const struct journal *j, const char *name, const char *holder,
                           struct fail *why)
{
    struct memory *m = memory_of(j, why);
    struct slice key = lease_key(j, name);
    int64_t removed = 0;

    if (m != NULL &&
        slice_is(objects_field(&m->all, j->provider, key, SLICE_LITERAL("holder")), holder))
        return memory_forget(j, &key.p, 1, &removed, why);
    return m != NULL;
}

const struct journal_ops memory_journal = {
    .read = memory_read,
    .count = memory_count_list,
    .remove = memory_remove,
    .trim = memory_trim,
    .seal = memory_seal,
    .record = memory_record,
    .history = memory_history_of,
    .keys = memory_keys,
    .forget = memory_forget,
    .lease = memory_lease,
    .release = memory_release,
    .group = &memory_group,
};
