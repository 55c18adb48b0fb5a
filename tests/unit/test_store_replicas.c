/* min_replicas: what is answered as done is on so many replicas, also what was done before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "store/store.h"
#include "unit/redis_node.h"

#define DEADLINE_MS 600

static struct redis_node master, replica;
static char url[64];

static const struct change add_one = {
    .verb = CHANGE_ADD, .key = {"user:u1", 7}, .field = {"sum", 3}, .value = {"1", 1}};

static int set_up(void **state)
{
    char lines[64];

    (void)state;
    redis_node_start(&master, false, "", "");
    (void)snprintf(lines, sizeof lines, "replicaof 127.0.0.1 %d\n", master.port);
    redis_node_start(&replica, false, "", lines);
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%d", master.port);
    /* after its copy the replica is sent nothing before it has said that it is ready */
    if (!redis_node_await(&master, "state=online", 10, "INFO replication"))
        return -1;
    redis_node_tell(&master, "SET ready yes");
    return redis_node_await(&replica, "yes", 10, "GET ready") ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    redis_node_stop(&replica);
    redis_node_stop(&master);
    return 0;
}

static struct store_member event(const char *id, unsigned nonce)
{
    struct store_member m = {.kind = STORE_EVENT,
                             .id = slice_of(id),
                             .type = SLICE_LITERAL("test"),
                             .body = slice_of(id),
                             .changes = &add_one,
                             .nchanges = 1};

    assert_true(sha256(&m.body, 1, m.body_sha256));
    memcpy(m.nonce, &nonce, sizeof nonce);
    return m;
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

/* Over a connection of its own. */
static struct store_result commit_at(const char *address, const char *provider,
                                     struct store_member m, int64_t replicas)
{
    struct store_provider p = {.name = provider,
                               .keep_ids_us = 3600 * US_PER_S,
                               .quarantine_limit = 10,
                               .min_replicas = replicas};
    struct store_result r;
    int64_t deadline = clock_monotonic_ms(&clock_system) + DEADLINE_MS;
    const struct store_batch batch = {&p, &m, 1, deadline};
    struct store *s = open_store(address);

    store_commit(s, &batch, &r);
    store_free(s);
    assert_true(clock_monotonic_ms(&clock_system) < deadline + 100);
    return r;
}

static struct store_result commit(const char *provider, struct store_member m, int64_t replicas)
{
    return commit_at(url, provider, m, replicas);
}

#define expect(r, code_, word_)                                                                    \
    do {                                                                                           \
        struct store_result r_ = (r);                                                              \
        if (r_.code != (code_))                                                                    \
            print_error("%s: %s\n", r_.word != NULL ? r_.word : "", r_.reason);                    \
        assert_int_equal(r_.code, (code_));                                                        \
        if ((word_) != NULL)                                                                       \
            assert_string_equal(r_.word, (word_));                                                 \
    } while (0)

static void waits_for_the_replica(void **state)
{
    (void)state;
    expect(commit("waits", event("e1", 1), 1), STORE_ACCEPTED, (const char *)NULL);
    assert_int_equal(redis_node_number(&replica, "XLEN guichet:{waits}:events"), 1);
    expect(commit("waits", event("e2", 2), 2), STORE_UNAVAILABLE, "store_replicas");
}

/* The trap: what is there already was written by another connection, for which newer servers do not
 * wait. */
static void a_duplicate_waits_too(void **state)
{
    struct store_member altered = event("e1", 4);

    (void)state;
    altered.body_sha256[0] ^= 1;
    redis_node_signal(&replica, SIGSTOP);
    expect(commit("trap", event("e1", 1), 1), STORE_UNAVAILABLE, "store_replicas");
    /* the same request again, another delivery of the event, another body under its id */
    expect(commit("trap", event("e1", 1), 1), STORE_UNAVAILABLE, "store_replicas");
    expect(commit("trap", event("e1", 2), 1), STORE_UNAVAILABLE, "store_replicas");
    expect(commit("trap", altered, 1), STORE_UNAVAILABLE, "store_replicas");
    /* it is there, for whoever does not ask for replicas */
    expect(commit("trap", event("e1", 3), 0), STORE_DUPLICATE, (const char *)NULL);
    redis_node_signal(&replica, SIGCONT);
    expect(commit("trap", event("e1", 1), 1), STORE_ACCEPTED, (const char *)NULL);
    expect(commit("trap", event("e1", 2), 1), STORE_DUPLICATE, (const char *)NULL);
    expect(commit("trap", altered, 1), STORE_CONFLICT, (const char *)NULL);
    assert_int_equal(redis_node_number(&replica, "XLEN guichet:{trap}:events"), 1);
    redisReply *sum = redis_node_ask(&replica, "HGET guichet:{trap}:user:u1 sum");
    assert_non_null(sum);
    assert_string_equal(sum->str, "1");
    freeReplyObject(sum);
}

/* The write that WAIT needs on every server: of the record's life, and only where it is asked for. */
static void a_duplicate_touches_its_record(void **state)
{
    static const char ttl[] = "TTL guichet:{touch}:id:e1";

    (void)state;
    expect(commit("touch", event("e1", 1), 1), STORE_ACCEPTED, (const char *)NULL);
    for (unsigned nonce = 1; nonce <= 2; nonce++) {
        redis_node_tell(&master, "EXPIRE guichet:{touch}:id:e1 100");
        (void)commit("touch", event("e1", nonce), 0);
        assert_in_range(redis_node_number(&master, ttl), 90, 100);
        (void)commit("touch", event("e1", nonce), 1);
        assert_in_range(redis_node_number(&master, ttl), 3590, 3600);
    }
}

/* A replica knows the event, but must not promise anything on behalf of its master. */
static void a_replica_promises_nothing(void **state)
{
    char there[64];

    (void)state;
    (void)snprintf(there, sizeof there, "redis://127.0.0.1:%d", replica.port);
    expect(commit("reader", event("e1", 1), 1), STORE_ACCEPTED, (const char *)NULL);
    expect(commit_at(there, "reader", event("e1", 2), 0), STORE_DUPLICATE, (const char *)NULL);
    expect(commit_at(there, "reader", event("e1", 2), 1), STORE_UNAVAILABLE, "store_read_only");
    expect(commit_at(there, "reader", event("e1", 1), 1), STORE_UNAVAILABLE, "store_read_only");
}

static void asks_for_the_rights_it_needs(void **state)
{
    static const char *const lacking[] = {"wait", "expire"};
    struct store_provider p = {
        .name = "rights", .keep_ids_us = US_PER_S, .audit_limit = 1, .min_replicas = 1};
    struct store_findings f;
    char login[96];

    (void)state;
    (void)snprintf(login, sizeof login, "redis://g:pw@127.0.0.1:%d", master.port);
    for (size_t i = 0; i < 2; i++) {
        redis_node_tell(&master, "ACL SETUSER g reset on >pw ~guichet:* +@all -%s", lacking[i]);
        struct store *s = open_store(login);
        p.min_replicas = 1;
        store_examine(s, &p, 1, clock_monotonic_ms(&clock_system) + 2000, &f);
        assert_int_equal(f.self_test, 0);
        assert_non_null(strstr(f.problem.text, lacking[i]));
        p.min_replicas = 0;
        store_examine(s, &p, 1, clock_monotonic_ms(&clock_system) + 2000, &f);
        assert_int_equal(f.self_test, 1);
        store_free(s);
    }
    /* withdrawn at work: no answer that would be a promise */
    redis_node_tell(&master, "ACL SETUSER g +@all");
    expect(commit_at(login, "rights", event("e1", 1), 1), STORE_ACCEPTED, (const char *)NULL);
    for (size_t i = 0; i < 2; i++) {
        redis_node_tell(&master, "ACL SETUSER g +@all -%s", lacking[i]);
        expect(commit_at(login, "rights", event("e1", 2), 1), STORE_UNAVAILABLE, "store_config");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_the_replica),
        cmocka_unit_test(a_duplicate_waits_too),
        cmocka_unit_test(a_duplicate_touches_its_record),
        cmocka_unit_test(a_replica_promises_nothing),
        cmocka_unit_test(asks_for_the_rights_it_needs),
    };
    return cmocka_run_group_tests_name("store_replicas", tests, set_up, tear_down);
}
