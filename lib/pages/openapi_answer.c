#include <stdio.h>

#include "observe/metrics.h"
#include "pages/openapi_parts.h"
#include "pages/page.h"
#include "pages/sample.h"

#define BODY_MAX  16384
#define NAMES_MAX 12

/* The answers of one status, and of what path. */
struct answer {
    struct openapi *o;
    const struct config_provider *provider; /* or */
    const struct endpoint *endpoint;        /* or */
    const struct copy_endpoint *copy;
    bool head;
    int status;
};

static void put_header(struct jsonw *j, const char *name)
{
    jsonw_open(j, name);
    jsonw_text(j, "description", wording_header(name));
    jsonw_open(j, "schema");
    jsonw_text(j, "type",
               strcmp(name, "Retry-After") == 0 || strcmp(name, "Age") == 0 ? "integer" : "string");
    jsonw_close(j);
    jsonw_close(j);
}

void openapi_headers(struct jsonw *j, const char *const name[], size_t n, bool has_body)
{
    jsonw_open(j, "headers");
    openapi_reference(j, "Cache-Control", "headers", "Cache-Control");
    if (has_body)
        openapi_reference(j, "X-Content-Type-Options", "headers", "X-Content-Type-Options");
    for (size_t i = 0; i < n; i++)
        put_header(j, name[i]);
    jsonw_close(j);
}

static void put_ref_schema(struct jsonw *j, const char *name)
{
    openapi_reference(j, "schema", "schemas", name);
}

static void open_content(struct jsonw *j, const char *type, const char *schema)
{
    jsonw_open(j, "content");
    jsonw_open(j, type);
    if (schema != NULL)
        put_ref_schema(j, schema);
    else
        jsonw_raw(j, "schema", SLICE_LITERAL("{\"type\":\"string\"}"));
}

static void close_content(struct jsonw *j)
{
    jsonw_close(j);
    jsonw_close(j);
}

/* --- problems ---------------------------------------------------------------------------------------- */

static bool is_met(const struct answer *a, enum problem_id id)
{
    if (a->provider != NULL)
        return wording_status(a->provider, id) == a->status &&
               wording_met_at_provider(a->o->config, a->provider, id);
    if (a->copy != NULL)
        return problem_table[id].status == a->status &&
               wording_met_at_copy(a->o->config, a->copy, id);
    return problem_table[id].status == a->status &&
           wording_met_at_endpoint(a->o->config, a->endpoint, id);
}

/* The body that http/problem.c makes, by that very code. */
static struct slice body_of(const struct answer *a, const char *detail)
{
    struct response r;

    problem(&r, a->status, detail, a->o->arena);
    return r.body;
}

static void put_example(const struct answer *a, const char *name, const char *detail,
                        const struct buf *sent)
{
    struct jsonw *j = &a->o->json;

    jsonw_open(j, name);
    jsonw_raw(j, "value", body_of(a, detail));
    if (sent != NULL) {
        jsonw_open(j, "x-request");
        jsonw_slice(j, "body", buf_slice(sent));
        jsonw_close(j);
    }
    jsonw_close(j);
}

/* What senders do wrong most often, and what they are told. */
static void put_faults(const struct answer *a)
{
    const struct scheme *s = scheme_find(a->provider->scheme);
    struct buf body = BUF_INIT(BODY_MAX);
    struct event e;
    const char *name;

    for (size_t i = 0; (name = sample_fault(s, &i, &body, a->o->arena, &e)) != NULL; i++)
        put_example(a, name, e.detail, &body);
    buf_free(&body);
}

static void put_examples(const struct answer *a)
{
    struct jsonw *j = &a->o->json;

    jsonw_open(j, "examples");
    for (enum problem_id id = 0; id < PROBLEM_COUNT; id++) {
        if (!is_met(a, id))
            continue;
        if (id == PROBLEM_INVALID)
            put_faults(a);
        else
            put_example(a, problem_table[id].reason, problem_table[id].detail, NULL);
    }
    jsonw_close(j);
}

static bool is_among(const char *const name[], size_t n, const char *one)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name[i], one) == 0)
            return true;
    return false;
}

static void put_problem(const struct answer *a)
{
    struct jsonw *j = &a->o->json;
    struct buf text = BUF_INIT(4096);
    const char *header[NAMES_MAX];
    size_t nheaders = 0;
    char status[8];

    for (enum problem_id id = 0; id < PROBLEM_COUNT; id++) {
        const struct problem_row *row = &problem_table[id];
        if (!is_met(a, id))
            continue;
        buf_addf(&text, "%s%s", text.n > 0 ? " Or: " : "", row->meaning);
        for (size_t i = 0; i < PROBLEM_HEADERS_MAX && row->header[i] != NULL; i++)
            if (nheaders < NAMES_MAX && !is_among(header, nheaders, row->header[i]))
                header[nheaders++] = row->header[i];
    }
    if (text.n > 0) {
        (void)snprintf(status, sizeof status, "%d", a->status);
        jsonw_open(j, status);
        jsonw_slice(j, "description", buf_slice(&text));
        openapi_headers(j, header, nheaders, true);
        if (!a->head) {
            open_content(j, PROBLEM_TYPE, "Problem");
            put_examples(a);
            close_content(j);
        }
        jsonw_close(j);
    }
    buf_free(&text);
}

static void put_problems(struct answer *a)
{
    for (a->status = 400; a->status < 600; a->status++)
        put_problem(a);
}

/* --- success ----------------------------------------------------------------------------------------- */

/* One example of {"received":true,...}; rest: what follows the id, JSON. */
static void put_received(struct openapi *o, const struct scheme *s, const char *name,
                         const struct event_type *type, const char *rest)
{
    struct jsonw *j = &o->json;
    struct buf id = BUF_INIT(EVENT_ID_MAX);

    sample_id(s, type, &id);
    jsonw_open(j, name);
    jsonw_open(j, "value");
    jsonw_bool(j, "received", true);
    jsonw_slice(j, "webhook_id", buf_slice(&id));
    if (rest != NULL)
        jsonw_bool(j, rest, true);
    else
        jsonw_text(j, "processed_at", SAMPLE_PROCESSED);
    jsonw_close(j);
    jsonw_close(j);
    buf_free(&id);
}

static void put_accepted(struct openapi *o, const struct scheme *s)
{
    static const char *const header[] = {"Idempotent-Replayed"};
    struct jsonw *j = &o->json;

    jsonw_open(j, "200");
    if (s->ping) {
        jsonw_text(j, "description", "It was stored. There is no body.");
        openapi_headers(j, NULL, 0, false);
        jsonw_close(j);
        return;
    }
    jsonw_text(j, "description",
               "It was stored, now or (with Idempotent-Replayed) before: the answer is then the "
               "first one again.");
    openapi_headers(j, header, 1, true);
    open_content(j, "application/json", "Received");
    jsonw_open(j, "examples");
    for (size_t i = 0; s->typed && i < event_type_count; i++) {
        const struct event_type *t = table_find(slice_of(event_type_names[i]));
        put_received(o, s, t->name, t, NULL);
    }
    if (!s->typed)
        put_received(o, s, "example", NULL, NULL);
    put_received(o, s, "duplicate", s->typed ? table_find(slice_of(event_type_names[0])) : NULL,
                 NULL);
    jsonw_close(j);
    close_content(j);
    jsonw_close(j);
}

static void put_spooled(struct openapi *o, const struct scheme *s)
{
    struct jsonw *j = &o->json;

    jsonw_open(j, "202");
    jsonw_text(j, "description",
               "The store is away; the event is safely on the disk and takes effect when it is "
               "back. Do not send it again.");
    openapi_headers(j, NULL, 0, true);
    open_content(j, "application/json", "Spooled");
    jsonw_open(j, "examples");
    put_received(o, s, "spooled", s->typed ? table_find(slice_of(event_type_names[0])) : NULL,
                 "spooled");
    jsonw_close(j);
    close_content(j);
    jsonw_close(j);
}

void openapi_provider_answers(struct openapi *o, const struct config_provider *p)
{
    const struct scheme *s = scheme_find(p->scheme);
    struct answer a = {.o = o, .provider = p};

    if (!p->retired) {
        put_accepted(o, s);
        if (o->config->when_store_down == STORE_DOWN_SPOOL && !s->ping)
            put_spooled(o, s);
    }
    put_problems(&a);
}

void openapi_copy_problems(struct openapi *o, const struct copy_endpoint *e, bool head)
{
    struct answer a = {.o = o, .copy = e, .head = head};

    put_problems(&a);
}

/* What an endpoint answers with 200. */
static const struct found {
    enum route_kind kind;
    const char *description;
    const char *type, *other_type;
    const char *schema;  /* NULL: text */
    const char *example; /* JSON; or NULL */
    bool cached;         /* has an ETag, and 304 */
    bool page;           /* has the headers of pages */
} found[] = {
    {ROUTE_METRICS, "The metrics; OpenMetrics where Accept asks for it.", METRICS_TYPE_TEXT,
     METRICS_TYPE_OPENMETRICS, NULL, NULL, false, false},
    {ROUTE_HEALTH, "Webhooks can be stored.", "application/json", NULL, "Health",
     "{\"status\":\"ok\"}", false, false},
    {ROUTE_DOCS, "The page.", PAGE_TYPE, NULL, NULL, NULL, true, true},
    {ROUTE_OPENAPI, "The document.", "application/json", NULL, "Document", NULL, true, true},
    {ROUTE_STATUS, "The page; also while the store is away.", PAGE_TYPE, NULL, NULL, NULL, false,
     true},
    {ROUTE_STATUS_JSON, "The figures; also while the store is away.", "application/json", NULL,
     "Status", NULL, false, true},
};

static void put_found(struct openapi *o, const struct found *f, bool head)
{
    static const char *const header[] = {"Content-Security-Policy", "Referrer-Policy", "ETag"};
    struct jsonw *j = &o->json;
    const char *type[] = {f->type, f->other_type};

    jsonw_open(j, "200");
    jsonw_text(j, "description", f->description);
    openapi_headers(j, header, f->page ? f->cached ? 3 : 2 : 0, true);
    if (!head)
        jsonw_open(j, "content");
    for (size_t i = 0; !head && i < 2 && type[i] != NULL; i++) {
        jsonw_open(j, type[i]);
        if (f->schema != NULL)
            put_ref_schema(j, f->schema);
        else
            jsonw_raw(j, "schema", SLICE_LITERAL("{\"type\":\"string\"}"));
        if (f->example != NULL) {
            jsonw_open(j, "examples");
            jsonw_open(j, "found");
            jsonw_raw(j, "value", slice_of(f->example));
            jsonw_close(j);
            jsonw_close(j);
        }
        jsonw_close(j);
    }
    if (!head)
        jsonw_close(j);
    jsonw_close(j);
    if (!f->cached)
        return;
    jsonw_open(j, "304");
    jsonw_text(j, "description", "It is what the client has already (If-None-Match).");
    openapi_headers(j, header, 3, false);
    jsonw_close(j);
}

void openapi_endpoint_answers(struct openapi *o, const struct endpoint *e, bool head)
{
    struct answer a = {.o = o, .endpoint = e, .head = head};

    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        if (found[i].kind == e->kind &&
            (e->kind != ROUTE_METRICS || o->config->metrics_token != NULL))
            put_found(o, &found[i], head);
    put_problems(&a);
}
