/* The paths of copies of bases (receive_copy.c). */
#include <stdio.h>

#include "pages/openapi_parts.h"

#define NAME_ROOM (CONFIG_NAME_MAX + 64)

/* A part of the path: an id of Airtable's. */
static void put_part(struct jsonw *j, const char *name)
{
    static const struct {
        const char *name, *description, *pattern, *example;
    } part[] = {
        {"base", "Id of the base.", "^app[A-Za-z0-9]{1,37}$", "appTest0000000000"},
        {"table", "Id of the table.", "^tbl[A-Za-z0-9]{1,37}$", "tblTest0000000000"},
        {"record", "Id of the record.", "^rec[A-Za-z0-9]{1,37}$", "recTest0000000000"},
    };

    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        if (strcmp(part[i].name, name) != 0)
            continue;
        jsonw_open(j, NULL);
        jsonw_text(j, "name", name);
        jsonw_text(j, "in", "path");
        jsonw_bool(j, "required", true);
        jsonw_text(j, "description", part[i].description);
        jsonw_open(j, "schema");
        jsonw_text(j, "type", "string");
        jsonw_text(j, "pattern", part[i].pattern);
        jsonw_close(j);
        jsonw_text(j, "example", part[i].example);
        jsonw_close(j);
    }
}

static void put_parameters(struct jsonw *j, const struct copy_endpoint *e)
{
    static const char limit[] =
        "{\"name\":\"limit\",\"in\":\"query\",\"required\":false,\"description\":\"Records of a "
        "page, at most; more than 100 are never given, and large ones end a page "
        "earlier.\",\"schema\":{\"type\":\"integer\",\"minimum\":1,\"default\":100}}";
    static const char cursor[] =
        "{\"name\":\"cursor\",\"in\":\"query\",\"required\":false,\"description\":\"Of the answer "
        "before: where this page begins. It is of one copy, which can be read to its end while a "
        "newer "
        "one is there.\",\"schema\":{\"type\":\"string\"}}";
    static const char known[] =
        "{\"name\":\"If-None-Match\",\"in\":\"header\",\"required\":false,\"description\":\"The "
        "ETag of what the client has.\",\"schema\":{\"type\":\"string\"}}";

    jsonw_open_list(j, "parameters");
    for (size_t i = 0; i < ROUTE_PARTS_MAX && e->part[i] != NULL; i++)
        put_part(j, e->part[i]);
    if (strcmp(e->name, "table") == 0) {
        jsonw_raw(j, NULL, slice_of(limit));
        jsonw_raw(j, NULL, slice_of(cursor));
    }
    jsonw_raw(j, NULL, slice_of(known));
    jsonw_close_list(j);
}

static void put_security(struct jsonw *j, const struct config_provider *p)
{
    static const char *const kind[] = {"bearer", "api_key"};

    jsonw_open_list(j, "security");
    for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++) {
        char name[NAME_ROOM];
        (void)snprintf(name, sizeof name, "%s_read_%s", p->name, kind[i]);
        jsonw_open(j, NULL);
        jsonw_open_list(j, name);
        jsonw_close_list(j);
        jsonw_close(j);
    }
    jsonw_close_list(j);
}

static void put_found(struct jsonw *j, const struct copy_endpoint *e, bool head)
{
    static const char *const header[] = {"Age", "Guichet-Copy", "ETag"};
    char schema[NAME_ROOM];

    (void)snprintf(schema, sizeof schema, "Copy_%s", e->name);
    jsonw_open(j, "200");
    jsonw_text(j, "description", "It is in the copy, which the headers say how fresh it is.");
    openapi_headers(j, header, 3, true);
    if (!head) {
        jsonw_open(j, "content");
        jsonw_open(j, "application/json");
        openapi_reference(j, "schema", "schemas", schema);
        jsonw_close(j);
        jsonw_close(j);
    }
    jsonw_close(j);
    jsonw_open(j, "304");
    jsonw_text(j, "description", "It is what the client has already (If-None-Match).");
    openapi_headers(j, header, 3, false);
    jsonw_close(j);
}

static void put_method(struct openapi *o, const struct config_provider *p,
                       const struct copy_endpoint *e, bool head)
{
    struct jsonw *j = &o->json;
    char text[NAME_ROOM + 64];

    jsonw_open(j, head ? "head" : "get");
    (void)snprintf(text, sizeof text, "%s_%s_%s", head ? "head" : "get", p->name, e->name);
    jsonw_text(j, "operationId", text);
    jsonw_open_list(j, "tags");
    jsonw_text(j, NULL, p->name);
    jsonw_close_list(j);
    (void)snprintf(text, sizeof text, "%s%s", e->summary, head ? ": the headers alone" : "");
    jsonw_text(j, "summary", text);
    put_security(j, p);
    put_parameters(j, e);
    jsonw_open(j, "responses");
    put_found(j, e, head);
    openapi_copy_problems(o, e, head);
    jsonw_close(j);
    jsonw_close(j);
}

void openapi_copies(struct openapi *o)
{
    struct buf path = BUF_INIT(1024);

    for (size_t i = 0; i < o->config->nproviders; i++) {
        const struct config_provider *p = &o->config->provider[i];
        for (size_t k = 0; wording_has_copies(p) && k < route_copy_count; k++) {
            buf_reset(&path);
            wording_copy_path(p, &route_copy[k], &path);
            jsonw_open(&o->json, path.p != NULL ? path.p : "");
            put_method(o, p, &route_copy[k], false);
            put_method(o, p, &route_copy[k], true);
            jsonw_close(&o->json);
        }
    }
    buf_free(&path);
}

void openapi_copy_schemas(struct openapi *o)
{
    static const struct {
        const char *name, *schema;
    } row[] = {
        {"Copy_base",
         "{\"type\":\"object\",\"required\":[\"base\",\"generation\",\"as_of\",\"refreshed\","
         "\"applied\",\"pending\",\"refreshing\",\"stale\",\"tables\"],\"properties\":{\"base\":{"
         "\"type\":\"string\"},\"generation\":{\"type\":\"integer\"},\"as_of\":{\"type\":"
         "\"string\",\"format\":\"date-time\",\"description\":\"The copy is the base as it was "
         "then, "
         "or later.\"},\"refreshed\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\","
         "\"description\":\"When the copy was "
         "begun.\"},\"applied\":{\"type\":[\"string\",\"null\"],"
         "\"format\":\"date-time\",\"description\":\"When changes were applied "
         "last.\"},\"pending\":{"
         "\"type\":\"boolean\"},\"refreshing\":{\"type\":\"boolean\"},\"stale\":{\"type\":["
         "\"string\",\"null\"],\"description\":\"Why another copy is due.\"},\"tables\":{\"type\":"
         "\"array\",\"items\":{\"type\":\"object\",\"description\":\"As Airtable's API gives "
         "it.\"}}}}"},
        {"Copy_table",
         "{\"type\":\"object\",\"required\":[\"base\",\"table\",\"generation\",\"records\","
         "\"cursor\"],\"properties\":{\"base\":{\"type\":\"string\"},\"table\":{\"type\":"
         "\"string\"},"
         "\"generation\":{\"type\":\"integer\"},\"records\":{\"type\":\"array\",\"items\":{"
         "\"$ref\":\"#/components/schemas/"
         "Copy_record\"}},\"cursor\":{\"type\":[\"string\",\"null\"],"
         "\"description\":\"Of the next page; null: there is none.\"}}}"},
        {"Copy_record",
         "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"string\"},"
         "\"createdTime\":{\"type\":\"string\",\"format\":\"date-time\"},\"fields\":{\"type\":"
         "\"object\",\"description\":\"By the id of the field.\"}}}"},
    };
    bool some = false;

    for (size_t i = 0; i < o->config->nproviders; i++)
        some = some || wording_has_copies(&o->config->provider[i]);
    for (size_t i = 0; some && i < sizeof row / sizeof row[0]; i++)
        jsonw_raw(&o->json, row[i].name, slice_of(row[i].schema));
}
