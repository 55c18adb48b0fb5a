/* redis_sentinel: asks sentinels which server is the master. */
#ifndef GUICHET_STORE_REDIS_SENTINEL_H
#define GUICHET_STORE_REDIS_SENTINEL_H

#include "store/redis_link.h"

#define REDIS_SENTINEL_MS 200 /* one sentinel may take no longer */

/* Asks one after the other and sets the host and port of *server; the one that answered is the
 * first afterwards. A sentinel that wants a password is given the servers' own. False with the
 * trouble when none knows. */
bool redis_sentinel_find(struct redis_sentinels *s, const struct clock *clock, int64_t deadline_ms,
                         struct redis_address *server, struct redis_trouble *t);

/* Whether the server at the end of the open link says that it is a master; what sentinels answer
 * during a failover may be a moment old. False with the trouble. */
bool redis_sentinel_confirm(struct redis_link *l, int64_t deadline_ms, struct redis_trouble *t);

#endif
