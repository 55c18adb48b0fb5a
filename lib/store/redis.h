/* redis: the store in a Redis server (5 or later, or one of its relatives), by way of hiredis; in a
 * Redis Cluster, with each provider on one node; or in whichever server sentinels call the master.
 *
 * The program must ignore SIGPIPE: hiredis writes to sockets with plain write(2). Names are
 * resolved with getaddrinfo, which knows no deadline: where that matters, name an address or a unix
 * socket.
 *
 * The smallest ACL user that works (without config|get, durability cannot be seen; select is
 * needed for a database other than 0):
 *
 *     ACL SETUSER guichet on >password resetchannels ~guichet:* -@all +evalsha +eval +script|load
 *         +time +get +set +del +lindex +lset +rpush +rpushx +ltrim +llen +xadd +xlen +xrange
 *         +hset +hget +hlen +info +config|get +select
 *
 * With min_replicas also +wait and +expire, behind sentinels also +role; for the metric of Airtable's hooks
 * +hgetall; for reading the copies of its bases also +hmget +zrangebylex. The tool's `airtable` needs beside
 * these +hmget +hgetall +hdel +unlink +zadd +zrem +zcard. */
#ifndef GUICHET_STORE_REDIS_H
#define GUICHET_STORE_REDIS_H

#include "store/store.h"

/* As store_open, for unix://, redis:// and sentinel://. */
struct store *redis_open(const char *url, const struct clock *clock, struct fail *why);

#endif
