#include <stdio.h>

#include "observe/state.h"
#include "pages/openapi_parts.h"

#define NAME_ROOM 128

/* --- bodies of requests ------------------------------------------------------------------------------ */

static void put_text(struct jsonw *j, const char *key, int64_t max)
{
    jsonw_open(j, key);
    jsonw_text(j, "type", "string");
    jsonw_number(j, "minLength", 1);
    jsonw_number(j, "maxLength", max);
    jsonw_close(j);
}

static void put_field(struct jsonw *j, const struct field *f)
{
    if (f->kind == FIELD_TEXT) {
        put_text(j, f->name, EVENT_ID_MAX);
        return;
    }
    jsonw_open(j, f->name);
    if (f->kind == FIELD_EMAIL) {
        jsonw_text(j, "type", "string");
        jsonw_number(j, "minLength", 1);
        jsonw_number(j, "maxLength", EVENT_EMAIL_MAX);
        jsonw_text(j, "pattern", "^[^@]*@[^@]*$");
    } else {
        jsonw_text(j, "type", "integer");
        jsonw_number(j, "minimum", 0);
        jsonw_number(j, "maximum", INT64_MAX);
    }
    jsonw_text(j, "description", wording_field(f->kind));
    jsonw_close(j);
}

static void put_stamp(struct jsonw *j, const char *key)
{
    jsonw_open(j, key);
    jsonw_text(j, "type", "string");
    jsonw_text(j, "format", "date-time");
    jsonw_close(j);
}

static const char *const base[] = {"id", "timestamp", "source", "event_type"};

/* "required" up to its end, and "properties" up to the type. */
static void open_event(struct jsonw *j, const struct event_type *t)
{
    jsonw_open_list(j, "required");
    for (size_t i = 0; i < sizeof base / sizeof base[0]; i++)
        jsonw_text(j, NULL, base[i]);
    for (size_t i = 0; t != NULL && i < FIELDS_MAX && t->field[i].kind != FIELD_END; i++)
        if (!t->field[i].optional)
            jsonw_text(j, NULL, t->field[i].name);
    jsonw_close_list(j);
    jsonw_open(j, "properties");
    put_text(j, "id", EVENT_ID_MAX);
    put_stamp(j, "timestamp");
    put_text(j, "source", EVENT_ID_MAX);
    jsonw_open(j, "event_type");
}

static void put_event_type(struct jsonw *j, const struct event_type *t)
{
    jsonw_open(j, t->name);
    jsonw_text(j, "type", "object");
    jsonw_text(j, "description", wording_change(t->name));
    open_event(j, t);
    jsonw_text(j, "const", t->name);
    jsonw_close(j);
    for (size_t i = 0; i < FIELDS_MAX && t->field[i].kind != FIELD_END; i++)
        put_field(j, &t->field[i]);
    jsonw_close(j);
    jsonw_close(j);
}

/* Where a provider hands on types that the table does not have. */
static bool records_unknown(const struct config *c)
{
    for (size_t i = 0; i < c->nproviders; i++)
        if (scheme_find(c->provider[i].scheme)->typed && c->provider[i].unknown_events == 1)
            return true;
    return false;
}

static void put_other_event(struct jsonw *j)
{
    jsonw_open(j, "OtherEvent");
    jsonw_text(j, "type", "object");
    jsonw_text(j, "description", "An event of another type: handed on, nothing else changes.");
    open_event(j, NULL);
    jsonw_text(j, "type", "string");
    jsonw_open(j, "not");
    jsonw_open_list(j, "enum");
    for (size_t i = 0; i < event_type_count; i++)
        jsonw_text(j, NULL, event_type_names[i]);
    jsonw_close_list(j);
    jsonw_close(j);
    jsonw_close(j);
    jsonw_close(j);
    jsonw_close(j);
}

static void put_events(struct openapi *o)
{
    struct jsonw *j = &o->json;
    bool other = records_unknown(o->config);

    if (!openapi_has_events(o->config))
        return;
    jsonw_open(j, "Event");
    jsonw_open_list(j, "oneOf");
    for (size_t i = 0; i < event_type_count; i++)
        openapi_reference(j, NULL, "schemas", event_type_names[i]);
    if (other)
        openapi_reference(j, NULL, "schemas", "OtherEvent");
    jsonw_close_list(j);
    jsonw_close(j);
    for (size_t i = 0; i < event_type_count; i++)
        put_event_type(j, table_find(slice_of(event_type_names[i])));
    if (other)
        put_other_event(j);
}

/* A member at a path of one or two names that must be there. */
static void put_member(struct jsonw *j, const char *path)
{
    char outer[NAME_ROOM];
    const char *dot = strchr(path, '.');

    if (dot == NULL) {
        put_text(j, path, EVENT_ID_MAX);
        return;
    }
    (void)snprintf(outer, sizeof outer, "%.*s", (int)(dot - path), path);
    jsonw_open(j, outer);
    jsonw_text(j, "type", "object");
    jsonw_open_list(j, "required");
    jsonw_text(j, NULL, dot + 1);
    jsonw_close_list(j);
    jsonw_open(j, "properties");
    put_text(j, dot + 1, EVENT_ID_MAX);
    jsonw_close(j);
    jsonw_close(j);
}

/* The first name of a path. */
static void put_name(struct jsonw *j, const char *path)
{
    jsonw_slice(j, NULL, (struct slice){path, strcspn(path, ".")});
}

/* The body of a scheme without the table: an object, of which only the envelope is known. */
static void put_plain_body(struct jsonw *j, const struct scheme *s)
{
    const char *member[] = {s->id_field, s->also_field};
    char name[NAME_ROOM];

    (void)snprintf(name, sizeof name, "Body_%s", s->name);
    jsonw_open(j, name);
    jsonw_text(j, "type", "object");
    jsonw_open_list(j, "required");
    for (size_t i = 0; i < 2; i++)
        if (member[i] != NULL)
            put_name(j, member[i]);
    jsonw_close_list(j);
    jsonw_open(j, "properties");
    for (size_t i = 0; i < 2; i++)
        if (member[i] != NULL)
            put_member(j, member[i]);
    if (s->type_field != NULL)
        put_member(j, s->type_field);
    if (s->stamp_field != NULL)
        put_stamp(j, s->stamp_field);
    jsonw_close(j);
    jsonw_close(j);
}

/* --- bodies of answers ------------------------------------------------------------------------------- */

static const struct {
    const char *name, *schema;
} answers[] = {
    {"Problem",
     "{\"type\":\"object\",\"required\":[\"received\"],\"properties\":{\"type\":{\"const\":"
     "\"about:blank\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
     "\"detail\":{\"type\":\"string\"},\"received\":{\"const\":false}}}"},
    {"Health", "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{\"status\":{"
               "\"const\":\"ok\"}}}"},
    {"Document", "{\"type\":\"object\",\"required\":[\"openapi\",\"info\",\"paths\"],"
                 "\"properties\":{\"openapi\":{\"const\":\"3.1.0\"}}}"},
};

/* What a sender is told of an event that was taken. */
static const char received[] =
    "{\"type\":\"object\",\"required\":[\"received\",\"webhook_id\",\"processed_at\"],"
    "\"properties\":{\"received\":{\"const\":true},\"webhook_id\":{\"type\":\"string\"},"
    "\"processed_at\":{\"type\":\"string\",\"format\":\"date-time\"}}}";
static const char spooled[] =
    "{\"type\":\"object\",\"required\":[\"received\",\"webhook_id\",\"spooled\"],\"properties\":{"
    "\"received\":{\"const\":true},\"webhook_id\":{\"type\":\"string\"},\"spooled\":{\"const\":"
    "true}}}";

/* pages/status_json.c; outcomes are named by the table. */
static const char status_before[] =
    "{\"type\":\"object\",\"required\":[\"status\",\"since\",\"at\",\"received\",\"latency\","
    "\"providers\",\"store\",\"spool\"],\"additionalProperties\":false,\"properties\":{"
    "\"status\":{\"enum\":[\"working\",\"spooling\",\"down\"]},"
    "\"since\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},"
    "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"received\":{\"type\":\"object\",\"required\":[\"from\",\"total\",\"outcomes\",\"columns\"],"
    "\"properties\":{\"from\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"column_seconds\":{\"type\":\"integer\"},\"total\":{\"type\":\"integer\"},\"outcomes\":";
static const char status_between[] =
    ",\"columns\":{\"type\":\"array\",\"minItems\":48,\"maxItems\":49,\"description\":\"Half "
    "hours; "
    "the first and the last are cut where the 24 hours are.\",\"items\":{\"type\":\"object\","
    "\"required\":[\"from\","
    "\"outcomes\"],\"properties\":{\"from\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"outcomes\":";
static const char status_after[] =
    "}}}}},"
    "\"latency\":{\"type\":\"object\",\"required\":[\"hour\",\"day\"],\"additionalProperties\":{"
    "\"type\":\"object\",\"required\":[\"p50_seconds\",\"p99_seconds\"],\"properties\":{"
    "\"p50_seconds\":{\"type\":[\"number\",\"null\"]},\"p99_seconds\":{\"type\":[\"number\","
    "\"null\"]}}}},"
    "\"providers\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\"],"
    "\"properties\":{\"name\":{\"type\":\"string\"},\"retired\":{\"type\":\"boolean\"},"
    "\"rate_limit\":{\"type\":[\"integer\",\"null\"]},"
    "\"rate_window_seconds\":{\"type\":[\"integer\",\"null\"]},"
    "\"rate_used\":{\"type\":[\"integer\",\"null\"]},"
    "\"backlog_entries\":{\"type\":[\"integer\",\"null\"]},"
    "\"backlog_limit\":{\"type\":[\"integer\",\"null\"]},"
    "\"quarantine_entries\":{\"type\":[\"integer\",\"null\"]},"
    "\"quarantine_limit\":{\"type\":\"integer\"}}}},"
    "\"store\":{\"type\":\"object\",\"required\":[\"up\",\"durable\"],\"properties\":{\"up\":{"
    "\"type\":\"boolean\"},\"durable\":{\"type\":[\"boolean\",\"null\"]}}},"
    "\"spool\":{\"type\":[\"object\",\"null\"],\"required\":[\"entries\",\"oldest_seconds\"],"
    "\"properties\":{\"entries\":{\"type\":[\"integer\",\"null\"]},\"limit\":{\"type\":"
    "\"integer\"},\"oldest_seconds\":{\"type\":[\"number\",\"null\"]}}}}}";

static void put_outcomes(struct buf *out)
{
    struct jsonw j = {.out = out};

    jsonw_open(&j, NULL);
    jsonw_text(&j, "type", "object");
    jsonw_bool(&j, "additionalProperties", false);
    jsonw_open(&j, "properties");
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        jsonw_raw(&j, state_outcome_name((enum outcome)o), SLICE_LITERAL("{\"type\":\"integer\"}"));
    jsonw_close(&j);
    jsonw_close(&j);
}

static void put_status(struct jsonw *j)
{
    struct buf whole = BUF_INIT(16384);

    buf_adds(&whole, status_before);
    put_outcomes(&whole);
    buf_adds(&whole, status_between);
    put_outcomes(&whole);
    buf_adds(&whole, status_after);
    jsonw_raw(j, "Status", buf_slice(&whole));
    buf_free(&whole);
}

static void put_schemas(struct openapi *o)
{
    const struct config *c = o->config;
    struct jsonw *j = &o->json;
    bool events = false, done[32] = {false};

    jsonw_open(j, "schemas");
    put_events(o);
    for (size_t i = 0; i < c->nproviders; i++) {
        const struct scheme *s = scheme_find(c->provider[i].scheme);
        size_t row = (size_t)(s - scheme_table);
        events = events || (!s->ping && !c->provider[i].retired);
        if (!s->typed && row < sizeof done / sizeof done[0] && !done[row]) {
            done[row] = true;
            put_plain_body(j, s);
        }
    }
    if (events)
        jsonw_raw(j, "Received", slice_of(received));
    if (events && c->when_store_down == STORE_DOWN_SPOOL)
        jsonw_raw(j, "Spooled", slice_of(spooled));
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        jsonw_raw(j, answers[i].name, slice_of(answers[i].schema));
    if (c->status_page != STATUS_PAGE_OFF)
        put_status(j);
    openapi_copy_schemas(o);
    jsonw_close(j);
}

/* --- who may ----------------------------------------------------------------------------------------- */

static void put_header_scheme(struct jsonw *j, const char *name, const char *header,
                              const char *description)
{
    jsonw_open(j, name);
    jsonw_text(j, "type", "apiKey");
    jsonw_text(j, "in", "header");
    jsonw_text(j, "name", header);
    jsonw_text(j, "description", description);
    jsonw_close(j);
}

static void put_scheme_security(struct jsonw *j, const struct scheme *s)
{
    struct buf text = BUF_INIT(2048);
    char name[NAME_ROOM];

    wording_signature_form(s, &text);
    buf_adds(&text, ": ");
    wording_signature(s, &text);
    (void)snprintf(name, sizeof name, "%s_signature", s->name);
    put_header_scheme(j, name, s->header, text.p != NULL ? text.p : "");
    if (s->api_key_header != NULL) {
        (void)snprintf(name, sizeof name, "%s_api_key", s->name);
        put_header_scheme(j, name, s->api_key_header, "The API key that was agreed on.");
    }
    buf_free(&text);
}

static void put_security(struct openapi *o)
{
    const struct config *c = o->config;
    struct jsonw *j = &o->json;

    jsonw_open(j, "securitySchemes");
    for (size_t row = 0; row < scheme_count; row++)
        for (size_t i = 0; i < c->nproviders; i++)
            if (strcmp(c->provider[i].scheme, scheme_table[row].name) == 0) {
                put_scheme_security(j, &scheme_table[row]);
                break;
            }
    jsonw_raw(
        j, "metrics_bearer",
        SLICE_LITERAL("{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"The token of "
                      "the metrics.\"}"));
    put_header_scheme(j, "metrics_api_key", "x-api-key", "The same token.");
    for (size_t i = 0; i < c->nproviders; i++) {
        char name[NAME_ROOM];
        if (!wording_has_copies(&c->provider[i]))
            continue;
        (void)snprintf(name, sizeof name, "%s_read_bearer", c->provider[i].name);
        jsonw_raw(j, name,
                  SLICE_LITERAL("{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"A "
                                "token to read the copies.\"}"));
        (void)snprintf(name, sizeof name, "%s_read_api_key", c->provider[i].name);
        put_header_scheme(j, name, "x-api-key", "The same token.");
    }
    jsonw_close(j);
}

static void put_headers(struct jsonw *j)
{
    static const char *const name[] = {"Cache-Control", "X-Content-Type-Options"};

    jsonw_open(j, "headers");
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        jsonw_open(j, name[i]);
        jsonw_text(j, "description", wording_header(name[i]));
        jsonw_raw(j, "schema", SLICE_LITERAL("{\"type\":\"string\"}"));
        jsonw_close(j);
    }
    jsonw_close(j);
}

void openapi_components(struct openapi *o)
{
    jsonw_open(&o->json, "components");
    put_schemas(o);
    put_security(o);
    put_headers(&o->json);
    jsonw_close(&o->json);
}
