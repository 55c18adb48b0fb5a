#include "airtable/page.h"

#include <string.h>

#include "airtable/keys.h"

bool touched_init(struct touched *t)
{
    *t = (struct touched){json_object(), json_object(), json_object(), false, NULL};
    return t->records != NULL && t->gone != NULL && t->tables != NULL;
}

void touched_free(struct touched *t)
{
    json_decref(t->records);
    json_decref(t->gone);
    json_decref(t->tables);
    *t = (struct touched){.records = NULL};
}

static bool put(json_t *set, const char *key)
{
    return json_object_set_new(set, key, json_true()) == 0;
}

/* The set below a table's id; made if it is new. */
static json_t *below(json_t *by_table, const char *table)
{
    json_t *set = json_object_get(by_table, table);

    if (set == NULL && json_object_set_new(by_table, table, json_object()) == 0)
        set = json_object_get(by_table, table);
    return set;
}

/* The names of an object's members, or the texts of an array, that are ids of records. */
static bool put_records(json_t *by_table, const char *table, json_t *ids)
{
    json_t *set = json_object_size(ids) + json_array_size(ids) > 0 ? below(by_table, table) : NULL;
    const char *key;
    json_t *value;
    size_t i;

    if (json_object_size(ids) + json_array_size(ids) == 0)
        return true;
    if (set == NULL)
        return false;
    json_array_foreach(ids, i, value)
    {
        key = json_string_value(value);
        if (key != NULL && airtable_id_is(slice_of(key), "rec") && !put(set, key))
            return false;
    }
    if (json_is_object(ids))
        for (void *m = json_object_iter(ids); m != NULL; m = json_object_iter_next(ids, m))
            if (airtable_id_is(slice_of(json_object_iter_key(m)), "rec") &&
                !put(set, json_object_iter_key(m)))
                return false;
    return true;
}

/* A record that came into a view or left it may exist or not. */
static bool put_view(struct touched *t, const char *table, const json_t *view)
{
    return put_records(t->records, table, json_object_get(view, "createdRecordsById")) &&
           put_records(t->records, table, json_object_get(view, "changedRecordsById")) &&
           put_records(t->records, table, json_object_get(view, "destroyedRecordIds"));
}

/* Another name changes no cell; another type or formula may change them all. */
static bool cells_may_differ(json_t *changed_fields)
{
    const char *id, *name;
    json_t *change, *value;

    json_object_foreach(changed_fields, id, change) json_object_foreach(
        json_object_get(change, "current"), name,
        value) if (strcmp(name, "name") != 0 && strcmp(name, "description") != 0) return true;
    return false;
}

static bool put_table(struct touched *t, const char *table, const json_t *changes)
{
    json_t *changed = json_object_get(changes, "changedFieldsById");
    bool cells = json_object_size(json_object_get(changes, "createdFieldsById")) > 0 ||
                 json_array_size(json_object_get(changes, "destroyedFieldIds")) > 0 ||
                 cells_may_differ(changed);
    const char *id;
    json_t *view;

    if (cells || json_object_size(changed) > 0 ||
        json_object_get(changes, "changedMetadata") != NULL)
        t->schema = true;
    if (cells && !put(t->tables, table))
        return false;
    json_object_foreach(json_object_get(changes, "changedViewsById"), id,
                        view) if (!put_view(t, table, view)) return false;
    return put_records(t->records, table, json_object_get(changes, "createdRecordsById")) &&
           put_records(t->records, table, json_object_get(changes, "changedRecordsById")) &&
           put_records(t->gone, table, json_object_get(changes, "destroyedRecordIds"));
}

bool touched_add(struct touched *t, const json_t *payload)
{
    const char *id;
    json_t *value;

    if (json_is_true(json_object_get(payload, "error"))) {
        const char *code = json_string_value(json_object_get(payload, "code"));
        t->error = code != NULL ? code : "INTERNAL_ERROR";
    }
    json_object_foreach(json_object_get(payload, "createdTablesById"), id, value)
    {
        t->schema = true;
        if (airtable_id_is(slice_of(id), "tbl") && !put(t->tables, id))
            return false;
    }
    if (json_array_size(json_object_get(payload, "destroyedTableIds")) > 0)
        t->schema = true;
    json_object_foreach(json_object_get(payload, "changedTablesById"), id,
                        value) if (airtable_id_is(slice_of(id), "tbl") &&
                                   !put_table(t, id, value)) return false;
    return true;
}
