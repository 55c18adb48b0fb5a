#include "airtable/batch.h"

#include <stdlib.h>

#define ARENA_MAX (256u << 20)

bool batch_init(struct batch *b, const struct journal *j, int64_t backlog_limit)
{
    *b = (struct batch){.journal = j, .backlog_limit = backlog_limit, .outcome = STEP_DONE};
    b->change = calloc(STEP_CHANGES_MAX, sizeof *b->change);
    b->arena = arena_new(ARENA_MAX);
    return b->change != NULL && b->arena != NULL;
}

void batch_free(struct batch *b)
{
    free(b->change);
    arena_free(b->arena);
    *b = (struct batch){.journal = NULL};
}

void batch_guard(struct batch *b, const char *key, const char *field, const char *value)
{
    size_t i = 0;
    struct step_change guard = {value != NULL ? STEP_REQUIRE : STEP_REQUIRE_ABSENT, slice_of(key),
                                slice_of(field), slice_of(value)};

    while (i < b->nguards &&
           !(slice_is(b->guard[i].key, key) && slice_is(b->guard[i].field, field)))
        i++;
    if (i == BATCH_GUARDS_MAX)
        abort();
    b->guard[i] = guard;
    if (i == b->nguards)
        b->nguards++;
}

bool batch_has_room(const struct batch *b, size_t n, size_t bytes)
{
    return b->nguards + b->n + n <= STEP_CHANGES_MAX && b->bytes + bytes <= STEP_BYTES_MAX;
}

static void flush(struct batch *b)
{
    if (b->outcome == STEP_DONE && b->n > 0) {
        memmove(b->change + b->nguards, b->change, b->n * sizeof *b->change);
        memcpy(b->change, b->guard, b->nguards * sizeof *b->change);
        b->outcome =
            step_apply(b->journal, b->change, b->nguards + b->n, b->backlog_limit, &b->why);
    }
    b->n = 0;
    b->bytes = 0;
    arena_reset(b->arena);
}

void batch_together(struct batch *b, size_t n, size_t bytes)
{
    if (b->n > 0 && !batch_has_room(b, n, bytes))
        flush(b);
    b->together = true;
}

enum step_outcome batch_end(struct batch *b, struct fail *why)
{
    flush(b);
    b->together = false;
    if (b->outcome == STEP_UNMET)
        fail_set(why, "another worker went on from here; it has the lease now");
    else if (b->outcome == STEP_FULL)
        fail_set(why, "the hand-off holds as many entries as backlog_limit allows; its consumers "
                      "must take some out");
    else if (b->outcome == STEP_AWAY)
        *why = b->why;
    return b->outcome;
}

void batch_add(struct batch *b, enum step_verb verb, const char *key, const char *field,
               struct slice value)
{
    size_t bytes = strlen(key) + strlen(field) + value.n;
    struct step_change *c;

    if (b->n > 0 && !b->together && !batch_has_room(b, 1, bytes))
        flush(b);
    if (b->outcome != STEP_DONE)
        return;
    c = &b->change[b->n++];
    b->bytes += bytes;
    *c = (struct step_change){verb, arena_copy(b->arena, slice_of(key)),
                              arena_copy(b->arena, slice_of(field)), arena_copy(b->arena, value)};
    if (c->key.p == NULL || c->field.p == NULL || c->value.p == NULL) {
        b->outcome = STEP_AWAY;
        fail_set(&b->why, "no memory for a step");
    }
}
