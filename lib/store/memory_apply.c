#include "store/memory_apply.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

static void note_undo(struct applier *a, struct undo u)
{
    if (a->nundo == UNDO_MAX)
        abort();
    a->undo[a->nundo++] = u;
}

static void take_back(struct applier *a)
{
    while (a->nundo > 0) {
        struct undo *u = &a->undo[--a->nundo];
        struct object *o = &a->all->object[u->object];
        if (u->appended)
            object_remove_row(o, o->n - 1);
        else if (u->old.p != NULL)
            row_put(&o->row[0], u->name, u->old);
        else
            row_remove(&o->row[0], u->name);
        if (!u->appended && o->row[0].n == 0)
            object_remove_row(o, 0); /* the event had made the record */
        text_drop(u->name);
        text_drop(u->old);
    }
}

static void forget_undo(struct applier *a)
{
    while (a->nundo > 0) {
        struct undo *u = &a->undo[--a->nundo];
        struct object *o = &a->all->object[u->object];
        while (u->limit > 0 && o->n > (size_t)u->limit)
            object_remove_row(o, 0);
        text_drop(u->name);
        text_drop(u->old);
    }
}

static void change_field(struct applier *a, const char *provider, struct slice key,
                         struct slice name, struct slice value)
{
    struct object *o = objects_make(a->all, provider, key, false);
    struct row *r = objects_record(a->all, provider, key);
    struct slice old = row_get(r, name);

    note_undo(a, (struct undo){.object = (size_t)(o - a->all->object),
                               .name = text_keep(name),
                               .old = old.p != NULL ? text_keep(old) : SLICE_NONE});
    row_put(r, name, value);
}

static void append(struct applier *a, const char *provider, struct slice key, struct slice value,
                   int64_t limit)
{
    struct object *o = objects_make(a->all, provider, key, true);

    row_put(object_add_row(o), SLICE_LITERAL("value"), value);
    note_undo(
        a, (struct undo){.object = (size_t)(o - a->all->object), .appended = true, .limit = limit});
}

int64_t number_of(struct slice s)
{
    char digits[24];

    if (s.n >= sizeof digits)
        return 0;
    memcpy(digits, s.p, s.n);
    digits[s.n] = '\0';
    return strtoll(digits, NULL, 10);
}

static const char *fault(struct applier *a, const char *word)
{
    a->damaged = true;
    return word;
}

/* Whether a stamp that is there can be one. */
static bool stamp_sound(struct slice s)
{
    size_t sign = s.n > 0 && s.p[0] == '-' ? 1 : 0;

    for (size_t i = sign; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.p == NULL || (s.n > sign && s.n <= 17);
}

/* A word when the event cannot be applied; likewise below. */
static const char *set_if_newer(struct applier *a, const char *provider, const struct change *c,
                                int64_t stamp_us)
{
    char at[512], group[512], text[24];
    struct slice old, old_value = objects_field(a->all, provider, c->key, c->field), counted;
    const char *dot = memchr(c->field.p, '.', c->field.n);
    int dot_at = (int)(dot != NULL ? (size_t)(dot - c->field.p) : c->field.n);

    (void)snprintf(at, sizeof at, "at.%.*s", (int)c->field.n, c->field.p);
    (void)snprintf(group, sizeof group, "count.%.*s", dot_at, c->field.p);
    old = objects_field(a->all, provider, c->key, slice_of(at));
    if (!stamp_sound(old))
        return fault(a, "bad_number");
    if (old.p != NULL && stamp_us < number_of(old)) {
        a->flags |= STORE_STALE;
        return NULL;
    }
    if (c->group_max > 0 && old.p == NULL && old_value.p == NULL) {
        counted = objects_field(a->all, provider, c->key, slice_of(group));
        if (counted.p != NULL && number_of(counted) >= c->group_max) {
            a->flags |= STORE_CAPPED;
            return NULL;
        }
        (void)snprintf(text, sizeof text, "%lld",
                       (long long)(counted.p != NULL ? number_of(counted) + 1 : 1));
        change_field(a, provider, c->key, slice_of(group), slice_of(text));
    }
    (void)snprintf(text, sizeof text, "%lld", (long long)stamp_us);
    change_field(a, provider, c->key, c->field, c->value);
    change_field(a, provider, c->key, slice_of(at), slice_of(text));
    return NULL;
}

static const char *set_earliest(struct applier *a, const char *provider, const struct change *c,
                                int64_t stamp_us)
{
    struct slice old = objects_field(a->all, provider, c->key, c->field);
    char text[24];

    if (!stamp_sound(old))
        return fault(a, "bad_number");
    if (old.p != NULL && number_of(old) <= stamp_us)
        return NULL;
    (void)snprintf(text, sizeof text, "%lld", (long long)stamp_us);
    change_field(a, provider, c->key, c->field, slice_of(text));
    return NULL;
}

static const char *add(struct applier *a, const char *provider, const struct change *c)
{
    struct slice old = objects_field(a->all, provider, c->key, c->field);
    int64_t sum = 0, more = 0;
    char text[24];

    if (old.p != NULL && !text_to_i64(old, &sum))
        return fault(a, "bad_number");
    if (!text_to_i64(c->value, &more) || more > INT64_MAX - sum)
        return "overflow";
    (void)snprintf(text, sizeof text, "%lld", (long long)(sum + more));
    change_field(a, provider, c->key, c->field, slice_of(text));
    return NULL;
}

/* Returns false when it was there already. */
static bool create_once(struct applier *a, const char *provider, const struct change *c)
{
    struct object *o = objects_find(a->all, provider, c->key);

    if (o != NULL && o->n > 0 && o->row[0].n > 0) {
        bool same = true;
        for (uint32_t i = 0; i < c->compare; i++)
            same = same && slice_equal(row_get(&o->row[0], c->fields[i].name), c->fields[i].value);
        a->flags |= same ? STORE_NO_EFFECT : STORE_MISMATCH;
        return false;
    }
    for (uint32_t i = 0; i < c->nfields; i++)
        change_field(a, provider, c->key, c->fields[i].name, c->fields[i].value);
    return true;
}

static const char *apply_all(struct applier *a, const struct store_provider *p,
                             const struct store_member *e, int64_t stamp_us)
{
    for (size_t i = 0; i < e->nchanges; i++) {
        const struct change *c = &e->changes[i];
        const char *word = NULL;
        const struct object *o = objects_find(a->all, p->name, c->key);
        if (o != NULL && o->n > 0 && o->is_list != (c->verb == CHANGE_APPEND))
            return fault(a, "wrong_type");
        switch (c->verb) {
        case CHANGE_SET:
            change_field(a, p->name, c->key, c->field, c->value);
            break;
        case CHANGE_SET_IF_NEWER:
            word = set_if_newer(a, p->name, c, stamp_us);
            break;
        case CHANGE_SET_EARLIEST:
            word = set_earliest(a, p->name, c, stamp_us);
            break;
        case CHANGE_ADD:
            word = add(a, p->name, c);
            break;
        case CHANGE_CREATE_ONCE:
            if (!create_once(a, p->name, c))
                return NULL;
            break;
        case CHANGE_APPEND:
            append(a, p->name, c->key, c->value, p->history_limit);
            break;
        }
        if (word != NULL)
            return word;
    }
    return NULL;
}

const char *apply_changes(struct applier *a, const struct store_provider *p,
                          const struct store_member *e, int64_t stamp_us)
{
    const char *word;

    a->damaged = false;
    word = apply_all(a, p, e, stamp_us);
    if (word != NULL)
        take_back(a);
    else
        forget_undo(a);
    return word;
}
