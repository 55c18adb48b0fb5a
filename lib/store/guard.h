/* guard: a store as a worker uses it: behind the breaker, measured, examined at start.
 *
 * A guard belongs to one worker; what it learns lies in the shared state, so that processes learn
 * from each other and a plain CGI process contacts the store only when it must. */
#ifndef GUICHET_STORE_GUARD_H
#define GUICHET_STORE_GUARD_H

#include "config/config.h"
#include "observe/log.h"
#include "observe/state.h"
#include "store/store.h"

struct guard;

/* Takes over `store` (freed with the guard). `durability` is what the operator believes of it.
 * `log` may be NULL (stderr). NULL when memory is short. */
struct guard *guard_new(struct store *store, const char *url, enum config_durability durability,
                        struct state *state, struct log *log, const struct clock *clock);
void guard_free(struct guard *g);

/* The providers whose keys an examination tries (CONFIG_PROVIDERS_MAX at most; their names stay
 * valid as long as the guard). Before anything else. */
void guard_providers(struct guard *g, const struct store_provider *p, size_t n);

/* Examines the store and says in the log what was found: a failed self-test, weaker durability than
 * believed, eviction. Returns 1 when it may serve (also when it is full or read-only, so that the test
 * could not be done: it still answers duplicates), 0 when the self-test failed, -1 when the store could
 * not be reached now. A long-running process calls it at start; guard_commit does so by itself where it
 * must: in a process that has not, unless findings less than a minute old say that all is well (plain
 * CGI), and after a new connection was made, unless that run of the server (run_id) has passed. While
 * the self-test has not passed nothing is committed; it is tried again once a second. */
int guard_examine(struct guard *g, int64_t deadline_ms);

/* store_commit behind the breaker. While it is open, or the store has not passed its self-test,
 * every result is STORE_UNAVAILABLE at once. */
void guard_commit(struct guard *g, const struct store_batch *batch, struct store_result *result);

/* Whether the store is up; asks it at most once a second per host. */
bool guard_up(struct guard *g);

/* store_read_gauges behind the breaker; false: absent. */
bool guard_gauges(struct guard *g, const struct store_provider *p, struct store_gauges *out);

/* The store itself, for what is no webhook and may fail (store/journal.h); NULL while the breaker is
 * open. It stays the guard's. */
struct store *guard_store(struct guard *g);

/* 1, 0 or -1 (cannot be seen): as durable as the operator believes. */
int guard_durable(const struct guard *g);

#endif
