#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "observe/state_day.h"
#include "unit/temp_dir.h"

#define MINUTE INT64_C(60000000)
#define DAY    (STATE_DAY_MINUTES * MINUTE)
/* 2026-03-29T23:59:00Z: a minute before midnight. */
#define LATE INT64_C(1774828740000000)

static struct state *fresh(void)
{
    struct state *s = state_private(NULL, 0);

    assert_non_null(s);
    return s;
}

/* Accepted in the minutes [from, from + n) as seen at now. */
static uint64_t accepted(struct state *s, int64_t now_us, int64_t from_us, int64_t n)
{
    struct state_day_sum sum;

    state_day_read(s, now_us, from_us / MINUTE, from_us / MINUTE + n - 1, &sum);
    return sum.webhooks[OUTCOME_ACCEPTED];
}

static uint64_t of_last_day(struct state *s, int64_t now_us)
{
    return accepted(s, now_us, now_us - DAY + MINUTE, STATE_DAY_MINUTES);
}

static void count(struct state *s, int64_t at_us, unsigned n)
{
    while (n-- > 0)
        state_day_count(s, at_us, OUTCOME_ACCEPTED, 700);
}

static void test_counts(void **unused)
{
    (void)unused;
    struct state *s = fresh();
    struct state_day_sum sum;

    state_day_count(s, LATE, OUTCOME_ACCEPTED, 700);
    state_day_count(s, LATE, OUTCOME_ACCEPTED, 90);
    state_day_count(s, LATE + 1, OUTCOME_ERROR, 6000000);
    state_day_count(s, LATE, OUTCOME_COUNT, 1);
    state_day_read(s, LATE, LATE / MINUTE, LATE / MINUTE, &sum);
    assert_int_equal(sum.webhooks[OUTCOME_ACCEPTED], 2);
    assert_int_equal(sum.webhooks[OUTCOME_ERROR], 1);
    assert_int_equal(sum.webhooks[OUTCOME_DUPLICATE], 0);
    assert_int_equal(sum.request[0], 1);
    assert_int_equal(sum.request[3], 1);
    assert_int_equal(sum.request[STATE_BUCKETS - 1], 1);
    state_close(s);
}

static void test_midnight_and_minutes(void **unused)
{
    (void)unused;
    struct state *s = fresh();

    count(s, LATE, 1);
    count(s, LATE + MINUTE - 1, 2); /* the last µs of the day */
    count(s, LATE + MINUTE, 4);     /* midnight */
    assert_int_equal(accepted(s, LATE + MINUTE, LATE, 1), 3);
    assert_int_equal(accepted(s, LATE + MINUTE, LATE + MINUTE, 1), 4);
    assert_int_equal(of_last_day(s, LATE + MINUTE), 7);
    state_close(s);
}

static void test_a_day_goes_by(void **unused)
{
    (void)unused;
    struct state *s = fresh();

    count(s, LATE, 3);
    assert_int_equal(of_last_day(s, LATE + DAY - MINUTE), 3);
    assert_int_equal(of_last_day(s, LATE + DAY), 0); /* its slot is this minute's now */
    count(s, LATE + DAY, 1);
    assert_int_equal(of_last_day(s, LATE + DAY), 1);
    /* What is asked for beyond the day is not there, and is not taken from somebody else's slot. */
    assert_int_equal(accepted(s, LATE + DAY, LATE - DAY, 10 * STATE_DAY_MINUTES), 1);
    state_close(s);
}

static void test_gap_of_hours(void **unused)
{
    (void)unused;
    struct state *s = fresh();

    count(s, LATE, 3);
    count(s, LATE + 300 * MINUTE, 2);
    assert_int_equal(accepted(s, LATE + 300 * MINUTE, LATE + MINUTE, 299), 0);
    assert_int_equal(of_last_day(s, LATE + 300 * MINUTE), 5);
    assert_int_equal(of_last_day(s, LATE + 40 * DAY), 0);
    state_close(s);
}

static void test_clock_steps_back(void **unused)
{
    (void)unused;
    struct state *s = fresh();

    count(s, LATE, 3);
    count(s, LATE - 5 * MINUTE, 2); /* five minutes back */
    assert_int_equal(of_last_day(s, LATE - 5 * MINUTE), 2);
    count(s, LATE, 1); /* it caught up: that minute is counted on */
    assert_int_equal(of_last_day(s, LATE), 6);

    /* Back from a wrong year: its numbers are neither shown nor added to. */
    count(s, LATE + 2000 * DAY, 7);
    assert_int_equal(of_last_day(s, LATE), 2); /* one minute was lost to it */
    count(s, LATE, 1);
    assert_int_equal(of_last_day(s, LATE), 3);
    state_close(s);
}

static void test_before_1970(void **unused)
{
    (void)unused;
    struct state *s = fresh();

    count(s, -5, 1);
    count(s, 0, 1);
    assert_int_equal(accepted(s, 0, 0, 1), 2);
    assert_int_equal(accepted(s, 0, -DAY, 3 * STATE_DAY_MINUTES), 2);
    state_close(s);
}

static void test_processes_and_restarts(void **unused)
{
    (void)unused;
    enum { PROCESSES = 4, EACH = 5000 };
    struct temp_dir dir = temp_dir_new();
    pid_t pid[PROCESSES];
    struct fail why;

    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            struct state *s = state_open(dir.path, NULL, 0, &why);
            for (int k = 0; s != NULL && k < EACH; k++)
                count(s, LATE + (k % 3) * MINUTE, 1);
            state_close(s);
            _exit(s == NULL);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        waitpid(pid[i], &status, 0);
        assert_int_equal(status, 0);
    }
    struct state *s = state_open(dir.path, NULL, 0, &why); /* nobody has it open any more */
    assert_non_null(s);
    assert_int_equal(of_last_day(s, LATE + 2 * MINUTE), PROCESSES * EACH);
    state_close(s);
    temp_dir_remove(&dir);
}

static void test_quantiles(void **unused)
{
    (void)unused;
    uint64_t b[STATE_BUCKETS] = {0};
    bool beyond = true;

    assert_int_equal(state_quantile_us(b, 500, &beyond), -1);
    assert_false(beyond);
    b[3] = 100; /* 500 to 1000 µs */
    assert_int_equal(state_quantile_us(b, 500, NULL), 750);
    assert_int_equal(state_quantile_us(b, 990, NULL), 995);
    assert_int_equal(state_quantile_us(b, 1000, NULL), 1000);
    b[0] = 100;
    assert_int_equal(state_quantile_us(b, 250, NULL), 50);
    assert_int_equal(state_quantile_us(b, 500, NULL), 100); /* just the end of the first */
    assert_int_equal(state_quantile_us(b, 505, NULL), 505);
    b[STATE_BUCKETS - 1] = 2; /* a hundredth is beyond every bound */
    assert_int_equal(state_quantile_us(b, 999, &beyond), 5000000);
    assert_true(beyond);
    assert_int_equal(state_quantile_us(b, 500, &beyond), 505);
    assert_false(beyond);
    memset(b, 0, sizeof(b));
    b[0] = UINT64_MAX / 2; /* no overflow */
    assert_int_equal(state_quantile_us(b, 500, NULL), 50);
}

static void test_standing(void **unused)
{
    (void)unused;
    struct state *s = fresh();
    _Atomic int64_t *standing = &state_shared(s)->standing;

    assert_int_equal(*standing, 0);
    state_stands(s, true, 1000);
    state_stands(s, true, 2000);
    assert_int_equal(*standing, 1000 * 2 + 1);
    state_stands(s, false, 3000);
    state_stands(s, false, 4000);
    assert_int_equal(*standing, 3000 * 2);
    state_stands(s, true, 5000);
    assert_int_equal(*standing, 5000 * 2 + 1);
    state_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_midnight_and_minutes),
        cmocka_unit_test(test_a_day_goes_by),
        cmocka_unit_test(test_gap_of_hours),
        cmocka_unit_test(test_clock_steps_back),
        cmocka_unit_test(test_before_1970),
        cmocka_unit_test(test_processes_and_restarts),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_standing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
