#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "outbox/queue.h"

#define A 1 /* destinations */
#define B 2

static struct entry_item item(uint64_t number, uint64_t lane, uint32_t destination)
{
    return (struct entry_item){
        .number = number, .lane = lane, .destination = destination, .id = number};
}

static void put(struct queue *q, uint64_t number, uint64_t lane, uint32_t destination, int64_t due)
{
    struct entry_item i = item(number, lane, destination);

    assert_int_equal(queue_put(q, &i, due), QUEUE_PUT);
}

/* The number of what is taken; 0: nothing is due. */
static uint64_t take(struct queue *q, int64_t now)
{
    struct entry_item i;

    return queue_take(q, now, &i) ? i.number : 0;
}

static void a_user_waits_for_the_earlier_event(void **state)
{
    struct queue *q = queue_new(100, 10);
    struct entry_item again = item(1, 7, A);

    (void)state;
    put(q, 3, 7, A, 0);
    put(q, 1, 7, A, 0); /* found later, but it came earlier */
    put(q, 2, 8, A, 0);
    assert_int_equal(take(q, 0), 1);
    assert_int_equal(take(q, 0), 2); /* another user goes on */
    assert_int_equal(take(q, 0), 0);
    again.tries = 1;
    queue_end(q, 1, &again, 50);
    assert_int_equal(take(q, 49), 0); /* 3 is due, but waits for 1 */
    assert_int_equal(queue_next_us(q), 50);
    assert_int_equal(take(q, 50), 1);
    queue_end(q, 1, NULL, 0);
    assert_int_equal(take(q, 50), 3);
    queue_end(q, 3, NULL, 0);
    queue_end(q, 2, NULL, 0);
    assert_int_equal(queue_count(q), 0);
    assert_int_equal(queue_trying(q), 0);
    assert_true(queue_next_us(q) == INT64_MAX);
    queue_free(q);
}

static void what_is_due_longest_goes_first(void **state)
{
    struct queue *q = queue_new(1000, 1000);
    uint64_t last = 0;

    (void)state;
    for (uint64_t i = 1; i <= 200; i++)
        put(q, i, 1000 + i, A, (int64_t)(i * 7919 % 211));
    for (int k = 0; k < 200; k++) {
        uint64_t number = take(q, 1000), due = number * 7919 % 211;
        assert_true(number > 0 && due >= last);
        last = due;
        queue_end(q, number, NULL, 0);
    }
    assert_int_equal(take(q, 1000), 0);
    queue_free(q);
}

static void a_slow_destination_holds_up_no_other(void **state)
{
    struct queue *q = queue_new(100, 2);

    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        put(q, i, i, A, 0);
    put(q, 6, 6, B, 1);
    assert_true(take(q, 1) <= 5);
    assert_true(take(q, 1) <= 5);
    assert_int_equal(take(q, 1), 6);
    assert_int_equal(take(q, 1), 0); /* A has its share */
    queue_end(q, 6, NULL, 0);
    assert_int_equal(take(q, 1), 0);
    queue_end(q, 1, NULL, 0);
    uint64_t next = take(q, 1);
    assert_true(next >= 2 && next <= 5);
    queue_free(q); /* with tries under way and lanes that wait for a share */
}

static void dropped_and_replaced(void **state)
{
    struct queue *q = queue_new(100, 10);
    struct entry_item one = item(1, 7, A), two = item(2, 7, A), now;

    (void)state;
    put(q, 1, 7, A, 0);
    put(q, 2, 7, A, 0);
    assert_int_equal(queue_put(q, &one, 99), QUEUE_KNOWN); /* its time does not change */
    queue_drop(q, &one);
    assert_int_equal(take(q, 0), 2);
    queue_drop(q, &two); /* while it is tried */
    assert_false(queue_now(q, 2, &now));
    assert_int_equal(queue_count(q), 1);
    queue_end(q, 2, &two, 5);
    assert_int_equal(queue_count(q), 0);

    put(q, 3, 7, A, 1000);
    struct entry_item three = item(3, 7, A), old = three;
    three.tries = 2;
    assert_int_equal(queue_put(q, &three, 10), QUEUE_PUT); /* retried by hand: due at once */
    queue_drop(q, &old); /* the old name went: not ours any more */
    assert_int_equal(take(q, 10), 3);
    assert_true(queue_now(q, 3, &now) && now.tries == 2);
    queue_free(q);
}

static void no_more_than_the_maximum(void **state)
{
    struct queue *q = queue_new(2, 10);
    struct entry_item three = item(3, 3, A);

    (void)state;
    put(q, 1, 1, A, 0);
    put(q, 2, 2, A, 0);
    assert_int_equal(queue_put(q, &three, 0), QUEUE_FULL);
    assert_int_equal(take(q, 0), 1);
    queue_end(q, 1, NULL, 0);
    assert_int_equal(queue_put(q, &three, 0), QUEUE_PUT);
    queue_free(q);
}

/* Against a model that is too simple to be wrong: random events, tries, failures, removals. */
#define EVENTS 60
static void as_a_simple_model_says(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct queue *q = queue_new(1000, 3);
        bool there[EVENTS + 1] = {false}, trying[EVENTS + 1] = {false};
        int64_t due[EVENTS + 1] = {0}, now = 0;
        unsigned random = seed;

        for (int step = 0; step < 2000; step++) {
            random = random * 1103515245u + 12345u;
            uint64_t n = 1 + (random >> 16) % EVENTS, lane = n % 7, first = 0;
            uint32_t to = (uint32_t)(lane % 2);
            struct entry_item i = item(n, lane, to);
            now++;
            switch ((random >> 8) % 4) {
            case 0:
                if (!there[n]) {
                    due[n] = now + (int64_t)(random % 50);
                    put(q, n, lane, to, due[n]);
                    there[n] = true;
                }
                break;
            case 1:
                if (there[n] && !trying[n]) {
                    queue_drop(q, &i);
                    there[n] = false;
                }
                break;
            case 2:
                if (trying[n]) {
                    bool done = (random >> 20) % 2 == 0;
                    due[n] = now + 20;
                    queue_end(q, n, done ? NULL : &i, due[n]);
                    there[n] = !done;
                    trying[n] = false;
                }
                break;
            default:
                n = take(q, now);
                if (n == 0)
                    break;
                for (uint64_t k = n % 7 == 0 ? 7 : n % 7; k <= EVENTS && first == 0; k += 7)
                    first = there[k] ? k : 0;
                assert_int_equal(first, n); /* the first of its lane */
                for (uint64_t k = 1; k <= EVENTS; k++)
                    assert_false(trying[k] && k % 7 == n % 7);
                assert_true(due[n] <= now);
                trying[n] = true;
                break;
            }
            size_t count = 0, busy = 0;
            for (size_t k = 1; k <= EVENTS; k++) {
                count += there[k];
                busy += trying[k];
            }
            assert_int_equal(queue_count(q), count);
            assert_int_equal(queue_trying(q), busy);
        }
        queue_free(q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_waits_for_the_earlier_event),
        cmocka_unit_test(what_is_due_longest_goes_first),
        cmocka_unit_test(a_slow_destination_holds_up_no_other),
        cmocka_unit_test(dropped_and_replaced),
        cmocka_unit_test(no_more_than_the_maximum),
        cmocka_unit_test(as_a_simple_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
