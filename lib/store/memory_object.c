#include "store/memory_object.h"

#include <stdlib.h>

/* More entries than any unit test needs. */
#define OBJECTS_MAX 200000

struct slice text_keep(struct slice s)
{
    char *p = malloc(s.n + 1);

    if (p == NULL)
        abort(); /* a test's store: nothing is worth more than stopping here */
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct slice){p, s.n};
}

void text_drop(struct slice s)
{
    free((void *)(uintptr_t)s.p);
}

/* --- objects ---------------------------------------------------------------------------------- */

static void drop_row(struct row *r)
{
    for (size_t i = 0; i < r->n; i++) {
        text_drop(r->field[i].name);
        text_drop(r->field[i].value);
    }
    free(r->field);
}

static void empty_object(struct object *o)
{
    for (size_t i = 0; i < o->n; i++)
        drop_row(&o->row[i]);
    free(o->row);
    o->row = NULL;
    o->n = 0;
    o->expires_us = 0;
}

struct object *objects_find(struct objects *all, const char *provider, struct slice key)
{
    for (size_t i = 0; i < all->n; i++) {
        struct object *o = &all->object[i];
        if (strcmp(o->provider, provider) != 0 || !slice_equal(o->key, key))
            continue;
        if (o->expires_us != 0 && o->expires_us <= clock_now_us(all->clock))
            empty_object(o);
        return o;
    }
    return NULL;
}

struct object *objects_make(struct objects *all, const char *provider, struct slice key,
                            bool is_list)
{
    struct object *o = objects_find(all, provider, key);

    if (o == NULL) {
        if (all->n == OBJECTS_MAX)
            abort();
        if ((all->n & (all->n - 1)) == 0) { /* a power of two is full */
            all->object =
                realloc(all->object, (all->n == 0 ? 1 : 2 * all->n) * sizeof *all->object);
            if (all->object == NULL)
                abort();
        }
        o = &all->object[all->n++];
        *o = (struct object){.key = text_keep(key)};
        o->provider = strdup(provider);
        if (o->provider == NULL)
            abort();
    }
    o->is_list = is_list;
    return o;
}

struct row *object_add_row(struct object *o)
{
    o->row = realloc(o->row, (o->n + 1) * sizeof *o->row);
    if (o->row == NULL)
        abort();
    o->row[o->n] = (struct row){NULL, 0, ++o->added};
    return &o->row[o->n++];
}

void object_remove_row(struct object *o, size_t i)
{
    drop_row(&o->row[i]);
    memmove(&o->row[i], &o->row[i + 1], (o->n - i - 1) * sizeof *o->row);
    o->n--;
}

struct slice row_get(const struct row *r, struct slice name)
{
    for (size_t i = 0; r != NULL && i < r->n; i++)
        if (slice_equal(r->field[i].name, name))
            return r->field[i].value;
    return SLICE_NONE;
}

void row_put(struct row *r, struct slice name, struct slice value)
{
    for (size_t i = 0; i < r->n; i++)
        if (slice_equal(r->field[i].name, name)) {
            text_drop(r->field[i].value);
            r->field[i].value = text_keep(value);
            return;
        }
    r->field = realloc(r->field, (r->n + 1) * sizeof *r->field);
    if (r->field == NULL)
        abort();
    r->field[r->n++] = (struct field){text_keep(name), text_keep(value)};
}

void row_remove(struct row *r, struct slice name)
{
    for (size_t i = 0; i < r->n; i++)
        if (slice_equal(r->field[i].name, name)) {
            text_drop(r->field[i].name);
            text_drop(r->field[i].value);
            r->field[i] = r->field[--r->n];
            return;
        }
}

struct row *objects_record(struct objects *all, const char *provider, struct slice key)
{
    struct object *o = objects_make(all, provider, key, false);

    return o->n > 0 ? &o->row[0] : object_add_row(o);
}

struct slice objects_field(struct objects *all, const char *provider, struct slice key,
                           struct slice name)
{
    struct object *o = objects_find(all, provider, key);

    return o != NULL && o->n > 0 && !o->is_list ? row_get(&o->row[0], name) : SLICE_NONE;
}

void objects_free(struct objects *all)
{
    for (size_t i = 0; i < all->n; i++) {
        empty_object(&all->object[i]);
        text_drop(all->object[i].key);
        free(all->object[i].provider);
    }
    free(all->object);
}
