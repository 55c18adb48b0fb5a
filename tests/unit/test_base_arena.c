#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"

static void test_hands_out_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena *a = arena_new(1024);
    assert_non_null(a);

    for (size_t n = 1; n < 40; n += 7) {
        unsigned char *p = arena_alloc(a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xA5, n);
    }
    assert_non_null(arena_alloc(a, 0));
    arena_free(a);
}

static void test_maximum_is_kept(void **state)
{
    (void)state;
    const size_t max = 200 * 1024; /* beyond the first block and a later one */
    struct arena *a = arena_new(max);

    assert_non_null(arena_raw(a, max));
    assert_null(arena_raw(a, 1));
    arena_reset(a);
    assert_int_equal(arena_used(a), 0);

    assert_null(arena_raw(a, max + 1));
    assert_null(arena_raw(a, SIZE_MAX));
    assert_null(arena_alloc(a, SIZE_MAX - 15));
    assert_int_equal(arena_used(a), 0);
    assert_non_null(arena_raw(a, max)); /* a refusal costs nothing */
    arena_free(a);
}

static void test_empty_maximum(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    assert_non_null(a);
    assert_non_null(arena_raw(a, 0));
    assert_null(arena_raw(a, 1));
    arena_free(a);
    arena_free(NULL);
    assert_null(arena_new(SIZE_MAX));
}

static void test_blocks_do_not_overlap(void **state)
{
    (void)state;
    enum { COUNT = 100, SIZE = 3000 };
    struct arena *a = arena_new((size_t)COUNT * (SIZE + 16));
    unsigned char *p[COUNT];

    for (int i = 0; i < COUNT; i++) {
        p[i] = arena_raw(a, SIZE);
        assert_non_null(p[i]);
        memset(p[i], i, SIZE);
    }
    for (int i = 0; i < COUNT; i++)
        for (size_t k = 0; k < SIZE; k += 499)
            assert_int_equal(p[i][k], i);
    arena_free(a);
}

static void test_reset_overwrites(void **state)
{
    (void)state;
    struct arena *a = arena_new(4096);
    const char secret[] = "a secret of the last request";
    struct slice s = arena_copy(a, SLICE_LITERAL(secret));
    assert_memory_equal(s.p, secret, sizeof(secret)); /* with its NUL */
    assert_int_equal(s.n, sizeof(secret) - 1);

    arena_reset(a);
    const char *again = arena_raw(a, sizeof(secret)); /* the same memory, not zeroed for us */
    assert_ptr_equal(again, s.p);
    for (size_t i = 0; i < sizeof(secret); i++)
        assert_int_equal(again[i], 0);
    arena_free(a);
}

/* What is taken back counts no more, comes next, and is as it was. */
static void test_shrink(void **state)
{
    (void)state;
    struct arena *a = arena_new(100 * 1024);
    const size_t before[] = {0, 100, 50 * 1024}; /* the last leaves no room in the first block */

    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        assert_non_null(arena_raw(a, before[i]));
        size_t used = arena_used(a);
        char *p = arena_raw(a, 4096);
        memset(p, 'x', 64);
        arena_shrink(a, p, 64);
        assert_int_equal(arena_used(a), used + 64);
        char *next = arena_raw(a, 4096);
        assert_ptr_equal(next, p + 64);
        for (size_t k = 0; k < 4096; k++)
            assert_int_equal(next[k], 0);
        arena_shrink(a, next, 0);
        assert_int_equal(arena_used(a), used + 64);
        arena_reset(a);
        assert_int_equal(arena_used(a), 0);
    }
    arena_free(a);
}

static void test_copy(void **state)
{
    (void)state;
    struct arena *a = arena_new(16);

    struct slice empty = arena_copy(a, SLICE_NONE);
    assert_non_null(empty.p);
    assert_int_equal(empty.n, 0);
    assert_int_equal(empty.p[0], 0);
    arena_reset(a);

    assert_non_null(arena_copy(a, SLICE_LITERAL("fifteen bytes..")).p);
    arena_reset(a);
    assert_null(arena_copy(a, SLICE_LITERAL("sixteen bytes...")).p); /* its NUL has no room */
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hands_out_zeroed_and_aligned),
        cmocka_unit_test(test_maximum_is_kept),
        cmocka_unit_test(test_empty_maximum),
        cmocka_unit_test(test_blocks_do_not_overlap),
        cmocka_unit_test(test_reset_overwrites),
        cmocka_unit_test(test_shrink),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
