/* store_load: threads that commit events of one provider as senders do, each with a store of its
 * own: the next event only when the last one was answered as done, and the same one again until
 * then, under a new nonce. */
#ifndef GUICHET_TESTS_STORE_LOAD_H
#define GUICHET_TESTS_STORE_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include "store/store.h"

#define STORE_LOAD_THREADS     3
#define STORE_LOAD_DEADLINE_MS 1000

struct store_load {
    const char *url;
    struct store_provider provider;
    pthread_t thread[STORE_LOAD_THREADS];
    atomic_bool stop;
    atomic_uint serial;
    atomic_long done;        /* events answered as done */
    atomic_long unavailable; /* answers */
    atomic_long wrong;       /* answers that are neither: there must be none */
    atomic_long late_ms;     /* the longest that an answer came after its deadline */
};

void store_load_start(struct store_load *l, const char *url, const char *provider,
                      int64_t min_replicas);
/* Waits until so many are done; false after `seconds`. */
bool store_load_reach(const struct store_load *l, long done, int seconds);
/* Lets each thread end with the event at hand. */
void store_load_stop(struct store_load *l);

struct redis_node;
/* Nothing lost and nothing twice: what was answered as done is there, and its effect, once. */
void store_load_expect_all(const struct store_load *l, const struct redis_node *n);

#endif
