#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "store/breaker.h"

static int64_t now_us;

static int64_t tell(void *ctx)
{
    (void)ctx;
    return now_us;
}

static const struct clock watch = {tell, tell, NULL};

static int begin(void **state)
{
    static struct state_breaker b;

    b = (struct state_breaker){0};
    now_us = 1000 * US_PER_S;
    *state = &b;
    return 0;
}

static enum breaker_verdict ask_after(struct state_breaker *b, int64_t ms)
{
    now_us += ms * 1000;
    return breaker_ask(b, now_us / 1000);
}

static void stays_closed_while_all_is_well(void **state)
{
    struct state_breaker *b = *state;

    assert_int_equal(ask_after(b, 0), BREAKER_CLOSED);
    assert_false(breaker_report(b, true, &watch));
    assert_int_equal(ask_after(b, 0), BREAKER_CLOSED);
}

static void opens_once(void **state)
{
    struct state_breaker *b = *state;

    assert_true(breaker_report(b, false, &watch));
    assert_int_equal(b->opened_us, now_us);
    assert_false(breaker_report(b, false, &watch)); /* the second one is no news */
    assert_int_equal(ask_after(b, BREAKER_PROBE_MS - 1), BREAKER_OPEN);
}

static void lets_one_probe_at_a_time(void **state)
{
    struct state_breaker *b = *state;

    (void)breaker_report(b, false, &watch);
    assert_int_equal(ask_after(b, BREAKER_PROBE_MS), BREAKER_PROBE);
    assert_int_equal(ask_after(b, 0), BREAKER_OPEN);
    assert_int_equal(ask_after(b, BREAKER_PROBE_MS), BREAKER_OPEN); /* it has not reported yet */
    assert_false(breaker_report(b, false, &watch));
    assert_int_equal(ask_after(b, BREAKER_PROBE_MS - 1), BREAKER_OPEN);
    assert_int_equal(ask_after(b, 1), BREAKER_PROBE);
}

static void outlives_a_probe_that_died(void **state)
{
    struct state_breaker *b = *state;

    (void)breaker_report(b, false, &watch);
    assert_int_equal(ask_after(b, BREAKER_PROBE_MS), BREAKER_PROBE);
    assert_int_equal(ask_after(b, BREAKER_PROBE_TIMEOUT_MS - 1), BREAKER_OPEN);
    assert_int_equal(ask_after(b, 1), BREAKER_PROBE);
}

static void closes_when_the_store_answers(void **state)
{
    struct state_breaker *b = *state;

    (void)breaker_report(b, false, &watch);
    assert_int_equal(ask_after(b, BREAKER_PROBE_MS), BREAKER_PROBE);
    assert_true(breaker_report(b, true, &watch));
    assert_false(breaker_report(b, true, &watch));
    assert_int_equal(ask_after(b, 0), BREAKER_CLOSED);
}

static void mistrusts_a_time_that_was_never_set(void **state)
{
    struct state_breaker *b = *state;

    (void)breaker_report(b, false, &watch);
    b->next_probe_ms = INT64_MAX;
    assert_int_equal(ask_after(b, 0), BREAKER_PROBE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(stays_closed_while_all_is_well, begin),
        cmocka_unit_test_setup(opens_once, begin),
        cmocka_unit_test_setup(lets_one_probe_at_a_time, begin),
        cmocka_unit_test_setup(outlives_a_probe_that_died, begin),
        cmocka_unit_test_setup(closes_when_the_store_answers, begin),
        cmocka_unit_test_setup(mistrusts_a_time_that_was_never_set, begin),
    };
    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
