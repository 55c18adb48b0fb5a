/* The whole schedule, with a pretended clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "outbox/schedule.h"

#define S(seconds) (INT64_C(seconds) * US_PER_S)
#define NEVER      INT64_C(-1)
#define NOW        S(1760524205) /* 2025-10-15T10:30:05Z, a Wednesday */

static const struct {
    unsigned tried, most;
    enum try_end end;
    int64_t retry_after_us;
    enum schedule_step step;
    int64_t wait_us; /* after the end of the try; NEVER: none */
    const char *comment;
} step_case[] = {
    {1, 5, TRY_DELIVERED, 0, SCHEDULE_DONE, NEVER, "at the first try"},
    {5, 5, TRY_DELIVERED, 0, SCHEDULE_DONE, NEVER, "at the last"},
    {1, 5, TRY_DELIVERED, S(60), SCHEDULE_DONE, NEVER, "whatever Retry-After says"},
    {1, 5, TRY_REFUSED, 0, SCHEDULE_FAILED, NEVER, "a 4xx ends it"},
    {1, 5, TRY_REFUSED, S(60), SCHEDULE_FAILED, NEVER, "even one with Retry-After"},
    {1, 5, TRY_SERVER, 0, SCHEDULE_AGAIN, S(5), "5 s after the first"},
    {2, 5, TRY_SERVER, 0, SCHEDULE_AGAIN, S(30), "30 s after the second"},
    {3, 5, TRY_SERVER, 0, SCHEDULE_AGAIN, S(300), "5 min after the third"},
    {4, 5, TRY_SERVER, 0, SCHEDULE_AGAIN, S(1800), "30 min after the fourth"},
    {5, 5, TRY_SERVER, 0, SCHEDULE_FAILED, NEVER, "the fifth was the last"},
    {5, 5, TRY_SERVER, S(60), SCHEDULE_FAILED, NEVER, "whatever Retry-After says"},
    {6, 5, TRY_SERVER, 0, SCHEDULE_FAILED, NEVER, "more than there are"},
    {0, 5, TRY_SERVER, 0, SCHEDULE_FAILED, NEVER, "tries count from 1"},
    {5, 9, TRY_SERVER, 0, SCHEDULE_FAILED, NEVER, "nobody gets more than five"},
    {1, 1, TRY_SERVER, 0, SCHEDULE_FAILED, NEVER, "one try was asked for"},
    {2, 3, TRY_SERVER, 0, SCHEDULE_AGAIN, S(30), "three were asked for"},
    {3, 3, TRY_SERVER, 0, SCHEDULE_FAILED, NEVER, "and made"},
    {1, 5, TRY_LIMITED, 0, SCHEDULE_AGAIN, S(5), "429"},
    {1, 5, TRY_CONNECT, 0, SCHEDULE_AGAIN, S(5), "no connection"},
    {1, 5, TRY_TLS, 0, SCHEDULE_AGAIN, S(5), "no verified peer"},
    {1, 5, TRY_TIMEOUT, 0, SCHEDULE_AGAIN, S(5), "no answer"},
    {1, 5, TRY_CUT, 0, SCHEDULE_AGAIN, S(5), "half an answer"},
    {1, 5, TRY_SETTINGS, 0, SCHEDULE_AGAIN, S(5), "a secret could not be read"},
    {1, 5, TRY_LIMITED, S(60), SCHEDULE_AGAIN, S(60), "Retry-After lengthens"},
    {1, 5, TRY_LIMITED, S(5) + 1, SCHEDULE_AGAIN, S(5) + 1, "by a µs"},
    {1, 5, TRY_LIMITED, S(4), SCHEDULE_AGAIN, S(5), "and never shortens"},
    {4, 5, TRY_SERVER, S(1799), SCHEDULE_AGAIN, S(1800), "not the last wait either"},
    {4, 5, TRY_SERVER, S(3600), SCHEDULE_AGAIN, S(3600), "which it may lengthen too"},
    {1, 5, TRY_SERVER, -S(60), SCHEDULE_AGAIN, S(5), "a time that is over"},
    {1, 5, TRY_SERVER, INT64_MAX, SCHEDULE_AGAIN, S(86400), "not for ever"},
};

static void each_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof step_case / sizeof step_case[0]; i++) {
        int64_t due = NOW + NEVER;
        enum schedule_step step =
            schedule_next(step_case[i].tried, step_case[i].most, step_case[i].end,
                          step_case[i].retry_after_us, NOW, &due);
        if (step != step_case[i].step || due != NOW + step_case[i].wait_us)
            fail_msg("%s: step %d, %lld µs", step_case[i].comment, (int)step,
                     (long long)(due - NOW));
    }
}

/* One event from its first try to its failure: every wait begins at the end of the try before. */
static void the_whole_of_it(void **state)
{
    static const int64_t began_s[] = {0, 15, 55, 365, 2175};
    int64_t now = NOW, due = NOW;
    unsigned tried = 0;
    enum schedule_step step;

    (void)state;
    do {
        now = due;
        assert_int_equal(now - NOW, began_s[tried] * US_PER_S);
        now += S(10); /* the try takes its whole time */
        step = schedule_next(++tried, SCHEDULE_TRIES, TRY_TIMEOUT, 0, now, &due);
    } while (step == SCHEDULE_AGAIN);
    assert_int_equal(tried, 5);
    assert_int_equal(step, SCHEDULE_FAILED);
}

static const struct {
    int status;
    enum try_end end;
} status_case[] = {
    {200, TRY_DELIVERED}, {202, TRY_DELIVERED}, {204, TRY_DELIVERED}, {299, TRY_DELIVERED},
    {199, TRY_REFUSED},   {300, TRY_REFUSED},   {301, TRY_REFUSED},   {302, TRY_REFUSED},
    {307, TRY_REFUSED},   {400, TRY_REFUSED},   {401, TRY_REFUSED},   {404, TRY_REFUSED},
    {408, TRY_REFUSED},   {409, TRY_REFUSED},   {428, TRY_REFUSED},   {429, TRY_LIMITED},
    {430, TRY_REFUSED},   {499, TRY_REFUSED},   {500, TRY_SERVER},    {502, TRY_SERVER},
    {503, TRY_SERVER},    {504, TRY_SERVER},    {599, TRY_SERVER},    {600, TRY_REFUSED},
    {0, TRY_REFUSED},
};

static void each_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof status_case / sizeof status_case[0]; i++)
        if (try_end_of_status(status_case[i].status) != status_case[i].end)
            fail_msg("%d is %s", status_case[i].status,
                     try_end_name(try_end_of_status(status_case[i].status)));
}

static const struct {
    const char *value;
    int64_t us;
    const char *comment;
} after_case[] = {
    {"120", S(120), "seconds"},
    {"  120\t", S(120), "with white space"},
    {"0", 0, "none"},
    {"00030", S(30), "zeros before them"},
    {"86400", S(86400), "the longest"},
    {"86401", S(86400), "one more"},
    {"99999999999999999999999999", S(86400), "more than fits"},
    {"20251016", S(86400), "seconds, not a date without separators"},
    {"Wed, 15 Oct 2025 10:32:05 GMT", S(120), "a date"},
    {"Wednesday, 15-Oct-25 10:32:05 GMT", S(120), "the form of RFC 850"},
    {"Wed Oct 15 10:32:05 2025", S(120), "that of asctime"},
    {"Wed Oct  1 10:32:05 2025", 0, "with one digit, and over"},
    {"Wed, 15 Oct 2025 10:30:05 GMT", 0, "now"},
    {"Wed, 15 Oct 2025 10:30:04 GMT", 0, "over"},
    {"Fri, 31 Dec 9999 23:59:59 GMT", S(86400), "never"},
    {"", 0, "empty"},
    {"-5", 0, "a sign"},
    {"+5", 0, "the other"},
    {"5.5", 0, "a fraction"},
    {"5s", 0, "a unit"},
    {"0x10", 0, "hexadecimal"},
    {"5, 10", 0, "two"},
    {"Wed, 15 Oct 2025 10:32:05 GMT, 5", 0, "a date and more"},
    {"Wed, 15 Oct 2025 10:32:05 +0200", 0, "another zone"},
    {"Wed, 15 Oct 2025", 0, "half a date"},
    {"tomorrow", 0, "a word"},
    {"Wed, 15 Oct 2025 10:32:05 GMT                                            ", S(120),
     "white space behind a date"},
    {"Wed,                                                             15 Oct 2025 10:32:05 GMT", 0,
     "longer than a date is"},
};

static void each_retry_after(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof after_case / sizeof after_case[0]; i++) {
        int64_t us = schedule_retry_after(slice_of(after_case[i].value), NOW);
        if (us != after_case[i].us)
            fail_msg("%s: \"%s\" is %lld µs", after_case[i].comment, after_case[i].value,
                     (long long)us);
    }
    assert_int_equal(schedule_retry_after((struct slice){"12\0", 3}, NOW), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step),
        cmocka_unit_test(the_whole_of_it),
        cmocka_unit_test(each_status),
        cmocka_unit_test(each_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
