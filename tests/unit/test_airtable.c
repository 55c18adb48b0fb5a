/* The parts of lib/airtable that need no other side: ids, what payloads touch, the limit of requests,
 * steps with conditions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "airtable/batch.h"
#include "airtable/http_client.h"
#include "airtable/keys.h"
#include "airtable/limiter.h"
#include "airtable/page.h"
#include "store/memory.h"

static int64_t now_us;

static int64_t tell_now(void *ctx)
{
    (void)ctx;
    return now_us;
}

static const struct clock clock_of_test = {tell_now, tell_now, NULL};
static struct store *store;
static struct journal journal;

static int set_up(void **state)
{
    (void)state;
    now_us = INT64_C(1760524205000000);
    store = memory_new(&clock_of_test);
    journal = (struct journal){store, "airtable", arena_new(16 << 20), 1000};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_free(store);
    arena_free(journal.arena);
    return 0;
}

/* --- ids ------------------------------------------------------------------------------------------ */

static void ids(void **state)
{
    static const struct {
        const char *id;
        bool sound;
        const char *why;
    } cases[] = {
        {"ach00000000000000", true, "as Airtable makes them"},
        {"achA", true, "of another length"},
        {"ach", false, "nothing behind the letters"},
        {"Ach00000000000000", false, "other letters"},
        {"ach/../../meta", false, "another path"},
        {"ach0?x=1", false, "a query"},
        {"ach0000000:0000", false, "another key"},
        {"ach00000000000000000000000000000000000000", false, "too long"},
        {"", false, "none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (airtable_id_is(slice_of(cases[i].id), "ach") != cases[i].sound)
            fail_msg("%s: %s", cases[i].id, cases[i].why);
}

/* --- addresses ------------------------------------------------------------------------------------ */

static void addresses(void **state)
{
    static const struct {
        const char *url;
        bool sound;
    } cases[] = {
        {"https://api.airtable.com", true},
        {"http://127.0.0.1:8900", true},
        {"http://[::1]:8900/v0", true},
        {"http://localhost", true},
        {"http://api.airtable.com", false},
        {"http://127.0.0.1.example.org", false},
        {"http://127.0.0.1@example.org", false},
        {"http://127.0.0.1:1@example.org", false},
        {"https://", false},
        {"ftp://127.0.0.1", false},
        {"file:///etc/passwd", false},
        {"", false},
    };
    static const char *const header[] = {"X-Test: 1", NULL};
    static const char *const broken[] = {"X-Test: 1\r\nX-Other: 2", NULL};
    struct fail why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_client *c = http_client_new(cases[i].url, header, NULL, NULL, &why);
        if ((c != NULL) != cases[i].sound)
            fail_msg("%s", cases[i].url);
        http_client_free(c);
    }
    assert_null(http_client_new("https://example.org", broken, NULL, NULL, &why));
    http_client_free(NULL);
}

/* --- what payloads touch -------------------------------------------------------------------------- */

/* "R" table/record to be read again, "G" gone, "T" whole table, "S" schema, "E" error; in order. */
static void expect_touched(const char *payload, const char *expected)
{
    struct touched t;
    char text[512] = "";
    size_t n = 0;
    const char *table, *id;
    json_t *set, *ignored, *p = json_loads(payload, 0, NULL);

    assert_non_null(p);
    assert_true(touched_init(&t));
    assert_true(touched_add(&t, p));
    json_object_foreach(t.records, table, set) json_object_foreach(set, id, ignored) n +=
        (size_t)snprintf(text + n, sizeof text - n, "R%s/%s ", table, id);
    json_object_foreach(t.gone, table, set) json_object_foreach(set, id, ignored) n +=
        (size_t)snprintf(text + n, sizeof text - n, "G%s/%s ", table, id);
    json_object_foreach(t.tables, table, ignored) n +=
        (size_t)snprintf(text + n, sizeof text - n, "T%s ", table);
    n += (size_t)snprintf(text + n, sizeof text - n, "%s", t.schema ? "S " : "");
    (void)snprintf(text + n, sizeof text - n, "%s", t.error != NULL ? t.error : "");
    if (strcmp(text, expected) != 0)
        fail_msg("%s\ntouches:  %s\nexpected: %s", payload, text, expected);
    touched_free(&t);
    json_decref(p);
}

#define IN_TABLE(json) "{\"changedTablesById\":{\"tblA\":{" json "}}}"

static void payloads(void **state)
{
    static const struct {
        const char *payload, *touched;
    } cases[] = {
        {"{}", ""},
        {"{\"unknown\":1,\"changedTablesById\":{}}", ""},
        {IN_TABLE("\"createdRecordsById\":{\"recA\":{},\"recB\":{}}"), "RtblA/recA RtblA/recB "},
        {IN_TABLE("\"changedRecordsById\":{\"recA\":{\"current\":{}}}"), "RtblA/recA "},
        {IN_TABLE("\"destroyedRecordIds\":[\"recA\"]"), "GtblA/recA "},
        /* In a view a record may be there or not. */
        {IN_TABLE("\"changedViewsById\":{\"viwA\":{\"destroyedRecordIds\":[\"recA\"]}}"),
         "RtblA/recA "},
        {IN_TABLE("\"createdFieldsById\":{\"fldA\":{}}"), "TtblA S "},
        {IN_TABLE("\"destroyedFieldIds\":[\"fldA\"]"), "TtblA S "},
        {IN_TABLE("\"changedFieldsById\":{\"fldA\":{\"current\":{\"name\":\"x\"}}}"), "S "},
        {IN_TABLE("\"changedFieldsById\":{\"fldA\":{\"current\":{\"type\":\"number\"}}}"),
         "TtblA S "},
        {IN_TABLE("\"changedMetadata\":{\"current\":{\"name\":\"x\"}}"), "S "},
        {"{\"createdTablesById\":{\"tblB\":{}}}", "TtblB S "},
        {"{\"destroyedTableIds\":[\"tblB\"]}", "S "},
        {"{\"error\":true,\"code\":\"INVALID_FILTERS\"}", "INVALID_FILTERS"},
        {"{\"error\":true}", "INTERNAL_ERROR"},
        {"{\"error\":false,\"code\":\"x\"}", ""},
        /* What is no id leads nowhere. */
        {IN_TABLE("\"createdRecordsById\":{\"rec/../x\":{}},\"destroyedRecordIds\":[7,\"x\"]"), ""},
        {"{\"changedTablesById\":{\"../x\":{\"destroyedRecordIds\":[\"recA\"]}}}", ""},
        {"{\"changedTablesById\":[1],\"createdTablesById\":\"x\"}", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_touched(cases[i].payload, cases[i].touched);
}

/* --- the limit ------------------------------------------------------------------------------------ */

#define SENT_MAX 400

/* Several processes that ask as fast as they may; each request is some time on its way. */
static void five_in_any_second(void **state)
{
    struct limiter l[3];
    int64_t sent[SENT_MAX];
    size_t n = 0;
    struct fail why;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        l[i] = (struct limiter){.journal = &journal, .base = "appA"};
    while (n < SENT_MAX) {
        struct limiter *mine = &l[n % 3];
        int64_t wait_us;
        assert_true(limiter_take(mine, &wait_us, &why));
        assert_true(wait_us >= 0);
        now_us += wait_us;
        now_us += (int64_t)(n * 7919 % 13) * 17000; /* until it arrives */
        sent[n++] = now_us;
        limiter_done(mine, false);
    }
    for (size_t i = LIMITER_REQUESTS; i < n; i++)
        if (sent[i] - sent[i - LIMITER_REQUESTS] < LIMITER_WINDOW_US)
            fail_msg("requests %zu to %zu lie in %lld us", i - LIMITER_REQUESTS, i,
                     (long long)(sent[i] - sent[i - LIMITER_REQUESTS]));
}

static void another_base_has_its_own(void **state)
{
    struct limiter a = {&journal, "appA", 0}, b = {&journal, "appB", 0};
    int64_t wait_us;
    struct fail why;

    (void)state;
    for (int i = 0; i < LIMITER_REQUESTS; i++)
        assert_true(limiter_take(&a, &wait_us, &why));
    assert_true(limiter_take(&b, &wait_us, &why));
    assert_int_equal(wait_us, 0);
    assert_true(limiter_take(&a, &wait_us, &why));
    assert_true(wait_us >= LIMITER_WINDOW_US);
}

static void pause_after_429(void **state)
{
    struct limiter l = {&journal, "appA", 0}, other = l;
    int64_t wait_us;
    struct fail why = {""};

    (void)state;
    assert_true(limiter_take(&l, &wait_us, &why));
    assert_int_equal(wait_us, 0);
    limiter_done(&l, true);
    now_us += 5 * US_PER_S;
    assert_true(limiter_take(&other, &wait_us, &why));
    assert_int_equal(wait_us, 25 * US_PER_S);
    now_us -= 3600 * US_PER_S; /* the clock stepped back: nobody waits longer for that */
    assert_true(limiter_take(&l, &wait_us, &why));
    assert_true(wait_us <= LIMITER_PAUSE_US + LIMITER_WINDOW_US);
    memory_fail(store, "store_unreachable");
    assert_false(limiter_take(&l, &wait_us, &why)); /* without the store nobody knows the others */
    assert_non_null(strstr(why.text, "store_unreachable"));
}

/* --- steps ------------------------------------------------------------------------------------------ */

static void batches_in_several_steps(void **state)
{
    struct batch b;
    struct fail why = {""};
    char field[16];

    (void)state;
    assert_true(batch_init(&b, &journal, 0));
    batch_guard(&b, "base:a", "generation", NULL);
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(field, sizeof field, "rec%d", i);
        batch_add(&b, STEP_SET, "records:a", field, SLICE_LITERAL("x"));
    }
    batch_add(&b, STEP_SET, "base:a", "generation", SLICE_LITERAL("1"));
    assert_int_equal(batch_end(&b, &why), STEP_DONE);
    assert_true(slice_is(memory_field(store, "airtable", "records:a", "rec0"), "x"));
    assert_true(slice_is(memory_field(store, "airtable", "records:a", "rec2999"), "x"));

    /* The condition holds no more: nothing of what follows is written, also not by later steps. */
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(field, sizeof field, "rec%d", i);
        batch_add(&b, STEP_SET, "records:a", field, SLICE_LITERAL("y"));
    }
    assert_int_equal(batch_end(&b, &why), STEP_UNMET);
    assert_int_equal(batch_end(&b, &why), STEP_UNMET);
    assert_true(slice_is(memory_field(store, "airtable", "records:a", "rec0"), "x"));
    assert_true(slice_is(memory_field(store, "airtable", "records:a", "rec2999"), "x"));
    batch_free(&b);
}

/* What belongs together is in one step even beyond its usual size. */
static void keeps_together(void **state)
{
    struct batch b;
    struct fail why = {""};
    char *large = malloc(STEP_BYTES_MAX);
    struct slice body = {large, STEP_BYTES_MAX};

    (void)state;
    assert_non_null(large);
    memset(large, 'x', STEP_BYTES_MAX);
    assert_true(
        batch_init(&b, &journal, 1)); /* room for one event: a second one refuses the step */
    batch_add(&b, STEP_SET, "records:a", "rec0", SLICE_LITERAL("x"));
    batch_together(&b, 3, 2 * body.n);
    batch_add(&b, STEP_EMIT, "h:1", "t", body);
    batch_add(&b, STEP_EMIT, "h:2", "t", body);
    batch_add(&b, STEP_SET, "hook:h", "cursor", SLICE_LITERAL("3"));
    assert_int_equal(batch_end(&b, &why), STEP_FULL);
    assert_non_null(strstr(why.text, "backlog_limit"));
    assert_null(memory_field(store, "airtable", "hook:h", "cursor").p);
    assert_int_equal(memory_count(store, "airtable", "events"), 0);
    batch_free(&b);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids),
        cmocka_unit_test(addresses),
        cmocka_unit_test(payloads),
        cmocka_unit_test_setup_teardown(five_in_any_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_base_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pause_after_429, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batches_in_several_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_together, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
