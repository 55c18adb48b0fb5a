#include "airtable/drain.h"

#include <string.h>

static enum api_code read_schema(struct drain *d, struct fail *why)
{
    return d->schema != NULL ? API_OK : api_tables(&d->a->api, &d->schema, why);
}

bool drain_read_has(const struct drain *d, const char *table)
{
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(d->schema, "tables"), i, entry)
    {
        const char *id = json_string_value(json_object_get(entry, "id"));
        if (id != NULL && strcmp(id, table) == 0)
            return true;
    }
    return false;
}

/* Reads up to API_RECORDS_MAX of one table's records. */
static enum api_code read_some(struct drain *d, const char *table, json_t *ids, json_t *records,
                               struct fail *why)
{
    json_t *page, *record;
    size_t i;
    enum api_code code = api_records(&d->a->api, table, ids, NULL, &page, why);

    if (code != API_OK)
        return code;
    json_array_foreach(json_object_get(page, "records"), i, record)
    {
        const char *id = json_string_value(json_object_get(record, "id"));
        if (id != NULL && json_object_set(records, id, record) != 0)
            code = API_AWAY;
    }
    json_decref(page);
    return code;
}

static enum api_code read_table(struct drain *d, const char *table, json_t *wanted,
                                struct fail *why)
{
    json_t *records = json_object(), *ids = json_array(), *ignored;
    enum api_code code = records != NULL && ids != NULL ? API_OK : API_AWAY;
    size_t left = json_object_size(wanted);
    const char *id;

    json_object_foreach(wanted, id, ignored)
    {
        left--;
        if (code == API_OK && json_array_append_new(ids, json_string(id)) != 0)
            code = API_AWAY;
        if (code != API_OK)
            break;
        if (json_array_size(ids) < API_RECORDS_MAX && left > 0)
            continue;
        code = read_some(d, table, ids, records, why);
        json_array_clear(ids);
    }
    json_decref(ids);
    if (code == API_OK && json_object_set(d->fresh, table, records) != 0)
        code = API_AWAY;
    json_decref(records);
    return code;
}

/* A table that a later payload destroys is answered like one that may not be seen: then the tables say
 * whether it is there. */
enum airtable_outcome drain_read_page(struct drain *d, struct fail *why)
{
    const char *table;
    json_t *wanted;
    enum api_code code = d->all.schema ? read_schema(d, why) : API_OK;

    json_object_foreach(d->all.records, table, wanted)
    {
        if (code != API_OK)
            break;
        if (d->schema != NULL && !drain_read_has(d, table))
            continue;
        code = read_table(d, table, wanted, why);
        if ((code == API_FORBIDDEN || code == API_NOT_FOUND) && d->schema == NULL) {
            struct fail ignored;
            if (read_schema(d, &ignored) == API_OK && !drain_read_has(d, table))
                code = API_OK;
        }
    }
    if (code == API_AWAY && why->text[0] == '\0')
        fail_set(why, "no memory for what was read");
    return base_outcome(code);
}
