#include "airtable/drain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void records_key(const struct drain *d, const char *table, char out[static AIRTABLE_KEY_MAX])
{
    airtable_key(out, "records", d->a->base, d->generation, table);
}

/* Tables as they are now; those that are gone, with their records. */
static enum airtable_outcome write_schema(struct drain *d, struct fail *why)
{
    struct journal_entry old;
    json_t *entry;
    size_t i;

    if (!journal_record(&d->a->journal, d->tables_key, &old, why))
        return AIRTABLE_AWAY;
    for (i = 0; i < old.nfields; i++) {
        char id[AIRTABLE_ID_MAX + 1], records[AIRTABLE_KEY_MAX];
        (void)snprintf(id, sizeof id, "%.*s", (int)old.field[i].name.n, old.field[i].name.p);
        if (drain_read_has(d, id))
            continue;
        records_key(d, id, records);
        batch_add(&d->batch, STEP_DROP, records, "", SLICE_NONE);
        batch_add(&d->batch, STEP_UNSET, d->tables_key, id, SLICE_NONE);
    }
    json_array_foreach(json_object_get(d->schema, "tables"), i, entry)
    {
        const char *id = json_string_value(json_object_get(entry, "id"));
        char *text = json_dumps(entry, JSON_COMPACT);
        if (id != NULL && text != NULL && airtable_id_is(slice_of(id), "tbl"))
            batch_add(&d->batch, STEP_SET, d->tables_key, id, slice_of(text));
        free(text);
    }
    d->schema_written = true;
    return AIRTABLE_DONE;
}

/* Whole tables, page by page. They change nothing that conditions name, so steps in between are sound. */
static enum airtable_outcome write_tables(struct drain *d, json_t *tables, struct fail *why)
{
    const char *table;
    json_t *ignored;

    json_object_foreach(tables, table, ignored)
    {
        char records[AIRTABLE_KEY_MAX];
        enum airtable_outcome outcome;
        bool found;
        if (json_object_get(d->copied, table) != NULL || !drain_read_has(d, table))
            continue;
        records_key(d, table, records);
        outcome = copy_table(d->a, &d->batch, table, records, &found, why);
        if (outcome != AIRTABLE_DONE)
            return outcome;
        if (json_object_set_new(d->copied, table, json_true()) != 0)
            return AIRTABLE_AWAY;
    }
    return AIRTABLE_DONE;
}

/* Whether this page has not written the record yet; notes that it has now. */
static bool is_first(struct drain *d, const char *table, const char *record)
{
    json_t *set = json_object_get(d->written, table);

    if (set == NULL) {
        if (json_object_set_new(d->written, table, json_object()) != 0)
            return true;
        set = json_object_get(d->written, table);
    }
    return json_object_get(set, record) == NULL &&
           json_object_set_new(set, record, json_true()) == 0;
}

/* A record that was read is set; one that was not there any more, or is said to be gone, is taken out. */
static void write_records(struct drain *d, json_t *by_table)
{
    const char *table, *id;
    json_t *set, *ignored;

    json_object_foreach(by_table, table, set)
    {
        char key[AIRTABLE_KEY_MAX];
        const json_t *fresh = json_object_get(d->fresh, table);
        records_key(d, table, key);
        json_object_foreach(set, id, ignored)
        {
            const json_t *record = json_object_get(fresh, id);
            if (!is_first(d, table, id))
                continue;
            if (record == NULL)
                batch_add(&d->batch, STEP_UNSET, key, id, SLICE_NONE);
            else if (copy_record(&d->batch, key, record))
                d->a->report->records++;
        }
    }
}

/* The entry of the hand-off. */
bool drain_write_event(struct drain *d, int64_t number, const json_t *payload)
{
    char id[AIRTABLE_KEY_MAX];
    json_t *body = json_pack("{s:s,s:s,s:I,s:O}", "base", d->a->base, "webhook", d->hook, "number",
                             (json_int_t)number, "payload", payload);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;

    (void)snprintf(id, sizeof id, "%s:%" PRId64, d->hook, number);
    if (text != NULL)
        batch_add(&d->batch, STEP_EMIT, id, "airtable.payload", slice_of(text));
    free(text);
    json_decref(body);
    return text != NULL;
}

enum airtable_outcome drain_write_payload(struct drain *d, const json_t *payload, struct fail *why)
{
    struct touched t;
    enum airtable_outcome outcome = AIRTABLE_AWAY;

    if (!touched_init(&t) || !touched_add(&t, payload)) {
        fail_set(why, "no memory for a payload");
        goto done;
    }
    outcome = t.schema && !d->schema_written ? write_schema(d, why) : AIRTABLE_DONE;
    if (outcome == AIRTABLE_DONE)
        outcome = write_tables(d, t.tables, why);
    if (outcome == AIRTABLE_DONE) {
        write_records(d, t.records);
        write_records(d, t.gone);
        if (t.error != NULL)
            batch_add(&d->batch, STEP_SET, d->hook_key, "error", slice_of(t.error));
    }

done:
    touched_free(&t);
    return outcome;
}
