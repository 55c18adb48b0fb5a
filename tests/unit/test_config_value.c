#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/proxy.h"
#include "config/value.h"
#include "unit/base_guard.h"

#define BAD (-1)

struct number_case {
    const char *text;
    int64_t value;
};

static void run(bool (*read)(struct slice, int64_t *), const struct number_case *c, size_t n)
{
    struct guard_page g = guard_page_new();

    for (size_t i = 0; i < n; i++) {
        int64_t v = BAD;
        bool ok = read(guard_page_copy(g, slice_of(c[i].text)), &v);
        if (ok != (c[i].value != BAD) || v != c[i].value)
            fail_msg("\"%s\": %lld", c[i].text, (long long)v);
    }
    guard_page_free(g);
}

static void test_duration(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"500ms", 500000},
        {"2s", 2 * US_PER_S},
        {"5m", 300 * US_PER_S},
        {"1h", 3600 * US_PER_S},
        {"30d", 30 * 86400 * US_PER_S},
        {"0s", 0},
        {"106751991d", INT64_C(106751991) * 86400 * US_PER_S},
        {"106751992d", BAD}, /* beyond 2^63 µs */
        {"9223372036854775807s", BAD},
        {"9223372036854775808ms", BAD},
        {"2", BAD},
        {"s", BAD},
        {"", BAD},
        {"2 s", BAD},
        {"2S", BAD},
        {"2us", BAD},
        {"2sec", BAD},
        {"1.5s", BAD},
        {"-2s", BAD},
        {"+2s", BAD},
        {"02s", BAD},
        {"1h30m", BAD},
        {"1y", BAD},
    };
    run(value_duration, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_size(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"0", 0},      {"1000", 1000}, {"64KiB", 65536}, {"1MiB", 1048576},
        {"1KB", BAD},  {"1k", BAD},    {"1M", BAD},      {"1 MiB", BAD},
        {"MiB", BAD},  {"", BAD},      {"1GiB", BAD},    {"8796093022208MiB", BAD},
        {"1mib", BAD},
    };
    run(value_size, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_rate(void **state)
{
    (void)state;
    static const char *const bad[] = {"100",     "100/",    "/60s",     "100/60", "100/60s/1",
                                      "a/60s",   "-1/60s",  "100//60s", "",       "/",
                                      "100 60s", "1e2/60s", "100/s",    "100;60s"};
    int64_t count, window_us;

    assert_true(value_rate(SLICE_LITERAL("100/60s"), &count, &window_us));
    assert_int_equal(count, 100);
    assert_int_equal(window_us, 60 * US_PER_S);
    assert_true(value_rate(SLICE_LITERAL("5 / 1h"), &count, &window_us));
    assert_int_equal(window_us, 3600 * US_PER_S);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (value_rate(slice_of(bad[i]), &count, &window_us))
            fail_msg("\"%s\"", bad[i]);
}

static void test_shortest_text(void **state)
{
    (void)state;
    static const char *const durations[] = {"1ms", "500ms", "1s", "90s", "2m", "25h", "30d"};
    static const char *const sizes[] = {"1", "1000", "1KiB", "1025", "1536KiB", "1MiB", "64MiB"};
    char text[VALUE_TEXT_ROOM];
    int64_t v;

    for (size_t i = 0; i < 7; i++) {
        assert_true(value_duration(slice_of(durations[i]), &v));
        value_duration_text(v, text);
        assert_string_equal(text, durations[i]);
        assert_true(value_size(slice_of(sizes[i]), &v));
        value_size_text(v, text);
        assert_string_equal(text, sizes[i]);
    }
}

static void test_url_path(void **state)
{
    (void)state;
    static const char *const good[] = {
        "/",      "/a",   "/api/webhooks/dazno", "/a/",
        "/a.b/c", "/...", "/.well-known/x",      "/a-_~!$&'()*+,;=:@",
        "/a/..b"};
    static const char *const bad[] = {
        "",       "a",    "a/b",  "//",    "/a//b", "/./a",      "/a/.", "/../a",   "/a/..", "/a b",
        "/a%20b", "/a?b", "/a#b", "/a\\b", "/a\"b", "/\xC3\xA9", "/a//", "/a/../b", "/a\tb"};
    struct guard_page g = guard_page_new();

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!value_is_url_path(guard_page_copy(g, slice_of(good[i]))))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (value_is_url_path(guard_page_copy(g, slice_of(bad[i]))))
            fail_msg("%s", bad[i]);
    assert_false(value_is_url_path((struct slice){"/a\0b", 4}));
    guard_page_free(g);
}

static void test_origin(void **state)
{
    (void)state;
    static const char *const good[] = {"https://example.org", "http://localhost:8080",
                                       "https://10.0.0.1",    "https://[::1]:8443",
                                       "https://a-b.example", "http://[::ffff:10.0.0.1]"};
    static const char *const bad[] = {"",
                                      "https://",
                                      "example.org",
                                      "HTTPS://example.org",
                                      "ftp://example.org",
                                      "https://example.org/",
                                      "https://example.org/a",
                                      "https://example.org:",
                                      "https://example.org:0",
                                      "https://example.org:65536",
                                      "https://example.org:80:80",
                                      "https://user@example.org",
                                      "https://example.org?a",
                                      "https://exa mple.org",
                                      "https://[]",
                                      "https://[::1",
                                      "https://<b>",
                                      "https://\""};
    struct guard_page g = guard_page_new();

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!value_is_origin(guard_page_copy(g, slice_of(good[i]))))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (value_is_origin(guard_page_copy(g, slice_of(bad[i]))))
            fail_msg("%s", bad[i]);
    guard_page_free(g);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(value_is_name(SLICE_LITERAL("standard-webhooks_2")));
    assert_false(value_is_name(SLICE_LITERAL("Dazno")));
    assert_false(value_is_name(SLICE_LITERAL("a b")));
    assert_false(value_is_name(SLICE_LITERAL("a\0")));
    assert_false(value_is_name(SLICE_NONE));
    assert_true(value_is_variable(SLICE_LITERAL("_T4G_2")));
    assert_false(value_is_variable(SLICE_LITERAL("2T4G")));
    assert_false(value_is_variable(SLICE_LITERAL("T4G-KEY")));
    assert_false(value_is_variable(SLICE_NONE));
}

static void test_proxy_forms(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1", "::1",          "unix",          "10.0.0.0/8",
                                       "fd00::/8",  "192.0.2.4/32", "2001:db8::/33", "128.0.0.0/1"};
    static const char *const bad[] = {
        "",          "localhost",    "127.0.0.1/",     "127.0.0.1/33", "0.0.0.0/0",
        "::/0",      "10.0.0.1/8",   "fd00::1/8",      "::1/129",      "127.1",
        "1.2.3.4.5", "fe80::1%eth0", "10.0.0.0/08",    "10.0.0.0/-8",  "unix:",
        "/8",        "[::1]",        "127.0.0.1:8080", "10.0.0.0/8/8", "256.0.0.1"};
    struct guard_page g = guard_page_new();
    struct config_proxy p;
    char text[PROXY_TEXT_ROOM];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!proxy_parse(guard_page_copy(g, slice_of(good[i])), &p))
            fail_msg("%s", good[i]);
        proxy_text(&p, text);
        if (strncmp(text, good[i], strlen(text)) != 0)
            fail_msg("%s became %s", good[i], text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (proxy_parse(guard_page_copy(g, slice_of(bad[i])), &p))
            fail_msg("%s", bad[i]);
    assert_false(proxy_parse((struct slice){"127.0.0.1\0", 10}, &p));
    guard_page_free(g);
}

/* The configuration that trusts just that one. */
static bool trusts(const char *proxy, const char *address)
{
    static struct config c;

    c.nproxies = 1;
    assert_true(proxy_parse(slice_of(proxy), &c.proxy[0]));
    return config_trusts(&c, slice_of(address));
}

static void test_trusts(void **state)
{
    (void)state;
    static const struct {
        const char *proxy, *address;
        bool trusted;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1", "::ffff:127.0.0.1", true}, /* a dual-stack socket's view of it */
        {"127.0.0.1", "::1", false},
        {"127.0.0.1", "", false},
        {"127.0.0.1", "unix:", false},
        {"127.0.0.1", "127.0.0.1x", false},
        {"127.0.0.1", "::127.0.0.1", false},
        {"::1", "::1", true},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"::1", "::2", false},
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.128.0.0/9", "10.128.0.0", true},
        {"10.128.0.0/9", "10.127.255.255", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"fe80::/10", "fe80::1%eth0", true},
        {"unix", "", true},
        {"unix", NULL, true},
        {"unix", "unix:", true},
        {"unix", "127.0.0.1", false},
        {"unix", "::", false},
        {"unix", "nonsense", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (trusts(cases[i].proxy, cases[i].address) != cases[i].trusted)
            fail_msg("%s and %s", cases[i].proxy, cases[i].address);

    static const struct config nobody;
    assert_false(config_trusts(&nobody, SLICE_LITERAL("127.0.0.1")));
    assert_false(config_trusts(&nobody, SLICE_NONE));
}

/* What the code that follows the table relies on. */
static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < keys_count; i++) {
        const struct key *k = &keys_table[i];
        assert_int_equal(keys_index(k), i);
        assert_ptr_equal(keys_find(k->section, slice_of(k->name)), k); /* no name twice */
        assert_true(keys_is_name(slice_of(k->name)));
        assert_non_null(k->help);
        assert_true(k->min <= k->max);
        assert_true(k->sensitive ==
                    (k->type == KEY_STORE || k->type == KEY_SECRET || k->type == KEY_SECRETS));
    }
    assert_null(keys_find(SECTION_METRICS, SLICE_LITERAL("store")));
    assert_false(keys_is_name(SLICE_LITERAL("stor")));
    assert_false(keys_is_name(SLICE_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration), cmocka_unit_test(test_size),
        cmocka_unit_test(test_rate),     cmocka_unit_test(test_shortest_text),
        cmocka_unit_test(test_url_path), cmocka_unit_test(test_origin),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_proxy_forms),
        cmocka_unit_test(test_trusts),   cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
