#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/fail.h"
#include "base/text.h"
#include "unit/base_guard.h"

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        const char *comment;
    } cases[] = {
        {"", 0, "nothing"},
        {"A", 1, "ASCII"},
        {"\x7F", 1, "DEL"},
        {"\xC2\x80", 2, "U+0080"},
        {"\xDF\xBF", 2, "U+07FF"},
        {"\xE0\xA0\x80", 3, "U+0800"},
        {"\xED\x9F\xBF", 3, "U+D7FF"},
        {"\xEE\x80\x80", 3, "U+E000"},
        {"\xEF\xBF\xBF", 3, "U+FFFF"},
        {"\xF0\x90\x80\x80", 4, "U+10000"},
        {"\xF4\x8F\xBF\xBF", 4, "U+10FFFF"},
        {"\x80", 0, "continuation alone"},
        {"\xBF", 0, "continuation alone"},
        {"\xC0\x80", 0, "overlong NUL"},
        {"\xC1\xBF", 0, "overlong"},
        {"\xE0\x9F\xBF", 0, "overlong"},
        {"\xF0\x8F\xBF\xBF", 0, "overlong"},
        {"\xED\xA0\x80", 0, "surrogate"},
        {"\xED\xBF\xBF", 0, "surrogate"},
        {"\xF4\x90\x80\x80", 0, "above U+10FFFF"},
        {"\xF5\x80\x80\x80", 0, "above U+10FFFF"},
        {"\xFF", 0, "no such byte"},
        {"\xC3", 0, "cut off"},
        {"\xE2\x82", 0, "cut off"},
        {"\xF0\x9F\x98", 0, "cut off"},
        {"\xC3z", 0, "second byte wrong"},
        {"\xE2\x82z", 0, "third byte wrong"},
        {"\xF0\x9F\x98z", 0, "fourth byte wrong"},
    };
    struct guard_page g = guard_page_new();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (utf8_length(guard_page_copy(g, slice_of(cases[i].text))) != cases[i].length)
            fail_msg("%s", cases[i].comment);
    assert_int_equal(utf8_length((struct slice){"\0", 1}), 1);
    guard_page_free(g);
}

static void test_plain(void **state)
{
    (void)state;
    assert_true(text_is_plain(SLICE_LITERAL("caf\xC3\xA9 \xE2\x82\xAC"), 1, 9));
    assert_false(text_is_plain(SLICE_LITERAL("caf\xC3\xA9 \xE2\x82\xAC"), 1, 8));
    assert_false(text_is_plain(SLICE_LITERAL("caf\xC3\xA9 \xE2\x82\xAC"), 10, 99));
    assert_true(text_is_plain(SLICE_NONE, 0, 0));
    assert_false(text_is_plain(SLICE_NONE, 1, 1));
    assert_false(text_is_plain(SLICE_LITERAL("a\tb"), 0, 9));
    assert_false(text_is_plain(SLICE_LITERAL("a\0b"), 0, 9));
    assert_false(text_is_plain(SLICE_LITERAL("a\x7F"), 0, 9));
    assert_false(text_is_plain(SLICE_LITERAL("a\xC2\x85"), 0, 9)); /* NEL */
    assert_true(text_is_plain(SLICE_LITERAL("a\xC2\xA0"), 0, 9));  /* the first that is none */
    assert_false(text_is_plain(SLICE_LITERAL("a\xFF"), 0, 9));
}

static void test_to_i64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"7", 7},
        {"10", 10},
        {"9007199254740993", INT64_C(9007199254740993)}, /* 2^53 + 1: no double holds it */
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"9223372036854775810", -1},
        {"18446744073709551616", -1},
        {"99999999999999999999", -1},
        {"", -1},
        {"00", -1},
        {"01", -1},
        {"-1", -1},
        {"-0", -1},
        {"+1", -1},
        {"1.0", -1},
        {"1e3", -1},
        {" 1", -1},
        {"1 ", -1},
        {"0x1", -1},
    };
    struct guard_page g = guard_page_new();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t v = -1;
        bool ok = text_to_i64(guard_page_copy(g, slice_of(cases[i].text)), &v);
        if (ok != (cases[i].value >= 0) || v != cases[i].value)
            fail_msg("\"%s\"", cases[i].text);
    }
    guard_page_free(g);
}

static void test_put_u64(void **state)
{
    (void)state;
    char text[TEXT_U64_MAX + 1], expected[TEXT_U64_MAX + 1];
    uint64_t power = 1; /* of ten, and what lies around it */

    for (unsigned i = 0; i < TEXT_U64_MAX; i++, power *= 10)
        for (uint64_t v = power - 1; v - (power - 1) < 3; v++) {
            *text_put_u64(text, v) = '\0';
            (void)snprintf(expected, sizeof expected, "%" PRIu64, v);
            assert_string_equal(text, expected);
        }
    *text_put_u64(text, UINT64_MAX) = '\0';
    assert_string_equal(text, "18446744073709551615");
}

static void test_nocase_and_trim(void **state)
{
    (void)state;
    assert_true(text_equal_nocase(SLICE_LITERAL("Content-Type"), SLICE_LITERAL("cONTENT-tYPE")));
    assert_false(text_equal_nocase(SLICE_LITERAL("Content-Type"), SLICE_LITERAL("Content-Typ")));
    assert_false(text_equal_nocase(SLICE_LITERAL("[`"), SLICE_LITERAL("{@"))); /* 0x20 apart */
    assert_true(text_equal_nocase(SLICE_NONE, SLICE_LITERAL("")));
    assert_true(slice_is(text_trim(SLICE_LITERAL(" \t a b\t ")), "a b"));
    assert_true(slice_is(text_trim(SLICE_LITERAL(" \t ")), ""));
    assert_true(slice_is(text_trim(SLICE_NONE), ""));
    assert_true(slice_is(text_trim(SLICE_LITERAL("\na")), "\na"));
}

static void test_fail(void **state)
{
    (void)state;
    struct fail f;
    char longer[2 * FAIL_TEXT_MAX];

    assert_int_equal(fail_set(&f, "no room for %d", 3), -1);
    assert_string_equal(f.text, "no room for 3");
    assert_int_equal(fail_prefix(&f, "%s:%d", "guichet.conf", 7), -1);
    assert_string_equal(f.text, "guichet.conf:7: no room for 3");
    fail_set(&f, "%s again", f.text); /* its own text as an argument */
    assert_string_equal(f.text, "guichet.conf:7: no room for 3 again");
    assert_int_equal(fail_set(NULL, "nobody asks"), -1);
    assert_int_equal(fail_prefix(NULL, "nobody asks"), -1);

    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    fail_set(&f, "%s", longer);
    assert_int_equal(strlen(f.text), FAIL_TEXT_MAX - 1);
    fail_prefix(&f, "before");
    assert_int_equal(strlen(f.text), FAIL_TEXT_MAX - 1);
    assert_memory_equal(f.text, "before: xxx", 11);

    memcpy(longer + FAIL_TEXT_MAX - 3, "\xE2\x82\xAC", 3); /* cut in its middle */
    fail_set(&f, "%s", longer);
    assert_int_equal(strlen(f.text), FAIL_TEXT_MAX - 3);
    memcpy(longer + FAIL_TEXT_MAX - 4, "\xE2\x82\xAC", 3); /* just whole */
    fail_set(&f, "%s", longer);
    assert_int_equal(strlen(f.text), FAIL_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_to_i64),
        cmocka_unit_test(test_put_u64),
        cmocka_unit_test(test_nocase_and_trim),
        cmocka_unit_test(test_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
