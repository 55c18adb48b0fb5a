/* The guard over a store that does as it is told, with a pretended clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "store/breaker.h"
#include "store/guard.h"

#define DEADLINE_MS 2000

static int64_t now_us;

static int64_t tell(void *ctx)
{
    (void)ctx;
    return now_us;
}

static const struct clock watch = {tell, tell, NULL};

/* What the store is to do, and what was done to it. */
struct puppet {
    struct store base;
    const char *word; /* of an unavailable commit; NULL: accepts */
    bool away;        /* answers no question */
    int self_test, durable, evicting;
    char run_id[48];
    bool slow; /* an examination takes all the time that it is given */
    unsigned commits, probes, examinations, questions;
    int64_t deadline_ms; /* of the last commit */
};

static void puppet_commit(struct store *s, const struct store_batch *b, struct store_result *r)
{
    struct puppet *p = (struct puppet *)s;

    p->commits++;
    p->deadline_ms = b->deadline_ms;
    now_us += 5000;
    for (size_t i = 0; i < b->n; i++)
        r[i] = (struct store_result){.code = p->word != NULL ? STORE_UNAVAILABLE : STORE_ACCEPTED,
                                     .word = p->word};
}

static bool puppet_probe(struct store *s, int64_t timeout_ms, struct fail *why)
{
    struct puppet *p = (struct puppet *)s;

    (void)timeout_ms;
    p->probes++;
    if (p->away)
        fail_set(why, "store_unreachable: pretended");
    return !p->away;
}

static bool puppet_gauges(struct store *s, const struct store_provider *provider,
                          int64_t deadline_ms, struct store_gauges *out)
{
    (void)provider;
    (void)deadline_ms;
    *out = (struct store_gauges){1, 2, 3};
    return !((struct puppet *)s)->away;
}

static bool puppet_run_id(struct store *s, int64_t deadline_ms, char out[static 48],
                          struct fail *why)
{
    struct puppet *p = (struct puppet *)s;

    (void)deadline_ms;
    p->questions++;
    if (p->away)
        fail_set(why, "store_unreachable: pretended");
    (void)snprintf(out, 48, "%s", p->run_id);
    return !p->away;
}

static void puppet_examine(struct store *s, const struct store_provider *provider, size_t n,
                           int64_t deadline_ms, struct store_findings *out)
{
    struct puppet *p = (struct puppet *)s;

    (void)provider;
    assert_int_equal(n, 1);
    if (p->slow)
        now_us = deadline_ms * 1000;
    p->examinations++;
    *out = (struct store_findings){
        .self_test = p->self_test, .durable = p->durable, .evicting = p->evicting};
}

static void puppet_free(struct store *s)
{
    free(s);
}

static const struct store_ops puppet_ops = {.commit = puppet_commit,
                                            .probe = puppet_probe,
                                            .gauges = puppet_gauges,
                                            .run_id = puppet_run_id,
                                            .examine = puppet_examine,
                                            .free = puppet_free};

struct scene {
    struct state *state;
    struct log *log;
    struct guard *guard;
    struct puppet *puppet; /* owned by the guard */
    struct store_provider provider;
    struct store_member member;
};

static void add_guard(struct scene *s, enum config_durability durability)
{
    guard_free(s->guard);
    s->puppet = calloc(1, sizeof *s->puppet);
    assert_non_null(s->puppet);
    *s->puppet = (struct puppet){
        .base = {.ops = &puppet_ops}, .self_test = 1, .durable = 2, .run_id = "run-1"};
    s->guard =
        guard_new(&s->puppet->base, "redis://me:secret@h/0", durability, s->state, s->log, &watch);
    assert_non_null(s->guard);
    guard_providers(s->guard, &s->provider, 1);
}

static int begin(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct fail why;

    if (s == NULL)
        return -1;
    now_us = 1000000 * US_PER_S;
    s->provider = (struct store_provider){.name = "dazno"};
    s->member = (struct store_member){.kind = STORE_EVENT, .id = SLICE_LITERAL("e1")};
    s->state = state_private(NULL, 0);
    s->log = log_open("off", &watch, &why);
    assert_non_null(s->state);
    assert_non_null(s->log);
    add_guard(s, DURABILITY_ALWAYS);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;

    guard_free(s->guard);
    log_close(s->log);
    state_close(s->state);
    free(s);
    return 0;
}

static void after_ms(int64_t ms)
{
    now_us += ms * 1000;
}

static struct store_result commit(struct scene *s)
{
    struct store_batch batch = {&s->provider, &s->member, 1, now_us / 1000 + DEADLINE_MS};
    struct store_result r = {.code = STORE_FAULT};

    guard_commit(s->guard, &batch, &r);
    return r;
}

static void expect(struct store_result r, enum store_code code, const char *word)
{
    assert_int_equal(r.code, code);
    if (word != NULL)
        assert_string_equal(r.word, word);
}

static void examines_once(void **state)
{
    struct scene *s = *state;

    assert_int_equal(guard_durable(s->guard), -1);
    assert_int_equal(guard_examine(s->guard, INT64_MAX), 1);
    for (int i = 0; i < 3; i++)
        expect(commit(s), STORE_ACCEPTED, NULL);
    assert_int_equal(s->puppet->examinations, 1);
    assert_int_equal(s->puppet->commits, 3);
    assert_int_equal(guard_durable(s->guard), 1);
}

static void measures_round_trips(void **state)
{
    struct scene *s = *state;
    struct state_histogram *h = &state_shared(s->state)->store;

    expect(commit(s), STORE_ACCEPTED, NULL);
    assert_int_equal(h->sum_us, 5000);
}

/* Another process of the host, or the next CGI process. */
static void trusts_fresh_findings_of_others(void **state)
{
    struct scene *s = *state;

    expect(commit(s), STORE_ACCEPTED, NULL);
    add_guard(s, DURABILITY_ALWAYS);
    expect(commit(s), STORE_ACCEPTED, NULL);
    assert_int_equal(s->puppet->questions, 0);
    /* older than a minute: asks which run it is, no more */
    add_guard(s, DURABILITY_ALWAYS);
    after_ms(61000);
    expect(commit(s), STORE_ACCEPTED, NULL);
    assert_int_equal(s->puppet->questions, 1);
    assert_int_equal(s->puppet->examinations, 0);
    /* another run: all of it */
    add_guard(s, DURABILITY_ALWAYS);
    after_ms(61000);
    (void)snprintf(s->puppet->run_id, sizeof s->puppet->run_id, "run-2");
    expect(commit(s), STORE_ACCEPTED, NULL);
    assert_int_equal(s->puppet->examinations, 1);
}

static void trusts_no_run_without_a_name(void **state)
{
    struct scene *s = *state;

    s->puppet->run_id[0] = '\0';
    assert_int_equal(guard_examine(s->guard, INT64_MAX), 1);
    assert_int_equal(guard_examine(s->guard, INT64_MAX), 1);
    assert_int_equal(s->puppet->examinations, 2);
}

static void looks_again_after_a_new_connection(void **state)
{
    struct scene *s = *state;

    s->puppet->base.connections = 1;
    expect(commit(s), STORE_ACCEPTED, NULL);
    s->puppet->base.connections = 2;
    expect(commit(s), STORE_ACCEPTED, NULL);
    (void)snprintf(s->puppet->run_id, sizeof s->puppet->run_id, "run-2");
    s->puppet->self_test = 0;
    expect(commit(s), STORE_UNAVAILABLE, "self_test");
    assert_int_equal(s->puppet->examinations, 2);
}

static void acknowledges_nothing_before_the_self_test_passed(void **state)
{
    struct scene *s = *state;

    s->puppet->self_test = 0;
    assert_int_equal(guard_examine(s->guard, INT64_MAX), 0);
    for (int i = 0; i < 5; i++)
        expect(commit(s), STORE_UNAVAILABLE, "self_test");
    assert_int_equal(s->puppet->commits, 0);
    assert_int_equal(s->puppet->examinations, 1);
    assert_false(guard_up(s->guard));
    after_ms(1001); /* tried again once a second */
    expect(commit(s), STORE_UNAVAILABLE, "self_test");
    assert_int_equal(s->puppet->examinations, 2);
    s->puppet->self_test = 1;
    after_ms(1001);
    expect(commit(s), STORE_ACCEPTED, NULL);
}

static void opens_the_breaker_when_the_store_is_away(void **state)
{
    static const char *const away[] = {"store_timeout", "store_unreachable", "store_loading",
                                       "store_busy"};
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
        unsigned before;
        expect(commit(s), STORE_ACCEPTED, NULL);
        s->puppet->word = away[i];
        expect(commit(s), STORE_UNAVAILABLE, away[i]);
        before = s->puppet->commits;
        struct store_result r = commit(s);
        expect(r, STORE_UNAVAILABLE, "breaker_open");
        assert_true(r.retry_after_us > 0);
        assert_int_equal(s->puppet->commits, before);
        assert_false(guard_gauges(s->guard, &s->provider, &(struct store_gauges){0, 0, 0}));
        /* one is the probe: it is committed, but waits less long */
        after_ms(BREAKER_PROBE_MS);
        int64_t latest = now_us / 1000 + BREAKER_PROBE_TIMEOUT_MS;
        expect(commit(s), STORE_UNAVAILABLE, away[i]);
        assert_int_equal(s->puppet->deadline_ms, latest);
        expect(commit(s), STORE_UNAVAILABLE, "breaker_open");
        s->puppet->word = NULL;
        after_ms(BREAKER_PROBE_MS);
        expect(commit(s), STORE_ACCEPTED, NULL);
        expect(commit(s), STORE_ACCEPTED, NULL);
        after_ms(1001);
    }
}

static void a_probe_that_is_too_short_for_the_self_test_postpones_nothing(void **state)
{
    struct scene *s = *state;
    unsigned before;

    s->puppet->base.connections = 1;
    expect(commit(s), STORE_ACCEPTED, NULL);
    for (int failed = 0; failed < 2; failed++) {
        s->puppet->word = "store_unreachable";
        s->puppet->self_test = 1;
        (void)commit(s);
        (void)snprintf(s->puppet->run_id, sizeof s->puppet->run_id, "run-%d", failed + 2);
        s->puppet->base.connections++;
        after_ms(BREAKER_PROBE_MS);
        (void)commit(s); /* the connection is a new one */
        s->puppet->self_test = failed ? 0 : -1;
        s->puppet->slow = true;
        s->puppet->word = NULL;
        after_ms(BREAKER_PROBE_MS);
        before = s->puppet->examinations;
        (void)commit(s);
        assert_int_equal(s->puppet->examinations, before + 1);
        s->puppet->slow = false;
        s->puppet->self_test = 1;
        /* With its own time it is done at once; one that failed is not. */
        if (failed) {
            expect(commit(s), STORE_UNAVAILABLE, "self_test");
            assert_int_equal(s->puppet->examinations, before + 1);
        } else {
            expect(commit(s), STORE_ACCEPTED, NULL);
            assert_int_equal(s->puppet->examinations, before + 2);
        }
    }
}

/* A store that answers still knows its duplicates. */
static void leaves_it_closed_while_the_store_answers(void **state)
{
    static const char *const there[] = {"store_full", "store_read_only", "store_disk",
                                        "store_config", "backlog_full"};
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        s->puppet->word = there[i];
        expect(commit(s), STORE_UNAVAILABLE, there[i]);
        expect(commit(s), STORE_UNAVAILABLE, there[i]);
    }
    assert_int_equal(s->puppet->commits, 2 * sizeof there / sizeof *there);
}

static void says_when_it_cannot_be_examined(void **state)
{
    struct scene *s = *state;

    s->puppet->away = true;
    assert_int_equal(guard_examine(s->guard, INT64_MAX), -1);
    expect(commit(s), STORE_UNAVAILABLE, "breaker_open");
    after_ms(1001);
    expect(commit(s), STORE_UNAVAILABLE, "store_unreachable");
    assert_int_equal(s->puppet->commits, 0);
    s->puppet->away = false;
    after_ms(1001);
    expect(commit(s), STORE_ACCEPTED, NULL);
}

/* A probe's turn is never spent without asking: each finds the store that is back. */
static void finds_the_store_with_the_first_probe(void **state)
{
    struct scene *s = *state;

    s->puppet->base.connections = 1;
    expect(commit(s), STORE_ACCEPTED, NULL);
    /* lost and dialled anew: the next one asks first which run it is */
    s->puppet->base.connections = 2;
    s->puppet->word = "store_timeout";
    expect(commit(s), STORE_UNAVAILABLE, "store_timeout");
    s->puppet->word = NULL;
    s->puppet->away = true;
    for (int i = 0; i < 5; i++) {
        after_ms(BREAKER_PROBE_MS);
        expect(commit(s), STORE_UNAVAILABLE, "store_unreachable");
    }
    s->puppet->away = false;
    after_ms(BREAKER_PROBE_MS);
    expect(commit(s), STORE_ACCEPTED, NULL);
}

static void asks_for_health_once_a_second(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 5; i++)
        assert_true(guard_up(s->guard));
    assert_int_equal(s->puppet->probes, 1);
    s->puppet->away = true;
    assert_true(guard_up(s->guard));
    after_ms(1000);
    assert_false(guard_up(s->guard));
    assert_int_equal(s->puppet->probes, 2);
}

static void compares_durability_with_what_is_believed(void **state)
{
    static const struct {
        enum config_durability believed;
        int found, verdict;
    } cases[] = {
        {DURABILITY_ALWAYS, 2, 1},   {DURABILITY_ALWAYS, 1, 0},   {DURABILITY_ALWAYS, 0, 0},
        {DURABILITY_EVERYSEC, 2, 1}, {DURABILITY_EVERYSEC, 1, 1}, {DURABILITY_EVERYSEC, 0, 0},
        {DURABILITY_NONE, 0, 1},     {DURABILITY_ALWAYS, -1, -1}, {DURABILITY_NONE, -1, -1}};
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        add_guard(s, cases[i].believed);
        (void)snprintf(s->puppet->run_id, sizeof s->puppet->run_id, "run-%zu", i + 10);
        s->puppet->durable = cases[i].found;
        assert_int_equal(guard_examine(s->guard, INT64_MAX), 1);
        assert_int_equal(guard_durable(s->guard), cases[i].verdict);
    }
}

static void reads_gauges(void **state)
{
    struct scene *s = *state;
    struct store_gauges g;

    assert_true(guard_gauges(s->guard, &s->provider, &g));
    assert_int_equal(g.quarantine_entries, 3);
    s->puppet->away = true;
    assert_false(guard_gauges(s->guard, &s->provider, &g));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(examines_once),
        TEST(measures_round_trips),
        TEST(trusts_fresh_findings_of_others),
        TEST(trusts_no_run_without_a_name),
        TEST(looks_again_after_a_new_connection),
        TEST(acknowledges_nothing_before_the_self_test_passed),
        TEST(opens_the_breaker_when_the_store_is_away),
        TEST(a_probe_that_is_too_short_for_the_self_test_postpones_nothing),
        TEST(leaves_it_closed_while_the_store_answers),
        TEST(says_when_it_cannot_be_examined),
        TEST(finds_the_store_with_the_first_probe),
        TEST(asks_for_health_once_a_second),
        TEST(compares_durability_with_what_is_believed),
        TEST(reads_gauges),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
