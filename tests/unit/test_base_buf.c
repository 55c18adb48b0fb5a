#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "unit/base_guard.h"

static void test_appends(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);

    assert_true(buf_adds(&b, "a"));
    assert_true(buf_add(&b, "bc\0d", 4));
    assert_true(buf_add_slice(&b, SLICE_NONE));
    assert_true(buf_addf(&b, "[%d %s]", 42, "x"));
    assert_int_equal(b.n, 11);
    assert_memory_equal(b.p, "abc\0d[42 x]", 12);
    for (int i = 0; i < 200; i++)
        assert_true(buf_adds(&b, "0123456789"));
    assert_int_equal(buf_slice(&b).n, 2011);
    buf_free(&b);
    assert_null(b.p);
    assert_int_equal(b.max, 4096);
    assert_true(buf_adds(&b, "again"));
    buf_free(&b);
}

static void test_integers(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(200);

    buf_add_i64(&b, 0);
    buf_adds(&b, " ");
    buf_add_i64(&b, INT64_MAX);
    buf_adds(&b, " ");
    buf_add_i64(&b, INT64_MIN);
    buf_adds(&b, " ");
    buf_add_u64(&b, UINT64_MAX);
    assert_string_equal(b.p, "0 9223372036854775807 -9223372036854775808 18446744073709551615");
    buf_free(&b);
}

static void test_maximum(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(5);

    assert_true(buf_adds(&b, "12345"));
    assert_false(b.overflow);
    assert_false(buf_adds(&b, "6"));
    assert_true(b.overflow);
    assert_string_equal(b.p, "12345");

    buf_reset(&b);
    assert_false(b.overflow);
    assert_string_equal(b.p, "");
    assert_true(buf_adds(&b, "1"));
    assert_false(buf_adds(&b, "23456"));
    assert_false(buf_adds(&b, "2")); /* would fit, but comes after a gap */
    assert_string_equal(b.p, "1");
    buf_free(&b);
}

static void test_refused_append_leaves_nothing(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4);

    assert_false(buf_addf(&b, "%s", "12345"));
    buf_reset(&b);
    assert_false(buf_add_i64(&b, -1234));
    assert_int_equal(b.n, 0);
    buf_reset(&b);
    assert_true(buf_add_i64(&b, -123));
    buf_reset(&b);
    assert_false(buf_add_json(&b, SLICE_LITERAL("abc\n"), 100));
    assert_int_equal(b.n, 0);
    buf_reset(&b);
    assert_true(buf_add_json(&b, SLICE_LITERAL("ab\n"), 100));
    assert_string_equal(b.p, "ab\\n");
    buf_free(&b);

    struct buf none = BUF_INIT(0);
    assert_true(buf_adds(&none, ""));
    assert_false(buf_adds(&none, "x"));
    buf_free(&none);
}

/* Each append at each size of the memory: it stops at the maximum, and its NUL never lies behind what was
 * allocated. */
static void test_every_edge(void **state)
{
    (void)state;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

    for (size_t max = 0; max < 600; max += max < 250 || max > 260 ? 37 : 1)
        for (size_t step = 1; step < sizeof letters; step += 4) {
            struct buf b = BUF_INIT(max);
            size_t want = 0;
            while (buf_add(&b, letters, step)) {
                want += step;
                assert_true(b.n == want && b.n <= max && b.n < b.room && b.room <= max + 1);
                assert_int_equal(b.p[b.n], 0);
            }
            assert_true(b.overflow && b.n == want && want <= max && max - want < step);
            assert_false(buf_add(&b, "", 0));
            assert_int_equal(b.n, want);
            buf_free(&b);
        }
}

/* Lengths near the largest there is are refused, and not summed up to small ones. */
static void test_no_wrap(void **state)
{
    (void)state;
    static const size_t maximums[] = {SIZE_MAX, SIZE_MAX - 1, 300};
    struct buf full = BUF_INIT(8);

    for (size_t i = 0; i < sizeof maximums / sizeof maximums[0]; i++) {
        struct buf b = BUF_INIT(maximums[i]);
        assert_true(buf_add(&b, NULL, 0)); /* there is a text from here on */
        assert_string_equal(b.p, "");
        assert_true(buf_adds(&b, "four"));
        for (volatile size_t less = 0; less < 5; less++) { /* from 5 on the heap refuses it */
            assert_false(buf_add_slice(&b, (struct slice){"x", SIZE_MAX - less}));
            assert_true(b.overflow);
            assert_string_equal(b.p, "four");
            b.overflow = false;
        }
        assert_true(buf_adds(&b, "five"));
        assert_string_equal(b.p, "fourfive");
        buf_free(&b);
    }
    assert_true(buf_adds(&full, "12345678"));
    assert_true(buf_add(&full, "", 0));
    buf_free(&full);
}

static const struct {
    const char *in;
    size_t n;
    size_t max;
    const char *out;
    const char *comment;
} json_case[] = {
    {"plain", 5, 100, "plain", "plain text"},
    {"", 0, 100, "", "nothing"},
    {"", 0, 0, "", "nothing of nothing is not cut"},
    {"a\"b\\c/", 6, 100, "a\\\"b\\\\c/", "quote, backslash; a slash stays"},
    {"\b\f\n\r\t", 5, 100, "\\b\\f\\n\\r\\t", "short forms"},
    {"\0\x01\x1f\x7f", 4, 100, "\\u0000\\u0001\\u001f\\u007f", "controls and DEL"},
    {"\xC2\x80\xC2\x9F\xC2\xA0", 6, 100, "\\u0080\\u009f\xC2\xA0", "C1 controls; not what follows"},
    {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, 100, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
     "UTF-8"},
    {"a\xFFz", 3, 100, "a\xEF\xBF\xBDz", "a byte that is none"},
    {"\xE2\x82", 2, 100, "\xEF\xBF\xBD\xEF\xBF\xBD", "a character cut off"},
    {"\xED\xA0\x80", 3, 100, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", "a surrogate"},
    {"abcdef", 6, 6, "abcdef", "exactly the limit"},
    {"abcdef", 6, 5, "abcde...", "cut"},
    {"ab\xE2\x82\xAC", 5, 4, "ab...", "cut at a character"},
    {"\n\n", 2, 1, "\\n...", "the limit counts what is read"},
    {"abc", 3, 0, "...", "nothing wanted"},
};

static void test_json(void **state)
{
    (void)state;
    struct guard_page g = guard_page_new();
    struct buf b = BUF_INIT(1000);

    for (size_t i = 0; i < sizeof(json_case) / sizeof(json_case[0]); i++) {
        buf_reset(&b);
        struct slice in = guard_page_copy(g, (struct slice){json_case[i].in, json_case[i].n});
        if (!buf_add_json(&b, in, json_case[i].max) || !slice_is(buf_slice(&b), json_case[i].out))
            fail_msg("%s: got %s", json_case[i].comment, b.p);
    }
    buf_free(&b);
    guard_page_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),    cmocka_unit_test(test_integers),
        cmocka_unit_test(test_maximum),    cmocka_unit_test(test_refused_append_leaves_nothing),
        cmocka_unit_test(test_every_edge), cmocka_unit_test(test_no_wrap),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
