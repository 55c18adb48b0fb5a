/* Changes under a condition: store/step.h. */
#include "unit/store_conformance.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/step.h"

#define STEP(v, k, f, t)                                                                           \
    {                                                                                              \
        .verb = (v), .key = SLICE_LITERAL(k), .field = SLICE_LITERAL(f), .value = SLICE_LITERAL(t) \
    }

static struct arena *arena;

static struct journal open_journal(struct store_under_test *t)
{
    if (arena == NULL)
        arena = arena_new(8 << 20);
    arena_reset(arena);
    return (struct journal){t->store, t->name, arena, 5000};
}

static void expect_step(struct store_under_test *t, const struct step_change *change, size_t n,
                        enum step_outcome expected)
{
    struct journal j = open_journal(t);
    struct fail why = {""};
    enum step_outcome got = step_apply(&j, change, n, 0, &why);

    if (got != expected)
        fail_msg("outcome %d, not %d: %s", (int)got, (int)expected, why.text);
}

static void writes_and_takes_away(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct step_change first[] = {
        STEP(STEP_SET, "table:t1", "rec1", "{\"a\":1}"), STEP(STEP_SET, "table:t1", "rec2", ""),
        STEP(STEP_SET, "table:t2", "rec1", "x"), STEP(STEP_SET, "table:t1", "rec1", "{\"a\":2}")};
    const struct step_change second[] = {
        STEP(STEP_UNSET, "table:t1", "rec2", ""), STEP(STEP_UNSET, "table:t1", "none", ""),
        STEP(STEP_UNSET, "none", "none", ""), STEP(STEP_DROP, "table:t2", "", ""),
        STEP(STEP_DROP, "none", "", "")};
    struct journal j;
    struct journal_entry entry;
    struct fail why;

    expect_step(t, first, 4, STEP_DONE);
    conformance_field(t, "table:t1", "rec1", "{\"a\":2}"); /* in order */
    conformance_field(t, "table:t1", "rec2", "");
    conformance_field(t, "table:t2", "rec1", "x");
    expect_step(t, second, 5, STEP_DONE);
    expect_step(t, second, 5, STEP_DONE);
    conformance_field(t, "table:t1", "rec1", "{\"a\":2}");
    conformance_field(t, "table:t1", "rec2", NULL);
    j = open_journal(t);
    assert_true(journal_record(&j, "table:t2", &entry, &why));
    assert_int_equal(entry.nfields, 0);
    expect_step(t, (struct step_change[]){STEP(STEP_UNSET, "table:t1", "rec1", "")}, 1, STEP_DONE);
    assert_true(journal_record(&j, "table:t1", &entry, &why));
    assert_int_equal(entry.nfields, 0); /* a record without fields is none */
    expect_step(t, NULL, 0, STEP_DONE);
}

/* Of two that go on from the same place one is too late, and so is the same one again. */
static void moves_a_place_once(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct step_change begin[] = {STEP(STEP_REQUIRE_ABSENT, "hook:h", "cursor", ""),
                                        STEP(STEP_SET, "hook:h", "cursor", "1")};
    const struct step_change on[] = {
        STEP(STEP_REQUIRE, "hook:h", "cursor", "1"), STEP(STEP_SET, "table:t", "rec1", "one"),
        STEP(STEP_EMIT, "h:1", "airtable.payload", "{}"), STEP(STEP_SET, "hook:h", "cursor", "2")};
    const struct step_change late[] = {
        STEP(STEP_REQUIRE, "hook:h", "cursor", "1"), STEP(STEP_SET, "table:t", "rec1", "other"),
        STEP(STEP_DROP, "table:t", "", ""), STEP(STEP_SET, "hook:h", "cursor", "2")};

    expect_step(t, on, 4, STEP_UNMET); /* there is no place yet */
    conformance_field(t, "table:t", "rec1", NULL);
    expect_step(t, begin, 2, STEP_DONE);
    expect_step(t, begin, 2, STEP_UNMET);
    expect_step(t, on, 4, STEP_DONE);
    expect_step(t, on, 4, STEP_UNMET);
    expect_step(t, late, 4, STEP_UNMET);
    conformance_field(t, "table:t", "rec1", "one");
    conformance_field(t, "hook:h", "cursor", "2");
    conformance_count(t, "events", 1);
    conformance_entry(t, "events", 0, "id", "h:1");
    conformance_entry(t, "events", 0, "type", "airtable.payload");
    conformance_entry(t, "events", 0, "body", "{}");
}

/* Conditions count as things are before the step, wherever they stand in it. */
static void checks_before_it_writes(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct step_change own[] = {STEP(STEP_SET, "base:b", "generation", "2"),
                                      STEP(STEP_REQUIRE, "base:b", "generation", "2")};
    const struct step_change empty[] = {STEP(STEP_REQUIRE, "base:b", "generation", ""),
                                        STEP(STEP_SET, "base:b", "generation", "3")};

    expect_step(t, own, 2, STEP_UNMET);
    conformance_field(t, "base:b", "generation", NULL);
    expect_step(t, empty, 2, STEP_UNMET); /* empty is not absent */
    expect_step(t, own, 1, STEP_DONE);
    expect_step(t, own, 2, STEP_DONE);
}

static void refuses_as_a_whole(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change history[] = {
        {.verb = CHANGE_APPEND, .key = SLICE_LITERAL("payments:u1"), .value = SLICE_LITERAL("x")}};
    const struct step_change wrong[] = {STEP(STEP_SET, "table:t", "rec1", "x"),
                                        STEP(STEP_SET, "payments:u1", "rec1", "x")};
    const struct step_change two[] = {STEP(STEP_SET, "table:t", "rec1", "x"),
                                      STEP(STEP_EMIT, "e1", "t", "{}"),
                                      STEP(STEP_EMIT, "e2", "t", "{}")};
    const struct step_change unsound[] = {STEP(STEP_SET, "table:t", "", "x")};
    struct step_change many[STEP_CHANGES_MAX + 1];
    struct journal j;
    struct fail why = {""};

    expect_code(conformance_commit(t, conformance_event("e0", "{}", history, 1)), STORE_ACCEPTED);
    expect_step(t, wrong, 2, STEP_AWAY);
    conformance_field(t, "table:t", "rec1", NULL);
    j = open_journal(t);
    assert_int_equal(step_apply(&j, two, 3, 2, &why), STEP_FULL);
    conformance_field(t, "table:t", "rec1", NULL);
    conformance_count(t, "events", 1);
    assert_int_equal(step_apply(&j, two, 3, 3, &why), STEP_DONE);
    conformance_count(t, "events", 3);
    expect_step(t, unsound, 1, STEP_AWAY);
    for (size_t i = 0; i < STEP_CHANGES_MAX + 1; i++)
        many[i] = two[0];
    expect_step(t, many, STEP_CHANGES_MAX + 1, STEP_AWAY);
}

/* As many changes as there may be, of any bytes. */
static void takes_large_steps(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct step_change many[STEP_CHANGES_MAX];
    static char field[STEP_CHANGES_MAX][16];
    static char value[4096];
    struct journal j;
    struct slice found[3];
    struct fail why = {""};
    int64_t now_us = 0;

    memset(value, '\0', sizeof value);
    value[0] = '\n';
    value[1] = '\xff';
    for (size_t i = 0; i < STEP_CHANGES_MAX; i++) {
        (void)snprintf(field[i], sizeof field[i], "rec%zu", i);
        many[i] = (struct step_change){STEP_SET,
                                       SLICE_LITERAL("table:t"),
                                       slice_of(field[i]),
                                       {value, i == 7 ? sizeof value : 3}};
        if (i % 2 == 1)
            many[i].key = SLICE_LITERAL("table:u");
    }
    expect_step(t, many, STEP_CHANGES_MAX, STEP_DONE);
    j = open_journal(t);
    assert_true(step_read(&j, SLICE_LITERAL("table:u"),
                          (const char *const[]){"rec7", "rec8", "rec1023"}, 3, found, &why));
    assert_int_equal(found[0].n, sizeof value);
    assert_memory_equal(found[0].p, value, sizeof value);
    assert_null(found[1].p);
    assert_int_equal(found[2].n, 3);
    assert_true(step_read(&j, SLICE_LITERAL("none"), (const char *const[]){"a"}, 1, found, &why));
    assert_null(found[0].p);
    assert_true(step_now(&j, &now_us, &why));
    assert_true(now_us > STAMP_US);
}

/* As "a b c +", the names of a page; + : there are more. */
static void expect_page(struct store_under_test *t, const char *key, const char *after, size_t max,
                        size_t bytes, const char *expected)
{
    struct journal j = open_journal(t);
    struct step_page page;
    struct fail why = {""};
    char got[256] = "";
    size_t n = 0;

    if (!step_list(&j, slice_of(key), slice_of(after), max, bytes, &page, &why))
        fail_msg("%s", why.text);
    for (size_t i = 0; i < page.n; i++) {
        struct slice name = page.field[i].name;
        n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s", i > 0 ? " " : "", (int)name.n,
                              name.p);
    }
    (void)snprintf(got + n, sizeof got - n, "%s", page.more ? " +" : "");
    assert_string_equal(got, expected);
}

static void lists_in_order(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct step_change first[] = {STEP(STEP_PUT, "table:t1", "recb", "12345678"),
                                        STEP(STEP_PUT, "table:t1", "reca", "1"),
                                        STEP(STEP_PUT, "table:t1", "recB", ""),
                                        STEP(STEP_PUT, "table:t1", "recaa", "1"),
                                        STEP(STEP_PUT, "table:t2", "recx", "1"),
                                        STEP(STEP_PUT, "table:t1", "recb", "87654321")};
    const struct step_change second[] = {STEP(STEP_UNSET, "table:t1", "reca", ""),
                                         STEP(STEP_PUT, "table:t1", "recA", "1"),
                                         STEP(STEP_DROP, "table:t2", "", "")};
    struct journal j;
    struct step_page page;
    struct fail why = {""};

    expect_page(t, "table:t1", "", 10, 1000, "");
    expect_step(t, first, 6, STEP_DONE);
    expect_page(t, "table:t1", "", 10, 1000, "recB reca recaa recb");
    expect_page(t, "table:t1", "", 4, 1000, "recB reca recaa recb");
    expect_page(t, "table:t1", "", 3, 1000, "recB reca recaa +");
    expect_page(t, "table:t1", "recaa", 3, 1000, "recb");
    expect_page(t, "table:t1", "recab", 3, 1000, "recb"); /* what is gone is a place, too */
    expect_page(t, "table:t1", "recb", 3, 1000, "");
    expect_page(t, "table:t1", "", 10, 1, "recB +"); /* never none, or nobody came further */
    expect_page(t, "table:t1", "", 10, 5, "recB reca +");
    expect_step(t, second, 3, STEP_DONE);
    expect_page(t, "table:t1", "", 10, 1000, "recA recB recaa recb");
    expect_page(t, "table:t2", "", 10, 1000, "");
    conformance_field(t, "table:t1", "recb", "87654321");
    j = open_journal(t);
    assert_true(
        step_list(&j, SLICE_LITERAL("table:t1"), SLICE_LITERAL("recaa"), 1, 1000, &page, &why));
    assert_true(slice_is(page.field[0].value, "87654321"));
    assert_false(step_list(&j, SLICE_LITERAL("table:t1"), SLICE_NONE, 0, 1000, &page, &why));
}

const struct CMUnitTest store_conformance_step[] = {
    cmocka_unit_test(writes_and_takes_away),   cmocka_unit_test(moves_a_place_once),
    cmocka_unit_test(checks_before_it_writes), cmocka_unit_test(refuses_as_a_whole),
    cmocka_unit_test(takes_large_steps),       cmocka_unit_test(lists_in_order),
};
const size_t store_conformance_nsteps =
    sizeof store_conformance_step / sizeof *store_conformance_step;
