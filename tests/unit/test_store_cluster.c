/* Redis Cluster: each provider on the node of its slot, also when that moves or dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "store/redis_route.h"
#include "store/store.h"
#include "unit/redis_node.h"
#include "unit/store_load.h"

#define NODES     3
#define SLOTS     16384
#define PROVIDERS 6

static struct redis_node node[NODES];
static char url[NODES][64];
static char id[NODES][41];

static const char *const names[PROVIDERS] = {"alpha", "beta", "gamma", "delta", "omega", "dazno"};

static int set_up(void **state)
{
    char lines[256];

    (void)state;
    for (int i = 0; i < NODES; i++) {
        (void)snprintf(lines, sizeof lines,
                       "cluster-enabled yes\ncluster-node-timeout 2000\ncluster-port %d\n"
                       "cluster-require-full-coverage no\n"
                       "appendonly yes\nappendfsync always\n",
                       redis_node_free_port());
        redis_node_start(&node[i], false, "", lines);
        (void)snprintf(url[i], sizeof url[i], "redis://127.0.0.1:%d", node[i].port);
        redis_node_tell(&node[i], "CLUSTER ADDSLOTSRANGE %d %d", SLOTS * i / NODES,
                        SLOTS * (i + 1) / NODES - 1);
        redisReply *r = redis_node_ask(&node[i], "CLUSTER MYID");
        assert_non_null(r);
        (void)snprintf(id[i], sizeof id[i], "%s", r->str);
        freeReplyObject(r);
        redis_node_tell(&node[i], "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
        int bus = 0;
        assert_int_equal(sscanf(strstr(lines, "cluster-port"), "cluster-port %d", &bus), 1);
        if (i > 0)
            redis_node_tell(&node[0], "CLUSTER MEET 127.0.0.1 %d %d", node[i].port, bus);
    }
    for (int i = 0; i < NODES; i++) {
        if (!redis_node_await(&node[i], "cluster_slots_ok:16384", 20, "CLUSTER INFO") ||
            !redis_node_await(&node[i], "cluster_state:ok", 20, "CLUSTER INFO"))
            return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < NODES; i++)
        redis_node_stop(&node[i]);
    return 0;
}

static long long slot_of(const char *provider)
{
    return redis_node_number(&node[0], "CLUSTER KEYSLOT {%s}", provider);
}

/* By the slots of set_up. */
static int node_of(const char *provider)
{
    long long slot = slot_of(provider);

    for (int i = 0; i < NODES; i++) {
        if (slot < SLOTS * (i + 1) / NODES)
            return i;
    }
    return -1;
}

static struct store *open_store(const char *address)
{
    struct fail why = {""};
    struct store *s = store_open(address, &clock_system, &why);

    if (s == NULL)
        print_error("%s\n", why.text);
    assert_non_null(s);
    return s;
}

static struct store_result commit(struct store *s, const char *provider, const char *event)
{
    static unsigned nonce;
    struct store_provider p = {.name = provider, .keep_ids_us = 3600 * US_PER_S};
    struct store_member m = {.kind = STORE_EVENT,
                             .id = slice_of(event),
                             .type = SLICE_LITERAL("test"),
                             .body = slice_of(event)};
    const struct store_batch batch = {&p, &m, 1, clock_monotonic_ms(&clock_system) + 2000};
    struct store_result r;

    assert_true(sha256(&m.body, 1, m.body_sha256));
    nonce++;
    memcpy(m.nonce, &nonce, sizeof nonce);
    store_commit(s, &batch, &r);
    if (r.code == STORE_UNAVAILABLE || r.code == STORE_FAULT)
        print_error("%s: %s: %s\n", provider, r.word, r.reason);
    return r;
}

/* One connection for each node that is in use, whichever the address names. */
static void goes_where_the_slot_is(void **state)
{
    char event[16];
    bool used[NODES] = {false};

    (void)state;
    for (int i = 0; i < PROVIDERS; i++)
        used[node_of(names[i])] = true;
    for (int i = 0; i < NODES; i++) {
        struct store *s = open_store(url[i]);
        unsigned connections = 0;
        assert_true(used[i]);
        for (int round = 0; round < 20; round++) {
            (void)snprintf(event, sizeof event, "e%d-%d", i, round);
            for (int p = 0; p < PROVIDERS; p++)
                assert_int_equal(commit(s, names[p], event).code, STORE_ACCEPTED);
            if (round == 0)
                connections = s->connections;
        }
        assert_int_equal(connections, NODES);
        assert_int_equal(s->connections, NODES);
        assert_int_equal(commit(s, names[0], event).code, STORE_DUPLICATE);
        store_free(s);
    }
    for (int p = 0; p < PROVIDERS; p++)
        assert_int_equal(
            redis_node_number(&node[node_of(names[p])], "XLEN guichet:{%s}:events", names[p]),
            20 * NODES);
}

static void examines_every_node(void **state)
{
    struct store_provider p[PROVIDERS];
    struct store *s = open_store(url[0]);
    struct store_gauges g;
    struct store_findings f;
    struct fail why;
    int elsewhere = -1;

    (void)state;
    for (int i = 0; i < PROVIDERS; i++) {
        p[i] = (struct store_provider){.name = names[i], .keep_ids_us = US_PER_S, .audit_limit = 1};
        if (node_of(names[i]) != 0)
            elsewhere = node_of(names[i]);
    }
    assert_true(elsewhere > 0);
    store_examine(s, p, PROVIDERS, clock_monotonic_ms(&clock_system) + 3000, &f);
    if (f.self_test != 1)
        print_error("%s\n", f.problem.text);
    assert_int_equal(f.self_test, 1);
    assert_int_equal(f.durable, 2);
    /* the weakest counts */
    redis_node_tell(&node[elsewhere], "CONFIG SET appendfsync everysec");
    store_examine(s, p, PROVIDERS, clock_monotonic_ms(&clock_system) + 3000, &f);
    assert_int_equal(f.durable, 1);
    redis_node_tell(&node[elsewhere], "CONFIG SET appendfsync always");
    assert_true(store_probe(s, 500, &why));
    for (int i = 0; i < PROVIDERS; i++) {
        assert_true(store_read_gauges(s, &p[i], clock_monotonic_ms(&clock_system) + 1000, &g));
        assert_int_equal(g.backlog_entries, 20 * NODES);
    }
    store_free(s);
}

/* --- a slot that moves ------------------------------------------------------------------------ */

/* As redis-cli --cluster reshard does it, key by key. */
static void move_slot(long long slot, int from, int to)
{
    redis_node_tell(&node[to], "CLUSTER SETSLOT %lld IMPORTING %s", slot, id[from]);
    redis_node_tell(&node[from], "CLUSTER SETSLOT %lld MIGRATING %s", slot, id[to]);
    for (;;) {
        redisReply *keys = redis_node_ask(&node[from], "CLUSTER GETKEYSINSLOT %lld 100", slot);
        assert_non_null(keys);
        assert_int_equal(keys->type, REDIS_REPLY_ARRAY);
        size_t n = keys->elements;
        for (size_t i = 0; i < n; i++)
            redis_node_tell(&node[from], "MIGRATE 127.0.0.1 %d %s 0 2000", node[to].port,
                            keys->element[i]->str);
        freeReplyObject(keys);
        if (n == 0)
            break;
    }
    redis_node_tell(&node[to], "CLUSTER SETSLOT %lld NODE %s", slot, id[to]);
    redis_node_tell(&node[from], "CLUSTER SETSLOT %lld NODE %s", slot, id[to]);
}

static void follows_a_slot_that_moves(void **state)
{
    struct store_load load;
    long long slot = slot_of("moved");
    int at = node_of("moved");

    (void)state;
    store_load_start(&load, url[0], "moved", 0);
    assert_true(store_load_reach(&load, 200, 20));
    for (int i = 0; i < 3; i++) {
        int to = (at + 1) % NODES;
        move_slot(slot, at, to);
        at = to;
        assert_true(store_load_reach(&load, atomic_load(&load.done) + 200, 20));
    }
    store_load_stop(&load);
    store_load_expect_all(&load, &node[at]);
}

/* Waiting for a slot is not an outage: the others' commits go on, over the connections there are. */
static void says_that_a_slot_is_moving(void **state)
{
    long long slot = slot_of("alpha");
    int from = node_of("alpha"), to = (from + 1) % NODES;
    struct store *s = open_store(url[0]);

    (void)state;
    assert_int_equal(commit(s, "alpha", "before").code, STORE_ACCEPTED);
    unsigned connections = s->connections;
    redis_node_tell(&node[to], "CLUSTER SETSLOT %lld IMPORTING %s", slot, id[from]);
    redis_node_tell(&node[from], "CLUSTER SETSLOT %lld MIGRATING %s", slot, id[to]);
    int64_t began = clock_monotonic_ms(&clock_system);
    struct store_result r = commit(s, "alpha", "during");
    assert_int_equal(r.code, STORE_UNAVAILABLE);
    assert_string_equal(r.word, "store_moving");
    assert_true(clock_monotonic_ms(&clock_system) - began < 1000);
    assert_int_equal(s->connections, connections);
    redis_node_tell(&node[from], "CLUSTER SETSLOT %lld STABLE", slot);
    redis_node_tell(&node[to], "CLUSTER SETSLOT %lld STABLE", slot);
    assert_int_equal(commit(s, "alpha", "during").code, STORE_ACCEPTED);
    store_free(s);
}

/* --- a node that is lost ---------------------------------------------------------------------- */

static void comes_back_with_the_node(void **state)
{
    const char *on[NODES] = {NULL};
    struct store *s = open_store(url[0]);

    (void)state;
    for (int i = 0; i < PROVIDERS; i++)
        on[node_of(names[i])] = names[i];
    for (int i = 0; i < NODES; i++)
        assert_int_equal(commit(s, on[i], "up").code, STORE_ACCEPTED);
    /* also the one that the address names: the others are known by now */
    for (int lost = 0; lost < NODES; lost += NODES - 1) {
        redis_node_kill(&node[lost]);
        assert_int_equal(commit(s, on[lost], "down").code, STORE_UNAVAILABLE);
        assert_int_not_equal(commit(s, on[1], "others").code, STORE_UNAVAILABLE);
        redis_node_restart(&node[lost]);
        assert_true(redis_node_await(&node[lost], "cluster_state:ok", 20, "CLUSTER INFO"));
        struct store_result r = commit(s, on[lost], "back");
        assert_int_equal(r.code, STORE_ACCEPTED);
        assert_int_equal(commit(s, on[lost], "up").code, STORE_DUPLICATE);
    }
    store_free(s);
}

/* --- the table -------------------------------------------------------------------------------- */

static void reads_where_to_go(void **state)
{
    static const struct {
        const char *text, *host;
        int port; /* 0: refused */
    } cases[] = {
        {"MOVED 321 127.0.0.1:7001", "127.0.0.1", 7001},
        {"MOVED 0 ::1:7002", "::1", 7002},
        {"MOVED 16383 node.example:65535", "node.example", 65535},
        {"MOVED 3 :7003", "first", 7003}, /* the same host */
        {"MOVED 3 ?:7003", "", 0},
        {"MOVED 3 h:0", "", 0},
        {"MOVED 3 h:65536", "", 0},
        {"MOVED 3 h:", "", 0},
        {"MOVED 3 h", "", 0},
        {"MOVED 3", "", 0},
        {"MOVED ", "", 0},
        {"MOVED", "", 0},
        {"", "", 0},
    };
    struct fail why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct redis_route r;
        assert_true(redis_route_init(&r, "redis://u:p@first:1", &clock_system, &why));
        bool went = redis_route_moved(&r, "p", cases[i].text);
        if (went != (cases[i].port != 0))
            print_error("%s\n", cases[i].text);
        assert_int_equal(went, cases[i].port != 0);
        if (went) {
            assert_int_equal(r.nnodes, 2);
            assert_ptr_equal(r.home[0].link, r.node[1]);
            assert_string_equal(r.node[1]->address.host, cases[i].host);
            assert_int_equal(r.node[1]->address.port, cases[i].port);
            assert_string_equal(r.node[1]->address.password, "p");
        }
        redis_route_free(&r);
    }
}

/* However often providers are sent elsewhere, the tables stay within their bounds. */
static void keeps_its_tables_small(void **state)
{
    struct redis_route r;
    struct fail why;
    char name[16], text[48];

    (void)state;
    assert_true(redis_route_init(&r, "redis://first:1", &clock_system, &why));
    for (int i = 0; i < 10 * REDIS_NODES_MAX; i++) {
        (void)snprintf(name, sizeof name, "p%d", i % (REDIS_HOMES_MAX + 5));
        (void)snprintf(text, sizeof text, "MOVED 1 10.0.0.1:%d", 1 + i);
        assert_true(redis_route_moved(&r, name, text));
        assert_true(redis_route_moved(&r, name, text));
        if (i % 7 == 0)
            redis_route_lost(&r, name);
        if (i % 5 == 0)
            redis_route_lost(&r, NULL);
    }
    assert_in_range(r.nnodes, 1, REDIS_NODES_MAX);
    assert_in_range(r.nhomes, 1, REDIS_HOMES_MAX);
    redis_route_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_where_to_go),         cmocka_unit_test(keeps_its_tables_small),
        cmocka_unit_test(goes_where_the_slot_is),    cmocka_unit_test(examines_every_node),
        cmocka_unit_test(follows_a_slot_that_moves), cmocka_unit_test(says_that_a_slot_is_moving),
        cmocka_unit_test(comes_back_with_the_node),
    };
    return cmocka_run_group_tests_name("store_cluster", tests, set_up, tear_down);
}
