/* Reading a copy while a full refresh swaps another one in, at every moment between two questions to the
 * store: what is answered is of one generation, whole, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "airtable/reader.h"
#include "store/memory.h"
#include "store/step.h"

#define BASE    "appTest0000000000"
#define TABLE   "tblTest0000000000"
#define RECORDS 250

static int64_t now_us;

static int64_t tell_now(void *ctx)
{
    (void)ctx;
    return now_us;
}

static const struct clock clock_of_test = {tell_now, tell_now, NULL};
static struct store *store;
static struct journal journal;
static const struct step_ops *whole;
static int questions; /* to the store so far */
static int swap_at;   /* the question before which another generation comes; 0: none does */
static int swaps;     /* how many come then */

static void change(enum step_verb verb, const char *key, const char *field, const char *value)
{
    struct fail why;

    assert_int_equal(
        whole->apply(&journal,
                     &(struct step_change){verb, slice_of(key), slice_of(field), slice_of(value)},
                     1, 0, &why),
        STEP_DONE);
}

/* What a full refresh does: fills another generation, swaps it in, and the one before the last goes. The
 * records of generation g have the value g. */
static void refresh(int g)
{
    char key[AIRTABLE_KEY_MAX], number[24], before[24], gone[24], id[32], json[64];

    (void)snprintf(number, sizeof number, "%d", g);
    (void)snprintf(before, sizeof before, "%d", g - 1);
    (void)snprintf(gone, sizeof gone, "%d", g - 2);
    change(STEP_UNSET, "base:" BASE, "previous", "");
    airtable_key(key, "records", BASE, gone, TABLE);
    change(STEP_DROP, key, "", "");
    airtable_key(key, "tables", BASE, gone, NULL);
    change(STEP_DROP, key, "", "");
    airtable_key(key, "tables", BASE, number, NULL);
    change(STEP_PUT, key, TABLE, "{}");
    airtable_key(key, "records", BASE, number, TABLE);
    for (int i = 0; i < RECORDS; i++) {
        (void)snprintf(id, sizeof id, "rec%04d", i);
        (void)snprintf(json, sizeof json, "%d", g);
        change(STEP_PUT, key, id, json);
    }
    change(STEP_SET, "base:" BASE, "generation", number);
    change(STEP_SET, "base:" BASE, "refreshed", "1760524200000000");
    if (g > 1)
        change(STEP_SET, "base:" BASE, "previous", before);
}

static int generation;

static void count(void)
{
    questions++;
    if (questions == swap_at)
        for (int i = 0; i < swaps; i++)
            refresh(++generation);
}

static bool counting_read(const struct journal *j, struct slice key, const char *const *field,
                          size_t n, struct slice *out, struct fail *why)
{
    count();
    return whole->read(j, key, field, n, out, why);
}

static bool counting_list(const struct journal *j, struct slice key, struct slice after, size_t max,
                          size_t bytes, struct step_page *out, struct fail *why)
{
    count();
    return whole->list(j, key, after, max, bytes, out, why);
}

static struct step_ops counting;

static int set_up(void **state)
{
    (void)state;
    now_us = INT64_C(1760524205000000);
    store = memory_new(&clock_of_test);
    journal = (struct journal){store, "airtable", arena_new(64 << 20), 1000};
    whole = store->step;
    counting = *whole;
    counting.read = counting_read;
    counting.list = counting_list;
    store->step = &counting;
    questions = swap_at = generation = 0;
    swaps = 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_free(store);
    arena_free(journal.arena);
    return 0;
}

/* All records of one generation, each once; how many pages it took. */
static int read_all(size_t max, int64_t *of)
{
    char cursor[READER_CURSOR_ROOM] = "";
    struct reader_page page;
    struct fail why = {""};
    int seen = 0, pages = 0;

    do {
        if (reader_page(&journal, BASE, TABLE, cursor, max, &page, &why) != READER_FOUND)
            return -1;
        assert_true(page.n <= max && page.n > 0);
        if (pages++ == 0)
            *of = page.copy.generation;
        assert_int_equal(page.copy.generation, *of);
        for (size_t i = 0; i < page.n; i++) {
            char id[32], json[24];
            (void)snprintf(id, sizeof id, "rec%04d", seen++);
            (void)snprintf(json, sizeof json, "%lld", (long long)*of);
            assert_true(slice_is(page.record[i].name, id) && slice_is(page.record[i].value, json));
        }
        memcpy(cursor, page.next, sizeof cursor);
        assert_true(cursor[0] == '\0' || reader_is_cursor(slice_of(cursor)));
    } while (cursor[0] != '\0');
    assert_int_equal(seen, RECORDS);
    return pages;
}

static void pages(void **state)
{
    int64_t of;

    (void)state;
    refresh(++generation);
    assert_int_equal(read_all(100, &of), 3);
    assert_int_equal(read_all(250, &of), 1);
    assert_int_equal(read_all(125, &of), 2);
}

/* One refresh: whoever has begun ends in the generation in which he began. */
static void swapped_once(void **state)
{
    int last;
    int64_t of;

    (void)state;
    refresh(++generation);
    assert_int_equal(read_all(100, &of), 3);
    last = questions;
    for (int at = 1; at <= last; at++) {
        int64_t before = generation;
        questions = 0;
        swap_at = at;
        assert_int_equal(read_all(100, &of), 3);
        assert_true(of == before || of == before + 1);
    }
}

/* Two at once: the generation that was begun with is no more. */
static void swapped_twice(void **state)
{
    int last, gone = 0;
    int64_t of;

    (void)state;
    refresh(++generation);
    assert_int_equal(read_all(100, &of), 3);
    last = questions;
    swaps = 2;
    for (int at = 1; at <= last; at++) {
        questions = 0;
        swap_at = at;
        gone += read_all(100, &of) < 0;
    }
    assert_true(gone > 0 && gone < last);
}

static void cursors(void **state)
{
    static const struct {
        const char *text;
        bool sound;
    } cases[] = {
        {"1.rec0001", true},
        {"9223372036854775807.recZ", true},
        {"9223372036854775808.recZ", false},
        {"99999999999999999999.recZ", false},
        {"0.rec1", false},
        {"01.rec1", false},
        {"-1.rec1", false},
        {".rec1", false},
        {"1.", false},
        {"1.rec", false},
        {"1.tbl1", false},
        {"1rec1", false},
        {"1.rec1:2", false},
        {"1.rec11111111111111111111111111111111111111", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (reader_is_cursor(slice_of(cases[i].text)) != cases[i].sound)
            fail_msg("%s", cases[i].text);
}

static void outcomes(void **state)
{
    struct reader_copy copy;
    struct reader_page page;
    struct journal_entry tables;
    struct slice json;
    struct fail why = {""};

    (void)state;
    assert_int_equal(reader_base(&journal, BASE, &copy, &tables, &why), READER_ABSENT);
    change(STEP_SET, "base:" BASE, "building", "1");
    assert_int_equal(reader_base(&journal, BASE, &copy, &tables, &why), READER_NOT_YET);
    refresh(++generation);
    assert_int_equal(reader_base(&journal, BASE, &copy, &tables, &why), READER_FOUND);
    assert_true(copy.refreshing && !copy.pending && copy.stale.n == 0);
    assert_int_equal(copy.as_of_us, copy.refreshed_us);
    assert_int_equal(reader_record(&journal, BASE, TABLE, "rec0007", &copy, &json, &why),
                     READER_FOUND);
    assert_int_equal(reader_record(&journal, BASE, TABLE, "rec0999", &copy, &json, &why),
                     READER_ABSENT);
    assert_int_equal(reader_record(&journal, BASE, "tblNone", "rec0007", &copy, &json, &why),
                     READER_ABSENT);
    assert_int_equal(reader_page(&journal, BASE, "tblNone", "", 10, &page, &why), READER_ABSENT);
    assert_int_equal(reader_page(&journal, BASE, "tblNone", "1.rec1", 10, &page, &why),
                     READER_ABSENT);
    assert_int_equal(reader_page(&journal, BASE, "tblNone", "2.rec1", 10, &page, &why),
                     READER_GONE);
    /* Pinged, drained, lost. */
    change(STEP_SET, "hooks", "achOne", BASE);
    change(STEP_SET, "dirty", "achOne", "7");
    assert_int_equal(reader_base(&journal, BASE, &copy, &tables, &why), READER_FOUND);
    assert_true(copy.pending);
    change(STEP_SET, "hook:achOne", "pinged", "7");
    assert_int_equal(reader_base(&journal, BASE, &copy, &tables, &why), READER_FOUND);
    assert_false(copy.pending);
    memory_fail(store, "store_unreachable");
    assert_int_equal(reader_base(&journal, BASE, &copy, &tables, &why), READER_AWAY);
    assert_int_equal(reader_page(&journal, BASE, TABLE, "", 10, &page, &why), READER_AWAY);
    assert_int_equal(reader_record(&journal, BASE, TABLE, "rec0007", &copy, &json, &why),
                     READER_AWAY);
    assert_non_null(strstr(why.text, "store_unreachable"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(pages), TEST(swapped_once), TEST(swapped_twice), TEST(cursors), TEST(outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
