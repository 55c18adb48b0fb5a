#include "unit/store_load.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include "unit/redis_node.h"

#define GIVE_UP_MS 60000
#define PAUSE_MS   5

static const struct change add_one = {
    .verb = CHANGE_ADD, .key = {"user:u1", 7}, .field = {"sum", 3}, .value = {"1", 1}};

static void note_late(struct store_load *l, int64_t late)
{
    long most = atomic_load(&l->late_ms);

    while (late > most && !atomic_compare_exchange_weak(&l->late_ms, &most, (long)late))
        ;
}

/* Until it is answered as done. */
static bool insist(struct store_load *l, struct store *s, const char *id)
{
    int64_t began = clock_monotonic_ms(&clock_system), now = began;
    struct store_member m = {.kind = STORE_EVENT,
                             .id = slice_of(id),
                             .type = SLICE_LITERAL("test"),
                             .body = slice_of(id),
                             .changes = &add_one,
                             .nchanges = 1};
    struct store_result r;

    if (!sha256(&m.body, 1, m.body_sha256))
        return false;
    for (; now - began < GIVE_UP_MS; now = clock_monotonic_ms(&clock_system)) {
        const struct store_batch batch = {&l->provider, &m, 1, now + STORE_LOAD_DEADLINE_MS};
        unsigned serial = atomic_fetch_add(&l->serial, 1);
        memcpy(m.nonce, &serial, sizeof serial);
        store_commit(s, &batch, &r);
        note_late(l, clock_monotonic_ms(&clock_system) - batch.deadline_ms);
        if (r.code == STORE_ACCEPTED || r.code == STORE_DUPLICATE)
            return true;
        if (r.code != STORE_UNAVAILABLE) {
            print_error("%s: %d %s %s\n", id, r.code, r.word != NULL ? r.word : "", r.reason);
            return false;
        }
        atomic_fetch_add(&l->unavailable, 1);
        redis_node_sleep_ms(PAUSE_MS);
    }
    print_error("%s: given up: %s %s\n", id, r.word, r.reason);
    return false;
}

static void *work(void *arg)
{
    struct store_load *l = arg;
    struct fail why;
    struct store *s = store_open(l->url, &clock_system, &why);
    char id[32];

    while (s != NULL && !atomic_load(&l->stop)) {
        (void)snprintf(id, sizeof id, "e%u", atomic_fetch_add(&l->serial, 1));
        if (!insist(l, s, id)) {
            atomic_fetch_add(&l->wrong, 1);
            break;
        }
        atomic_fetch_add(&l->done, 1);
    }
    store_free(s);
    return NULL;
}

void store_load_start(struct store_load *l, const char *url, const char *provider,
                      int64_t min_replicas)
{
    *l = (struct store_load){.url = url,
                             .provider = {.name = provider,
                                          .keep_ids_us = 3600 * US_PER_S,
                                          .audit_limit = 100,
                                          .min_replicas = min_replicas}};
    for (int i = 0; i < STORE_LOAD_THREADS; i++)
        assert_int_equal(pthread_create(&l->thread[i], NULL, work, l), 0);
}

bool store_load_reach(const struct store_load *l, long done, int seconds)
{
    for (int i = 0; i < seconds * 100 && atomic_load(&l->done) < done; i++)
        redis_node_sleep_ms(10);
    return atomic_load(&l->done) >= done;
}

void store_load_stop(struct store_load *l)
{
    atomic_store(&l->stop, true);
    for (int i = 0; i < STORE_LOAD_THREADS; i++)
        (void)pthread_join(l->thread[i], NULL);
}

void store_load_expect_all(const struct store_load *l, const struct redis_node *n)
{
    const char *name = l->provider.name;
    long done = atomic_load(&l->done);
    redisReply *sum = redis_node_ask(n, "HGET guichet:{%s}:user:u1 sum", name);
    redisReply *ids = redis_node_ask(n, "KEYS guichet:{%s}:id:*", name);

    assert_int_equal(atomic_load(&l->wrong), 0);
    assert_true(done > 0);
    assert_non_null(ids);
    assert_int_equal(ids->elements, done);
    assert_int_equal(redis_node_number(n, "XLEN guichet:{%s}:events", name), done);
    assert_non_null(sum);
    assert_int_equal(sum->type, REDIS_REPLY_STRING);
    assert_int_equal(strtol(sum->str, NULL, 10), done);
    freeReplyObject(sum);
    freeReplyObject(ids);
    print_message("# %ld done, %ld unavailable meanwhile, at most %ld ms late\n", done,
                  atomic_load(&l->unavailable), atomic_load(&l->late_ms));
    assert_true(atomic_load(&l->late_ms) < 500);
}
