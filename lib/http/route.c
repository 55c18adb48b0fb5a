#include "http/route.h"

#define METHOD_BIT(m) (1U << (m))
#define READING       (METHOD_BIT(METHOD_GET) | METHOD_BIT(METHOD_HEAD))

/* What a kind of endpoint serves. */
struct service_methods {
    unsigned methods;
    const char *allow;
};

static const struct service_methods reads = {READING, "GET, HEAD"};
static const struct service_methods receives = {METHOD_BIT(METHOD_POST), "POST"};

const struct endpoint route_endpoint[] = {
    {"/api/metrics", ROUTE_METRICS, true, "Prometheus metrics"},
    {"/api/health", ROUTE_HEALTH, false, "Whether webhooks can be stored now"},
    {"/docs", ROUTE_DOCS, false, "This documentation, as a page"},
    {"/docs/openapi.json", ROUTE_OPENAPI, false, "This documentation, as OpenAPI 3.1"},
    {"/status", ROUTE_STATUS, false, "What is received and how fast, as a page"},
    {"/status.json", ROUTE_STATUS_JSON, false, "What is received and how fast, as JSON"},
};
const size_t route_endpoint_count = sizeof(route_endpoint) / sizeof(route_endpoint[0]);

const struct copy_endpoint route_copy[] = {
    {"base", {"base"}, "A base of Airtable: its tables, and how fresh the copy is"},
    {"table", {"base", "table"}, "A page of a table's records"},
    {"record", {"base", "table", "record"}, "A record"},
};
const size_t route_copy_count = sizeof(route_copy) / sizeof(route_copy[0]);

static bool is_status(const struct endpoint *e)
{
    return e->kind == ROUTE_STATUS || e->kind == ROUTE_STATUS_JSON;
}

bool route_is_served(const struct config *c, const struct endpoint *e)
{
    return !is_status(e) || c->status_page != STATUS_PAGE_OFF;
}

bool route_asks_token(const struct config *c, const struct endpoint *e)
{
    return e->carries_secrets || (is_status(e) && c->status_page == STATUS_PAGE_TOKEN);
}

bool route_has_copies(const struct config_provider *p)
{
    return p->read_path != NULL && !p->retired;
}

/* The path below base_path, cut at a segment's boundary; NULL when it lies elsewhere. */
static const char *below_base(const struct config *c, const char *path)
{
    size_t n = strlen(c->base_path);

    return strncmp(path, c->base_path, n) == 0 && path[n] == '/' ? path + n : NULL;
}

static struct route route_make(const struct request *r, enum route_kind kind, size_t provider,
                               const struct service_methods *serves, bool carries_secrets)
{
    return (struct route){
        .kind = kind,
        .provider = provider,
        .allow = serves->allow,
        .method_ok = (serves->methods & METHOD_BIT(r->method)) != 0,
        .carries_secrets = carries_secrets,
    };
}

/* Splits what follows the read_path into its parts, none of them empty. False: it is none of ours. */
static bool split(const char *path, const char *read_path, struct route *out)
{
    size_t n = strlen(read_path);
    struct slice rest;

    if (strncmp(path, read_path, n) != 0 || path[n] != '/')
        return false;
    rest = slice_of(path + n + 1);
    for (out->nparts = 0; out->nparts < ROUTE_PARTS_MAX && rest.n > 0; out->nparts++) {
        const char *slash = memchr(rest.p, '/', rest.n);
        size_t length = slash != NULL ? (size_t)(slash - rest.p) : rest.n;
        out->part[out->nparts] = (struct slice){rest.p, length};
        if (slash == NULL) {
            out->nparts++;
            return true;
        }
        rest = slice_from(rest, length + 1);
    }
    return false;
}

struct route route_find(const struct config *c, const struct request *r)
{
    const char *path = below_base(c, r->path);

    if (path == NULL)
        return (struct route){.kind = ROUTE_NONE};
    for (size_t i = 0; i < route_endpoint_count; i++) {
        const struct endpoint *e = &route_endpoint[i];
        if (strcmp(path, e->path) == 0 && route_is_served(c, e))
            return route_make(r, e->kind, 0, &reads, route_asks_token(c, e));
    }
    for (size_t i = 0; i < c->nproviders; i++)
        if (strcmp(path, c->provider[i].path) == 0)
            return route_make(r, ROUTE_PROVIDER, i, &receives, true);
    for (size_t i = 0; i < c->nproviders; i++) {
        struct route found = route_make(r, ROUTE_COPY, i, &reads, true);
        if (route_has_copies(&c->provider[i]) && split(path, c->provider[i].read_path, &found))
            return found;
    }
    return (struct route){.kind = ROUTE_NONE};
}
