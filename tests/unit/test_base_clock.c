#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "unit/base_guard.h"

#define REFUSED    INT64_MIN
#define S(seconds) (INT64_C(seconds) * US_PER_S)

static const struct {
    const char *text;
    int64_t us;
    const char *comment;
} parse_case[] = {
    {"2025-10-15T10:30:05Z", S(1760524205), "plain"},
    {"2025-10-15t10:30:05z", S(1760524205), "lower case"},
    {"2025-10-15 10:30:05Z", S(1760524205), "a space for T"},
    {"2025-10-15T10:30:05.5Z", S(1760524205) + 500000, "one digit of fraction"},
    {"2025-10-15T10:30:05.123456Z", S(1760524205) + 123456, "µs"},
    {"2025-10-15T10:30:05.123456999999999999Z", S(1760524205) + 123456, "beyond µs: cut"},
    {"2025-10-15T10:30:05.0000001Z", S(1760524205), "less than a µs"},
    {"2025-10-15T12:30:05+02:00", S(1760524205), "east"},
    {"2025-10-15T05:00:05-05:30", S(1760524205), "west, with minutes"},
    {"2025-10-16T10:29:05+23:59", S(1760524205), "largest offset"},
    {"2025-10-15T10:30:05-00:00", S(1760524205), "unknown local offset"},
    {"1970-01-01T00:00:00Z", 0, "the epoch"},
    {"1969-12-31T23:59:59.999999Z", -1, "before it"},
    {"2000-02-29T00:00:00Z", S(951782400), "leap year of 400"},
    {"2024-02-29T23:59:59Z", S(1709251199), "leap year"},
    {"0000-01-01T00:00:00Z", -S(62167219200), "the first"},
    {"0000-02-29T00:00:00Z", -S(62162121600), "year 0 is a leap year"},
    {"0001-01-01T00:00:00Z", -S(62135596800), "year 1"},
    {"9999-12-31T23:59:59.999999Z", S(253402300800) - 1, "the last"},
    {"2016-12-31T23:59:60Z", S(1483228800), "leap second"},
    {"2016-12-31T23:59:60.9Z", S(1483228800), "within it"},
    {"2017-01-01T05:29:60+05:30", S(1483228800), "leap second elsewhere"},
    {"2016-12-31T23:58:60Z", REFUSED, "second 60 of another minute"},
    {"2017-01-01T05:59:60+05:30", REFUSED, "second 60 of another minute in UTC"},
    {"2016-12-31T23:59:61Z", REFUSED, "second 61"},
    {"2025-02-29T00:00:00Z", REFUSED, "no such day"},
    {"1900-02-29T00:00:00Z", REFUSED, "no leap year of 100"},
    {"2025-04-31T00:00:00Z", REFUSED, "no such day"},
    {"2025-00-01T00:00:00Z", REFUSED, "month 0"},
    {"2025-13-01T00:00:00Z", REFUSED, "month 13"},
    {"2025-01-00T00:00:00Z", REFUSED, "day 0"},
    {"2025-01-01T24:00:00Z", REFUSED, "hour 24"},
    {"2025-01-01T00:60:00Z", REFUSED, "minute 60"},
    {"2025-01-01T00:00:00+24:00", REFUSED, "offset of a day"},
    {"2025-01-01T00:00:00+00:60", REFUSED, "offset with 60 minutes"},
    {"2025-01-01T00:00:00+0200", REFUSED, "offset without a colon"},
    {"2025-01-01T00:00:00+02", REFUSED, "offset without minutes"},
    {"2025-01-01T00:00:00", REFUSED, "no offset"},
    {"2025-01-01T00:00:00.Z", REFUSED, "fraction without digits"},
    {"2025-01-01T00:00:00,5Z", REFUSED, "comma"},
    {"2025-01-01T00:00Z", REFUSED, "no seconds"},
    {"2025-01-01", REFUSED, "a date"},
    {"20250101T000000Z", REFUSED, "basic form"},
    {"2025-1-01T00:00:00Z", REFUSED, "one digit"},
    {"+2025-01-01T00:00:00Z", REFUSED, "sign"},
    {" 2025-01-01T00:00:00Z", REFUSED, "space in front"},
    {"2025-01-01T00:00:00Z ", REFUSED, "space behind"},
    {"2025-01-01T00:00:00ZZ", REFUSED, "twice"},
    {"", REFUSED, "nothing"},
};

static void test_parse(void **state)
{
    (void)state;
    struct guard_page g = guard_page_new();

    for (size_t i = 0; i < sizeof(parse_case) / sizeof(parse_case[0]); i++) {
        int64_t us = REFUSED;
        bool ok = rfc3339_parse(guard_page_copy(g, slice_of(parse_case[i].text)), &us);
        if (ok != (parse_case[i].us != REFUSED) || us != parse_case[i].us)
            fail_msg("%s (%s): %lld", parse_case[i].text, parse_case[i].comment, (long long)us);
    }
    guard_page_free(g);
}

/* Every prefix, and every text with one byte changed, is judged without a byte read too far. */
static void test_parse_mutilated(void **state)
{
    (void)state;
    static const char text[] = "2016-12-31T23:59:59.123456+01:30";
    struct guard_page g = guard_page_new();
    int64_t us;

    for (size_t n = 0; n < sizeof(text) - 1; n++)
        assert_false(rfc3339_parse(guard_page_copy(g, (struct slice){text, n}), &us));
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char changed[sizeof(text)];
        memcpy(changed, text, sizeof(text));
        changed[i] = '\0';
        struct slice s = {changed, sizeof(text) - 1};
        assert_false(rfc3339_parse(guard_page_copy(g, s), &us));
    }
    guard_page_free(g);
}

static void check_format(int64_t us, const char *expected)
{
    char whole[RFC3339_ROOM];
    char fine[RFC3339_US_ROOM];

    rfc3339_format(us, whole);
    assert_memory_equal(whole, expected, 19);
    assert_string_equal(whole + 19, "Z");
    rfc3339_format_us(us, fine);
    assert_string_equal(fine, expected);
}

static void test_format(void **state)
{
    (void)state;
    check_format(S(1760524205), "2025-10-15T10:30:05.000000Z");
    check_format(S(1760524205) + 999999, "2025-10-15T10:30:05.999999Z");
    check_format(0, "1970-01-01T00:00:00.000000Z");
    check_format(-1, "1969-12-31T23:59:59.999999Z");
    check_format(S(951782400), "2000-02-29T00:00:00.000000Z");
    check_format(-S(62167219200), "0000-01-01T00:00:00.000000Z");
    check_format(S(253402300800) - 1, "9999-12-31T23:59:59.999999Z");
    check_format(-S(62167219200) - 1, "0000-01-01T00:00:00.000000Z"); /* held inside */
    check_format(S(253402300800), "9999-12-31T23:59:59.999999Z");
    check_format(INT64_MIN, "0000-01-01T00:00:00.000000Z");
    check_format(INT64_MAX, "9999-12-31T23:59:59.999999Z");
}

/* Each day of ten thousand years, against the C library's calendar, and back. */
static void test_every_day(void **state)
{
    (void)state;
    for (int64_t day = -719528; day <= 2932896; day++) {
        time_t t = (time_t)(day * 86400 + 43199);
        struct tm tm;
        char expected[64], text[RFC3339_ROOM];
        int64_t back = 0;

        gmtime_r(&t, &tm);
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT11:59:59Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday);
        rfc3339_format(t * US_PER_S, text);
        if (strcmp(text, expected) != 0 || !rfc3339_parse(slice_of(text), &back) ||
            back != t * US_PER_S)
            fail_msg("day %lld: %s, not %s", (long long)day, text, expected);
    }
}

static void test_system_clock(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_us(&clock_system);

    assert_true(clock_now_us(&clock_system) / US_PER_S - (int64_t)time(NULL) <= 1);
    assert_true(clock_now_us(&clock_system) / US_PER_S - (int64_t)time(NULL) >= -1);
    assert_true(clock_monotonic_us(&clock_system) >= before);
    assert_true(clock_monotonic_ms(&clock_system) >= before / 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),        cmocka_unit_test(test_parse_mutilated),
        cmocka_unit_test(test_format),       cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_system_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
