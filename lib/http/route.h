/* route: which path is whose.
 *
 * Fixed endpoints are rows of a table; providers are mounted by the configuration. */
#ifndef GUICHET_HTTP_ROUTE_H
#define GUICHET_HTTP_ROUTE_H

#include "config/config.h"
#include "http/request.h"

enum route_kind {
    ROUTE_NONE,
    ROUTE_PROVIDER,
    ROUTE_METRICS,
    ROUTE_HEALTH,
    ROUTE_DOCS,
    ROUTE_OPENAPI,
    ROUTE_STATUS,
    ROUTE_STATUS_JSON,
    ROUTE_COPY
};

/* A path that is served whatever the providers are, with GET and HEAD. */
struct endpoint {
    const char *path; /* below base_path */
    enum route_kind kind;
    bool carries_secrets;
    const char *summary; /* for the documentation */
};

extern const struct endpoint route_endpoint[];
extern const size_t route_endpoint_count;

/* Whether the configuration has the endpoint served at all; and whether it asks for the token of
 * /api/metrics. */
bool route_is_served(const struct config *c, const struct endpoint *e);
bool route_asks_token(const struct config *c, const struct endpoint *e);

/* A path below a provider's read_path, and what its parts stand for. */
#define ROUTE_PARTS_MAX 3
struct copy_endpoint {
    const char *name;                  /* for the documentation */
    const char *part[ROUTE_PARTS_MAX]; /* of the path, in order; NULL: no more */
    const char *summary;
};
extern const struct copy_endpoint route_copy[];
extern const size_t route_copy_count;
/* Whether the provider's copies are served at all. */
bool route_has_copies(const struct config_provider *p);

struct route {
    enum route_kind kind;
    size_t provider; /* ROUTE_PROVIDER, ROUTE_COPY: index into config->provider */
    struct slice
        part[ROUTE_PARTS_MAX]; /* ROUTE_COPY: the first nparts, not judged yet; of r->path */
    size_t nparts;
    const char *allow;    /* value of Allow: the methods served */
    bool method_ok;       /* the request's method is one of them */
    bool carries_secrets; /* HTTPS may be required */
};

/* The route of the request; its path must lie below the configured base_path. A fixed endpoint goes
 * before a provider at the same path. ROUTE_NONE: `allow` is NULL. */
struct route route_find(const struct config *c, const struct request *r);

#endif
