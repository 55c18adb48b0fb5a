/* redis_link: one connection to a Redis server, with deadlines.
 *
 * hiredis' own timeouts count for one read or write each; here the whole exchange ends at the
 * deadline. The connection never comes back to life after an error: it is closed, and dialled anew
 * by the next redis_link_open. */
#ifndef GUICHET_STORE_REDIS_LINK_H
#define GUICHET_STORE_REDIS_LINK_H

#include "base/clock.h"
#include "store/redis_reply.h"
#include "store/redis_url.h"

#define REDIS_CONNECT_MS 1000 /* a dial takes no longer */

struct redisContext;

struct redis_link {
    struct redis_address address;
    const struct clock *clock;
    struct redisContext *context; /* NULL: not connected */
};

/* Connects, proves who we are and chooses the database, unless that was done. */
bool redis_link_open(struct redis_link *l, int64_t deadline_ms, struct redis_trouble *t);

/* Sends a command and waits for its answer, which the caller frees; an answer may be an error. NULL
 * with the trouble: the outcome is unknown and the link closed. The link must be open. */
struct redisReply *redis_link_call(struct redis_link *l, int64_t deadline_ms, size_t argc,
                                   const char **argv, const size_t *length,
                                   struct redis_trouble *t);

/* The same for a command in two parts, as they go over the wire, and with WAIT for so many replicas in
 * the same write, if `replicas` is not 0; it waits as long as the deadline leaves time to hear of it.
 * *acknowledged is the number of replicas that hold all that this command wrote; it means nothing
 * where the answer is an error. */
struct redisReply *redis_link_send(struct redis_link *l, int64_t deadline_ms, struct slice head,
                                   struct slice rest, int64_t replicas, int64_t *acknowledged,
                                   struct redis_trouble *t);

/* A command of NUL-terminated words (at most REDIS_WORDS_MAX). NULL with the trouble when there is
 * no answer or it is an error; after an error the link is still open. */
#define REDIS_WORDS_MAX 48
struct redisReply *redis_link_ask(struct redis_link *l, int64_t deadline_ms,
                                  const char *const *word, size_t n, struct redis_trouble *t);

void redis_link_close(struct redis_link *l);

#endif
