/* The Redis user: the least that works, what is said of less, and a right that is withdrawn at
 * work. */
#include "unit/redis_server.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/step.h"

static struct redis_server server;
static struct store_under_test straight;

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
    straight = (struct store_under_test){
        .store = NULL, .clock = &clock_system, .look = &redis_server_look, .ctx = &server};
    *state = &straight;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_free(&straight.found);
    redis_server_stop(&server);
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    store_free(straight.store);
    return 0;
}

static const struct change add_one[] = {
    {.verb = CHANGE_ADD, .key = {"user:u1", 7}, .field = {"sum", 3}, .value = {"1", 1}}};

/* The one that redis.h documents. */
#define LEAST                                                                                      \
    "reset on >pa:ss@%/ resetchannels ~guichet:* -@all +evalsha +eval +script|load +time +get "    \
    "+set "                                                                                        \
    "+del +lindex +lset +rpush +rpushx +ltrim +llen +xadd +xlen +xrange +hset +hget +hlen +info "  \
    "+config|get +select"

#define LOGIN "guichet:pa%3Ass%40%25%2F@"

static void set_user(const char *more)
{
    char command[512];
    redisReply *r;
    size_t argc = 0;
    const char *argv[64];
    char *save = NULL;

    (void)snprintf(command, sizeof command, "ACL SETUSER guichet %s %s", LEAST, more);
    for (char *w = strtok_r(command, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    freeReplyObject(redis_server_ask(&server, "PING"));
    r = redisCommandArgv(server.context, (int)argc, argv, NULL);
    assert_non_null(r);
    assert_int_equal(r->type, REDIS_REPLY_STATUS);
    freeReplyObject(r);
}

static void works_as_the_least_user(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct store_member m[] = {conformance_event("e1", "b", add_one, 1),
                                     conformance_event("e1", "B", add_one, 1)};
    struct store_result r[2];
    struct store_findings f;

    set_user("");
    t->store = open_store(LOGIN, server.socket, "?db=0");
    store_examine(t->store, &t->provider, 1, clock_monotonic_ms(&clock_system) + 2000, &f);
    if (f.self_test != 1)
        print_error("%s\n", f.problem.text);
    assert_int_equal(f.self_test, 1);
    assert_int_equal(f.durable, 2);
    assert_int_equal(f.evicting, 0);
    conformance_batch(t, m, 2, r);
    expect_code(r[0], STORE_ACCEPTED);
    expect_code(r[1], STORE_CONFLICT);
    /* durability cannot be seen without CONFIG, the rest can */
    set_user("-config|get");
    store_examine(t->store, &t->provider, 1, clock_monotonic_ms(&clock_system) + 2000, &f);
    assert_int_equal(f.self_test, 1);
    assert_int_equal(f.durable, -1);
    assert_int_equal(f.evicting, 0);
    assert_non_null(strstr(f.durability.text, "config|get"));
}

/* What a worker of Airtable does, and a reader: as redis.h documents; without any of it nothing by half. */
static void keeps_records_as_the_documented_user(void **state)
{
    static const char more[] = "+hmget +hgetall +hdel +unlink +zadd +zrem +zcard +zrangebylex";
    static const char *const names[] = {"hset", "hdel", "unlink", "zadd", "zrem", "zcard", "xadd"};
    static const struct step_change change[] = {{STEP_PUT, {"table:t", 7}, {"rec1", 4}, {"1", 1}},
                                                {STEP_PUT, {"table:t", 7}, {"rec2", 4}, {"2", 1}},
                                                {STEP_UNSET, {"table:t", 7}, {"rec1", 4}, {"", 0}},
                                                {STEP_DROP, {"table:u", 7}, {"", 0}, {"", 0}},
                                                {STEP_EMIT, {"e1", 2}, {"t", 1}, {"{}", 2}}};
    struct store_under_test *t = conformance_begin(state);
    struct arena *arena = arena_new(1 << 20);
    struct journal j;
    struct step_page page;
    struct fail why = {""};
    char rights[160], before[41], after[41];

    set_user(more);
    t->store = open_store(LOGIN, server.socket, "");
    j = (struct journal){t->store, t->name, arena, 2000};
    redis_server_digest(&server, before);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(rights, sizeof rights, "%s -%s", more, names[i]);
        set_user(rights);
        assert_int_equal(step_apply(&j, change, 5, 0, &why), STEP_AWAY);
        if (strcasestr(why.text, names[i]) == NULL)
            fail_msg("without %s: %s", names[i], why.text);
        redis_server_digest(&server, after);
        assert_string_equal(before, after);
    }
    set_user(more);
    assert_int_equal(step_apply(&j, change, 5, 0, &why), STEP_DONE);
    assert_true(step_list(&j, SLICE_LITERAL("table:t"), SLICE_NONE, 5, 100, &page, &why));
    assert_int_equal(page.n, 1);
    set_user("+hmget +hgetall");
    assert_false(step_list(&j, SLICE_LITERAL("table:t"), SLICE_NONE, 5, 100, &page, &why));
    assert_non_null(strstr(why.text, "zrangebylex"));
    arena_free(arena);
}

static void names_the_command_it_lacks(void **state)
{
    static const char *const names[] = {"evalsha", "eval",  "script|load", "time", "get",
                                        "set",     "del",   "lindex",      "lset", "rpush",
                                        "rpushx",  "ltrim", "llen",        "xadd", "xlen",
                                        "xrange",  "hset",  "hget",        "hlen", "info"};
    struct store_under_test *t = conformance_begin(state);
    struct store_findings f;
    char less[32];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(less, sizeof less, "-%s", names[i]);
        set_user(less);
        t->store = open_store(LOGIN, server.socket, "");
        store_examine(t->store, &t->provider, 1, clock_monotonic_ms(&clock_system) + 2000, &f);
        if (f.self_test != 0 || strstr(f.problem.text, names[i]) == NULL)
            print_error("without %s: %d %s\n", names[i], f.self_test, f.problem.text);
        assert_int_equal(f.self_test, 0);
        assert_non_null(strstr(f.problem.text, names[i]));
        store_free(t->store);
    }
    set_user("");
    t->store = open_store(LOGIN, server.socket, "");
}

/* An event, a conflict and a mark, each with any one command taken away while the store runs: all
 * or nothing. */
static void applies_nothing_by_half_when_a_right_is_withdrawn(void **state)
{
    static const char *const names[] = {"time", "get",    "set",   "del",  "lindex",
                                        "lset", "rpush",  "ltrim", "llen", "xadd",
                                        "xlen", "xrange", "hset",  "hget", "hlen"};
    static const struct change_field f[] = {{{"x", 1}, {"1", 1}}};
    static const struct change c[] = {
        {.verb = CHANGE_SET, .key = {"user:u1", 7}, .field = {"a", 1}, .value = {"1", 1}},
        {.verb = CHANGE_ADD, .key = {"user:u1", 7}, .field = {"sum", 3}, .value = {"1", 1}},
        {.verb = CHANGE_APPEND, .key = {"levels:u1", 9}, .value = {"1", 1}},
        {.verb = CHANGE_CREATE_ONCE, .key = {"payment:1", 9}, .fields = f, .nfields = 1}};
    char less[32], before[41], after[41];

    set_user("");
    straight.store = open_store(LOGIN, server.socket, "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int kind = 0; kind < 4; kind++) {
            struct store_under_test *t = conformance_begin(state);
            struct store_member m = conformance_event("e1", "B", c, 4);
            if (kind == 0)
                m = conformance_event("e2", "b", c, 4);
            else if (kind == 2)
                m.kind = STORE_MARK;
            else if (kind == 3)
                m = conformance_note("not_json", "{");
            t->provider.rate_count = 10;
            t->provider.history_limit = 1;
            set_user("");
            expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)),
                        STORE_ACCEPTED);
            (void)snprintf(less, sizeof less, "-%s", names[i]);
            set_user(less);
            redis_server_digest(&server, before);
            struct store_result r = conformance_commit(t, m);
            redis_server_digest(&server, after);
            if (r.code == STORE_UNAVAILABLE) {
                assert_string_equal(r.word, "store_config");
                assert_string_equal(before, after);
            } else {
                expect_code(r, kind == 1 ? STORE_CONFLICT : STORE_ACCEPTED);
                assert_string_not_equal(before, after);
            }
        }
    }
    set_user("");
}

static void says_what_is_wrong_with_the_login(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store *wrong = open_store("guichet:nope@", server.socket, "");
    struct store *right = open_store("", server.socket, "");

    set_user("");
    t->store = wrong;
    expect_word(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_UNAVAILABLE,
                "store_config");
    store_free(wrong);
    t->store = right;
    redis_server_tell(&server, "CONFIG SET requirepass secret");
    struct store_result r = conformance_commit(t, conformance_event("e1", "b", add_one, 1));
    expect_word(r, STORE_UNAVAILABLE, "store_config");
    t->store = open_store(":secret@", server.socket, "");
    expect_code(conformance_commit(t, conformance_event("e1", "b", add_one, 1)), STORE_ACCEPTED);
    store_free(t->store);
    t->store = right;
    redis_server_tell(&server, "AUTH secret");
    redis_server_tell(&server, "CONFIG SET requirepass %s", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(works_as_the_least_user, close_store),
        cmocka_unit_test_teardown(keeps_records_as_the_documented_user, close_store),
        cmocka_unit_test_teardown(names_the_command_it_lacks, close_store),
        cmocka_unit_test_teardown(applies_nothing_by_half_when_a_right_is_withdrawn, close_store),
        cmocka_unit_test_teardown(says_what_is_wrong_with_the_login, close_store),
    };
    return _cmocka_run_group_tests("store_acl", tests, sizeof tests / sizeof *tests, set_up,
                                   tear_down);
}
