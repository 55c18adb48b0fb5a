#include "store/step.h"

static const struct step_ops *ops_of(const struct journal *j, struct fail *why)
{
    if (j->store->step == NULL)
        fail_set(why, "this store takes no steps under a condition");
    return j->store->step;
}

static bool sound(const struct step_change *c)
{
    switch (c->verb) {
    case STEP_REQUIRE:
    case STEP_REQUIRE_ABSENT:
    case STEP_SET:
    case STEP_PUT:
    case STEP_UNSET:
    case STEP_EMIT:
        return c->key.n > 0 && c->field.n > 0;
    case STEP_DROP:
        return c->key.n > 0;
    }
    return false;
}

enum step_outcome step_apply(const struct journal *j, const struct step_change *change, size_t n,
                             int64_t backlog_limit, struct fail *why)
{
    const struct step_ops *ops = ops_of(j, why);

    if (ops == NULL)
        return STEP_AWAY;
    if (n > STEP_CHANGES_MAX) {
        fail_set(why, "a step has at most %d changes", STEP_CHANGES_MAX);
        return STEP_AWAY;
    }
    for (size_t i = 0; i < n; i++)
        if (!sound(&change[i])) {
            fail_set(why, "change %zu of a step has no key, no field or no verb", i);
            return STEP_AWAY;
        }
    return n == 0 ? STEP_DONE : ops->apply(j, change, n, backlog_limit, why);
}

bool step_read(const struct journal *j, struct slice key, const char *const *field, size_t n,
               struct slice *out, struct fail *why)
{
    const struct step_ops *ops = ops_of(j, why);

    for (size_t i = 0; i < n; i++)
        out[i] = SLICE_NONE;
    if (ops == NULL)
        return false;
    if (n > STEP_FIELDS_MAX || key.n == 0) {
        fail_set(why, "1 to %d fields of a record can be read at once", STEP_FIELDS_MAX);
        return false;
    }
    return n == 0 || ops->read(j, key, field, n, out, why);
}

bool step_now(const struct journal *j, int64_t *now_us, struct fail *why)
{
    const struct step_ops *ops = ops_of(j, why);

    return ops != NULL && ops->now(j, now_us, why);
}

bool step_list(const struct journal *j, struct slice key, struct slice after, size_t max,
               size_t bytes, struct step_page *out, struct fail *why)
{
    const struct step_ops *ops = ops_of(j, why);

    *out = (struct step_page){NULL, 0, false};
    if (ops == NULL)
        return false;
    if (max > STEP_LIST_MAX)
        max = STEP_LIST_MAX;
    if (max == 0 || key.n == 0)
        return fail_set(why, "a page of a record has at least one field") == 0;
    out->field = arena_alloc(j->arena, max * sizeof *out->field);
    if (out->field == NULL)
        return fail_set(why, "store: no memory for a page") == 0;
    if (after.n == 0)
        after = SLICE_LITERAL("");
    return ops->list(j, key, after, max, bytes, out, why);
}
