/* Looking at a store and looking after it: store/journal.h. */
#include "unit/store_conformance.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/journal.h"

#define LIST(k, v)                                                                                 \
    {                                                                                              \
        .verb = CHANGE_APPEND, .key = SLICE_LITERAL(k), .value = SLICE_LITERAL(v)                  \
    }
#define SET(k, f, v)                                                                               \
    {                                                                                              \
        .verb = CHANGE_SET, .key = SLICE_LITERAL(k), .field = SLICE_LITERAL(f),                    \
        .value = SLICE_LITERAL(v)                                                                  \
    }

static struct arena *arena;

static struct journal open_journal(struct store_under_test *t)
{
    if (arena == NULL)
        arena = arena_new(1 << 20);
    arena_reset(arena);
    return (struct journal){t->store, t->name, arena, 5000};
}

static void fill(struct store_under_test *t, const char *const *id, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect_code(conformance_commit(t, conformance_event(id[i], "{}", NULL, 0)), STORE_ACCEPTED);
}

/* The value of a field, or the empty text. */
static struct slice value_of(const struct journal_entry *e, const char *name)
{
    for (size_t i = 0; i < e->nfields; i++)
        if (slice_is(e->field[i].name, name))
            return e->field[i].value;
    return SLICE_NONE;
}

/* The ids of what was read, each with a space behind it. */
static void expect_page(const struct journal *j, const struct journal_range *range,
                        const char *expected)
{
    struct journal_page page;
    struct fail why = {""};
    char text[256];
    size_t n = 0;

    if (!journal_read(j, JOURNAL_EVENTS, range, &page, &why))
        fail_msg("%s", why.text);
    text[0] = '\0';
    for (size_t i = 0; i < page.n; i++) {
        struct slice id = value_of(&page.entry[i], "id");
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s ", (int)id.n, id.p);
    }
    assert_string_equal(text, expected);
}

static void reads_lists_in_pages(void **state)
{
    static const char *const id[] = {"e1", "e2", "e3", "e4"};
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct journal_page all;
    struct fail why;
    int64_t count;

    expect_page(&j, &(struct journal_range){.max = 10}, "");
    fill(t, id, 4);
    assert_true(journal_count(&j, JOURNAL_EVENTS, &count, &why));
    assert_int_equal(count, 4);
    assert_true(journal_read(&j, JOURNAL_EVENTS, &(struct journal_range){.max = 10}, &all, &why));
    assert_int_equal(all.n, 4);
    assert_true(slice_is(value_of(&all.entry[0], "body"), "{}"));
    assert_true(value_of(&all.entry[0], "at").n > 15);
    for (size_t i = 1; i < 4; i++)
        assert_true(journal_compare(all.entry[i - 1].id, all.entry[i].id) < 0);
    const char *second = all.entry[1].id, *third = all.entry[2].id;
    expect_page(&j, &(struct journal_range){.max = 2}, "e1 e2 ");
    expect_page(&j, &(struct journal_range){.after = second, .max = 2}, "e3 e4 ");
    expect_page(&j, &(struct journal_range){.after = second, .until = third, .max = 9}, "e3 ");
    expect_page(&j, &(struct journal_range){.backwards = true, .max = 2}, "e4 e3 ");
    expect_page(&j, &(struct journal_range){.until = third, .backwards = true, .max = 2}, "e3 e2 ");
    expect_page(&j, &(struct journal_range){.after = second, .backwards = true, .max = 9},
                "e4 e3 ");
    expect_page(&j, &(struct journal_range){.max = 0}, "");
    assert_false(journal_read(&j, JOURNAL_EVENTS,
                              &(struct journal_range){.after = "yesterday", .max = 1}, &all, &why));
    assert_non_null(strstr(why.text, "yesterday"));
}

static void takes_entries_out(void **state)
{
    static const char *const id[] = {"e1", "e2", "e3", "e4"};
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct journal_page all;
    struct fail why;
    int64_t removed;

    fill(t, id, 4);
    assert_true(journal_read(&j, JOURNAL_EVENTS, &(struct journal_range){.max = 10}, &all, &why));
    const char *const some[] = {all.entry[2].id, all.entry[0].id, "1-7777777"};
    assert_true(journal_remove(&j, JOURNAL_EVENTS, some, 3, &removed, &why));
    assert_int_equal(removed, 2);
    expect_page(&j, &(struct journal_range){.max = 9}, "e2 e4 ");
    assert_true(journal_remove(&j, JOURNAL_EVENTS, some, 3, &removed, &why));
    assert_int_equal(removed, 0);
    assert_true(journal_trim(&j, JOURNAL_EVENTS, all.entry[3].id, &removed, &why));
    assert_int_equal(removed, 1);
    expect_page(&j, &(struct journal_range){.max = 9}, "e4 ");
}

static void keeps_again_what_was_taken_out_of_quarantine(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct store_member note = conformance_note("not_json", "{");
    struct journal_page page;
    struct fail why;
    int64_t count;

    note.detail = SLICE_LITERAL("the body is no JSON");
    expect_code(conformance_commit(t, note), STORE_ACCEPTED);
    assert_true(
        journal_read(&j, JOURNAL_QUARANTINE, &(struct journal_range){.max = 9}, &page, &why));
    assert_int_equal(page.n, 1);
    assert_true(slice_is(value_of(&page.entry[0], "reason"), "not_json"));
    assert_true(slice_is(value_of(&page.entry[0], "detail"), "the body is no JSON"));
    assert_true(slice_is(value_of(&page.entry[0], "body"), "{"));
    assert_true(value_of(&page.entry[0], "at").n > 15);
    assert_true(journal_remove(&j, JOURNAL_QUARANTINE, &page.entry[0].id, 1, &count, &why));
    assert_int_equal(count, 1);
    note.nonce[15] ^= 1;
    expect_code(conformance_commit(t, note), STORE_ACCEPTED);
    assert_true(journal_count(&j, JOURNAL_QUARANTINE, &count, &why));
    assert_int_equal(count, 1);
}

static void seals_only_behind_the_newest(void **state)
{
    const struct journal_field field[] = {{SLICE_LITERAL("to"), SLICE_LITERAL("1-1")},
                                          {SLICE_LITERAL("seal"), SLICE_LITERAL("ab")}};
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct journal_page page;
    struct fail why;
    bool done;

    assert_true(journal_seal(&j, "1-1", field, 2, &done, &why));
    assert_false(done);
    assert_true(journal_seal(&j, NULL, field, 2, &done, &why));
    assert_true(done);
    assert_true(journal_seal(&j, NULL, field, 2, &done, &why));
    assert_false(done);
    assert_true(journal_read(&j, JOURNAL_SEALS, &(struct journal_range){.max = 9}, &page, &why));
    assert_int_equal(page.n, 1);
    assert_true(slice_is(value_of(&page.entry[0], "seal"), "ab"));
    assert_true(journal_seal(&j, page.entry[0].id, field, 2, &done, &why));
    assert_true(done);
}

static void reads_and_forgets_objects(void **state)
{
    const struct change changes[] = {SET("user:u1", "email", "u1@example.org"),
                                     SET("user:u*", "email", "star"), SET("shop:s1", "name", "s"),
                                     LIST("levels:u1", "one"), LIST("levels:u1", "two")};
    static const char *const gone[] = {"user:u1", "levels:u1", "user:nobody"};
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct journal_entry record;
    struct slice *text;
    struct fail why;
    uint64_t cursor = 0;
    int64_t removed;
    size_t n, found = 0;

    expect_code(conformance_commit(t, conformance_event("e1", "{}", changes, 5)), STORE_ACCEPTED);
    assert_true(journal_record(&j, "user:u1", &record, &why));
    assert_true(slice_is(value_of(&record, "email"), "u1@example.org"));
    assert_true(journal_record(&j, "user:nobody", &record, &why));
    assert_int_equal(record.nfields, 0);
    assert_true(journal_history(&j, "levels:u1", &text, &n, &why));
    assert_int_equal(n, 2);
    assert_true(slice_is(text[0], "one") && slice_is(text[1], "two"));
    do {
        assert_true(journal_keys(&j, "user:", &cursor, &text, &n, &why));
        for (size_t i = 0; i < n; i++)
            found += slice_is(text[i], "user:u1") || slice_is(text[i], "user:u*") ? 1 : 100;
    } while (cursor != 0);
    assert_int_equal(found, 2);
    found = 0;
    do {
        assert_true(journal_keys(&j, "user:u*", &cursor, &text, &n, &why));
        found += n;
    } while (cursor != 0);
    assert_int_equal(found, 1);
    assert_true(journal_forget(&j, gone, 3, &removed, &why));
    assert_int_equal(removed, 2);
    assert_true(journal_record(&j, "user:u1", &record, &why));
    assert_int_equal(record.nfields, 0);
    assert_true(journal_history(&j, "levels:u1", &text, &n, &why));
    assert_int_equal(n, 0);
}

static void leases_to_one_holder(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct journal j = open_journal(t);
    struct fail why;
    bool held;

    assert_true(journal_lease(&j, "seal", "a", 5000, &held, &why));
    assert_true(held);
    assert_true(journal_lease(&j, "seal", "b", 5000, &held, &why));
    assert_false(held);
    assert_true(journal_lease(&j, "other", "b", 5000, &held, &why));
    assert_true(held);
    assert_true(journal_lease(&j, "seal", "a", 60000, &held, &why));
    assert_true(held);
    assert_true(journal_release(&j, "seal", "b", &why));
    assert_true(journal_lease(&j, "seal", "b", 5000, &held, &why));
    assert_false(held);
    assert_true(journal_release(&j, "seal", "a", &why));
    assert_true(journal_lease(&j, "seal", "b", 30, &held, &why));
    assert_true(held);
    t->look->pass(t->ctx, 60000);
    assert_true(journal_lease(&j, "seal", "a", 5000, &held, &why));
    assert_true(held);
}

const struct CMUnitTest store_conformance_journal[] = {
    cmocka_unit_test(reads_lists_in_pages),
    cmocka_unit_test(takes_entries_out),
    cmocka_unit_test(keeps_again_what_was_taken_out_of_quarantine),
    cmocka_unit_test(seals_only_behind_the_newest),
    cmocka_unit_test(reads_and_forgets_objects),
    cmocka_unit_test(leases_to_one_holder),
};
const size_t store_conformance_njournal =
    sizeof store_conformance_journal / sizeof *store_conformance_journal;
