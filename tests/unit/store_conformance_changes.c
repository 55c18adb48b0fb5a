/* The verbs of events/change.h. */
#include "unit/store_conformance.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST "9223372036854775807"

#define SET(k, f, v)                                                                               \
    {                                                                                              \
        .verb = CHANGE_SET, .key = SLICE_LITERAL(k), .field = SLICE_LITERAL(f),                    \
        .value = SLICE_LITERAL(v)                                                                  \
    }
#define NEWER(k, f, v, most)                                                                       \
    {                                                                                              \
        .verb = CHANGE_SET_IF_NEWER, .key = SLICE_LITERAL(k), .field = SLICE_LITERAL(f),           \
        .value = SLICE_LITERAL(v), .group_max = (most)                                             \
    }
#define EARLIEST(k, f)                                                                             \
    {                                                                                              \
        .verb = CHANGE_SET_EARLIEST, .key = SLICE_LITERAL(k), .field = SLICE_LITERAL(f)            \
    }
#define ADD(k, f, v)                                                                               \
    {                                                                                              \
        .verb = CHANGE_ADD, .key = SLICE_LITERAL(k), .field = SLICE_LITERAL(f),                    \
        .value = SLICE_LITERAL(v)                                                                  \
    }
#define ONCE(k, f, n, c)                                                                           \
    {                                                                                              \
        .verb = CHANGE_CREATE_ONCE, .key = SLICE_LITERAL(k), .fields = (f), .nfields = (n),        \
        .compare = (c)                                                                             \
    }
#define APPEND(k, v)                                                                               \
    {                                                                                              \
        .verb = CHANGE_APPEND, .key = SLICE_LITERAL(k), .value = SLICE_LITERAL(v)                  \
    }

/* Commits changes as an event of a new id with that stamp. */
static struct store_result apply_at(struct store_under_test *t, int64_t stamp_us,
                                    const struct change *c, size_t n)
{
    static unsigned serial;
    char id[16];

    (void)snprintf(id, sizeof id, "c%u", ++serial);
    struct store_member m = conformance_event(id, "b", c, n);
    m.stamp_us = stamp_us;
    return conformance_commit(t, m);
}

#define apply(t, ...)                                                                              \
    apply_some((t), (const struct change[]){__VA_ARGS__},                                          \
               sizeof((const struct change[]){__VA_ARGS__}) / sizeof(struct change))

static struct store_result apply_some(struct store_under_test *t, const struct change *c, size_t n)
{
    return apply_at(t, STAMP_US, c, n);
}

static void sets_in_order(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    expect_code(apply(t, SET("user:u1", "a", "1"), SET("user:u1", "b", ""),
                      SET("user:u1", "a", "2"), SET("user:u2", "a", "3")),
                STORE_ACCEPTED);
    conformance_field(t, "user:u1", "a", "2");
    conformance_field(t, "user:u1", "b", "");
    conformance_field(t, "user:u2", "a", "3");
    conformance_field(t, "user:u2", "b", NULL);
}

static void sets_if_newer(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change c[] = {NEWER("user:u1", "level", "5", 0)},
                        older[] = {NEWER("user:u1", "level", "4", 0)},
                        equal[] = {NEWER("user:u1", "level", "6", 0)},
                        newer[] = {NEWER("user:u1", "level", "7", 0)};
    struct store_result r;

    expect_code(apply_at(t, STAMP_US, c, 1), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "at.level", "1500000000000000");
    r = apply_at(t, STAMP_US - 1, older, 1);
    expect_word(r, STORE_ACCEPTED, "stale");
    assert_int_equal(r.flags, STORE_STALE);
    conformance_field(t, "user:u1", "level", "5");
    r = apply_at(t, STAMP_US, equal, 1);
    expect_code(r, STORE_ACCEPTED);
    assert_int_equal(r.flags, 0);
    conformance_field(t, "user:u1", "level", "6");
    expect_code(apply_at(t, STAMP_US + 1, newer, 1), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "level", "7");
    conformance_field(t, "user:u1", "at.level", "1500000000000001");
    conformance_field(t, "user:u1", "count.level", NULL);
}

static void treats_each_field_by_itself(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change first[] = {NEWER("user:u1", "a", "1", 0)},
                        second[] = {NEWER("user:u1", "a", "2", 0), NEWER("user:u1", "b", "2", 0)};
    struct store_result r;

    expect_code(apply_at(t, STAMP_US + 5, first, 1), STORE_ACCEPTED);
    r = apply_at(t, STAMP_US, second, 2);
    assert_int_equal(r.flags, STORE_STALE);
    conformance_field(t, "user:u1", "a", "1");
    conformance_field(t, "user:u1", "b", "2");
}

static void takes_the_future_for_now(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change c[] = {NEWER("user:u1", "a", "1", 0), EARLIEST("user:u1", "born")},
                        next[] = {NEWER("user:u1", "a", "2", 0)};
    struct store_result r = apply_at(t, INT64_C(99999999999999999), c, 2);
    char at[24];

    expect_word(r, STORE_ACCEPTED, "future");
    assert_int_equal(r.flags, STORE_FUTURE);
    (void)snprintf(at, sizeof at, "%lld", (long long)r.at_us);
    conformance_field(t, "user:u1", "at.a", at);
    conformance_field(t, "user:u1", "born", at);
    /* so it cannot block the field for ever */
    t->look->pass(t->ctx, 2000);
    r = apply_at(t, r.at_us + 1000, next, 1);
    expect_code(r, STORE_ACCEPTED);
    assert_int_equal(r.flags, 0);
    conformance_field(t, "user:u1", "a", "2");
}

static void takes_the_far_past_for_1700(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change c[] = {NEWER("user:u1", "a", "1", 0)};
    char least[24];

    (void)snprintf(least, sizeof least, "%lld", (long long)STORE_STAMP_MIN_US);
    expect_code(apply_at(t, INT64_MIN, c, 1), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "at.a", least);
    expect_code(apply_at(t, STORE_STAMP_MIN_US + 1, c, 1), STORE_ACCEPTED);
    assert_int_equal(apply_at(t, STORE_STAMP_MIN_US, c, 1).flags, STORE_STALE);
}

static void caps_a_group(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_result r;

    r = apply(t, NEWER("user:u1", "p.a", "1", 2), NEWER("user:u1", "p.b", "1", 2),
              NEWER("user:u1", "p.c", "1", 2), NEWER("user:u1", "q.a", "1", 2));
    expect_word(r, STORE_ACCEPTED, "capped");
    assert_int_equal(r.flags, STORE_CAPPED);
    conformance_field(t, "user:u1", "p.b", "1");
    conformance_field(t, "user:u1", "p.c", NULL);
    conformance_field(t, "user:u1", "at.p.c", NULL);
    conformance_field(t, "user:u1", "q.a", "1");
    conformance_field(t, "user:u1", "count.p", "2");
    conformance_field(t, "user:u1", "count.q", "1");
    /* those that are there may change */
    r = apply(t, NEWER("user:u1", "p.a", "2", 2));
    assert_int_equal(r.flags, 0);
    conformance_field(t, "user:u1", "p.a", "2");
    conformance_field(t, "user:u1", "count.p", "2");
    /* a greater limit lets the third in */
    assert_int_equal(apply(t, NEWER("user:u1", "p.c", "1", 3)).flags, 0);
    conformance_field(t, "user:u1", "count.p", "3");
}

static void sets_the_earliest(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change c[] = {EARLIEST("user:u1", "created_at")};

    expect_code(apply_at(t, STAMP_US, c, 1), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "created_at", "1500000000000000");
    expect_code(apply_at(t, STAMP_US + 1, c, 1), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "created_at", "1500000000000000");
    expect_code(apply_at(t, STAMP_US - 1, c, 1), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "created_at", "1499999999999999");
    expect_code(apply_at(t, -5, c, 1), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "created_at", "-5");
}

static void adds_exactly(void **state)
{
    static const struct {
        const char *a, *b, *sum; /* sum NULL: overflow */
    } cases[] = {
        {"0", "0", "0"},
        {"999999999999999", "999999999999999", "1999999999999998"},
        {"9007199254740993", "1", "9007199254740994"}, /* beyond a double's 2^53 */
        {"1000000000000000001", "1000000000000000001", "2000000000000000002"},
        {"999999999999999999", "1", "1000000000000000000"},
        {"9223372036854775806", "1", MOST},
        {"1", "9223372036854775806", MOST},
        {MOST, "0", MOST},
        {"0", MOST, MOST},
        {"4611686018427387904", "4611686018427387903", MOST},
        {"4611686018427387904", "4611686018427387904", NULL},
        {MOST, "1", NULL},
        {"1", MOST, NULL},
        {MOST, MOST, NULL},
        {"9223372036000000000", "854775808", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_under_test *t = conformance_begin(state);
        struct change a = ADD("user:u1", "sum", ""), b = a;
        a.value = slice_of(cases[i].a);
        b.value = slice_of(cases[i].b);
        expect_code(apply_some(t, &a, 1), STORE_ACCEPTED);
        if (cases[i].sum != NULL)
            expect_code(apply_some(t, &b, 1), STORE_ACCEPTED);
        else
            expect_word(apply_some(t, &b, 1), STORE_REFUSED, "overflow");
        conformance_field(t, "user:u1", "sum", cases[i].sum != NULL ? cases[i].sum : cases[i].a);
        /* and both in one event */
        t = conformance_begin(state);
        struct change both[2] = {a, b};
        expect_code(apply_some(t, both, 2), cases[i].sum != NULL ? STORE_ACCEPTED : STORE_REFUSED);
        conformance_field(t, "user:u1", "sum", cases[i].sum);
    }
}

static void refuses_what_is_no_number(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "01",
                                      "1e3",
                                      "0x1",
                                      "1.0",
                                      "00",
                                      "9223372036854775808",
                                      "10000000000000000000",
                                      "99999999999999999999"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct store_under_test *t = conformance_begin(state);
        struct change set = SET("user:u1", "sum", ""), add = ADD("user:u1", "sum", "0");
        set.value = slice_of(bad[i]);
        expect_code(apply_some(t, &set, 1), STORE_ACCEPTED);
        expect_word(apply_some(t, &add, 1), STORE_FAULT, "bad_number");
        conformance_field(t, "user:u1", "sum", bad[i]);
    }
}

static void applies_all_or_nothing(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change_field f[] = {{SLICE_LITERAL("x"), SLICE_LITERAL("1")}};
    const struct change c[] = {SET("user:u1", "a", "1"),       NEWER("user:u1", "p.a", "1", 5),
                               EARLIEST("user:u1", "born"),    ONCE("payment:in:1", f, 1, 1),
                               APPEND("payments:u1", "first"), ADD("user:u1", "sum", MOST),
                               ADD("user:u1", "sum", "1")};
    struct store_member m = conformance_event("e1", "b", c, 7);

    t->provider.rate_count = 1;
    expect_word(conformance_commit(t, m), STORE_REFUSED, "overflow");
    conformance_field(t, "user:u1", "a", NULL);
    conformance_field(t, "user:u1", "p.a", NULL);
    conformance_field(t, "user:u1", "count.p", NULL);
    conformance_field(t, "user:u1", "born", NULL);
    conformance_field(t, "user:u1", "sum", NULL);
    conformance_field(t, "payment:in:1", "x", NULL);
    conformance_history(t, "payments:u1", 0, NULL);
    conformance_count(t, "events", 0);
    conformance_entry(t, "quarantine", 0, "reason", "overflow");
    conformance_entry(t, "quarantine", 0, "body", "b");
    conformance_entry(t, "audit", 0, "outcome", "invalid");
    /* its id is free for the corrected event, its slot too */
    m = conformance_event("e1", "corrected", c, 6);
    expect_code(conformance_commit(t, m), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "a", "1");
    conformance_field(t, "user:u1", "sum", MOST);
    conformance_history(t, "payments:u1", 0, "first");
}

static void creates_once(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change_field f[] = {{SLICE_LITERAL("user"), SLICE_LITERAL("u1")},
                                     {SLICE_LITERAL("amount"), SLICE_LITERAL("5")},
                                     {SLICE_LITERAL("at"), SLICE_LITERAL("t1")}},
                              later[] = {f[0], f[1], {SLICE_LITERAL("at"), SLICE_LITERAL("t2")}},
                              other[] = {f[0], {SLICE_LITERAL("amount"), SLICE_LITERAL("6")}, f[2]};
    struct store_result r;

    r = apply(t, ONCE("payment:in:h1", f, 3, 2), ADD("user:u1", "sum", "5"),
              APPEND("payments:u1", "h1"));
    expect_code(r, STORE_ACCEPTED);
    assert_int_equal(r.flags, 0);
    conformance_field(t, "payment:in:h1", "amount", "5");
    conformance_field(t, "payment:in:h1", "at", "t1");
    /* the same: what stands before it happens, what stands behind it does not */
    r = apply(t, SET("user:u1", "seen", "1"), ONCE("payment:in:h1", later, 3, 2),
              ADD("user:u1", "sum", "5"), APPEND("payments:u1", "h1"));
    expect_word(r, STORE_ACCEPTED, "no_effect");
    assert_int_equal(r.flags, STORE_NO_EFFECT);
    conformance_field(t, "user:u1", "seen", "1");
    conformance_field(t, "user:u1", "sum", "5");
    conformance_field(t, "payment:in:h1", "at", "t1");
    conformance_history(t, "payments:u1", 1, NULL);
    r = apply(t, ONCE("payment:in:h1", other, 3, 2), ADD("user:u1", "sum", "6"));
    expect_word(r, STORE_ACCEPTED, "mismatch");
    assert_int_equal(r.flags, STORE_MISMATCH);
    conformance_field(t, "user:u1", "sum", "5");
    conformance_field(t, "payment:in:h1", "amount", "5");
    conformance_count(t, "events", 3);
    /* another hash is another payment */
    expect_code(apply(t, ONCE("payment:in:h2", f, 3, 2), ADD("user:u1", "sum", "5")),
                STORE_ACCEPTED);
    conformance_field(t, "user:u1", "sum", "10");
}

static void sees_its_own_changes(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change_field f[] = {{SLICE_LITERAL("sum"), SLICE_LITERAL("40")}},
                              g[] = {{SLICE_LITERAL("sum"), SLICE_LITERAL("42")}};
    struct store_result r;

    r = apply(t, ONCE("payment:in:1", f, 1, 1), ADD("payment:in:1", "sum", "2"),
              ONCE("payment:in:1", g, 1, 1), ADD("payment:in:1", "sum", "1000"));
    assert_int_equal(r.flags, STORE_NO_EFFECT);
    conformance_field(t, "payment:in:1", "sum", "42");
    r = apply(t, SET("user:u1", "sum", "1"), SET("user:u2", "sum", "10"),
              ADD("user:u1", "sum", "1"), ADD("user:u2", "sum", "10"), ADD("user:u1", "sum", "1"),
              EARLIEST("user:u1", "born"), EARLIEST("user:u1", "born"),
              NEWER("user:u1", "p.a", "1", 1), NEWER("user:u1", "p.a", "2", 1));
    expect_code(r, STORE_ACCEPTED);
    assert_int_equal(r.flags, 0);
    conformance_field(t, "user:u1", "sum", "3");
    conformance_field(t, "user:u2", "sum", "20");
    conformance_field(t, "user:u1", "p.a", "2");
    conformance_field(t, "user:u1", "count.p", "1");
}

static void appends_up_to_the_limit(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    t->provider.history_limit = 3;
    expect_code(apply(t, APPEND("levels:u1", "1"), APPEND("levels:u1", "2")), STORE_ACCEPTED);
    conformance_history(t, "levels:u1", 0, "1");
    expect_code(apply(t, APPEND("levels:u1", "3"), APPEND("levels:u1", "4")), STORE_ACCEPTED);
    conformance_history(t, "levels:u1", 0, "2");
    conformance_history(t, "levels:u1", 2, "4");
    conformance_history(t, "levels:u1", 3, NULL);
    t->provider.history_limit = 0;
    expect_code(apply(t, APPEND("levels:u1", "5")), STORE_ACCEPTED);
    conformance_history(t, "levels:u1", 3, "5");
}

/* A record where a history should be and the other way round, there before or made by the event. */
static void finds_a_damaged_store(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change_field f[] = {{SLICE_LITERAL("x"), SLICE_LITERAL("1")}};
    const struct change record[] = {SET("user:u2", "a", "1"), APPEND("user:u1", "x")},
                        history[] = {SET("user:u2", "a", "1"), SET("levels:u1", "a", "1")},
                        once[] = {SET("user:u2", "a", "1"), ONCE("levels:u1", f, 1, 1)},
                        both[] = {SET("user:u2", "a", "1"), SET("new:1", "a", "1"),
                                  APPEND("new:1", "x")},
                        both_once[] = {APPEND("new:1", "x"), ONCE("new:1", f, 1, 1)},
                        both_add[] = {APPEND("new:1", "x"), ADD("new:1", "x", "1")};
    const struct {
        const struct change *c;
        size_t n;
    } cases[] = {{record, 2}, {history, 2}, {once, 2}, {both, 3}, {both_once, 2}, {both_add, 2}};
    const struct change stamp[] = {NEWER("user:u1", "b", "1", 0)},
                        born[] = {SET("user:u2", "a", "1"), EARLIEST("user:u1", "text")};

    expect_code(apply(t, SET("user:u1", "at.b", "x"), SET("user:u1", "text", "x"),
                      APPEND("levels:u1", "1")),
                STORE_ACCEPTED);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_word(apply_some(t, cases[i].c, cases[i].n), STORE_FAULT, "wrong_type");
    expect_word(apply_some(t, stamp, 1), STORE_FAULT, "bad_number");
    expect_word(apply_some(t, born, 2), STORE_FAULT, "bad_number");
    conformance_field(t, "user:u2", "a", NULL);
    conformance_field(t, "new:1", "a", NULL);
    conformance_history(t, "new:1", 0, NULL);
    conformance_count(t, "events", 1);
    conformance_count(t, "audit", 1);
    conformance_count(t, "quarantine", 0);
    /* the key that it fell over is still sound for others */
    expect_code(apply(t, APPEND("new:1", "x")), STORE_ACCEPTED);
}

static void takes_the_most_changes(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct change c[CHANGES_MAX + 1];
    char field[CHANGES_MAX + 1][8];

    for (int i = 0; i <= CHANGES_MAX; i++) {
        (void)snprintf(field[i], sizeof field[i], "p.%d", i);
        c[i] = (struct change)NEWER("user:u1", "", "v", 64);
        c[i].field = slice_of(field[i]);
    }
    assert_int_equal(apply_some(t, c, CHANGES_MAX).flags, STORE_CAPPED);
    conformance_field(t, "user:u1", "p.63", "v");
    conformance_field(t, "user:u1", "p.64", NULL);
    conformance_field(t, "user:u1", "count.p", "64");
    expect_word(apply_some(t, c, CHANGES_MAX + 1), STORE_FAULT, "bad_change");
}

const struct CMUnitTest store_conformance_changes[] = {
    cmocka_unit_test(sets_in_order),
    cmocka_unit_test(sets_if_newer),
    cmocka_unit_test(treats_each_field_by_itself),
    cmocka_unit_test(takes_the_future_for_now),
    cmocka_unit_test(takes_the_far_past_for_1700),
    cmocka_unit_test(caps_a_group),
    cmocka_unit_test(sets_the_earliest),
    cmocka_unit_test(adds_exactly),
    cmocka_unit_test(refuses_what_is_no_number),
    cmocka_unit_test(applies_all_or_nothing),
    cmocka_unit_test(creates_once),
    cmocka_unit_test(sees_its_own_changes),
    cmocka_unit_test(appends_up_to_the_limit),
    cmocka_unit_test(finds_a_damaged_store),
    cmocka_unit_test(takes_the_most_changes),
};
const size_t store_conformance_nchanges =
    sizeof store_conformance_changes / sizeof *store_conformance_changes;
