/* The Redis store: the conformance suite, and what Redis alone can be asked. */
#include "unit/redis_server.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

static struct redis_server server;

static int set_up(void **state)
{
    static struct store_under_test t;
    struct fail why = {""};

    if (!redis_server_start(&server)) {
        print_error("redis-server does not start: is it installed?\n");
        return -1;
    }
    t = (struct store_under_test){.store = store_open(server.url, &clock_system, &why),
                                  .clock = &clock_system,
                                  .look = &redis_server_look,
                                  .ctx = &server};
    *state = &t;
    return t.store == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct store_under_test *t = *state;

    if (t != NULL) {
        buf_free(&t->found);
        store_free(t->store);
    }
    redis_server_stop(&server);
    return 0;
}

/* SLICE_LITERAL as an initializer of static data. */
#define TEXT(s)                                                                                    \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }
static const struct change_field payment[] = {{TEXT("user"), TEXT("u1")},
                                              {TEXT("amount"), TEXT("5")}};
/* One change of every verb, on every kind of key. */
static const struct change every_verb[] = {
    {.verb = CHANGE_SET, .key = TEXT("user:u1"), .field = TEXT("a"), .value = TEXT("1")},
    {.verb = CHANGE_SET_IF_NEWER,
     .key = TEXT("level:u1"),
     .field = TEXT("p.x"),
     .value = TEXT("1"),
     .group_max = 9},
    {.verb = CHANGE_SET_EARLIEST, .key = TEXT("born:u1"), .field = TEXT("at")},
    {.verb = CHANGE_ADD, .key = TEXT("sum:u1"), .field = TEXT("sum"), .value = TEXT("5")},
    {.verb = CHANGE_APPEND, .key = TEXT("payments:u1"), .value = TEXT("h1")},
    {.verb = CHANGE_CREATE_ONCE,
     .key = TEXT("payment:in:h1"),
     .fields = payment,
     .nfields = 2,
     .compare = 2},
};
#define EVERY_VERB (sizeof every_verb / sizeof *every_verb)

static void expect_reply(const char *text, const char *format, const char *provider)
{
    redisReply *r = redis_server_ask(&server, format, provider);

    assert_true(r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS);
    assert_string_equal(r->str, text);
    freeReplyObject(r);
}

/* The keys and their layouts are a contract with whoever reads them. */
static void lays_out_its_keys(void **state)
{
    static const char *const want[][2] = {
        {"id:e1", "string"},         {"rate", "list"},    {"events", "stream"},
        {"audit", "stream"},         {"dirty", "hash"},   {"quarantine", "stream"},
        {"quarantine:seen", "hash"}, {"user:u1", "hash"}, {"level:u1", "hash"},
        {"born:u1", "hash"},         {"sum:u1", "hash"},  {"payments:u1", "list"},
        {"payment:in:h1", "hash"}};
    struct store_under_test *t = conformance_begin(state);
    struct store_member mark = conformance_event("hook", "b", NULL, 0);
    char format[64], digest[64], nonce[64], sid[64], seen[256];
    long long at, ttl;

    mark.kind = STORE_MARK;
    t->provider.rate_count = 10;
    struct store_result r =
        conformance_commit(t, conformance_event("e1", "b", every_verb, EVERY_VERB));
    expect_code(r, STORE_ACCEPTED);
    expect_code(conformance_commit(t, mark), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_note("not_json", "{")), STORE_ACCEPTED);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        (void)snprintf(format, sizeof format, "TYPE guichet:{%%s}:%s", want[i][0]);
        expect_reply(want[i][1], format, t->name);
    }
    redisReply *keys = redis_server_ask(&server, "KEYS guichet:{%s}:*", t->name);
    assert_int_equal(keys->elements, sizeof want / sizeof *want);
    freeReplyObject(keys);

    redisReply *id = redis_server_ask(&server, "GET guichet:{%s}:id:e1", t->name);
    assert_int_equal(sscanf(id->str, "%63s %63s %lld %63s", digest, nonce, &at, sid), 4);
    assert_string_equal(digest, "PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0="); /* of "b" */
    assert_int_equal(strlen(nonce), 24);
    assert_int_equal(at, r.at_us);
    freeReplyObject(id);
    redisReply *life = redis_server_ask(&server, "TTL guichet:{%s}:id:e1", t->name);
    ttl = life->integer;
    assert_in_range(ttl, 59, 60);
    freeReplyObject(life);
    conformance_entry(t, "audit", 0, "sid", sid);
    redisReply *event =
        redis_server_ask(&server, "XRANGE guichet:{%s}:events %s %s", t->name, sid, sid);
    assert_int_equal(event->elements, 1);
    assert_int_equal(event->element[0]->element[1]->elements, 8); /* id type at body */
    freeReplyObject(event);

    redisReply *q = redis_server_ask(&server, "XRANGE guichet:{%s}:quarantine - +", t->name);
    static const char *const fields[] = {"digest", "reason", "id", "type", "at", "detail", "body"};
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(q->element[0]->element[1]->element[2 * i]->str, fields[i]);
    redisReply *index = redis_server_ask(&server, "HGETALL guichet:{%s}:quarantine:seen", t->name);
    (void)snprintf(seen, sizeof seen, "not_json %s", q->element[0]->element[1]->element[1]->str);
    assert_string_equal(index->element[0]->str, seen);
    (void)snprintf(seen, sizeof seen, "%s 1 %s", q->element[0]->element[0]->str,
                   q->element[0]->element[1]->element[9]->str);
    assert_string_equal(index->element[1]->str, seen);
    freeReplyObject(index);
    freeReplyObject(q);
}

static void audits_what_is_worth_knowing(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change_field other[] = {payment[0], {SLICE_LITERAL("amount"), SLICE_LITERAL("6")}};
    struct change c = every_verb[5];
    struct store_member m = conformance_event("e1", "b", &c, 1);

    expect_code(conformance_commit(t, m), STORE_ACCEPTED);
    conformance_entry(t, "audit", 0, "flags", NULL);
    c.fields = other;
    m = conformance_event("e2", "b", &c, 1);
    m.stamp_us = INT64_MAX;
    m.reason = SLICE_LITERAL("word");
    assert_int_equal(conformance_commit(t, m).flags, STORE_MISMATCH | STORE_FUTURE);
    conformance_entry(t, "audit", 1, "flags", "mismatch,future");
    conformance_entry(t, "audit", 1, "reason", "word");
    conformance_count(t, "audit", 2);
}

/* Any key of another type: nothing of the event is done, and every other one goes on. */
static void refuses_a_key_of_another_type(void **state)
{
    static const char *const keys[] = {"id:e1",       "rate",         "events",  "audit",
                                       "user:u1",     "level:u1",     "born:u1", "sum:u1",
                                       "payments:u1", "payment:in:h1"};
    char before[41], after[41];

    redis_server_tell(&server,
                      "FLUSHALL"); /* ids of other tests expire, which the digest would show */
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct store_under_test *t = conformance_begin(state);
        struct store_member m = conformance_event("e1", "b", every_verb, EVERY_VERB);
        t->provider.rate_count = 10;
        redis_server_tell(&server, "SADD guichet:{%s}:%s x", t->name, keys[i]);
        redis_server_digest(&server, before);
        expect_word(conformance_commit(t, m), STORE_FAULT, "wrong_type");
        redis_server_digest(&server, after);
        assert_string_equal(before, after);
        redis_server_tell(&server, "DEL guichet:{%s}:%s", t->name, keys[i]);
        expect_code(conformance_commit(t, m), STORE_ACCEPTED);
    }
    static const char *const own[] = {"quarantine", "quarantine:seen", "dirty", "audit"};
    for (size_t i = 0; i < 4; i++) {
        struct store_under_test *t = conformance_begin(state);
        struct store_member m = conformance_note("not_json", "{");
        m.kind = strcmp(own[i], "dirty") == 0 ? STORE_MARK : STORE_NOTE;
        redis_server_tell(&server, "SADD guichet:{%s}:%s x", t->name, own[i]);
        redis_server_digest(&server, before);
        expect_word(conformance_commit(t, m), STORE_FAULT, "wrong_type");
        redis_server_digest(&server, after);
        assert_string_equal(before, after);
    }
}

static void answers_duplicates_beside_damage(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member m = conformance_event("e1", "b", NULL, 0);

    t->provider.rate_count = 10;
    expect_code(conformance_commit(t, m), STORE_ACCEPTED);
    redis_server_tell(&server, "DEL guichet:{%s}:rate guichet:{%s}:events guichet:{%s}:audit",
                      t->name, t->name, t->name);
    redis_server_tell(&server,
                      "MSET guichet:{%s}:rate x guichet:{%s}:events x guichet:{%s}:audit x",
                      t->name, t->name, t->name);
    m.nonce[15] ^= 1;
    expect_code(conformance_commit(t, m), STORE_DUPLICATE);
    redis_server_tell(&server, "SET guichet:{%s}:id:e1 rubbish", t->name);
    expect_word(conformance_commit(t, m), STORE_FAULT, "bad_record");
}

static void survives_rubbish_in_the_ring(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    t->provider.rate_count = 2;
    redis_server_tell(&server, "RPUSH guichet:{%s}:rate x y", t->name);
    struct store_result r = conformance_commit(t, conformance_event("e1", "b", NULL, 0));
    expect_code(r, STORE_LIMITED); /* both count as now */
    assert_int_equal(r.flags, STORE_CLOCK_BACK);
    t->look->pass_window(t->ctx, t->name, t->provider.rate_window_us);
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
}

/* How often the server has run that command since its statistics were reset. */
static long long calls_of(const char *command)
{
    redisReply *r = redis_server_ask(&server, "INFO commandstats");
    char name[64];
    const char *at;
    long long n;

    (void)snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    at = strstr(r->str, name);
    n = at != NULL ? strtoll(at + strlen(name), NULL, 10) : 0;
    freeReplyObject(r);
    return n;
}

/* Redis serves nobody else meanwhile. */
static void mends_a_long_window_in_few_steps(void **state)
{
    static const char fill[] =
        "local t = redis.call('TIME')\n"
        "local now = t[1] * 1000000 + t[2]\n"
        "for n = 1 - ARGV[1], ARGV[1] do\n"
        "  local s = n > 0 and n + 3600 or n\n"
        "  redis.call('RPUSH', KEYS[1], string.format('%.0f', now + s * 1000000))\n"
        "end\n"
        "return redis.call('LINDEX', KEYS[1], ARGV[1] - 1)";
    struct store_under_test *t = conformance_begin(state);
    const long half = 50000;
    redisReply *newest_behind, *r;

    t->provider.rate_count = 2 * half;
    newest_behind =
        redis_server_ask(&server, "EVAL %s 1 guichet:{%s}:rate %ld", fill, t->name, half);
    redis_server_tell(&server, "CONFIG RESETSTAT");
    /* The oldest stamps are long past, so there is room. */
    expect_word(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED,
                "clock_back");
    assert_in_range(calls_of("lindex") + calls_of("lset") + calls_of("rpush"), 1, half / 100);
    r = redis_server_ask(&server, "LRANGE guichet:{%s}:rate 0 -1", t->name);
    assert_int_equal(r->elements, 2 * half + 1);
    assert_string_equal(r->element[half - 1]->str, newest_behind->str);
    for (long i = half; i <= 2 * half; i++)
        assert_string_equal(r->element[i]->str, r->element[2 * half]->str);
    freeReplyObject(r);
    freeReplyObject(newest_behind);
    expect_word(conformance_commit(t, conformance_event("e2", "b", NULL, 0)), STORE_ACCEPTED, NULL);
}

static void counts_evidence_anew_when_it_was_taken_out(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member note = conformance_note("not_json", "{");

    expect_code(conformance_commit(t, conformance_note("not_json", "[")), STORE_ACCEPTED);
    for (int i = 0; i < 3; i++)
        expect_code(conformance_commit(t, note), STORE_ACCEPTED);
    redisReply *q =
        redis_server_ask(&server, "XREVRANGE guichet:{%s}:quarantine + - COUNT 1", t->name);
    redis_server_tell(&server, "XDEL guichet:{%s}:quarantine %s", t->name,
                      q->element[0]->element[0]->str);
    freeReplyObject(q);
    expect_code(conformance_commit(t, note), STORE_ACCEPTED);
    conformance_count(t, "quarantine", 2);
    assert_int_equal(t->look->repeats(t->ctx, t->name, "not_json", note.body_sha256), 1);
    /* an emptied quarantine empties its index */
    redis_server_tell(&server, "DEL guichet:{%s}:quarantine", t->name);
    expect_code(conformance_commit(t, note), STORE_ACCEPTED);
    redisReply *n = redis_server_ask(&server, "HLEN guichet:{%s}:quarantine:seen", t->name);
    assert_int_equal(n->integer, 1);
    freeReplyObject(n);
}

static void finds_its_script_again(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    redis_server_tell(&server, "SCRIPT FLUSH");
    expect_code(conformance_commit(t, conformance_event("e2", "b", NULL, 0)), STORE_ACCEPTED);
    conformance_count(t, "events", 2);
}

/* As a CGI process does, which commits once. */
static void finds_the_script_of_the_process_before(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store *real = t->store;
    struct fail why;

    redis_server_tell(&server, "SCRIPT FLUSH");
    for (int i = 0; i < 2; i++) {
        t->store = store_open(server.url, t->clock, &why);
        assert_non_null(t->store);
        redis_server_tell(&server, "CONFIG RESETSTAT");
        expect_code(conformance_commit(t, conformance_event(i == 0 ? "e1" : "e2", "b", NULL, 0)),
                    STORE_ACCEPTED);
        assert_int_equal(calls_of("evalsha"), 1);
        assert_int_equal(calls_of("eval"), i == 0);
        assert_int_equal(calls_of("script|load"), 0);
        store_free(t->store);
    }
    t->store = real;
    conformance_count(t, "events", 2);
}

static struct store_findings examine(struct store_under_test *t)
{
    struct store_findings f;

    store_examine(t->store, &t->provider, 1, clock_monotonic_ms(t->clock) + 2000, &f);
    return f;
}

static void sees_durability(void **state)
{
    static const struct {
        const char *set[3]; /* appendonly, appendfsync, no-appendfsync-on-rewrite */
        int durable;
    } cases[] = {{{"yes", "always", "no"}, 2},   {{"yes", "always", "yes"}, 0},
                 {{"yes", "everysec", "no"}, 1}, {{"yes", "no", "no"}, 0},
                 {{"no", "always", "no"}, 0},    {{"yes", "always", "no"}, 2}};
    struct store_under_test *t = conformance_begin(state);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        redis_server_tell(&server, "CONFIG SET appendonly %s", cases[i].set[0]);
        redis_server_tell(&server, "CONFIG SET appendfsync %s", cases[i].set[1]);
        redis_server_tell(&server, "CONFIG SET no-appendfsync-on-rewrite %s", cases[i].set[2]);
        struct store_findings f = examine(t);
        assert_int_equal(f.self_test, 1);
        assert_int_equal(f.durable, cases[i].durable);
        assert_non_null(strstr(f.durability.text, cases[i].set[1]));
        assert_int_equal(f.evicting, 0);
    }
    redis_server_tell(&server, "CONFIG SET maxmemory 1gb");
    assert_int_equal(examine(t).evicting, 0);
    redis_server_tell(&server, "CONFIG SET maxmemory-policy allkeys-lru");
    assert_int_equal(examine(t).evicting, 1);
    redis_server_tell(&server, "CONFIG SET maxmemory 0");
    assert_int_equal(examine(t).evicting, 0);
    redis_server_tell(&server, "CONFIG SET maxmemory-policy noeviction");
}

static void chooses_its_database(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store *real = t->store;
    char url[160];
    struct fail why;

    (void)snprintf(url, sizeof url, "%s?db=3", server.url);
    t->store = store_open(url, t->clock, &why);
    assert_non_null(t->store);
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    conformance_count(t, "events", 0);
    redis_server_tell(&server, "SELECT 3");
    conformance_count(t, "events", 1);
    redis_server_tell(&server, "SELECT 0");
    store_free(t->store);
    t->store = real;
}

int main(void)
{
    static const struct CMUnitTest own[] = {
        cmocka_unit_test(lays_out_its_keys),
        cmocka_unit_test(audits_what_is_worth_knowing),
        cmocka_unit_test(refuses_a_key_of_another_type),
        cmocka_unit_test(answers_duplicates_beside_damage),
        cmocka_unit_test(survives_rubbish_in_the_ring),
        cmocka_unit_test(mends_a_long_window_in_few_steps),
        cmocka_unit_test(counts_evidence_anew_when_it_was_taken_out),
        cmocka_unit_test(finds_its_script_again),
        cmocka_unit_test(finds_the_script_of_the_process_before),
        cmocka_unit_test(sees_durability),
        cmocka_unit_test(chooses_its_database),
    };

    return store_conformance_run("store_redis", own, sizeof own / sizeof *own, set_up, tear_down);
}
