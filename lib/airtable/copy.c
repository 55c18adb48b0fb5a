/* A full refresh: a copy of the whole base, filled beside the one that is read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "airtable/base.h"

#define LISTINGS_MAX                                                                               \
    5 /* of one table: an iteration ends when the record it stands at is destroyed */

/* The generation that is filled, and the keys that its conditions name. */
struct copy {
    struct airtable *a;
    struct batch batch;
    char key[AIRTABLE_KEY_MAX]; /* of the base */
    char old[GENERATION_ROOM], previous[GENERATION_ROOM], left[GENERATION_ROOM];
    char dropping[GENERATION_ROOM];
    char new[GENERATION_ROOM];
    char tables[AIRTABLE_KEY_MAX];
};

static enum airtable_outcome step_outcome_of(enum step_outcome outcome)
{
    return outcome == STEP_DONE    ? AIRTABLE_DONE
           : outcome == STEP_UNMET ? AIRTABLE_STOPPED
                                   : AIRTABLE_AWAY;
}

/* Drops all records of a generation that nobody reads. Table by table: it may be done again. */
static bool drop_generation(struct copy *c, const char *generation, struct fail *why)
{
    struct airtable *a = c->a;
    char tables[AIRTABLE_KEY_MAX], records[AIRTABLE_KEY_MAX];
    struct journal_entry entry;

    if (generation[0] == '\0')
        return true;
    airtable_key(tables, "tables", a->base, generation, NULL);
    if (!journal_record(&a->journal, tables, &entry, why))
        return false;
    for (size_t i = 0; i < entry.nfields; i++) {
        struct slice table = entry.field[i].name;
        char id[AIRTABLE_ID_MAX + 1];
        if (!airtable_id_is(table, "tbl"))
            continue;
        (void)snprintf(id, sizeof id, "%.*s", (int)table.n, table.p);
        airtable_key(records, "records", a->base, generation, id);
        batch_add(&c->batch, STEP_DROP, records, "", SLICE_NONE);
    }
    batch_add(&c->batch, STEP_DROP, tables, "", SLICE_NONE);
    return batch_end(&c->batch, why) == STEP_DONE;
}

static int64_t later(int64_t n, const char *text)
{
    int64_t other = strtoll(text, NULL, 10);

    return other > n ? other : n;
}

/* Chooses the generation's number and says that it is being filled. */
static bool begin(struct copy *c, struct fail *why)
{
    struct airtable *a = c->a;
    int64_t n = 0;

    if (!base_field(a, "generation", c->old, sizeof c->old, why) ||
        !base_field(a, "previous", c->previous, sizeof c->previous, why) ||
        !base_field(a, "building", c->left, sizeof c->left, why) ||
        !base_field(a, "dropping", c->dropping, sizeof c->dropping, why))
        return false;
    n = later(later(later(n, c->old), c->previous), c->left);
    (void)snprintf(c->new, sizeof c->new, "%" PRId64, n + 1);
    airtable_key(c->tables, "tables", a->base, c->new, NULL);
    batch_guard(&c->batch, c->key, "generation", c->old[0] != '\0' ? c->old : NULL);
    batch_guard(&c->batch, c->key, "building", c->left[0] != '\0' ? c->left : NULL);
    if (!drop_generation(c, c->dropping, why) || !drop_generation(c, c->left, why))
        return false;
    /* First it is no copy any more, then it goes, so that a reader who still finds its number has read
     * all of it. */
    if (c->previous[0] != '\0') {
        batch_add(&c->batch, STEP_UNSET, c->key, "previous", SLICE_NONE);
        batch_add(&c->batch, STEP_SET, c->key, "dropping", slice_of(c->previous));
        if (batch_end(&c->batch, why) != STEP_DONE)
            return false;
    }
    if (!drop_generation(c, c->previous, why))
        return false;
    batch_add(&c->batch, STEP_SET, c->key, "building", slice_of(c->new));
    batch_add(&c->batch, STEP_UNSET, c->key, "dropping", SLICE_NONE);
    if (batch_end(&c->batch, why) != STEP_DONE)
        return false;
    batch_guard(&c->batch, c->key, "building", c->new);
    return true;
}

static bool finish(struct copy *c, int64_t began_us, struct fail *why)
{
    const struct airtable *a = c->a;
    char at[24];

    (void)snprintf(at, sizeof at, "%" PRId64, began_us);
    if (batch_end(&c->batch, why) != STEP_DONE)
        return false;
    batch_add(&c->batch, STEP_SET, c->key, "generation", slice_of(c->new));
    if (c->old[0] != '\0')
        batch_add(&c->batch, STEP_SET, c->key, "previous", slice_of(c->old));
    batch_add(&c->batch, STEP_UNSET, c->key, "building", SLICE_NONE);
    batch_add(&c->batch, STEP_UNSET, c->key, "stale", SLICE_NONE);
    batch_add(&c->batch, STEP_SET, c->key, "refreshed", slice_of(at));
    batch_add(&c->batch, STEP_SET, "as_of", a->base, slice_of(at));
    return batch_end(&c->batch, why) == STEP_DONE;
}

bool copy_record(struct batch *b, const char *records_key, const json_t *record)
{
    const char *id = json_string_value(json_object_get(record, "id"));
    char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17));
    bool ok = id != NULL && text != NULL && airtable_id_is(slice_of(id), "rec");

    if (ok)
        batch_add(b, STEP_PUT, records_key, id, slice_of(text));
    free(text);
    return ok;
}

/* One listing from the first page to the last. */
static enum api_code list_table(struct airtable *a, struct batch *b, const char *table,
                                const char *records_key, struct fail *why)
{
    char offset[AIRTABLE_TEXT_MAX] = "";
    enum api_code code;

    do {
        json_t *page, *record;
        const char *next;
        size_t i;
        code = api_records(&a->api, table, NULL, offset[0] != '\0' ? offset : NULL, &page, why);
        if (code != API_OK)
            break;
        json_array_foreach(json_object_get(page, "records"), i, record)
        {
            if (copy_record(b, records_key, record))
                a->report->records++;
        }
        next = json_string_value(json_object_get(page, "offset"));
        (void)snprintf(offset, sizeof offset, "%s", next != NULL ? next : "");
        json_decref(page);
    } while (offset[0] != '\0' && b->outcome == STEP_DONE);
    return code;
}

enum airtable_outcome copy_table(struct airtable *a, struct batch *b, const char *table,
                                 const char *records_key, bool *found, struct fail *why)
{
    enum api_code code = API_REFUSED;

    *found = true;
    for (int i = 0; i < LISTINGS_MAX && code == API_REFUSED; i++)
        code = list_table(a, b, table, records_key, why);
    if (code == API_OK)
        return step_outcome_of(b->outcome);
    if (code != API_FORBIDDEN && code != API_NOT_FOUND)
        return base_outcome(code);

    /* A table that is gone is answered like one that may not be seen. */
    json_t *meta, *entry;
    size_t i;
    enum api_code schema = api_tables(&a->api, &meta, why);
    if (schema != API_OK)
        return base_outcome(schema);
    *found = false;
    json_array_foreach(json_object_get(meta, "tables"), i, entry)
    {
        const char *id = json_string_value(json_object_get(entry, "id"));
        *found = *found || (id != NULL && strcmp(id, table) == 0);
    }
    json_decref(meta);
    return *found ? base_outcome(code) : AIRTABLE_DONE;
}

static enum airtable_outcome copy_tables(struct copy *c, const json_t *tables, struct fail *why)
{
    json_t *table;
    size_t i;

    json_array_foreach(tables, i, table)
    {
        const char *id = json_string_value(json_object_get(table, "id"));
        char records[AIRTABLE_KEY_MAX], *text;
        enum airtable_outcome outcome;
        bool found;
        if (id == NULL || !airtable_id_is(slice_of(id), "tbl"))
            continue;
        text = json_dumps(table, JSON_COMPACT);
        if (text == NULL) {
            fail_set(why, "no memory for a table");
            return AIRTABLE_AWAY;
        }
        airtable_key(records, "records", c->a->base, c->new, id);
        /* First the table: what is left half done is found, and dropped, by its tables. */
        batch_add(&c->batch, STEP_SET, c->tables, id, slice_of(text));
        free(text);
        if (batch_end(&c->batch, why) != STEP_DONE)
            return step_outcome_of(c->batch.outcome);
        outcome = copy_table(c->a, &c->batch, id, records, &found, why);
        if (outcome != AIRTABLE_DONE)
            return outcome;
        if (!found)
            batch_add(&c->batch, STEP_UNSET, c->tables, id, SLICE_NONE);
    }
    return AIRTABLE_DONE;
}

enum airtable_outcome copy_base(struct airtable *a, struct fail *why)
{
    struct copy c = {.a = a};
    json_t *meta = NULL;
    enum airtable_outcome outcome = AIRTABLE_AWAY;
    enum api_code code;
    int64_t began_us;

    arena_reset(a->journal.arena);
    airtable_key(c.key, "base", a->base, NULL, NULL);
    if (!batch_init(&c.batch, &a->journal, 0)) {
        fail_set(why, "no memory for a refresh");
        goto done;
    }
    if (!step_now(&a->journal, &began_us, why))
        goto done;
    if (!begin(&c, why)) {
        outcome = c.batch.outcome != STEP_DONE ? step_outcome_of(c.batch.outcome) : AIRTABLE_AWAY;
        goto done;
    }
    code = api_tables(&a->api, &meta, why);
    outcome =
        code == API_OK ? copy_tables(&c, json_object_get(meta, "tables"), why) : base_outcome(code);
    if (outcome == AIRTABLE_DONE && !finish(&c, began_us, why))
        outcome = step_outcome_of(c.batch.outcome);
    if (outcome == AIRTABLE_STOPPED && c.batch.outcome != STEP_DONE)
        (void)batch_end(&c.batch, why);
    a->report->refreshes += outcome == AIRTABLE_DONE;

done:
    json_decref(meta);
    batch_free(&c.batch);
    return outcome;
}
