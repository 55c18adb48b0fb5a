/* What keeps a store within bounds: the rate window, the backlog, the quarantine, the batch. */
#include "unit/store_conformance.h"

#include <stdio.h>
#include <stdlib.h>

#define DEADLINE_MS 5000
#define MINUTE_US   (60 * US_PER_S)

/* --- rate ------------------------------------------------------------------------------------- */

static void limits_the_rate_exactly(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct store_member m[] = {
        conformance_event("e1", "b", NULL, 0), conformance_event("e2", "b", NULL, 0),
        conformance_event("e3", "b", NULL, 0), conformance_event("e4", "b", NULL, 0),
        conformance_event("e1", "b", NULL, 0), conformance_event("e1", "B", NULL, 0)};
    struct store_result r[6];

    t->provider.rate_count = 3;
    conformance_batch(t, m, 6, r);
    for (int i = 0; i < 3; i++)
        expect_code(r[i], STORE_ACCEPTED);
    expect_code(r[3], STORE_LIMITED);
    assert_in_range(r[3].retry_after_us, 1, MINUTE_US);
    expect_code(r[4], STORE_DUPLICATE); /* a full window keeps no known id from its answer */
    expect_code(r[5], STORE_CONFLICT);
    conformance_count(t, "events", 3);
    conformance_entry(t, "audit", 3, "outcome", "limited");
    t->look->pass_window(t->ctx, t->name, MINUTE_US - 10 * US_PER_S);
    struct store_result again = conformance_commit(t, m[3]);
    expect_code(again, STORE_LIMITED);
    assert_in_range(again.retry_after_us, 1, 10 * US_PER_S);
    t->look->pass_window(t->ctx, t->name, again.retry_after_us);
    /* a limited event is not recorded: its retry is new */
    expect_code(conformance_commit(t, m[3]), STORE_ACCEPTED);
}

static void counts_only_what_it_accepted(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change bad[] = {{.verb = CHANGE_SET,
                                  .key = SLICE_LITERAL("user:u1"),
                                  .field = SLICE_LITERAL("sum"),
                                  .value = SLICE_LITERAL("9223372036854775807")},
                                 {.verb = CHANGE_ADD,
                                  .key = SLICE_LITERAL("user:u1"),
                                  .field = SLICE_LITERAL("sum"),
                                  .value = SLICE_LITERAL("1")}};
    struct store_gauges g;

    t->provider.rate_count = 2;
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_DUPLICATE);
    expect_code(conformance_commit(t, conformance_event("e1", "B", NULL, 0)), STORE_CONFLICT);
    expect_code(conformance_commit(t, conformance_event("e2", "b", bad, 2)), STORE_REFUSED);
    expect_code(conformance_commit(t, conformance_note("not_json", "{")), STORE_ACCEPTED);
    assert_true(
        store_read_gauges(t->store, &t->provider, clock_monotonic_ms(t->clock) + DEADLINE_MS, &g));
    assert_int_equal(g.rate_used, 1);
    assert_int_equal(g.backlog_entries, 1);
    assert_int_equal(g.quarantine_entries, 3);
    expect_code(conformance_commit(t, conformance_event("e3", "b", NULL, 0)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("e4", "b", NULL, 0)), STORE_LIMITED);
}

static void lets_exempt_events_pass_the_window(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member waited = conformance_event("e2", "b", NULL, 0),
                        other = conformance_event("e2", "B", NULL, 0);
    struct store_gauges g;

    waited.exempt = other.exempt = true;
    t->provider.rate_count = 1;
    expect_code(conformance_commit(t, waited), STORE_ACCEPTED);
    /* It took no place in the window ... */
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("e3", "b", NULL, 0)), STORE_LIMITED);
    /* ... and passes a full one. All else is as for any event. */
    struct store_member late = conformance_event("e4", "b", NULL, 0);
    late.exempt = true;
    expect_code(conformance_commit(t, late), STORE_ACCEPTED);
    expect_code(conformance_commit(t, waited), STORE_ACCEPTED);
    expect_code(conformance_commit(t, other), STORE_CONFLICT);
    assert_true(
        store_read_gauges(t->store, &t->provider, clock_monotonic_ms(t->clock) + DEADLINE_MS, &g));
    assert_int_equal(g.rate_used, 1);
    conformance_count(t, "events", 3);
    t->provider.backlog_limit = 3;
    late = conformance_event("e5", "b", NULL, 0);
    late.exempt = true;
    expect_word(conformance_commit(t, late), STORE_UNAVAILABLE, "backlog_full");
}

static void follows_a_changed_limit(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    char id[8];

    t->provider.rate_count = 200; /* more than any slack of a ring */
    for (int i = 0; i < 150; i++) {
        (void)snprintf(id, sizeof id, "e%d", i);
        expect_code(conformance_commit(t, conformance_event(id, "b", NULL, 0)), STORE_ACCEPTED);
    }
    t->provider.rate_count = 2;
    expect_code(conformance_commit(t, conformance_event("f1", "b", NULL, 0)), STORE_LIMITED);
    t->provider.rate_count = 151;
    expect_code(conformance_commit(t, conformance_event("f1", "b", NULL, 0)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("f2", "b", NULL, 0)), STORE_LIMITED);
    t->provider.rate_count = 0;
    expect_code(conformance_commit(t, conformance_event("f2", "b", NULL, 0)), STORE_ACCEPTED);
    t->provider.rate_count = 2;
    t->look->pass_window(t->ctx, t->name, MINUTE_US);
    expect_code(conformance_commit(t, conformance_event("g1", "b", NULL, 0)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("g2", "b", NULL, 0)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("g3", "b", NULL, 0)), STORE_LIMITED);
}

/* A ring is trimmed once in a while, at whatever length: exact all the same. */
static void stays_exact_for_long(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    char id[16];

    t->provider.rate_count = 3;
    for (int i = 0; i < 40; i++) {
        for (int j = 0; j < 4; j++) {
            (void)snprintf(id, sizeof id, "e%d-%d", i, j);
            expect_code(conformance_commit(t, conformance_event(id, "b", NULL, 0)),
                        j < 3 ? STORE_ACCEPTED : STORE_LIMITED);
        }
        t->look->pass_window(t->ctx, t->name, MINUTE_US);
    }
}

/* Ten accepted, one at a time over the window: at no time more than three in a window. */
static void never_passes_the_limit(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    int64_t accepted[64], now = 0;
    size_t n = 0;
    unsigned random = 7;
    char id[8];

    t->provider.rate_count = 3;
    for (int i = 0; i < 60; i++) {
        (void)snprintf(id, sizeof id, "e%d", i);
        if (conformance_commit(t, conformance_event(id, "b", NULL, 0)).code == STORE_ACCEPTED) {
            accepted[n++] = now;
            /* real time adds to what is pretended: a second of slack */
            if (n > 3)
                assert_true(now - accepted[n - 4] >= MINUTE_US - US_PER_S);
        } else {
            assert_true(n >= 3 && now - accepted[n - 3] < MINUTE_US);
        }
        random = random * 1103515245u + 12345u;
        int64_t step = (int64_t)(random >> 16 & 15) * 2 * US_PER_S;
        t->look->pass_window(t->ctx, t->name, step);
        now += step;
    }
    assert_true(n > 10 && n < 60);
}

static void mends_the_window_of_a_clock_that_stepped_back(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_result r;

    t->provider.rate_count = 2;
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    r = conformance_commit(t, conformance_event("e2", "b", NULL, 0));
    expect_code(r, STORE_ACCEPTED);
    assert_int_equal(r.flags & STORE_CLOCK_BACK, 0);
    t->look->pass_window(t->ctx, t->name, -100 * MINUTE_US);
    r = conformance_commit(t, conformance_event("e3", "b", NULL, 0));
    expect_code(r, STORE_LIMITED);
    assert_in_range(r.retry_after_us, 1, MINUTE_US);
    assert_int_equal(r.flags & STORE_CLOCK_BACK, STORE_CLOCK_BACK);
    t->look->pass_window(t->ctx, t->name, MINUTE_US);
    r = conformance_commit(t, conformance_event("e3", "b", NULL, 0));
    expect_code(r, STORE_ACCEPTED);
    assert_int_equal(r.flags & STORE_CLOCK_BACK, 0);
    /* with room in the window the event is accepted, and says so */
    t->look->pass_window(t->ctx, t->name, -MINUTE_US);
    t->provider.rate_count = 5;
    r = conformance_commit(t, conformance_event("e4", "b", NULL, 0));
    expect_word(r, STORE_ACCEPTED, "clock_back");
    assert_int_equal(r.flags, STORE_CLOCK_BACK);
}

/* --- backlog, quarantine, marks --------------------------------------------------------------- */

static void stops_at_the_backlog_limit(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct store_member m[] = {conformance_event("e1", "b", NULL, 0),
                                     conformance_event("e2", "b", NULL, 0),
                                     conformance_event("e3", "b", NULL, 0)};
    struct store_result r[3];

    t->provider.backlog_limit = 2;
    conformance_batch(t, m, 3, r);
    expect_code(r[1], STORE_ACCEPTED);
    expect_word(r[2], STORE_UNAVAILABLE, "backlog_full");
    assert_true(r[2].retry_after_us > 0);
    conformance_count(t, "events", 2);
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_DUPLICATE);
    t->provider.backlog_limit = 3;
    expect_code(conformance_commit(t, m[2]), STORE_ACCEPTED);
}

static void keeps_notes_once(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member note = conformance_note("not_json", "{"), same = note;

    expect_code(conformance_commit(t, note), STORE_ACCEPTED);
    expect_code(conformance_commit(t, note), STORE_ACCEPTED);
    conformance_count(t, "quarantine", 1);
    assert_int_equal(t->look->repeats(t->ctx, t->name, "not_json", note.body_sha256), 2);
    conformance_entry(t, "quarantine", 0, "reason", "not_json");
    conformance_entry(t, "quarantine", 0, "detail", "what was wrong");
    conformance_entry(t, "quarantine", 0, "body", "{");
    conformance_entry(t, "quarantine", 0, "id", "note-id");
    conformance_entry(t, "audit", 0, "outcome", "invalid");
    conformance_entry(t, "audit", 0, "reason", "not_json");
    /* another reason, another body: other evidence */
    same.reason = SLICE_LITERAL("missing_field");
    expect_code(conformance_commit(t, same), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_note("not_json", "[")), STORE_ACCEPTED);
    conformance_count(t, "quarantine", 3);
    /* a note records no id */
    conformance_count(t, "events", 0);
    expect_code(conformance_commit(t, conformance_event("note-id", "b", NULL, 0)), STORE_ACCEPTED);
}

static void never_drops_evidence(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member kept = conformance_note("not_json", "{");

    t->provider.quarantine_limit = 1;
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, kept), STORE_ACCEPTED);
    expect_word(conformance_commit(t, conformance_note("not_json", "[")), STORE_UNAVAILABLE,
                "quarantine_full");
    expect_word(conformance_commit(t, conformance_event("e1", "B", NULL, 0)), STORE_UNAVAILABLE,
                "quarantine_full");
    conformance_count(t, "quarantine", 1);
    /* what is there already may repeat, and accepting goes on */
    expect_code(conformance_commit(t, kept), STORE_ACCEPTED);
    assert_int_equal(t->look->repeats(t->ctx, t->name, "not_json", kept.body_sha256), 2);
    expect_code(conformance_commit(t, conformance_event("e2", "b", NULL, 0)), STORE_ACCEPTED);
    t->provider.quarantine_limit = 2;
    expect_code(conformance_commit(t, conformance_event("e1", "B", NULL, 0)), STORE_CONFLICT);
}

static void marks_a_hook(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member m = conformance_event("hook1", "b", NULL, 0);
    struct store_result r;
    char at[24];

    m.kind = STORE_MARK;
    t->provider.rate_count = 1;
    for (int i = 0; i < 3; i++) {
        r = conformance_commit(t, m);
        expect_code(r, STORE_ACCEPTED);
    }
    (void)snprintf(at, sizeof at, "%lld", (long long)r.at_us);
    conformance_field(t, "dirty", "hook1", at);
    conformance_field(t, "dirty", "hook2", NULL);
    conformance_count(t, "events", 0);
    conformance_entry(t, "audit", 2, "outcome", "accepted");
    expect_code(conformance_commit(t, conformance_event("hook1", "b", NULL, 0)), STORE_ACCEPTED);
}

/* --- batches ---------------------------------------------------------------------------------- */

static void takes_a_full_batch(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member m[STORE_BATCH_MAX + 1];
    struct store_result r[STORE_BATCH_MAX + 1];
    char id[STORE_BATCH_MAX + 1][8];

    for (int i = 0; i <= STORE_BATCH_MAX; i++) {
        (void)snprintf(id[i], sizeof id[i], "e%d", i);
        m[i] = conformance_event(id[i], "b", NULL, 0);
    }
    conformance_batch(t, m, STORE_BATCH_MAX, r);
    for (int i = 0; i < STORE_BATCH_MAX; i++)
        expect_code(r[i], STORE_ACCEPTED);
    conformance_count(t, "events", STORE_BATCH_MAX);
    for (int i = 0; i < STORE_BATCH_MAX; i++)
        conformance_entry(t, "events", (size_t)i, "id", id[i]);
    conformance_batch(t, m, STORE_BATCH_MAX + 1, r);
    expect_word(r[STORE_BATCH_MAX], STORE_FAULT, "bad_change");
}

static void goes_on_behind_a_failing_member(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change own_key = {.verb = CHANGE_APPEND, .key = SLICE_LITERAL("events")};
    const struct change id_key = {.verb = CHANGE_APPEND, .key = SLICE_LITERAL("id:e1")};
    const struct change no_number = {.verb = CHANGE_ADD,
                                     .key = SLICE_LITERAL("user:u1"),
                                     .field = SLICE_LITERAL("sum"),
                                     .value = SLICE_LITERAL("-1")};
    const struct store_member m[] = {conformance_event("e1", "b", &own_key, 1),
                                     conformance_event("e2", "b", &id_key, 1),
                                     conformance_event("e3", "b", &no_number, 1),
                                     conformance_event("", "b", NULL, 0),
                                     conformance_note("", "b"),
                                     conformance_event("e4", "b", NULL, 0)};
    struct store_result r[6];

    conformance_batch(t, m, 6, r);
    for (int i = 0; i < 5; i++)
        expect_word(r[i], STORE_FAULT, "bad_change");
    expect_code(r[5], STORE_ACCEPTED);
    conformance_count(t, "events", 1);
    conformance_entry(t, "events", 0, "id", "e4");
}

static void keeps_its_own_keys(void **state)
{
    static const char *const own[] = {"events",     "id:x",    "quarantine:seen",
                                      "selftest:x", "audit:x", "lease:x",
                                      "order:x",    ":x",      ""},
                             *const others[] = {"ids:x", "orders:x", "user:id:x"};
    struct store_under_test *t = conformance_begin(state);
    struct change c = {.verb = CHANGE_APPEND, .value = SLICE_LITERAL("1")};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        c.key = slice_of(own[i]);
        expect_word(conformance_commit(t, conformance_event("e1", "b", &c, 1)), STORE_FAULT,
                    "bad_change");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        c.key = slice_of(others[i]);
        expect_code(conformance_commit(t, conformance_event(others[i], "b", &c, 1)),
                    STORE_ACCEPTED);
    }
}

static void takes_a_large_body(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    char *body = malloc(STORE_BATCH_BYTES_MAX + 1);

    assert_non_null(body);
    memset(body, 'x', STORE_BATCH_BYTES_MAX);
    body[STORE_BATCH_BYTES_MAX] = '\0';
    expect_code(conformance_commit(t, conformance_event("e1", body, NULL, 0)), STORE_ACCEPTED);
    conformance_entry(t, "events", 0, "body", body);
    free(body);
}

static void examines_itself_without_a_trace(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_findings f;
    struct fail why = {""};
    char run_id[48];
    int64_t deadline = clock_monotonic_ms(t->clock) + DEADLINE_MS;

    assert_true(store_probe(t->store, 1000, &why));
    assert_true(store_run_id(t->store, deadline, run_id, &why));
    store_examine(t->store, &t->provider, 1, deadline, &f);
    if (f.self_test != 1)
        print_error("%s\n", f.problem.text);
    assert_int_equal(f.self_test, 1);
    assert_string_equal(f.run_id, run_id);
    assert_true(f.durability.text[0] != '\0');
    conformance_count(t, "events", 0);
    conformance_count(t, "audit", 0);
    conformance_count(t, "quarantine", 0);
}

const struct CMUnitTest store_conformance_limits[] = {
    cmocka_unit_test(limits_the_rate_exactly),
    cmocka_unit_test(counts_only_what_it_accepted),
    cmocka_unit_test(lets_exempt_events_pass_the_window),
    cmocka_unit_test(follows_a_changed_limit),
    cmocka_unit_test(stays_exact_for_long),
    cmocka_unit_test(never_passes_the_limit),
    cmocka_unit_test(mends_the_window_of_a_clock_that_stepped_back),
    cmocka_unit_test(stops_at_the_backlog_limit),
    cmocka_unit_test(keeps_notes_once),
    cmocka_unit_test(never_drops_evidence),
    cmocka_unit_test(marks_a_hook),
    cmocka_unit_test(takes_a_full_batch),
    cmocka_unit_test(goes_on_behind_a_failing_member),
    cmocka_unit_test(keeps_its_own_keys),
    cmocka_unit_test(takes_a_large_body),
    cmocka_unit_test(examines_itself_without_a_trace),
};
const size_t store_conformance_nlimits =
    sizeof store_conformance_limits / sizeof *store_conformance_limits;
