/* redis_route: which server a command goes to, and the connections to all that are in use.
 *
 * unix:// and redis:// name one server. If that is a node of a Redis Cluster, it answers MOVED for
 * slots of others; since all keys of a provider lie in one slot, it is enough to remember, provider
 * by provider, where the last MOVED led. sentinel:// names servers that know which one is the
 * master; they are asked whenever it is dialled, and the master is asked for its ROLE.
 *
 * A node that is lost is forgotten as the place of its providers, and another one that is known is
 * asked, which answers MOVED again. So a Cluster whose first node is gone is still reached from a
 * process that knows more of it; for a new process the host should be a name with several
 * addresses. */
#ifndef GUICHET_STORE_REDIS_ROUTE_H
#define GUICHET_STORE_REDIS_ROUTE_H

#include "config/config.h"
#include "store/redis_link.h"

#define REDIS_HOMES_MAX CONFIG_PROVIDERS_MAX
/* One of them is always free for a new address: homes hold REDIS_HOMES_MAX, `usual` one. */
#define REDIS_NODES_MAX (REDIS_HOMES_MAX + 2)

struct redis_home {
    char provider[CONFIG_NAME_MAX + 1];
    struct redis_link *link;
};

struct redis_route {
    struct redis_sentinels sentinels; /* n == 0: there are none; the first answered last time */
    const struct clock *clock;
    struct redis_link *node[REDIS_NODES_MAX];
    size_t nnodes; /* at least 1 */
    size_t usual;  /* the node of all providers that have no home */
    struct redis_home home[REDIS_HOMES_MAX];
    size_t nhomes;
    size_t oldest;    /* the home that makes room when all are taken */
    unsigned dialled; /* connections made to servers that take commands */
};

/* Nothing is contacted yet. False with cause and remedy. */
bool redis_route_init(struct redis_route *r, const char *url, const struct clock *clock,
                      struct fail *why);
void redis_route_free(struct redis_route *r);

/* The server of that provider's keys (NULL: of none in particular), connected. NULL with the
 * trouble. Valid until the next call for any provider. */
struct redis_link *redis_route_open(struct redis_route *r, const char *provider,
                                    int64_t deadline_ms, struct redis_trouble *t);

/* Whether there is a connection to that provider's server. */
bool redis_route_up(struct redis_route *r, const char *provider);

/* After "MOVED slot host:port" from the server of that provider: its commands go there from now on.
 * False when the text names no address (one that STORE_REASON_MAX cuts off is none either). */
bool redis_route_moved(struct redis_route *r, const char *provider, const char *text);

/* After a trouble with that provider's server: closes the connection, and looks for the server anew
 * next time. */
void redis_route_lost(struct redis_route *r, const char *provider);

#endif
