#include "store/journal.h"

#include <stdlib.h>

const char *const journal_list_names[] = {"events", "audit", "quarantine", "audit:seals", "dead"};

static const struct journal_ops *ops_of(const struct journal *j, struct fail *why)
{
    if (j->store->journal == NULL)
        fail_set(why, "this store cannot be looked at");
    return j->store->journal;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* "<number>-<number>", each without a sign and within 64 bits. */
static bool id_parse(const char *id, uint64_t out[static 2])
{
    char *end;

    for (int i = 0; i < 2; i++) {
        if (*id < '0' || *id > '9')
            return false;
        out[i] = strtoull(id, &end, 10);
        if (*end != (i == 0 ? '-' : '\0'))
            return false;
        id = end + 1;
    }
    return true;
}

int journal_compare(const char *a, const char *b)
{
    uint64_t x[2] = {0, 0}, y[2] = {0, 0};

    if (!id_parse(a, x))
        x[0] = x[1] = 0;
    if (!id_parse(b, y))
        y[0] = y[1] = 0;
    for (int i = 0; i < 2; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

struct slice journal_value(const struct journal_entry *e, const char *name)
{
    for (size_t i = 0; i < e->nfields; i++)
        if (slice_is(e->field[i].name, name))
            return e->field[i].value;
    return SLICE_NONE;
}

bool journal_is_id(const char *text)
{
    uint64_t number[2];

    return id_parse(text, number);
}

static bool id_sound(const char *id, struct fail *why)
{
    if (id[0] == '\0' || journal_is_id(id))
        return true;
    fail_set(why, "\"%.48s\" is no id of an entry; they look like " JOURNAL_ID_FORM, id);
    return false;
}

bool journal_read(const struct journal *j, enum journal_list list,
                  const struct journal_range *range, struct journal_page *out, struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);
    struct journal_range r = *range;

    *out = (struct journal_page){NULL, 0};
    r.after = or_empty(r.after);
    r.until = or_empty(r.until);
    if (r.max > JOURNAL_PAGE_MAX)
        r.max = JOURNAL_PAGE_MAX;
    if (ops == NULL || !id_sound(r.after, why) || !id_sound(r.until, why))
        return false;
    return r.max == 0 || ops->read(j, list, &r, out, why);
}

bool journal_count(const struct journal *j, enum journal_list list, int64_t *out, struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *out = 0;
    return ops != NULL && ops->count(j, list, out, why);
}

bool journal_remove(const struct journal *j, enum journal_list list, const char *const *id,
                    size_t n, int64_t *removed, struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *removed = 0;
    if (ops == NULL)
        return false;
    if (n > JOURNAL_IDS_MAX) {
        fail_set(why, "at most %d entries can be taken out at once", JOURNAL_IDS_MAX);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if (!id_sound(id[i], why))
            return false;
    return n == 0 || ops->remove(j, list, id, n, removed, why);
}

bool journal_trim(const struct journal *j, enum journal_list list, const char *id, int64_t *removed,
                  struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *removed = 0;
    return ops != NULL && id_sound(id, why) &&
           (id[0] == '\0' || ops->trim(j, list, id, removed, why));
}

bool journal_seal(const struct journal *j, const char *newest, const struct journal_field *field,
                  size_t n, bool *done, struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *done = false;
    if (n == 0 || n > JOURNAL_FIELDS_MAX) {
        fail_set(why, "a seal has 1 to %d fields", JOURNAL_FIELDS_MAX);
        return false;
    }
    return ops != NULL && id_sound(or_empty(newest), why) &&
           ops->seal(j, or_empty(newest), field, n, done, why);
}

bool journal_record(const struct journal *j, const char *key, struct journal_entry *out,
                    struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *out = (struct journal_entry){.id = key};
    return ops != NULL && ops->record(j, key, out, why);
}

bool journal_history(const struct journal *j, const char *key, struct slice **text, size_t *n,
                     struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *text = NULL;
    *n = 0;
    return ops != NULL && ops->history(j, key, text, n, why);
}

bool journal_keys(const struct journal *j, const char *prefix, uint64_t *cursor, struct slice **key,
                  size_t *n, struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *key = NULL;
    *n = 0;
    return ops != NULL && ops->keys(j, prefix, cursor, key, n, why);
}

bool journal_forget(const struct journal *j, const char *const *key, size_t n, int64_t *removed,
                    struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *removed = 0;
    if (n > JOURNAL_IDS_MAX) {
        fail_set(why, "at most %d objects can be removed at once", JOURNAL_IDS_MAX);
        return false;
    }
    return ops != NULL && (n == 0 || ops->forget(j, key, n, removed, why));
}

static bool lease_sound(const char *name, const char *holder, struct fail *why)
{
    const char *const text[] = {name, holder};

    for (int i = 0; i < 2; i++)
        if (text[i][0] == '\0' || strlen(text[i]) > JOURNAL_NAME_MAX) {
            fail_set(why, "a lease and its holder have names of 1 to %d bytes", JOURNAL_NAME_MAX);
            return false;
        }
    return true;
}

bool journal_lease(const struct journal *j, const char *name, const char *holder, int64_t hold_ms,
                   bool *held, struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    *held = false;
    return ops != NULL && lease_sound(name, holder, why) &&
           ops->lease(j, name, holder, hold_ms, held, why);
}

bool journal_release(const struct journal *j, const char *name, const char *holder,
                     struct fail *why)
{
    const struct journal_ops *ops = ops_of(j, why);

    return ops != NULL && lease_sound(name, holder, why) && ops->release(j, name, holder, why);
}
