/* The Redis store when things go wrong: lost lines, a server that dies, is full, read-only or
 * closed to the user. Nothing is ever applied twice, by half, or answered late. */
#include "unit/cut_proxy.h"
#include "unit/redis_server.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct redis_server server;
static struct cut_proxy proxy;
static struct store_under_test straight; /* past the proxy */

/* login: "user:password@" or ""; query: "?db=N" or "" */
static struct store *open_store(const char *login, const char *path, const char *query)
{
    char url[256];
    struct fail why = {""};

    (void)snprintf(url, sizeof url, "unix://%s%s%s", login, path, query);
    struct store *s = store_open(url, &clock_system, &why);
    if (s == NULL)
        print_error("%s\n", why.text);
    assert_non_null(s);
    return s;
}

static int set_up(void **state)
{
    if (!redis_server_start(&server)) {
        print_error("redis-server does not start: is it installed?\n");
        return -1;
    }
    if (!cut_proxy_start(&proxy, server.socket))
        return -1;
    straight = (struct store_under_test){
        .store = NULL, .clock = &clock_system, .look = &redis_server_look, .ctx = &server};
    *state = &straight;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cut_proxy_stop(&proxy);
    buf_free(&straight.found);
    redis_server_stop(&server);
    return 0;
}

static int open_straight(void **state)
{
    (void)state;
    straight.store = open_store("", server.socket, "");
    return 0;
}

static int open_cut(void **state)
{
    (void)state;
    straight.store = open_store("", proxy.path, "");
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    store_free(straight.store);
    return 0;
}

static struct store_result commit_within(struct store_under_test *t, struct store_member m,
                                         int64_t ms)
{
    int64_t deadline = clock_monotonic_ms(&clock_system) + ms;
    struct store_batch batch = {&t->provider, &m, 1, deadline};
    struct store_result r;

    store_commit(t->store, &batch, &r);
    /* not later than the deadline and a system call; the scheduler's mood on top */
    assert_true(clock_monotonic_ms(&clock_system) <= deadline + 50);
    return r;
}

static const struct change add_one[] = {
    {.verb = CHANGE_ADD, .key = {"user:u1", 7}, .field = {"sum", 3}, .value = {"1", 1}}};

/* --- the line --------------------------------------------------------------------------------- */

static void repeats_after_a_lost_reply(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_result r;
    unsigned before;

    expect_code(conformance_commit(t, conformance_event("e1", "b", add_one, 1)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("e2", "b", add_one, 1)), STORE_ACCEPTED);
    before = t->store->connections;
    atomic_store(&proxy.lose_replies, 2);
    r = conformance_commit(t, conformance_event("e3", "b", add_one, 1));
    expect_code(r, STORE_ACCEPTED);
    assert_int_equal(t->store->connections, before + 2);
    conformance_count(t, "events", 3);
    conformance_count(t, "audit", 3);
    conformance_field(t, "user:u1", "sum", "3");
}

static void repeats_after_half_a_request(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    expect_code(conformance_commit(t, conformance_event("e1", "b", add_one, 1)), STORE_ACCEPTED);
    atomic_store(&proxy.halve_requests, 2);
    expect_code(conformance_commit(t, conformance_event("e2", "b", add_one, 1)), STORE_ACCEPTED);
    conformance_count(t, "events", 2);
    conformance_field(t, "user:u1", "sum", "2");
}

static void applies_once_whatever_happens(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    enum { BATCHES = 150, EACH = 4 };
    struct store_member m[EACH];
    struct store_result r[EACH];
    char id[EACH][16], sum[16];

    srand(1);
    for (int i = 0; i < BATCHES; i++) {
        for (int j = 0; j < EACH; j++) {
            (void)snprintf(id[j], sizeof id[j], "e%d-%d", i, j);
            m[j] = conformance_event(id[j], "b", add_one, 1);
        }
        atomic_store(&proxy.lose_replies, rand() % 3);
        atomic_store(&proxy.halve_requests, rand() % 3);
        conformance_batch(t, m, EACH, r);
        for (int j = 0; j < EACH; j++)
            expect_code(r[j], STORE_ACCEPTED);
    }
    atomic_store(&proxy.lose_replies, 0);
    atomic_store(&proxy.halve_requests, 0);
    (void)snprintf(sum, sizeof sum, "%d", BATCHES * EACH);
    conformance_count(t, "events", BATCHES * EACH);
    conformance_field(t, "user:u1", "sum", sum);
}

/* --- the server ------------------------------------------------------------------------------- */

struct later {
    int64_t after_ms;
    void (*act)(void);
    pthread_t thread;
};

static void *act_later(void *arg)
{
    struct later *l = arg;
    struct timespec pause = {0, l->after_ms * 1000000};

    (void)nanosleep(&pause, NULL);
    l->act();
    return NULL;
}

static void start_later(struct later *l, int64_t after_ms, void (*act)(void))
{
    *l = (struct later){.after_ms = after_ms, .act = act};
    assert_int_equal(pthread_create(&l->thread, NULL, act_later, l), 0);
}

static void bring_back(void)
{
    (void)redis_server_restart(&server);
}

static void survives_a_killed_server(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct later restart;

    expect_code(conformance_commit(t, conformance_event("e1", "b", add_one, 1)), STORE_ACCEPTED);
    redis_server_kill(&server, SIGKILL);
    start_later(&restart, 300, bring_back);
    struct store_result r = commit_within(t, conformance_event("e2", "b", add_one, 1), 5000);
    (void)pthread_join(restart.thread, NULL);
    expect_code(r, STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("e1", "b", add_one, 1)), STORE_DUPLICATE);
    conformance_field(t, "user:u1", "sum", "2");
}

static void answers_in_time_without_a_server(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member m = conformance_event("e1", "b", add_one, 1);
    struct fail why;

    redis_server_kill(&server, SIGKILL);
    struct store_result r = commit_within(t, m, 200);
    expect_word(r, STORE_UNAVAILABLE, "store_unreachable");
    assert_true(r.retry_after_us > 0);
    assert_false(store_probe(t->store, 100, &why));
    assert_non_null(strstr(why.text, "store_unreachable"));
    expect_word(commit_within(t, m, -1), STORE_UNAVAILABLE, "store_timeout");
    bring_back();
    assert_true(store_probe(t->store, 1000, &why));
    expect_code(commit_within(t, m, 1000), STORE_ACCEPTED);
}

static void answers_in_time_beside_a_stuck_server(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member m = conformance_event("e1", "b", add_one, 1);

    expect_code(commit_within(t, conformance_event("e0", "b", NULL, 0), 1000), STORE_ACCEPTED);
    (void)kill(server.pid, SIGSTOP);
    expect_word(commit_within(t, m, 300), STORE_UNAVAILABLE, "store_timeout");
    (void)kill(server.pid, SIGCONT);
    /* it may have been applied meanwhile, for its bytes were on their way; never twice */
    expect_code(commit_within(t, m, 2000), STORE_ACCEPTED);
    conformance_count(t, "events", 2);
    conformance_field(t, "user:u1", "sum", "1");
}

/* Known, new, known again: what a server that takes no writes still answers. */
static void expect_only_duplicates(struct store_under_test *t, const char *word)
{
    const struct store_member m[] = {
        conformance_event("e1", "b", NULL, 0), conformance_event("e2", "b", add_one, 1),
        conformance_event("e1", "b", NULL, 0), conformance_event("e1", "B", NULL, 0),
        conformance_note("not_json", "{")};
    struct store_result r[5];
    char before[41], after[41];

    redis_server_digest(&server, before);
    conformance_batch(t, m, 5, r);
    expect_code(r[0], STORE_DUPLICATE);
    expect_word(r[1], STORE_UNAVAILABLE, word);
    assert_true(r[1].retry_after_us > 0);
    expect_code(r[2], STORE_DUPLICATE);
    expect_word(r[3], STORE_UNAVAILABLE, word);
    expect_word(r[4], STORE_UNAVAILABLE, word);
    redis_server_digest(&server, after);
    assert_string_equal(before, after);
}

static void answers_duplicates_while_full(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct fail why;

    t->provider.rate_count = 100;
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    redis_server_tell(&server, "CONFIG SET maxmemory 1");
    expect_only_duplicates(t, "store_full");
    assert_false(store_probe(t->store, 100, &why));
    assert_non_null(strstr(why.text, "store_full"));
    redis_server_tell(&server, "CONFIG SET maxmemory 0");
    assert_true(store_probe(t->store, 100, &why));
    expect_code(conformance_commit(t, conformance_event("e2", "b", NULL, 0)), STORE_ACCEPTED);
}

static void mends_nothing_while_full(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    t->provider.rate_count = 100;
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    t->look->pass_window(t->ctx, t->name, -100 * US_PER_S);
    redis_server_tell(&server, "CONFIG SET maxmemory 1");
    expect_only_duplicates(t, "store_full");
    redis_server_tell(&server, "CONFIG SET maxmemory 0");
}

static void end_replica(void)
{
    redisContext *c = redisConnectUnix(server.socket);
    redisReply *r = redisCommand(c, "REPLICAOF NO ONE");

    freeReplyObject(r);
    redisFree(c);
}

static void answers_duplicates_while_read_only(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct later end;
    struct fail why;

    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    redis_server_tell(&server, "REPLICAOF 127.0.0.1 1");
    expect_only_duplicates(t, "store_read_only");
    assert_false(store_probe(t->store, 100, &why));
    assert_non_null(strstr(why.text, "store_read_only"));
    /* with nobody else to answer, it waits a little for the server to become a master */
    start_later(&end, 200, end_replica);
    expect_code(commit_within(t, conformance_event("e2", "b", NULL, 0), 3000), STORE_ACCEPTED);
    (void)pthread_join(end.thread, NULL);
    redis_server_tell(&server, "REPLICAOF 127.0.0.1 1");
    int64_t began = clock_monotonic_ms(&clock_system);
    expect_word(commit_within(t, conformance_event("e3", "b", NULL, 0), 5000), STORE_UNAVAILABLE,
                "store_read_only");
    assert_in_range(clock_monotonic_ms(&clock_system) - began, 400, 2000);
    redis_server_tell(&server, "REPLICAOF NO ONE");
}

static void answers_duplicates_without_replicas(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    redis_server_tell(&server, "CONFIG SET min-replicas-to-write 1");
    expect_only_duplicates(t, "store_replicas");
    redis_server_tell(&server, "CONFIG SET min-replicas-to-write 0");
}

int main(void)
{
#define WITH(how, test) cmocka_unit_test_setup_teardown(test, how, close_store)
    const struct CMUnitTest tests[] = {
        WITH(open_cut, repeats_after_a_lost_reply),
        WITH(open_cut, repeats_after_half_a_request),
        WITH(open_cut, applies_once_whatever_happens),
        WITH(open_straight, survives_a_killed_server),
        WITH(open_straight, answers_in_time_without_a_server),
        WITH(open_straight, answers_in_time_beside_a_stuck_server),
        WITH(open_straight, answers_duplicates_while_full),
        WITH(open_straight, mends_nothing_while_full),
        WITH(open_straight, answers_duplicates_while_read_only),
        WITH(open_straight, answers_duplicates_without_replicas),
    };
    return _cmocka_run_group_tests("store_faults", tests, sizeof tests / sizeof *tests, set_up,
                                   tear_down);
}
