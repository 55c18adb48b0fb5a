#include <inttypes.h>
#include <stdio.h>

#include "store/memory_store.h"

static bool met(struct memory *m, const char *provider, const struct step_change *c)
{
    struct slice have = objects_field(&m->all, provider, c->key, c->field);

    return c->verb == STEP_REQUIRE ? have.p != NULL && slice_equal(have, c->value) : have.p == NULL;
}

static void drop(struct memory *m, const char *provider, struct slice key)
{
    struct object *o = objects_find(&m->all, provider, key);

    while (o != NULL && o->n > 0)
        object_remove_row(o, o->n - 1);
}

static void unset(struct memory *m, const char *provider, const struct step_change *c)
{
    struct object *o = objects_find(&m->all, provider, c->key);

    if (o == NULL || o->n == 0)
        return;
    row_remove(&o->row[0], c->field);
    if (o->row[0].n == 0)
        object_remove_row(o, 0);
}

static void emit(struct memory *m, const char *provider, const struct step_change *c)
{
    struct object *o = objects_make(&m->all, provider, SLICE_LITERAL("events"), true);
    struct row *r = object_add_row(o);
    char at[24];

    (void)snprintf(at, sizeof at, "%" PRId64, clock_now_us(m->clock));
    row_put(r, SLICE_LITERAL("id"), c->key);
    row_put(r, SLICE_LITERAL("type"), c->field);
    row_put(r, SLICE_LITERAL("at"), slice_of(at));
    row_put(r, SLICE_LITERAL("body"), c->value);
}

static void write_change(struct memory *m, const char *provider, const struct step_change *c)
{
    switch (c->verb) {
    case STEP_SET:
    case STEP_PUT:
        row_put(objects_record(&m->all, provider, c->key), c->field, c->value);
        break;
    case STEP_UNSET:
        unset(m, provider, c);
        break;
    case STEP_DROP:
        drop(m, provider, c->key);
        break;
    case STEP_EMIT:
        emit(m, provider, c);
        break;
    default:
        break;
    }
}

/* A record where a list is, or the other way round, cannot be changed. */
static bool fits(struct memory *m, const char *provider, const struct step_change *c)
{
    const struct object *o = c->verb == STEP_EMIT ? NULL : objects_find(&m->all, provider, c->key);

    return o == NULL || !o->is_list;
}

static enum step_outcome memory_step_apply(const struct journal *j,
                                           const struct step_change *change, size_t n,
                                           int64_t backlog_limit, struct fail *why)
{
    struct memory *m = (struct memory *)j->store;
    struct object *events;
    size_t emits = 0;

    if (m->fail_word != NULL) {
        fail_set(why, "store: %s", m->fail_word);
        return STEP_AWAY;
    }
    for (size_t i = 0; i < n; i++) {
        if (!fits(m, j->provider, &change[i])) {
            fail_set(why, "store: wrong_type");
            return STEP_AWAY;
        }
        emits += change[i].verb == STEP_EMIT;
    }
    for (size_t i = 0; i < n; i++)
        if ((change[i].verb == STEP_REQUIRE || change[i].verb == STEP_REQUIRE_ABSENT) &&
            !met(m, j->provider, &change[i]))
            return STEP_UNMET;
    events = objects_find(&m->all, j->provider, SLICE_LITERAL("events"));
    if (backlog_limit > 0 && emits > 0 &&
        (events != NULL ? events->n : 0) + emits > (size_t)backlog_limit)
        return STEP_FULL;
    for (size_t i = 0; i < n; i++)
        write_change(m, j->provider, &change[i]);
    return STEP_DONE;
}

static bool memory_step_read(const struct journal *j, struct slice key, const char *const *field,
                             size_t n, struct slice *out, struct fail *why)
{
    struct memory *m = (struct memory *)j->store;

    if (m->fail_word != NULL)
        return fail_set(why, "store: %s", m->fail_word) == 0;
    for (size_t i = 0; i < n; i++) {
        struct slice have = objects_field(&m->all, j->provider, key, slice_of(field[i]));
        if (have.p != NULL && (out[i] = arena_copy(j->arena, have)).p == NULL)
            return fail_set(why, "store: no memory for what was read") == 0;
    }
    return true;
}

static bool memory_step_now(const struct journal *j, int64_t *now_us, struct fail *why)
{
    struct memory *m = (struct memory *)j->store;

    if (m->fail_word != NULL)
        return fail_set(why, "store: %s", m->fail_word) == 0;
    *now_us = clock_now_us(m->clock);
    return true;
}

static int compare(struct slice a, struct slice b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

/* The first field by name behind `after`, or NULL. */
static const struct field *next_field(const struct row *r, struct slice after)
{
    const struct field *next = NULL;

    for (size_t i = 0; i < r->n; i++)
        if (compare(r->field[i].name, after) > 0 &&
            (next == NULL || compare(r->field[i].name, next->name) < 0))
            next = &r->field[i];
    return next;
}

static bool memory_step_list(const struct journal *j, struct slice key, struct slice after,
                             size_t max, size_t bytes, struct step_page *out, struct fail *why)
{
    struct memory *m = (struct memory *)j->store;
    const struct object *o = objects_find(&m->all, j->provider, key);
    size_t used = 0;

    if (m->fail_word != NULL)
        return fail_set(why, "store: %s", m->fail_word) == 0;
    while (o != NULL && o->n > 0) {
        const struct field *f = next_field(&o->row[0], after);
        struct journal_field *to = &out->field[out->n];
        out->more = f != NULL;
        if (f == NULL || out->n == max || used >= bytes)
            break;
        to->name = arena_copy(j->arena, f->name);
        to->value = arena_copy(j->arena, f->value);
        if (to->name.p == NULL || to->value.p == NULL)
            return fail_set(why, "store: no memory for what was read") == 0;
        after = f->name;
        used += f->name.n + f->value.n;
        out->n++;
    }
    return true;
}

const struct step_ops memory_step = {memory_step_apply, memory_step_read, memory_step_now,
                                     memory_step_list};
