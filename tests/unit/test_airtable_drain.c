/* A drain that is cut off at every one of its steps, done and not done, and one whose lease passes to
 * another worker in its middle: in the end the store is the base, and every payload was handed off once.
 *
 * The API is a table of numbers here: this file stands in for lib/airtable/api.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "airtable/airtable.h"
#include "airtable/api.h"
#include "airtable/keys.h"
#include "store/memory.h"
#include "store/step.h"

#define BASE         "appTest0000000000"
#define HOOK         "achTest0000000000"
#define TABLES       2
#define RECORDS      20
#define PAYLOADS_ALL 130

/* --- the base ----------------------------------------------------------------------------------- */

/* What is done by payload i: the record has that version then; 0: it is gone. */
static struct {
    int table, record, version;
} history[PAYLOADS_ALL];
static int version[TABLES][RECORDS];
static int between;          /* payloads that come about between two pages */
static int visible, deleted; /* payloads 1 to visible exist but those up to deleted */
static bool in_error;        /* the last one is an error payload */

static void (*before_payloads)(void);

static void make_history(void)
{
    static int now[TABLES][RECORDS];
    uint32_t seed = 7;

    memset(now, 0, sizeof now);
    for (int i = 0; i < PAYLOADS_ALL; i++) {
        int *v;
        seed = seed * 1664525 + 1013904223;
        history[i].table = (int)(seed >> 28) % TABLES;
        history[i].record = (int)(seed >> 20) % RECORDS;
        v = &now[history[i].table][history[i].record];
        *v = *v != 0 && (seed >> 12) % 4 == 0 ? 0 : i + 1;
        history[i].version = *v;
    }
}

static void see(int n)
{
    while (visible < n && visible < PAYLOADS_ALL) {
        version[history[visible].table][history[visible].record] = history[visible].version;
        visible++;
    }
}

static void begin_world(void)
{
    make_history();
    memset(version, 0, sizeof version);
    visible = deleted = 0;
    between = 45;
    in_error = false;
    before_payloads = NULL;
}

static void table_id(int t, char out[static 32])
{
    (void)snprintf(out, 32, "tblT%d", t);
}

static void record_id(int r, char out[static 32])
{
    (void)snprintf(out, 32, "recR%02d", r);
}

static json_t *record_json(int t, int r)
{
    char id[32];

    record_id(r, id);
    return json_pack("{s:s,s:s,s:{s:i}}", "id", id, "createdTime", "2022-02-01T21:25:05.000Z",
                     "fields", "fldF", version[t][r]);
}

static json_t *payload_json(int i)
{
    char table[32], record[32];
    json_t *change;

    if (in_error && i == visible - 1)
        return json_pack("{s:b,s:s}", "error", 1, "code", "INVALID_HOOK");
    table_id(history[i].table, table);
    record_id(history[i].record, record);
    change = history[i].version == 0
                 ? json_pack("{s:[s]}", "destroyedRecordIds", record)
                 : json_pack("{s:{s:{s:{}}}}", "changedRecordsById", record, "current");
    return json_pack("{s:s,s:i,s:{s:o}}", "payloadFormat", "v0", "baseTransactionNumber", i,
                     "changedTablesById", table, change);
}

/* --- the API ------------------------------------------------------------------------------------ */

enum api_code api_hooks(struct api *a, json_t **out, struct fail *why)
{
    (void)a;
    (void)why;
    *out = json_pack("{s:[{s:s,s:b,s:b,s:i,s:s}]}", "webhooks", "id", HOOK, "isHookEnabled",
                     !in_error, "areNotificationsEnabled", 1, "cursorForNextPayload", visible + 1,
                     "notificationUrl", "https://example.org/");
    return API_OK;
}

enum api_code api_payloads(struct api *a, const char *hook, int64_t cursor, json_t **out,
                           struct fail *why)
{
    json_t *list = json_array();
    int from, to;
    void (*before)(void) = before_payloads;

    (void)a;
    (void)why;
    assert_string_equal(hook, HOOK);
    before_payloads = NULL;
    if (before != NULL)
        before();
    see(visible + between);
    from = (int)cursor - 1 < deleted ? deleted : (int)cursor - 1;
    to = from + API_PAYLOADS_MAX < visible ? from + API_PAYLOADS_MAX : visible;
    for (int i = from; i < to; i++)
        assert_int_equal(json_array_append_new(list, payload_json(i)), 0);
    *out = json_pack("{s:i,s:b,s:o}", "cursor", to > from ? to + 1 : (int)cursor, "mightHaveMore",
                     to < visible, "payloads", list);
    return API_OK;
}

enum api_code api_tables(struct api *a, json_t **out, struct fail *why)
{
    (void)a;
    (void)why;
    *out = json_pack("{s:[{s:s,s:s},{s:s,s:s}]}", "tables", "id", "tblT0", "name", "one", "id",
                     "tblT1", "name", "two");
    return API_OK;
}

enum api_code api_records(struct api *a, const char *table, const json_t *ids, const char *offset,
                          json_t **out, struct fail *why)
{
    json_t *list = json_array();
    int t = atoi(table + 4), from = offset != NULL ? atoi(offset) : 0, n = 0, r = from;

    (void)a;
    (void)why;
    for (; r < RECORDS && (ids != NULL || n < 8); r++) {
        char id[32];
        json_t *wanted;
        size_t i;
        bool named = ids == NULL;
        record_id(r, id);
        json_array_foreach(ids, i, wanted) named =
            named || strcmp(json_string_value(wanted), id) == 0;
        if (version[t][r] != 0 && named) {
            assert_int_equal(json_array_append_new(list, record_json(t, r)), 0);
            n++;
        }
    }
    *out = json_pack("{s:o}", "records", list);
    if (r < RECORDS) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", r);
        json_object_set_new(*out, "offset", json_string(text));
    }
    return API_OK;
}

static enum api_code not_asked(void)
{
    fail_msg("a drain does not ask for that");
    return API_REFUSED;
}

enum api_code api_create(struct api *a, json_t *wish, json_t **out, struct fail *why)
{
    (void)a, (void)wish, (void)out, (void)why;
    return not_asked();
}

enum api_code api_enable(struct api *a, const char *hook, bool on, struct fail *why)
{
    (void)a, (void)hook, (void)on, (void)why;
    return not_asked();
}

enum api_code api_refresh(struct api *a, const char *hook, json_t **out, struct fail *why)
{
    (void)a, (void)hook, (void)out, (void)why;
    return not_asked();
}

enum api_code api_delete(struct api *a, const char *hook, struct fail *why)
{
    (void)a, (void)hook, (void)why;
    return not_asked();
}

/* --- a store that is cut off -------------------------------------------------------------------- */

static const struct step_ops *whole;
static int steps, cut_at; /* the step that is cut off; -1: none */
static bool cut_after;    /* it is done, but its answer is lost */

static enum step_outcome cut_apply(const struct journal *j, const struct step_change *change,
                                   size_t n, int64_t backlog_limit, struct fail *why)
{
    bool cut = steps++ == cut_at;

    if (cut && cut_after)
        (void)whole->apply(j, change, n, backlog_limit, why);
    if (!cut)
        return whole->apply(j, change, n, backlog_limit, why);
    fail_set(why, "cut off");
    return STEP_AWAY;
}

static bool cut_read(const struct journal *j, struct slice key, const char *const *field, size_t n,
                     struct slice *out, struct fail *why)
{
    return whole->read(j, key, field, n, out, why);
}

static bool cut_now(const struct journal *j, int64_t *now_us, struct fail *why)
{
    return whole->now(j, now_us, why);
}

static bool cut_list(const struct journal *j, struct slice key, struct slice after, size_t max,
                     size_t bytes, struct step_page *out, struct fail *why)
{
    return whole->list(j, key, after, max, bytes, out, why);
}

static const struct step_ops cut_ops = {cut_apply, cut_read, cut_now, cut_list};

static int64_t now_us;

static int64_t tell_now(void *ctx)
{
    (void)ctx;
    return now_us;
}

static const struct clock clock_of_test = {tell_now, tell_now, NULL};
static struct store *store;

static void begin_store(void)
{
    now_us = INT64_C(1760524205000000);
    store = memory_new(&clock_of_test);
    whole = store->step;
    store->step = &cut_ops;
    steps = 0;
    cut_at = -1;
}

static struct airtable *open_airtable(void)
{
    struct fail why = {""};
    struct airtable *a = airtable_new(&(struct airtable_settings){.store = store,
                                                                  .provider = "airtable",
                                                                  .base = BASE,
                                                                  .url = "http://127.0.0.1:1",
                                                                  .token = SLICE_LITERAL("pat")},
                                      &why);

    if (a == NULL)
        fail_msg("%s", why.text);
    return a;
}

/* A ping came: the hook is known. */
static void mark(void)
{
    struct store_provider p = {.name = "airtable"};
    struct store_member m = {.kind = STORE_MARK, .id = SLICE_LITERAL(HOOK)};
    struct store_result r;

    store_commit(store, &(struct store_batch){&p, &m, 1, INT64_MAX}, &r);
    assert_int_equal(r.code, STORE_ACCEPTED);
}

static enum airtable_outcome drain(struct airtable *a, struct airtable_report *report)
{
    struct fail why = {""};

    return airtable_drain(a, true, false, report, &why);
}

/* --- what must be so in the end ------------------------------------------------------------------- */

static struct slice field_of(const char *key, const char *name)
{
    return memory_field(store, "airtable", key, name);
}

/* The copy whose number that field has is the base. */
static void expect_copy(const char *field)
{
    char key[AIRTABLE_KEY_MAX], generation[24], table[32], id[32];
    struct slice g = field_of("base:" BASE, field);

    assert_non_null(g.p);
    (void)snprintf(generation, sizeof generation, "%.*s", (int)g.n, g.p);
    for (int t = 0; t < TABLES; t++)
        for (int r = 0; r < RECORDS; r++) {
            table_id(t, table);
            record_id(r, id);
            airtable_key(key, "records", BASE, generation, table);
            struct slice have = field_of(key, id);
            if (version[t][r] == 0) {
                assert_null(have.p);
                continue;
            }
            json_t *want = record_json(t, r), *is = json_loadb(have.p, have.n, 0, NULL);
            if (!json_equal(want, is))
                fail_msg("%s %s is %.*s, not version %d", table, id, (int)have.n, have.p,
                         version[t][r]);
            json_decref(want);
            json_decref(is);
        }
}

static void expect_cache(void)
{
    expect_copy("generation");
}

static void expect_handed_off(int from, int to)
{
    char id[64];

    for (int i = from; i <= to; i++) {
        (void)snprintf(id, sizeof id, "%s:%d", HOOK, i);
        assert_true(
            slice_is(memory_entry(store, "airtable", "events", (size_t)(i - from), "id"), id));
    }
    assert_int_equal(memory_count(store, "airtable", "events"), to - from + 1);
}

/* --- the tests -------------------------------------------------------------------------------------- */

/* One worker that is cut off at the step k, another one that goes on. Returns how many steps there were. */
static int cut_off_at(int k, bool done)
{
    struct airtable_report report;
    struct airtable *a;
    enum airtable_outcome outcome;
    int all;

    begin_world();
    begin_store();
    mark();
    see(30);
    cut_at = k;
    cut_after = done;
    a = open_airtable();
    outcome = drain(a, &report);
    all = steps;
    airtable_free(a);
    if (k < 0)
        assert_int_equal(outcome, AIRTABLE_DONE);
    cut_at = -1;
    now_us += 10 * US_PER_S; /* the lease of the dead ends */
    a = open_airtable();
    for (int i = 0; i < 5; i++) /* until all are visible */
        assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    assert_int_equal(visible, PAYLOADS_ALL);
    assert_int_equal(report.payloads, 0);
    expect_cache();
    expect_handed_off(1, PAYLOADS_ALL);
    assert_true(slice_is(field_of("hook:" HOOK, "cursor"), "131"));
    airtable_free(a);
    store_free(store);
    return all;
}

static void cut_off_at_every_step(void **state)
{
    int n = cut_off_at(-1, false);

    (void)state;
    assert_true(n > 10);
    for (int k = 0; k < n; k++) {
        (void)cut_off_at(k, false);
        (void)cut_off_at(k, true);
    }
}

static struct airtable *other;
static struct airtable_report others_report;

/* The worker at hand sleeps; its lease ends; another one does everything. */
static void let_other_work(void)
{
    now_us += 10 * US_PER_S;
    for (int i = 0; i < 5; i++)
        assert_int_equal(drain(other, &others_report), AIRTABLE_DONE);
    now_us += 10 * US_PER_S;
}

static void lease_passes_to_another(void **state)
{
    struct airtable_report report;
    struct airtable *a;

    (void)state;
    begin_world();
    begin_store();
    mark();
    see(30);
    between = 0;
    a = open_airtable();
    other = open_airtable();
    assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    expect_handed_off(1, 30);
    see(60);
    before_payloads = let_other_work;
    assert_int_equal(drain(a, &report),
                     AIRTABLE_STOPPED); /* its page is not the next one any more */
    assert_int_equal(report.payloads, 0);
    between = 45;
    for (int i = 0; i < 5; i++)
        assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    expect_cache();
    expect_handed_off(1, PAYLOADS_ALL);
    airtable_free(a);
    airtable_free(other);
    store_free(store);
}

/* Payloads that were deleted unread, by which the copy is out of date: a full refresh. */
static void gap(void **state)
{
    struct airtable_report report;
    struct airtable *a;

    (void)state;
    begin_world();
    begin_store();
    mark();
    a = open_airtable();
    between = 0;
    see(10);
    assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    see(40);
    deleted = 20;
    assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    assert_int_equal(report.refreshes, 1);
    assert_null(field_of("base:" BASE, "stale").p);
    expect_cache();
    assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    assert_int_equal(report.refreshes, 0); /* once */
    airtable_free(a);
    store_free(store);
}

/* A third full refresh that is cut off at its step k: what a reader may still read is whole, and another
 * worker leaves nothing behind. Returns how many steps there were. */
static int refresh_cut_off_at(int k, bool done)
{
    struct airtable_report report;
    struct airtable *a;
    struct fail why = {""};
    char key[AIRTABLE_KEY_MAX];
    int all;

    begin_world();
    begin_store();
    mark();
    between = 0;
    see(PAYLOADS_ALL);
    a = open_airtable();
    assert_int_equal(airtable_drain(a, true, true, &report, &why), AIRTABLE_DONE);
    assert_int_equal(airtable_drain(a, true, true, &report, &why), AIRTABLE_DONE);
    steps = 0;
    cut_at = k;
    cut_after = done;
    (void)airtable_drain(a, true, true, &report, &why);
    all = steps;
    airtable_free(a);
    expect_copy("generation");
    if (field_of("base:" BASE, "previous").p != NULL)
        expect_copy("previous");
    cut_at = -1;
    now_us += 10 * US_PER_S;
    a = open_airtable();
    for (int i = 0; i < 2; i++)
        assert_int_equal(airtable_drain(a, true, true, &report, &why), AIRTABLE_DONE);
    for (int g = 1; g < 10; g++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", g);
        airtable_key(key, "tables", BASE, number, NULL);
        if (slice_is(field_of("base:" BASE, "generation"), number) ||
            slice_is(field_of("base:" BASE, "previous"), number))
            continue;
        assert_null(field_of(key, "tblT0").p);
        airtable_key(key, "records", BASE, number, "tblT0");
        for (int r = 0; r < RECORDS; r++) {
            char id[32];
            record_id(r, id);
            assert_null(field_of(key, id).p);
        }
    }
    assert_null(field_of("base:" BASE, "dropping").p);
    assert_null(field_of("base:" BASE, "building").p);
    airtable_free(a);
    store_free(store);
    return all;
}

static void refresh_cut_off_at_every_step(void **state)
{
    int n = refresh_cut_off_at(-1, false);

    (void)state;
    assert_true(n > 8);
    for (int k = 0; k < n; k++) {
        (void)refresh_cut_off_at(k, false);
        (void)refresh_cut_off_at(k, true);
    }
}

/* What is due, and when the copy was last known to be right. */
static void due_and_as_of(void **state)
{
    struct airtable_report report;
    struct airtable *a;
    struct fail why = {""};
    const int64_t day_us = 86400 * US_PER_S;
    char first[24];
    bool due, old;

    (void)state;
    begin_world();
    begin_store();
    mark();
    between = 0;
    a = open_airtable();
    assert_true(airtable_due(a, day_us, &due, &old, &why));
    assert_true(due && !old); /* there is no copy */
    (void)snprintf(first, sizeof first, "%lld", (long long)now_us);
    assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    assert_true(slice_is(field_of("as_of", BASE), first));
    assert_true(airtable_due(a, day_us, &due, &old, &why));
    assert_false(due || old);
    now_us += day_us - 1;
    assert_true(airtable_due(a, day_us, &due, &old, &why) && !old);
    now_us += 1;
    assert_true(airtable_due(a, day_us, &due, &old, &why) && old);
    assert_true(airtable_due(a, 0, &due, &old, &why) && !old); /* never too old */
    assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    assert_false(slice_is(field_of("as_of", BASE), first)); /* nothing came: it is right still */
    (void)snprintf(first, sizeof first, "%lld", (long long)now_us);
    see(10);
    in_error = true;
    now_us += US_PER_S;
    (void)drain(a, &report);
    assert_int_equal(report.sound, 0);
    assert_true(slice_is(field_of("as_of", BASE), first)); /* nobody knows any more */
    airtable_free(a);
    store_free(store);
}

static void error_payload(void **state)
{
    struct airtable_report report;
    struct airtable *a;

    (void)state;
    begin_world();
    begin_store();
    mark();
    a = open_airtable();
    see(PAYLOADS_ALL);
    assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    assert_int_equal(report.sound, 1);
    begin_world();
    see(PAYLOADS_ALL);
    in_error = true;
    store_free(store);
    airtable_free(a);
    begin_store();
    mark();
    a = open_airtable();
    assert_int_equal(drain(a, &report), AIRTABLE_DONE);
    assert_int_equal(report.sound, 0);
    assert_true(slice_is(field_of("hook:" HOOK, "error"), "INVALID_HOOK"));
    airtable_free(a);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_off_at_every_step),
        cmocka_unit_test(lease_passes_to_another),
        cmocka_unit_test(gap),
        cmocka_unit_test(refresh_cut_off_at_every_step),
        cmocka_unit_test(due_and_as_of),
        cmocka_unit_test(error_payload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
