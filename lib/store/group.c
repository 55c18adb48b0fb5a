#include "store/group.h"

#include "base/clock.h"

bool group_is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return n > 0 && n <= GROUP_NAME_MAX && text[n] == '\0';
}

static bool name_sound(const char *name, const char *what, struct fail *why)
{
    if (group_is_name(name))
        return true;
    fail_set(why, "a %s has a name of 1 to %d letters, digits, dots, dashes and underscores", what,
             GROUP_NAME_MAX);
    return false;
}

static const struct group_ops *ops_of(const struct journal *j, const char *group, struct fail *why)
{
    const struct group_ops *ops = j->store->journal != NULL ? j->store->journal->group : NULL;

    if (ops == NULL)
        fail_set(why, "this store has no consumer groups");
    return ops != NULL && (group == NULL || name_sound(group, "group", why)) ? ops : NULL;
}

const char *group_all_need(const struct group_state *group, size_t n)
{
    const char *needed = NULL;

    for (size_t i = 0; i < n; i++)
        if (needed == NULL || journal_compare(group[i].needed, needed) < 0)
            needed = group[i].needed;
    return needed;
}

bool group_make(const struct journal *j, const char *group, bool from_now, struct fail *why)
{
    const struct group_ops *ops = ops_of(j, group, why);

    return ops != NULL && ops->make(j, group, from_now, why);
}

bool group_drop(const struct journal *j, const char *group, bool *dropped, struct fail *why)
{
    const struct group_ops *ops = ops_of(j, group, why);

    *dropped = false;
    return ops != NULL && ops->drop(j, group, dropped, why);
}

bool group_list(const struct journal *j, struct group_state out[static GROUPS_MAX], size_t *n,
                struct fail *why)
{
    const struct group_ops *ops = ops_of(j, NULL, why);

    *n = 0;
    return ops != NULL && ops->list(j, out, n, why);
}

bool group_take(const struct journal *j, const char *group, const char *consumer, size_t max,
                int64_t idle_ms, struct group_entry **out, size_t *n, struct fail *why)
{
    const struct group_ops *ops = ops_of(j, group, why);

    *out = NULL;
    *n = 0;
    if (max > GROUP_TAKE_MAX)
        max = GROUP_TAKE_MAX;
    return ops != NULL && name_sound(consumer, "consumer", why) &&
           (max == 0 || ops->take(j, group, consumer, max, idle_ms, out, n, why));
}

bool group_hold(const struct journal *j, const char *group, const char *consumer, const char *id,
                bool *held, struct fail *why)
{
    const struct group_ops *ops = ops_of(j, group, why);

    *held = false;
    return ops != NULL && name_sound(consumer, "consumer", why) &&
           ops->hold(j, group, consumer, id, held, why);
}

bool group_done(const struct journal *j, const char *group, const char *id, struct fail *why)
{
    const struct group_ops *ops = ops_of(j, group, why);

    return ops != NULL && ops->done(j, group, id, why);
}

bool group_bury(const struct journal *j, const char *group, const struct group_entry *e,
                const char *reason, struct fail *why)
{
    const struct group_ops *ops = ops_of(j, group, why);

    return ops != NULL && ops->bury(j, group, e, reason, why);
}
