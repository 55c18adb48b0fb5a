/* The tool's own small parts: moments as people name them, and what it prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "tool/event_line.h"
#include "tool/out.h"
#include "tool/when.h"

#define NOW_US INT64_C(1760524200123456) /* 2025-10-15T10:30:00.123456Z */

static void reads_moments(void **state)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: none */
        const char *comment;
    } cases[] = {
        {"2025-10-15T10:30:00Z", INT64_C(1760524200000000), "RFC 3339"},
        {"2025-10-15T12:30:00+02:00", INT64_C(1760524200000000), "with an offset"},
        {"2025-10-15", INT64_C(1760486400000000), "a day of UTC"},
        {"90s", NOW_US - 90 * US_PER_S, "seconds ago"},
        {"15m", NOW_US - 900 * US_PER_S, "minutes"},
        {"2h", NOW_US - 7200 * US_PER_S, "hours"},
        {"3d", NOW_US - 259200 * US_PER_S, "days"},
        {"0s", NOW_US, "now"},
        {"", -1, "nothing"},
        {"h", -1, "a unit alone"},
        {"2", -1, "a number alone"},
        {"-2h", -1, "in time to come"},
        {"2w", -1, "no unit"},
        {"2025-13-01", -1, "no month"},
        {"2025-10-1", -1, "a short day"},
        {"99999999999d", -1, "longer ago than can be said"},
        {"2025-10-15 and more", -1, "something behind it"},
    };
    int64_t us;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool read = when_parse(cases[i].text, NOW_US, &us);
        if (read != (cases[i].us >= 0) || (read && us != cases[i].us))
            fail_msg("%s: %s", cases[i].text, cases[i].comment);
    }
}

/* What a few calls print. */
static char *printed(bool json, void (*print)(struct out *o))
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    struct out *o = out_new(f, json);

    assert_non_null(o);
    print(o);
    assert_true(out_free(o));
    fclose(f);
    return text;
}

static void expect(bool json, void (*print)(struct out *o), const char *expected)
{
    char *text = printed(json, print);

    assert_string_equal(text, expected);
    free(text);
}

static void print_rows(struct out *o)
{
    out_text(o, "id", SLICE_LITERAL("a"));
    out_number(o, "n", 100000);
    out_bool(o, "well", true);
    out_end(o);
    out_text(o, "id", SLICE_LITERAL("h\xc3\xa9llo"));
    out_number(o, "n", 2);
    out_none(o, "well");
    out_end(o);
}

static void print_facts(struct out *o)
{
    out_form(o, OUT_FACTS);
    out_text(o, "name", SLICE_LITERAL(""));
    out_time(o, "since", NOW_US);
    out_json(o, "body", SLICE_LITERAL("{\"a\":1}"));
    out_end(o);
    out_say(o, "%d left", 3);
}

static void aligns_for_people(void **state)
{
    (void)state;
    expect(false, print_rows,
           "id     n       well\n"
           "a      100000  yes\n"
           "h\xc3\xa9llo  2       -\n");
    expect(false, print_facts,
           "name   -\n"
           "since  2025-10-15T10:30:00.123456Z\n"
           "body   {\"a\":1}\n"
           "3 left\n");
}

static void prints_json_for_scripts(void **state)
{
    (void)state;
    expect(true, print_rows,
           "{\"id\":\"a\",\"n\":100000,\"well\":true}\n"
           "{\"id\":\"h\xc3\xa9llo\",\"n\":2,\"well\":null}\n");
    expect(true, print_facts,
           "{\"name\":\"\",\"since\":\"2025-10-15T10:30:00.123456Z\",\"body\":{\"a\":1}}\n");
}

/* An escape sequence, a direction mark, a C1 control, a line break, a byte that is no UTF-8. */
#define HOSTILE "\x1b[31m\xe2\x80\xae\xc2\x9b\n\xff."

static void print_hostile(struct out *o)
{
    out_form(o, OUT_FACTS);
    out_text(o, "id", SLICE_LITERAL(HOSTILE));
    out_end(o);
    out_body(o, "body",
             SLICE_LITERAL("one\n\x1b"
                           "two"));
    out_named(o, SLICE_LITERAL("a\x7f"), SLICE_LITERAL("b\r"));
}

static void lets_nothing_steer_a_terminal(void **state)
{
    (void)state;
    expect(false, print_hostile,
           "id  \\x1b[31m\\xe2\\x80\\xae\\xc2\\x9b\\x0a\\xff.\n"
           "body\none\n\\x1btwo\n"
           "a\\x7f             b\\x0d\n");
}

/* --- events as lines -------------------------------------------------------------------------- */

static void expect_body(const char *body, const char *line)
{
    struct buf b = BUF_INIT(EVENT_LINE_MAX);

    event_line_body(slice_of(body), &b);
    assert_false(b.overflow);
    assert_string_equal(b.p, line);
    buf_free(&b);
}

static void makes_a_body_one_line_that_steers_nothing(void **state)
{
    (void)state;
    expect_body("{\n \"a\":\r\n1}", "{  \"a\":  1}");
    expect_body("{\"a\":\"\xc2\x9b"
                "2J\x7f\xc2\x80\"}",
                "{\"a\":\"\\u009b2J\\u007f\\u0080\"}");
    expect_body("{\"a\":\"\xc2\xa0\xc3\x9b\xe2\x82\x9b~\"}",
                "{\"a\":\"\xc2\xa0\xc3\x9b\xe2\x82\x9b~\"}");
}

static void has_room_for_the_largest_body(void **state)
{
    size_t n = 64u << 20; /* the most that max_body can be */
    char *body = malloc(n);
    struct journal_field field[] = {{SLICE_LITERAL("id"), SLICE_LITERAL("evt-1")},
                                    {SLICE_LITERAL("body"), {body, n}}};
    struct journal_entry e = {.id = "1760524200000-0", .field = field, .nfields = 2};
    struct buf b = BUF_INIT(EVENT_LINE_MAX);

    (void)state;
    assert_non_null(body);
    memset(body, 'x', n);
    event_line(&e, &b);
    assert_false(b.overflow);
    assert_true(b.n > n);
    assert_int_equal(b.p[b.n - 1], '}');
    buf_free(&b);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_moments),
        cmocka_unit_test(aligns_for_people),
        cmocka_unit_test(prints_json_for_scripts),
        cmocka_unit_test(lets_nothing_steer_a_terminal),
        cmocka_unit_test(makes_a_body_one_line_that_steers_nothing),
        cmocka_unit_test(has_room_for_the_largest_body),
    };

    return cmocka_run_group_tests_name("tool", tests, NULL, NULL);
}
