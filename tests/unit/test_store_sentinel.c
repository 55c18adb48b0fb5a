/* sentinel://: whom the sentinels call the master, through failovers and with passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/redis_route.h"
#include "unit/redis_node.h"
#include "unit/store_load.h"

#define NODES     3
#define SENTINELS 3
#define PASSWORD  "pa:ss@w"
#define LOGIN     ":pa%%3Ass%%40w@" /* as part of a format */

static struct redis_node node[NODES], sentinel[SENTINELS];
static char url[256];

/* Two replicas, so that after a failover one is left for WAIT. */
static int set_up(void **state)
{
    char lines[512];

    (void)state;
    for (int i = 0; i < NODES; i++) {
        (void)snprintf(lines, sizeof lines, "replicaof 127.0.0.1 %d\n", node[0].port);
        redis_node_start(&node[i], false, PASSWORD, i > 0 ? lines : "");
    }
    for (int i = 1; i < NODES; i++) {
        if (!redis_node_await(&node[i], "master_link_status:up", 10, "INFO replication"))
            return -1;
    }
    (void)snprintf(lines, sizeof lines,
                   "sentinel monitor shop 127.0.0.1 %d 2\nsentinel auth-pass shop " PASSWORD
                   "\nsentinel down-after-milliseconds shop 500\n"
                   "sentinel failover-timeout shop 3000\n",
                   node[0].port);
    for (int i = 0; i < SENTINELS; i++)
        redis_node_start(&sentinel[i], true, PASSWORD, lines);
    for (int i = 0; i < SENTINELS; i++) {
        if (!redis_node_await(&sentinel[i], "slaves=2,sentinels=3", 30, "INFO sentinel"))
            return -1;
    }
    (void)snprintf(url, sizeof url,
                   "sentinel://" LOGIN "127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/shop",
                   redis_node_free_port(), sentinel[0].port, sentinel[1].port, sentinel[2].port);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < SENTINELS; i++)
        redis_node_stop(&sentinel[i]);
    for (int i = 0; i < NODES; i++)
        redis_node_stop(&node[i]);
    return 0;
}

static int64_t in_ms(int64_t ms)
{
    return clock_monotonic_ms(&clock_system) + ms;
}

/* The node that the sentinels name; NULL: none of ours. */
static struct redis_node *master(void)
{
    redisReply *r = redis_node_ask(&sentinel[0], "SENTINEL get-master-addr-by-name shop");
    int port = r != NULL && r->type == REDIS_REPLY_ARRAY && r->elements == 2
                   ? (int)strtol(r->element[1]->str, NULL, 10)
                   : 0;

    if (r != NULL)
        freeReplyObject(r);
    for (int i = 0; i < NODES; i++) {
        if (node[i].port == port)
            return &node[i];
    }
    return NULL;
}

static struct redis_node *await_another(const struct redis_node *than)
{
    struct redis_node *now = master();

    for (int i = 0; i < 2000 && (now == NULL || now == than); i++) {
        redis_node_sleep_ms(10);
        now = master();
    }
    assert_true(now != than);
    assert_non_null(now);
    return now;
}

static void await_replicas(const struct redis_node *m)
{
    assert_true(redis_node_await(m, "connected_slaves:2", 40, "INFO replication"));
    for (int i = 0; i < NODES; i++) {
        if (&node[i] != m)
            assert_true(
                redis_node_await(&node[i], "master_link_status:up", 20, "INFO replication"));
    }
}

static void asks_the_one_first_that_answered(void **state)
{
    struct redis_route r;
    struct redis_trouble t;
    struct fail why;

    (void)state;
    assert_true(redis_route_init(&r, url, &clock_system, &why));
    assert_int_not_equal(r.sentinels.place[0].port, sentinel[0].port);
    struct redis_link *l = redis_route_open(&r, "p", in_ms(2000), &t);
    if (l == NULL)
        print_error("%s\n", t.text);
    assert_non_null(l);
    assert_int_equal(l->address.port, node[0].port);
    assert_int_equal(r.sentinels.place[0].port, sentinel[0].port);
    assert_int_equal(r.sentinels.n, 4);
    assert_int_equal(r.sentinels.place[2].port, sentinel[1].port);
    redis_route_free(&r);
}

/* --- what cannot be found --------------------------------------------------------------------- */

static void expect_trouble(const char *address, const char *word, const char *text)
{
    struct store_member m = {
        .kind = STORE_MARK, .id = SLICE_LITERAL("hook"), .type = SLICE_LITERAL("test")};
    struct store_provider p = {.name = "p", .keep_ids_us = US_PER_S};
    const struct store_batch batch = {&p, &m, 1, in_ms(600)};
    struct store_result r;
    struct fail why;
    struct store *s = store_open(address, &clock_system, &why);

    assert_non_null(s);
    store_commit(s, &batch, &r);
    assert_true(clock_monotonic_ms(&clock_system) < batch.deadline_ms + 100);
    assert_int_equal(r.code, STORE_UNAVAILABLE);
    assert_string_equal(r.word, word);
    if (strstr(r.reason, text) == NULL)
        print_error("%s\n", r.reason);
    assert_non_null(strstr(r.reason, text));
    store_free(s);
}

static void says_what_is_wrong(void **state)
{
    char address[256];

    (void)state;
    (void)snprintf(address, sizeof address, "sentinel://" LOGIN "127.0.0.1:%d/other",
                   sentinel[0].port);
    expect_trouble(address, "store_config", "knows no master named other");
    (void)snprintf(address, sizeof address, "sentinel://127.0.0.1:%d/shop", sentinel[0].port);
    expect_trouble(address, "store_config", "NOAUTH");
    (void)snprintf(address, sizeof address, "sentinel://:wrong@127.0.0.1:%d/shop",
                   sentinel[0].port);
    expect_trouble(address, "store_config", "WRONGPASS");
    (void)snprintf(address, sizeof address, "sentinel://127.0.0.1:%d/shop", redis_node_free_port());
    expect_trouble(address, "store_unreachable", "refused");
}

/* A sentinel with old news: what it names is a replica. */
static void does_not_take_a_replica_for_the_master(void **state)
{
    struct redis_node liar;
    char lines[512], address[256];

    (void)state;
    (void)snprintf(lines, sizeof lines,
                   "sentinel monitor shop 127.0.0.1 %d 9\nsentinel auth-pass shop wrong\n",
                   node[1].port);
    redis_node_start(&liar, true, "", lines);
    (void)snprintf(address, sizeof address, "sentinel://" LOGIN "127.0.0.1:%d/shop", liar.port);
    expect_trouble(address, "store_unreachable", "no master");
    redis_node_stop(&liar);
}

/* --- failover --------------------------------------------------------------------------------- */

/* One of two replicas is left for WAIT. */
static void loses_nothing_when_the_master_dies(void **state)
{
    struct store_load load;
    struct redis_node *old = master(), *now;

    (void)state;
    store_load_start(&load, url, "dies", 1);
    assert_true(store_load_reach(&load, 500, 20));
    redis_node_kill(old);
    now = await_another(old);
    assert_true(store_load_reach(&load, atomic_load(&load.done) + 500, 30));
    store_load_stop(&load);
    store_load_expect_all(&load, now);
    redis_node_restart(old);
    await_replicas(now);
}

/* While sentinels promote one replica by order, the old master still has the other one, and would
 * have its word for commits that are thrown away when it becomes a replica. So all are asked for. */
static void loses_nothing_when_the_master_is_changed(void **state)
{
    struct store_load load;
    struct redis_node *old = master(), *now;

    (void)state;
    store_load_start(&load, url, "changed", NODES - 1);
    assert_true(store_load_reach(&load, 500, 20));
    redis_node_tell(&sentinel[0], "SENTINEL FAILOVER shop");
    now = await_another(old);
    assert_true(store_load_reach(&load, atomic_load(&load.done) + 500, 40));
    store_load_stop(&load);
    store_load_expect_all(&load, now);
    await_replicas(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_the_one_first_that_answered),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(does_not_take_a_replica_for_the_master),
        cmocka_unit_test(loses_nothing_when_the_master_dies),
        cmocka_unit_test(loses_nothing_when_the_master_is_changed),
    };
    return cmocka_run_group_tests_name("store_sentinel", tests, set_up, tear_down);
}
