/* redis_store: what the parts of the Redis back end share; nobody else includes it. */
#ifndef GUICHET_STORE_REDIS_STORE_H
#define GUICHET_STORE_REDIS_STORE_H

#include "store/redis_batch.h"
#include "store/redis_route.h"

struct redis_store {
    struct store base;
    struct redis_route route;
    struct redis_batch batch;
    bool ran, loaded;           /* the script: once; for good (redis.c) */
    int64_t impatient_until_ms; /* a read-only server was waited for in vain: not again before */
};

/* Commits with `scope` behind the prefix of every key (see redis_batch.h). What does not
 * reach so many `replicas` is unavailable, although it is done. */
void redis_commit_scoped(struct redis_store *s, const struct store_batch *batch, const char *scope,
                         int64_t replicas, struct store_result *result);

/* One command of NUL-terminated words (at most REDIS_WORDS_MAX) to the server of that provider
 * (NULL: of none in particular). It must be harmless to repeat: it is, at once, where it was sent
 * to another node or the connection was lost, which may have gone stale while nobody used it. NULL
 * with the trouble when there is no answer or it is an error. */
struct redisReply *redis_ask(struct redis_store *s, const char *provider, int64_t deadline_ms,
                             const char *const *word, size_t n, struct redis_trouble *t);

/* The same for words of any bytes, and any number of them. */
struct redisReply *redis_ask_bytes(struct redis_store *s, const char *provider, int64_t deadline_ms,
                                   size_t n, const char **word, const size_t *length,
                                   struct redis_trouble *t);

/* The parts of store_ops that do not commit (redis_examine.c, redis_ask.c). */
bool redis_probe(struct store *base, int64_t timeout_ms, struct fail *why);
bool redis_gauges(struct store *base, const struct store_provider *p, int64_t deadline_ms,
                  struct store_gauges *out);
bool redis_run_id(struct store *base, int64_t deadline_ms, char out[static 48], struct fail *why);
void redis_examine(struct store *base, const struct store_provider *p, size_t n,
                   int64_t deadline_ms, struct store_findings *out);

bool redis_facts(struct store *base, const char *provider, int64_t deadline_ms,
                 struct store_facts *out);

/* The value of a line "name:value" of INFO; empty if there is none. */
struct slice redis_info_field(const struct redisReply *info, const char *name);

#endif
