/* Consumers that share the hand-off: store/group.h. */
#include "unit/store_conformance.h"

#include <stdio.h>
#include <time.h>

#include "store/group.h"

#define LONG_MS 60000

static struct arena *arena;

static struct journal open_journal(struct store_under_test *t)
{
    if (arena == NULL)
        arena = arena_new(1 << 20);
    arena_reset(arena);
    return (struct journal){t->store, t->name, arena, 5000};
}

static void fill(struct store_under_test *t, size_t from, size_t to)
{
    char id[8];

    for (size_t i = from; i <= to; i++) {
        (void)snprintf(id, sizeof id, "e%zu", i);
        expect_code(conformance_commit(t, conformance_event(id, "{}", NULL, 0)), STORE_ACCEPTED);
    }
}

/* Takes, and compares "id*deliveries " of each with what is expected. Returns the first entry. */
static struct group_entry take(const struct journal *j, const char *consumer, size_t max,
                               int64_t idle_ms, const char *expected)
{
    struct group_entry *entry;
    struct fail why = {""};
    char text[256] = "";
    size_t n, used = 0;

    if (!group_take(j, "g", consumer, max, idle_ms, &entry, &n, &why))
        fail_msg("%s", why.text);
    for (size_t i = 0; i < n; i++) {
        struct slice id = entry[i].entry.nfields > 0 ? entry[i].entry.field[0].value : SLICE_NONE;
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s*%d ", (int)id.n, id.p,
                                 (int)entry[i].deliveries);
    }
    assert_string_equal(text, expected);
    return n > 0 ? entry[0] : (struct group_entry){.deliveries = 0};
}

static void make_group(const struct journal *j, const char *name, bool from_now)
{
    struct fail why = {""};

    if (!group_make(j, name, from_now, &why))
        fail_msg("%s", why.text);
}

/* Real time as well, since a server's own clock counts how long an entry was held. */
static void wait_ms(struct store_under_test *t, long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    t->look->pass(t->ctx, ms * 1000);
    (void)nanosleep(&pause, NULL);
}

static void gives_each_entry_to_one_consumer(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct group_entry *none;
    struct fail why;
    size_t n;

    assert_false(group_take(&j, "g", "a", 1, LONG_MS, &none, &n, &why));
    assert_false(group_make(&j, "white space", false, &why));
    fill(t, 1, 3);
    make_group(&j, "g", false);
    take(&j, "a", 2, LONG_MS, "e1*1 e2*1 ");
    take(&j, "b", 2, LONG_MS, "e3*1 ");
    take(&j, "b", 2, LONG_MS, "");
    fill(t, 4, 4);
    make_group(&j, "g", false);
    take(&j, "a", 2, LONG_MS, "e4*1 ");
}

static void begins_where_it_was_told_to(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);

    fill(t, 1, 2);
    make_group(&j, "g", true);
    take(&j, "a", 9, LONG_MS, "");
    fill(t, 3, 3);
    take(&j, "a", 9, LONG_MS, "e3*1 ");
}

static void gives_again_what_was_not_done(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct group_entry first;
    struct fail why;
    bool held;

    fill(t, 1, 2);
    make_group(&j, "g", false);
    first = take(&j, "a", 1, LONG_MS, "e1*1 ");
    take(&j, "a", 1, LONG_MS, "e2*1 ");
    assert_true(group_done(&j, "g", first.entry.id, &why));
    wait_ms(t, 30);
    first = take(&j, "b", 9, 20, "e2*2 ");
    assert_true(group_hold(&j, "g", "a", first.entry.id, &held, &why));
    assert_false(held);
    wait_ms(t, 30);
    assert_true(group_hold(&j, "g", "b", first.entry.id, &held, &why));
    assert_true(held);
    take(&j, "a", 9, 25000, "");
    assert_true(group_done(&j, "g", first.entry.id, &why));
    assert_true(group_done(&j, "g", first.entry.id, &why));
    wait_ms(t, 30);
    take(&j, "a", 9, 20, "");
}

static void knows_what_every_group_has_done(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct group_state group[GROUPS_MAX];
    struct group_entry first, second;
    struct journal_page page;
    struct fail why;
    bool dropped;
    size_t n;

    assert_true(group_list(&j, group, &n, &why));
    assert_int_equal(n, 0);
    fill(t, 1, 3);
    assert_true(journal_read(&j, JOURNAL_EVENTS, &(struct journal_range){.max = 9}, &page, &why));
    make_group(&j, "g", false);
    first = take(&j, "a", 1, LONG_MS, "e1*1 ");
    second = take(&j, "a", 1, LONG_MS, "e2*1 ");
    assert_true(group_done(&j, "g", second.entry.id, &why));
    assert_true(group_list(&j, group, &n, &why));
    assert_int_equal(n, 1);
    assert_string_equal(group[0].name, "g");
    assert_int_equal(group[0].pending, 1);
    assert_int_equal(journal_compare(group[0].needed, page.entry[0].id), 0);
    assert_true(group_done(&j, "g", first.entry.id, &why));
    assert_true(group_list(&j, group, &n, &why));
    assert_int_equal(group[0].pending, 0);
    assert_true(journal_compare(group[0].needed, page.entry[1].id) > 0);
    assert_true(journal_compare(group[0].needed, page.entry[2].id) <= 0);
    assert_true(group_drop(&j, "g", &dropped, &why));
    assert_true(dropped);
    assert_true(group_drop(&j, "g", &dropped, &why));
    assert_false(dropped);
    assert_true(group_list(&j, group, &n, &why));
    assert_int_equal(n, 0);
}

static void buries_once(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct group_state group[GROUPS_MAX];
    struct group_entry first;
    struct journal_page page;
    struct fail why;
    size_t n;

    fill(t, 1, 1);
    make_group(&j, "g", false);
    first = take(&j, "a", 1, LONG_MS, "e1*1 ");
    assert_true(group_bury(&j, "g", &first, "exit 1", &why));
    assert_true(group_bury(&j, "g", &first, "exit 1", &why));
    assert_true(journal_read(&j, JOURNAL_DEAD, &(struct journal_range){.max = 9}, &page, &why));
    assert_int_equal(page.n, 1);
    assert_true(slice_is(page.entry[0].field[0].name, "group"));
    assert_true(slice_is(page.entry[0].field[0].value, "g"));
    assert_int_equal(page.entry[0].nfields, 8);
    assert_true(slice_is(page.entry[0].field[7].value, "{}"));
    assert_true(group_list(&j, group, &n, &why));
    assert_int_equal(group[0].pending, 0);
}

const struct CMUnitTest store_conformance_groups[] = {
    cmocka_unit_test(gives_each_entry_to_one_consumer),
    cmocka_unit_test(begins_where_it_was_told_to),
    cmocka_unit_test(gives_again_what_was_not_done),
    cmocka_unit_test(knows_what_every_group_has_done),
    cmocka_unit_test(buries_once),
};
const size_t store_conformance_ngroups =
    sizeof store_conformance_groups / sizeof *store_conformance_groups;
