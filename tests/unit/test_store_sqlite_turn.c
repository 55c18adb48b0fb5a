/* The queue of the threads that write to one file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "store/sqlite_turn.h"

#define THREADS 4
#define TURNS   2000

static int64_t soon(void)
{
    return clock_monotonic_ms(&clock_system) + 20;
}

static int temporary(void)
{
    char name[] = "/tmp/guichet-turn.XXXXXX";
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    return fd;
}

static void waits_until_the_deadline(void **state)
{
    int one = temporary(), other = temporary(), again = dup(one);
    struct sqlite_turn *a = sqlite_turn_join(one), *b = sqlite_turn_join(other),
                       *c = sqlite_turn_join(again);

    (void)state;
    assert_ptr_equal(a, c);
    assert_ptr_not_equal(a, b);
    assert_true(sqlite_turn_take(a, &clock_system, soon()));
    assert_false(sqlite_turn_take(c, &clock_system, soon()));
    assert_true(sqlite_turn_take(b, &clock_system, soon())); /* another file's */
    sqlite_turn_end(a);
    assert_true(
        sqlite_turn_take(c, &clock_system, 0)); /* free: no waiting, whatever the deadline */
    sqlite_turn_end(c);
    sqlite_turn_end(b);
    sqlite_turn_leave(a);
    assert_true(sqlite_turn_take(c, &clock_system, soon())); /* it stays for who is left */
    sqlite_turn_end(c);
    sqlite_turn_leave(c);
    sqlite_turn_leave(b);
    sqlite_turn_leave(NULL);
    close(one);
    close(other);
    close(again);
}

static struct sqlite_turn *shared;
static volatile int count; /* not atomic: only one may be at it */

static void *add(void *arg)
{
    for (int i = 0; i < TURNS; i++) {
        if (!sqlite_turn_take(shared, &clock_system, INT64_MAX / 2))
            return arg;
        int seen = count;
        if (i % 100 == 0)
            (void)usleep(1);
        count = seen + 1;
        sqlite_turn_end(shared);
    }
    return NULL;
}

static void lets_one_at_a_time(void **state)
{
    pthread_t thread[THREADS];
    int fd = temporary();

    (void)state;
    shared = sqlite_turn_join(fd);
    count = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, add, shared), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = shared;
        assert_int_equal(pthread_join(thread[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(count, THREADS * TURNS);
    sqlite_turn_leave(shared);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_until_the_deadline),
        cmocka_unit_test(lets_one_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
