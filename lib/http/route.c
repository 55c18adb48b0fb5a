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

static const struct endpoint {
    const char *path;
    enum route_kind kind;
    const struct service_methods *serves;
    bool carries_secrets;
} endpoint[] = {
    {"/api/metrics", ROUTE_METRICS, &reads, true},
    {"/api/health", ROUTE_HEALTH, &reads, false},
};

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

struct route route_find(const struct config *c, const struct request *r)
{
    const char *path = below_base(c, r->path);

    if (path == NULL)
        return (struct route){.kind = ROUTE_NONE};
    for (size_t i = 0; i < sizeof(endpoint) / sizeof(endpoint[0]); i++) {
        const struct endpoint *e = &endpoint[i];
        if (strcmp(path, e->path) == 0)
            return route_make(r, e->kind, 0, e->serves, e->carries_secrets);
    }
    for (size_t i = 0; i < c->nproviders; i++)
        if (strcmp(path, c->provider[i].path) == 0)
            return route_make(r, ROUTE_PROVIDER, i, &receives, true);
    return (struct route){.kind = ROUTE_NONE};
}
