/* Several programs on one Redis: each with a connection, and a clock, of its own. */
#include "unit/redis_server.h"

#include <pthread.h>
#include <stdio.h>

#define RIVALS      8
#define ROUNDS      150
#define WINDOW_US   (60 * US_PER_S)
#define HOUR_US     (3600 * US_PER_S)
#define PATIENCE_MS 5000

static struct redis_server server;

static int set_up(void **state)
{
    (void)state;
    if (redis_server_start(&server))
        return 0;
    print_error("redis-server does not start: is it installed?\n");
    return -1;
}

static int tear_down(void **state)
{
    (void)state;
    redis_server_stop(&server);
    return 0;
}

static struct store *program(const struct clock *clock)
{
    struct fail why = {""};
    struct store *s = store_open(server.url, clock, &why);

    assert_non_null(s);
    return s;
}

static struct store_result commit(struct store *s, const struct store_provider *p,
                                  const struct store_member *m)
{
    struct store_result r = {.code = STORE_FAULT};
    struct store_batch batch = {p, m, 1, clock_monotonic_ms(&clock_system) + PATIENCE_MS};

    store_commit(s, &batch, &r);
    return r;
}

/* --- the same event to all of them at once -------------------------------------------------------- */

struct race {
    struct store_provider provider;
    pthread_barrier_t start;
};

struct rival {
    struct race *race;
    struct store *store;
    struct store_member member[ROUNDS];
    char id[ROUNDS][16];
    enum store_code code[ROUNDS];
    pthread_t thread;
};

static void *run(void *arg)
{
    struct rival *r = arg;

    for (size_t i = 0; i < ROUNDS; i++) {
        (void)pthread_barrier_wait(&r->race->start);
        r->code[i] = commit(r->store, &r->race->provider, &r->member[i]).code;
    }
    return NULL;
}

static void applies_an_event_once_whoever_brings_it(void **state)
{
    static const struct change more = {
        .verb = CHANGE_ADD, .key = {"user:u1", 7}, .field = {"sum", 3}, .value = {"1", 1}};
    static struct rival rival[RIVALS];
    struct race race = {.provider = {.name = "race", .keep_ids_us = HOUR_US}};
    struct buf sum = BUF_INIT(32);
    char expected[16];

    (void)state;
    assert_int_equal(pthread_barrier_init(&race.start, NULL, RIVALS), 0);
    for (size_t k = 0; k < RIVALS; k++) {
        rival[k].race = &race;
        rival[k].store = program(&clock_system);
        for (size_t i = 0; i < ROUNDS; i++) {
            (void)snprintf(rival[k].id[i], sizeof rival[k].id[i], "round-%zu", i);
            rival[k].member[i] = conformance_event(rival[k].id[i], "body", &more, 1);
        }
    }
    for (size_t k = 0; k < RIVALS; k++)
        assert_int_equal(pthread_create(&rival[k].thread, NULL, run, &rival[k]), 0);
    for (size_t k = 0; k < RIVALS; k++)
        assert_int_equal(pthread_join(rival[k].thread, NULL), 0);
    (void)pthread_barrier_destroy(&race.start);
    for (size_t i = 0; i < ROUNDS; i++) {
        unsigned accepted = 0, duplicate = 0;
        for (size_t k = 0; k < RIVALS; k++) {
            accepted += rival[k].code[i] == STORE_ACCEPTED;
            duplicate += rival[k].code[i] == STORE_DUPLICATE;
        }
        assert_int_equal(accepted, 1);
        assert_int_equal(duplicate, RIVALS - 1);
    }
    (void)snprintf(expected, sizeof expected, "%d", ROUNDS);
    assert_true(redis_server_look.field(&server, "race", "user:u1", "sum", &sum));
    assert_string_equal(sum.p, expected);
    assert_int_equal(redis_server_look.count(&server, "race", "events"), ROUNDS);
    buf_free(&sum);
    for (size_t k = 0; k < RIVALS; k++)
        store_free(rival[k].store);
}

/* --- clocks that differ --------------------------------------------------------------------------- */

static int64_t off_by(void *ctx)
{
    return clock_now_us(&clock_system) + *(const int64_t *)ctx;
}

static int64_t monotonic(void *ctx)
{
    (void)ctx;
    return clock_monotonic_us(&clock_system);
}

/* Redis runs on this very machine: its time is ours. */
static void expect_stores_time(struct store_result r)
{
    int64_t off_us = r.at_us - clock_now_us(&clock_system);

    assert_int_equal(r.code, STORE_ACCEPTED);
    assert_true(off_us > -PATIENCE_MS * 1000 && off_us < PATIENCE_MS * 1000);
}

static void expect_limited(struct store_result r)
{
    assert_int_equal(r.code, STORE_LIMITED);
    assert_true(r.retry_after_us > WINDOW_US - PATIENCE_MS * 1000);
    assert_true(r.retry_after_us <= WINDOW_US);
}

static void keeps_one_window_by_its_own_clock(void **state)
{
    int64_t ahead_us = HOUR_US, behind_us = -HOUR_US;
    const struct clock fast = {off_by, monotonic, &ahead_us},
                       slow = {off_by, monotonic, &behind_us};
    const struct store_provider p = {
        .name = "clocks", .rate_count = 2, .rate_window_us = WINDOW_US, .keep_ids_us = HOUR_US};
    struct store *early = program(&slow), *late = program(&fast);
    struct store_member m[4];
    static const char *const id[4] = {"e1", "e2", "e3", "e4"};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        m[i] = conformance_event(id[i], "body", NULL, 0);
    expect_stores_time(commit(early, &p, &m[0]));
    expect_stores_time(commit(late, &p, &m[1]));
    expect_limited(commit(early, &p, &m[2]));
    expect_limited(commit(late, &p, &m[3]));
    store_free(early);
    store_free(late);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(applies_an_event_once_whoever_brings_it),
        cmocka_unit_test(keeps_one_window_by_its_own_clock),
    };

    return cmocka_run_group_tests_name("store_shared", tests, set_up, tear_down);
}
