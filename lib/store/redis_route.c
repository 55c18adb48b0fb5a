#include "store/redis_route.h"

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "store/redis_sentinel.h"

static void free_link(struct redis_link *l)
{
    if (l == NULL)
        return;
    redis_link_close(l);
    explicit_bzero(l, sizeof *l);
    free(l);
}

bool redis_route_init(struct redis_route *r, const char *url, const struct clock *clock,
                      struct fail *why)
{
    struct redis_link *first = calloc(1, sizeof *first);

    *r = (struct redis_route){.clock = clock};
    if (first == NULL) {
        fail_set(why, "store: no memory");
        return false;
    }
    first->clock = clock;
    r->node[r->nnodes++] = first;
    if (slice_begins(slice_of(url), "sentinel://"))
        return redis_url_parse_sentinels(url, &r->sentinels, &first->address, why);
    return redis_url_parse(url, &first->address, why);
}

void redis_route_free(struct redis_route *r)
{
    for (size_t i = 0; i < r->nnodes; i++)
        free_link(r->node[i]);
    *r = (struct redis_route){.nnodes = 0};
}

/* --- where a provider lives ------------------------------------------------------------------- */

static struct redis_home *find_home(struct redis_route *r, const char *provider)
{
    for (size_t i = 0; provider != NULL && i < r->nhomes; i++) {
        if (strcmp(r->home[i].provider, provider) == 0)
            return &r->home[i];
    }
    return NULL;
}

static struct redis_link *link_of(struct redis_route *r, const char *provider)
{
    const struct redis_home *home = find_home(r, provider);

    return home != NULL ? home->link : r->node[r->usual];
}

static void settle(struct redis_route *r, const char *provider, struct redis_link *link)
{
    struct redis_home *home = find_home(r, provider);

    if (provider == NULL || strlen(provider) > CONFIG_NAME_MAX) {
        for (size_t i = 0; i < r->nnodes; i++)
            r->usual = r->node[i] == link ? i : r->usual;
        return;
    }
    if (home == NULL && r->nhomes < REDIS_HOMES_MAX)
        home = &r->home[r->nhomes++];
    if (home == NULL) {
        home = &r->home[r->oldest];
        r->oldest = (r->oldest + 1) % REDIS_HOMES_MAX;
    }
    memcpy(home->provider, provider, strlen(provider) + 1);
    home->link = link;
}

/* --- the nodes -------------------------------------------------------------------------------- */

static bool in_use(const struct redis_route *r, size_t node)
{
    bool used = node == r->usual;

    for (size_t i = 0; i < r->nhomes && !used; i++)
        used = r->home[i].link == r->node[node];
    return used;
}

/* The link to that address, new if need be, with the login of `like`. NULL when memory is short. */
static struct redis_link *node_at(struct redis_route *r, const struct redis_place *place,
                                  const struct redis_link *like)
{
    size_t free_at = r->nnodes;

    for (size_t i = 0; i < r->nnodes; i++) {
        const struct redis_address *a = &r->node[i]->address;
        if (a->path[0] == '\0' && a->port == place->port && strcmp(a->host, place->host) == 0)
            return r->node[i];
    }
    for (size_t i = 0; r->nnodes == REDIS_NODES_MAX && i < r->nnodes; i++) {
        if (!in_use(r, i))
            free_at = i;
    }
    if (free_at == REDIS_NODES_MAX)
        return NULL;
    struct redis_link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    *l = (struct redis_link){.address = like->address, .clock = r->clock};
    l->address.path[0] = '\0';
    memcpy(l->address.host, place->host, sizeof l->address.host);
    l->address.port = place->port;
    if (free_at < r->nnodes)
        free_link(r->node[free_at]);
    else
        r->nnodes++;
    r->node[free_at] = l;
    return l;
}

/* The address in "MOVED slot host:port". The host is empty when it is that of the server that says
 * so; an IPv6 address stands without brackets. */
static bool read_moved(struct slice text, const struct redis_link *from, struct redis_place *out)
{
    const char *space = text.n > 6 ? memchr(text.p + 6, ' ', text.n - 6) : NULL;
    int64_t port;

    if (space == NULL || !slice_begins(text, "MOVED "))
        return false;
    struct slice place = slice_from(text, (size_t)(space - text.p) + 1);
    const char *colon = place.n > 0 ? memrchr(place.p, ':', place.n) : NULL;
    if (colon == NULL)
        return false;
    struct slice host = {place.p, (size_t)(colon - place.p)};
    if (!text_to_i64(slice_from(place, host.n + 1), &port) || port < 1 || port > 65535)
        return false;
    if (host.n == 0)
        host = slice_of(from->address.host);
    if (host.n == 0 || host.n > REDIS_HOST_MAX || slice_is(host, "?"))
        return false;
    memset(out, 0, sizeof *out);
    memcpy(out->host, host.p, host.n);
    out->port = (int)port;
    return true;
}

bool redis_route_up(struct redis_route *r, const char *provider)
{
    return link_of(r, provider)->context != NULL;
}

bool redis_route_moved(struct redis_route *r, const char *provider, const char *text)
{
    const struct redis_link *from = link_of(r, provider);
    struct redis_place place;
    struct redis_link *to;

    if (!read_moved(slice_of(text), from, &place))
        return false;
    to = node_at(r, &place, from);
    if (to == NULL)
        return false;
    settle(r, provider, to);
    return true;
}

void redis_route_lost(struct redis_route *r, const char *provider)
{
    struct redis_home *home = find_home(r, provider);

    redis_link_close(link_of(r, provider));
    if (home != NULL)
        *home = r->home[--r->nhomes];
    else
        r->usual = (r->usual + 1) % r->nnodes;
}

struct redis_link *redis_route_open(struct redis_route *r, const char *provider,
                                    int64_t deadline_ms, struct redis_trouble *t)
{
    struct redis_link *l = link_of(r, provider);

    if (l->context != NULL)
        return l;
    if (r->sentinels.n > 0 &&
        !redis_sentinel_find(&r->sentinels, r->clock, deadline_ms, &l->address, t))
        return NULL;
    if (!redis_link_open(l, deadline_ms, t))
        return NULL;
    r->dialled++;
    if (r->sentinels.n > 0 && !redis_sentinel_confirm(l, deadline_ms, t)) {
        redis_link_close(l);
        return NULL;
    }
    return l;
}
