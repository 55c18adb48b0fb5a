#include "store/transfer.h"

#include <inttypes.h>
#include <stdio.h>

/* Entries may be a MiB large each. */
#define LIST_PAGE   64
#define NUMBER_ROOM 24

const char *const transfer_part_names[TRANSFER_PARTS] = {
    [TRANSFER_EVENTS] = "events",         [TRANSFER_AUDIT] = "audit",
    [TRANSFER_QUARANTINE] = "quarantine", [TRANSFER_SEALS] = "seals",
    [TRANSFER_DEAD] = "dead letters",     [TRANSFER_NEWEST] = "newest entries",
    [TRANSFER_GROUPS] = "groups",         [TRANSFER_TAKEN] = "taken",
    [TRANSFER_RATE] = "rate window",      [TRANSFER_IDS] = "ids",
    [TRANSFER_RECORDS] = "fields",        [TRANSFER_HISTORIES] = "histories",
};

static const struct transfer_ops *ops_of(const struct journal *j, struct fail *why)
{
    if (j->store->transfer == NULL)
        fail_set(why, "stores of this kind cannot be copied");
    return j->store->transfer;
}

static bool no_memory(struct fail *why)
{
    fail_set(why, "store: no memory for what was read");
    return false;
}

void transfer_place_free(struct transfer_place *p)
{
    buf_free(&p->key);
    buf_free(&p->name);
    buf_free(&p->waiting);
}

struct slice transfer_value(const struct transfer_item *item, const char *name)
{
    return journal_value(&(struct journal_entry){NULL, item->field, item->nfields}, name);
}

bool transfer_fields(struct arena *a, struct transfer_item *item, const char *const *name,
                     const struct slice *value, size_t n)
{
    item->nfields = n;
    item->field = arena_alloc(a, n * sizeof *item->field);
    for (size_t i = 0; item->field != NULL && i < n; i++) {
        item->field[i] = (struct journal_field){slice_of(name[i]), value[i]};
        if (value[i].p == NULL)
            return false;
    }
    return item->field != NULL;
}

struct slice transfer_number(struct arena *a, int64_t number)
{
    char text[NUMBER_ROOM] = "";

    return arena_copy(
        a, (struct slice){text, (size_t)snprintf(text, sizeof text, "%" PRId64, number)});
}

/* --- reading ---------------------------------------------------------------------------------- */

static void next_stage(struct transfer_place *p)
{
    p->stage++;
    p->over = p->begun = false;
    p->cursor = p->inner = 0;
    p->number = 0;
    buf_reset(&p->key);
    buf_reset(&p->name);
    buf_reset(&p->waiting);
}

/* Room for two more fields, which the counters of evidence take. */
static bool take_entry(const struct journal *j, enum transfer_part part,
                       const struct journal_entry *e, struct transfer_item *out)
{
    *out = (struct transfer_item){.part = part, .key = slice_of(e->id), .nfields = e->nfields};
    out->field = arena_alloc(j->arena, (e->nfields + 2) * sizeof *out->field);
    if (out->field != NULL && e->nfields > 0)
        memcpy(out->field, e->field, e->nfields * sizeof *out->field);
    return out->field != NULL;
}

static bool read_lists(const struct journal *j, const struct transfer_ops *ops,
                       struct transfer_place *p, struct transfer_page *out, struct fail *why)
{
    const char *after = p->key.n > 0 ? p->key.p : "";
    struct journal_range range = {.after = after, .max = LIST_PAGE};
    struct journal_page page;
    bool superseded = false;

    if (!journal_read(j, (enum journal_list)p->list, &range, &page, why))
        return false;
    out->item = arena_alloc(j->arena, page.n * sizeof *out->item);
    if (out->item == NULL)
        return no_memory(why);
    for (size_t i = 0; i < page.n; i++) {
        struct transfer_item *item = &out->item[out->n];
        if (!take_entry(j, (enum transfer_part)p->list, &page.entry[i], item))
            return no_memory(why);
        if (item->part == TRANSFER_QUARANTINE && !ops->counters(j, item, &superseded, why))
            return false;
        out->n += !superseded;
    }
    buf_reset(&p->key);
    if (page.n > 0 && !buf_adds(&p->key, page.entry[page.n - 1].id))
        return no_memory(why);
    if (page.n < LIST_PAGE) {
        buf_reset(&p->key);
        p->over = ++p->list == TRANSFER_LISTS;
    }
    return true;
}

bool transfer_read(const struct journal *j, struct transfer_place *place, struct transfer_page *out,
                   struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);
    bool ok;

    *out = (struct transfer_page){NULL, 0};
    if (ops == NULL)
        return false;
    if (place->stage >= STAGES)
        return true;
    ok = place->stage == STAGE_LISTS ? read_lists(j, ops, place, out, why)
                                     : ops->read(j, place, out, why);
    if (ok && place->over)
        next_stage(place);
    return ok;
}

/* --- the rest --------------------------------------------------------------------------------- */

bool transfer_possible(const struct journal *j, struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);

    return ops != NULL && ops->possible(j, why);
}

bool transfer_write(const struct journal *j, const struct transfer_item *item, size_t n,
                    struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);

    if (ops != NULL && n > TRANSFER_WRITE_MAX) {
        fail_set(why, "at most %d items are written at once", TRANSFER_WRITE_MAX);
        return false;
    }
    return ops != NULL && (n == 0 || ops->write(j, item, n, why));
}

bool transfer_mark(const struct journal *j, char out[static TRANSFER_MARK_MAX], struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);

    out[0] = '\0';
    return ops != NULL && ops->mark(j, out, why);
}

bool transfer_close(const struct journal *j, const char *mark, struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);

    return ops != NULL && ops->close(j, mark, why);
}

bool transfer_empty(const struct journal *j, bool *empty, struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);

    return ops != NULL && ops->empty(j, empty, why);
}

bool transfer_clear(const struct journal *j, struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);

    return ops != NULL && ops->clear(j, why);
}

bool transfer_counts(const struct journal *j, int64_t horizon_us,
                     int64_t out[static TRANSFER_PARTS], struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);
    bool ok = ops != NULL;

    for (int i = 0; i < TRANSFER_PARTS; i++)
        out[i] = -1;
    for (int i = 0; ok && i < TRANSFER_LISTS; i++)
        ok = journal_count(j, (enum journal_list)i, &out[i], why);
    return ok && ops->counts(j, horizon_us, out, why);
}

bool transfer_name(struct transfer_names *names, struct slice name)
{
    for (size_t i = 0; i < names->n; i++)
        if (slice_is(name, names->name[i]))
            return true;
    if (name.n == 0 || name.n > CONFIG_NAME_MAX || names->n == TRANSFER_PROVIDERS_MAX)
        return false;
    memcpy(names->name[names->n], name.p, name.n);
    names->name[names->n++][name.n] = '\0';
    return true;
}

bool transfer_providers(const struct journal *j, struct transfer_names *out, struct fail *why)
{
    const struct transfer_ops *ops = ops_of(j, why);

    return ops != NULL && ops->providers(j, out, why);
}
