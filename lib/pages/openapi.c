#include "pages/openapi.h"

#include <stdio.h>

#include "pages/openapi_parts.h"
#include "pages/sample.h"

#define NAME_ROOM (CONFIG_NAME_MAX + 64)

static const char about[] =
    "Receives signed webhooks. Whatever is answered 2xx is stored, or with 202 safely on the disk; "
    "whatever is answered 5xx took no effect and is to be sent again. An event that is sent again "
    "under its id is applied once and answered as at first, so retrying blindly is safe.\n\n"
    "HEAD is served wherever GET is. Errors are application/problem+json (RFC 9457). Nothing of a "
    "body is read before its signature was verified, and every failure to verify has the same "
    "answer.";

void openapi_reference(struct jsonw *j, const char *key, const char *kind, const char *name)
{
    char path[NAME_ROOM + 32];

    (void)snprintf(path, sizeof path, "#/components/%s/%s", kind, name);
    jsonw_open(j, key);
    jsonw_text(j, "$ref", path);
    jsonw_close(j);
}

bool openapi_has_events(const struct config *c)
{
    for (size_t i = 0; i < c->nproviders; i++)
        if (scheme_find(c->provider[i].scheme)->typed)
            return true;
    return false;
}

/* --- the path of a provider ------------------------------------------------------------------------- */

static void put_parameter(struct jsonw *j, const char *name, const char *description,
                          const char *example)
{
    jsonw_open(j, NULL);
    jsonw_text(j, "name", name);
    jsonw_text(j, "in", "header");
    jsonw_bool(j, "required", true);
    jsonw_text(j, "description", description);
    jsonw_open(j, "schema");
    jsonw_text(j, "type", "string");
    jsonw_close(j);
    jsonw_text(j, "example", example);
    jsonw_close(j);
}

static void put_parameters(struct jsonw *j, const struct scheme *s)
{
    if (s->id_header == NULL && s->type_header == NULL && s->time_header == NULL)
        return;
    jsonw_open_list(j, "parameters");
    if (s->id_header != NULL)
        put_parameter(j, s->id_header, "The id: the same with every try.", SAMPLE_HEADER_ID);
    if (s->type_header != NULL)
        put_parameter(j, s->type_header, "The event's type.", SAMPLE_HEADER_TYPE);
    if (s->time_header != NULL)
        put_parameter(j, s->time_header, "Unix time in seconds, signed with the body.",
                      "1760524200");
    jsonw_close_list(j);
}

static void put_security(struct jsonw *j, const struct scheme *s)
{
    char name[NAME_ROOM];

    jsonw_open_list(j, "security");
    jsonw_open(j, NULL);
    (void)snprintf(name, sizeof name, "%s_signature", s->name);
    jsonw_open_list(j, name);
    jsonw_close_list(j);
    if (s->api_key_header != NULL) {
        (void)snprintf(name, sizeof name, "%s_api_key", s->name);
        jsonw_open_list(j, name);
        jsonw_close_list(j);
    }
    jsonw_close(j);
    jsonw_close_list(j);
}

static void put_body_example(struct jsonw *j, const struct scheme *s, const struct event_type *type)
{
    struct buf body = BUF_INIT(4096);

    sample_body(s, type, &body);
    jsonw_open(j, type != NULL ? type->name : "example");
    jsonw_raw(j, "value", buf_slice(&body));
    jsonw_close(j);
    buf_free(&body);
}

static void put_body(struct openapi *o, const struct scheme *s)
{
    struct jsonw *j = &o->json;
    char schema[NAME_ROOM];

    (void)snprintf(schema, sizeof schema, s->typed ? "Event" : "Body_%s", s->name);
    jsonw_open(j, "requestBody");
    jsonw_bool(j, "required", true);
    jsonw_open(j, "content");
    for (size_t i = 0; i < SCHEME_MEDIA_TYPES_MAX && s->media_type[i] != NULL; i++) {
        jsonw_open(j, s->media_type[i]);
        openapi_reference(j, "schema", "schemas", schema);
        jsonw_open(j, "examples");
        for (size_t k = 0; s->typed && k < event_type_count; k++)
            put_body_example(j, s, table_find(slice_of(event_type_names[k])));
        if (!s->typed)
            put_body_example(j, s, NULL);
        jsonw_close(j);
        jsonw_close(j);
    }
    jsonw_close(j);
    jsonw_close(j);
}

static void put_provider(struct openapi *o, const struct config_provider *p)
{
    const struct scheme *s = scheme_find(p->scheme);
    struct jsonw *j = &o->json;
    struct buf text = BUF_INIT(2048);

    jsonw_open(j, p->path);
    jsonw_open(j, "post");
    buf_addf(&text, "receive_%s", p->name);
    jsonw_slice(j, "operationId", buf_slice(&text));
    jsonw_open_list(j, "tags");
    jsonw_text(j, NULL, p->name);
    jsonw_close_list(j);
    buf_reset(&text);
    buf_addf(&text, "Receives %s of %s", s->ping ? "pings" : "events", p->name);
    jsonw_slice(j, "summary", buf_slice(&text));
    if (p->retired)
        jsonw_bool(j, "deprecated", true);
    buf_reset(&text);
    buf_addf(&text, "Header %s: ", s->header);
    wording_signature(s, &text);
    if (p->rate_count > 0)
        buf_addf(&text, " At most %lld accepted events in any %lld seconds.",
                 (long long)p->rate_count, (long long)(p->rate_window_us / US_PER_S));
    buf_addf(&text, " The body has at most %lld bytes.", (long long)o->config->max_body);
    jsonw_slice(j, "description", buf_slice(&text));
    put_security(j, s);
    put_parameters(j, s);
    put_body(o, s);
    jsonw_open(j, "responses");
    openapi_provider_answers(o, p);
    jsonw_close(j);
    jsonw_close(j);
    jsonw_close(j);
    buf_free(&text);
}

/* --- the other paths -------------------------------------------------------------------------------- */

static void put_token_security(struct jsonw *j, bool asked)
{
    static const char *const scheme[] = {"metrics_bearer", "metrics_api_key"};

    jsonw_open_list(j, "security");
    for (size_t i = 0; asked && i < sizeof scheme / sizeof scheme[0]; i++) {
        jsonw_open(j, NULL);
        jsonw_open_list(j, scheme[i]);
        jsonw_close_list(j);
        jsonw_close(j);
    }
    jsonw_close_list(j);
}

static void put_endpoint_method(struct openapi *o, const struct endpoint *e, bool head)
{
    static const char *const name[] = {
        [ROUTE_METRICS] = "metrics", [ROUTE_HEALTH] = "health", [ROUTE_DOCS] = "docs",
        [ROUTE_OPENAPI] = "openapi", [ROUTE_STATUS] = "status", [ROUTE_STATUS_JSON] = "status_json",
    };
    struct jsonw *j = &o->json;
    char id[NAME_ROOM];
    bool docs = e->kind == ROUTE_DOCS || e->kind == ROUTE_OPENAPI;

    jsonw_open(j, head ? "head" : "get");
    (void)snprintf(id, sizeof id, "%s_%s", head ? "head" : "get", name[e->kind]);
    jsonw_text(j, "operationId", id);
    jsonw_open_list(j, "tags");
    jsonw_text(j, NULL, docs ? "Documentation" : "Monitoring");
    jsonw_close_list(j);
    (void)snprintf(id, sizeof id, "%s%s", e->summary, head ? ": the headers alone" : "");
    jsonw_text(j, "summary", id);
    put_token_security(j, route_asks_token(o->config, e));
    if (docs) {
        jsonw_open_list(j, "parameters");
        jsonw_raw(j, NULL,
                  SLICE_LITERAL("{\"name\":\"If-None-Match\",\"in\":\"header\",\"required\":false,"
                                "\"description\":\"The ETag of what the client has.\","
                                "\"schema\":{\"type\":\"string\"}}"));
        jsonw_close_list(j);
    }
    jsonw_open(j, "responses");
    openapi_endpoint_answers(o, e, head);
    jsonw_close(j);
    jsonw_close(j);
}

/* --- the document ------------------------------------------------------------------------------------ */

static void put_head(struct openapi *o, const char *version)
{
    struct jsonw *j = &o->json;
    struct buf base = BUF_INIT(1024);

    jsonw_text(j, "openapi", "3.1.0");
    jsonw_open(j, "info");
    jsonw_text(j, "title", "Guichet");
    jsonw_text(j, "summary", "Webhook receiver");
    jsonw_text(j, "version", version);
    jsonw_text(j, "description", about);
    jsonw_open(j, "license");
    jsonw_text(j, "name", "ISC");
    jsonw_text(j, "identifier", "ISC");
    jsonw_close(j);
    jsonw_close(j);
    jsonw_open_list(j, "servers");
    jsonw_open(j, NULL);
    wording_base(o->config, &base);
    jsonw_text(j, "url", base.n > 0 ? base.p : "/");
    jsonw_close(j);
    jsonw_close_list(j);
    buf_free(&base);
}

static void put_tag(struct jsonw *j, const char *name, const char *description)
{
    jsonw_open(j, NULL);
    jsonw_text(j, "name", name);
    jsonw_text(j, "description", description);
    jsonw_close(j);
}

static void put_tags(struct openapi *o)
{
    struct jsonw *j = &o->json;

    jsonw_open_list(j, "tags");
    for (size_t i = 0; i < o->config->nproviders; i++) {
        char text[NAME_ROOM];
        (void)snprintf(text, sizeof text, "Webhooks of %s", o->config->provider[i].name);
        put_tag(j, o->config->provider[i].name, text);
    }
    put_tag(j, "Monitoring", "For those who run it");
    put_tag(j, "Documentation", "For those who send to it");
    jsonw_close_list(j);
}

void openapi_render(const struct config *c, const char *version, struct arena *arena,
                    struct buf *out)
{
    struct openapi o = {.config = c, .arena = arena, .json = {.out = out}};
    struct jsonw *j = &o.json;

    jsonw_open(j, NULL);
    put_head(&o, version);
    put_tags(&o);
    jsonw_open(j, "paths");
    for (size_t i = 0; i < c->nproviders; i++)
        put_provider(&o, &c->provider[i]);
    for (size_t i = 0; i < route_endpoint_count; i++) {
        const struct endpoint *e = &route_endpoint[i];
        if (!route_is_served(c, e))
            continue;
        jsonw_open(j, e->path);
        put_endpoint_method(&o, e, false);
        put_endpoint_method(&o, e, true);
        jsonw_close(j);
    }
    openapi_copies(&o);
    jsonw_close(j);
    openapi_components(&o);
    jsonw_close(j);
}
