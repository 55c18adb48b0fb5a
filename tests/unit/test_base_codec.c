#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/codec.h"
#include "unit/base_guard.h"

/* One text and what a decoder makes of it; bytes == NULL: refused. */
struct decode_case {
    const char *text;
    const char *bytes;
    size_t n;
    const char *comment;
};

typedef ssize_t decoder(struct slice text, uint8_t *out, size_t room);

static ssize_t percent_decode_bytes(struct slice text, uint8_t *out, size_t room)
{
    return percent_decode(text, (char *)out, room);
}

/* Text and result both end at a guard page; the room is exact, and then one byte too small. */
static void run(decoder *decode, const struct decode_case *c, size_t cases)
{
    struct guard_page in = guard_page_new();
    struct guard_page out = guard_page_new();

    for (size_t i = 0; i < cases; i++, c++) {
        struct slice text = guard_page_copy(in, slice_of(c->text));
        size_t room = c->bytes != NULL ? c->n : text.n;
        uint8_t *p = (uint8_t *)guard_page_room(out, room);
        ssize_t n = decode(text, p, room);
        if (n != (c->bytes != NULL ? (ssize_t)c->n : -1) ||
            (n > 0 && memcmp(p, c->bytes, c->n) != 0))
            fail_msg("\"%s\" (%s): %zd", c->text, c->comment, n);
        if (c->bytes != NULL && c->n > 0 && decode(text, p + 1, room - 1) != -1)
            fail_msg("\"%s\" (%s): written beyond its room", c->text, c->comment);
    }
    guard_page_free(in);
    guard_page_free(out);
}

static void test_hex(void **state)
{
    (void)state;
    static const struct decode_case cases[] = {
        {"", "", 0, "nothing"},
        {"00ff10", "\x00\xFF\x10", 3, "digits"},
        {"aAfF", "\xAA\xFF", 2, "both cases"},
        {"0", NULL, 0, "odd"},
        {"00f", NULL, 0, "odd"},
        {"0g", NULL, 0, "no digit"},
        {"g0", NULL, 0, "no digit in front"},
        {" 00", NULL, 0, "space"},
        {"0x00", NULL, 0, "prefix"},
        {"/0", NULL, 0, "before 0"},
        {":0", NULL, 0, "behind 9"},
        {"@0", NULL, 0, "before A"},
        {"`0", NULL, 0, "before a"},
        {"\xC3\xA9", NULL, 0, "not ASCII"},
    };
    char text[9];
    run(hex_decode, cases, sizeof(cases) / sizeof(cases[0]));
    hex_encode((const uint8_t *)"\x00\xFF\x1a\x9B", 4, text);
    assert_string_equal(text, "00ff1a9b");
    hex_encode(NULL, 0, text);
    assert_string_equal(text, "");
}

static void test_base64(void **state)
{
    (void)state;
    static const struct decode_case cases[] = {
        {"", "", 0, "RFC 4648 section 10"},
        {"Zg==", "f", 1, "RFC 4648 section 10"},
        {"Zm8=", "fo", 2, "RFC 4648 section 10"},
        {"Zm9v", "foo", 3, "RFC 4648 section 10"},
        {"Zm9vYg==", "foob", 4, "RFC 4648 section 10"},
        {"Zm9vYmE=", "fooba", 5, "RFC 4648 section 10"},
        {"Zm9vYmFy", "foobar", 6, "RFC 4648 section 10"},
        {"Zg", "f", 1, "without padding"},
        {"Zm8", "fo", 2, "without padding"},
        {"+/+/", "\xFB\xFF\xBF", 3, "last two digits"},
        {"Zg=", NULL, 0, "half the padding"},
        {"Zg===", NULL, 0, "too much padding"},
        {"Zm8==", NULL, 0, "too much padding"},
        {"Zm9v====", NULL, 0, "padding where none belongs"},
        {"Zm9v==", NULL, 0, "padding where none belongs"},
        {"Zm9v=", NULL, 0, "padding where none belongs"},
        {"=", NULL, 0, "padding alone"},
        {"====", NULL, 0, "padding alone"},
        {"Z===", NULL, 0, "one digit"},
        {"Z", NULL, 0, "one digit"},
        {"Zm9vY", NULL, 0, "one digit left"},
        {"Zh==", NULL, 0, "unused bits set"},
        {"Zm9=", NULL, 0, "unused bits set"},
        {"Zh", NULL, 0, "unused bits set, without padding"},
        {"Zg==Zg==", NULL, 0, "padding inside"},
        {"Zm 9v", NULL, 0, "space"},
        {"Zm9v\n", NULL, 0, "newline"},
        {"-_-_", NULL, 0, "the URL alphabet"},
        {"Zm9\xC3", NULL, 0, "not ASCII"},
    };
    run(base64_decode, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_base64_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[64], back[64];
    char text[BASE64_ROOM(64)];

    for (size_t n = 0; n <= sizeof(bytes); n++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(i * 151 + n * 13);
        memset(text, 'x', sizeof(text));
        base64_encode(bytes, n, text);
        assert_int_equal(strlen(text) + 1, BASE64_ROOM(n));
        assert_int_equal(base64_decode(slice_of(text), back, sizeof(back)), n);
        assert_memory_equal(bytes, back, n);
    }
}

static void test_percent(void **state)
{
    (void)state;
    static const struct decode_case cases[] = {
        {"", "", 0, "nothing"},
        {"/api", "/api", 4, "nothing to decode"},
        {"%41%4a%4A", "AJJ", 3, "both cases"},
        {"a+b", "a+b", 3, "a plus is a plus"},
        {"%2541", "%41", 3, "once only"},
        {"%ff", "\xFF", 1, "any byte"},
        {"%", NULL, 0, "cut off"},
        {"a%4", NULL, 0, "cut off"},
        {"%4g", NULL, 0, "no digit"},
        {"%g4", NULL, 0, "no digit"},
        {"%%41", NULL, 0, "no digit"},
        {"%00", NULL, 0, "NUL"},
    };
    run(percent_decode_bytes, cases, sizeof(cases) / sizeof(cases[0]));

    char text[] = "/a%20b%2Fc"; /* in place */
    assert_int_equal(percent_decode(slice_of(text), text, sizeof(text)), 6);
    assert_memory_equal(text, "/a b/c", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_base64_there_and_back),
        cmocka_unit_test(test_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
