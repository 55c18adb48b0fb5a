/* The addresses of stores: what is read from them, what is refused, what is shown of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include "store/redis_url.h"
#include "store/store.h"

static void reads_addresses(void **state)
{
    static const struct {
        const char *url, *path, *host;
        int port, db;
        const char *user, *password;
    } cases[] = {
        {"unix:///run/redis.sock", "/run/redis.sock", "", 6379, 0, "", ""},
        {"unix:///run/redis.sock?db=7", "/run/redis.sock", "", 6379, 7, "", ""},
        {"unix:///a%20b%3f/r", "/a b?/r", "", 6379, 0, "", ""},
        {"unix:///a@b/r", "/a@b/r", "", 6379, 0, "", ""},
        {"unix://u:p@/r", "/r", "", 6379, 0, "u", "p"},
        {"unix://:p%40%2F%3a%25@/r", "/r", "", 6379, 0, "", "p@/:%"},
        {"redis://h", "", "h", 6379, 0, "", ""},
        {"redis://h/", "", "h", 6379, 0, "", ""},
        {"redis://h:1", "", "h", 1, 0, "", ""},
        {"redis://127.0.0.1:65535/15", "", "127.0.0.1", 65535, 15, "", ""},
        {"redis://[::1]", "", "::1", 6379, 0, "", ""},
        {"redis://u:p@[fe80::1]:7000/2", "", "fe80::1", 7000, 2, "u", "p"},
        {"redis://:p@h", "", "h", 6379, 0, "", "p"},
        {"redis://u:p:q@h", "", "h", 6379, 0, "u", "p:q"},
        {"redis://u:p@q@h", "", "h", 6379, 0, "u", "p@q"},
    };
    struct redis_address a;
    struct fail why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!redis_url_parse(cases[i].url, &a, &why)) {
            print_error("%s: %s\n", cases[i].url, why.text);
            fail();
        }
        assert_string_equal(a.path, cases[i].path);
        assert_string_equal(a.host, cases[i].host);
        assert_int_equal(a.port, cases[i].port);
        assert_int_equal(a.db, cases[i].db);
        assert_string_equal(a.user, cases[i].user);
        assert_string_equal(a.password, cases[i].password);
    }
}

static void reads_sentinels(void **state)
{
    static const struct {
        const char *url;
        size_t n;
        const char *first;
        int port;
        const char *last;
        int last_port;
        const char *master;
        int db;
        const char *user, *password;
    } cases[] = {
        {"sentinel://h/shop", 1, "h", 26379, "h", 26379, "shop", 0, "", ""},
        {"sentinel://a:1,b:2,c/my.shop-1_X?db=3", 3, "a", 1, "c", 26379, "my.shop-1_X", 3, "", ""},
        {"sentinel://u:p%40%2F@[::1]:7,10.0.0.1/m", 2, "::1", 7, "10.0.0.1", 26379, "m", 0, "u",
         "p@/"},
        {"sentinel://:p@a,b/m?db=15", 2, "a", 26379, "b", 26379, "m", 15, "", "p"},
        {"sentinel://1,2,3,4,5,6,7,8,9/m", 9, "1", 26379, "9", 26379, "m", 0, "", ""},
    };
    struct redis_sentinels s;
    struct redis_address a;
    struct fail why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!redis_url_parse_sentinels(cases[i].url, &s, &a, &why)) {
            print_error("%s: %s\n", cases[i].url, why.text);
            fail();
        }
        assert_int_equal(s.n, cases[i].n);
        assert_string_equal(s.place[0].host, cases[i].first);
        assert_int_equal(s.place[0].port, cases[i].port);
        assert_string_equal(s.place[s.n - 1].host, cases[i].last);
        assert_int_equal(s.place[s.n - 1].port, cases[i].last_port);
        assert_string_equal(s.master, cases[i].master);
        assert_int_equal(a.db, cases[i].db);
        assert_string_equal(a.user, cases[i].user);
        assert_string_equal(a.password, cases[i].password);
        assert_string_equal(a.host, "");
        assert_string_equal(a.path, "");
    }
}

static void refuses_wrong_addresses(void **state)
{
    static const char *const urls[] = {
        "",
        "/run/redis.sock",
        "http://h",
        "rediss://h",
        "redis:/h",
        "unix://",
        "unix:///",
        "unix://run/redis.sock",
        "unix:///r?db=",
        "unix:///r?db=x",
        "unix:///r?db=-1",
        "unix:///r?db=65536",
        "unix:///r?timeout=5",
        "unix:///a%2",
        "unix:///a%00b",
        "unix://secret@/r",
        "unix://u:@/r",
        "redis://",
        "redis://:6379",
        "redis:///0",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:x",
        "redis://h:",
        "redis://h/x",
        "redis://h/1/2",
        "redis://[::1",
        "redis://[]",
        "redis://[::1]x",
        "redis://secret@h",
        "redis://u:secret%zz@h",
        "sentinel://",
        "sentinel://h",
        "sentinel://h/",
        "sentinel:///m",
        "sentinel://h/m/1",
        "sentinel://h/m m",
        "sentinel://h/m?db=x",
        "sentinel://h/m?name=x",
        "sentinel://,h/m",
        "sentinel://h,/m",
        "sentinel://h:0/m",
        "sentinel://h:65536/m",
        "sentinel://[::1/m",
        "sentinel://secret@h/m",
        "sentinel://1,2,3,4,5,6,7,8,9,10/m",
        "sentinel://h/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct fail why;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        why.text[0] = '\0';
        struct store *s = store_open(urls[i], &clock_system, &why);
        if (s != NULL)
            print_error("%s was taken\n", urls[i]);
        assert_null(s);
        assert_true(strlen(why.text) > 20);
        assert_null(strstr(why.text, "secret"));
    }
}

static void checks_the_length_of_a_socket_path(void **state)
{
    char url[160];
    struct redis_address a;
    struct fail why;

    (void)state;
    (void)snprintf(url, sizeof url, "unix:///%0*d", REDIS_PATH_MAX - 1, 0);
    assert_true(redis_url_parse(url, &a, &why));
    assert_int_equal(strlen(a.path), REDIS_PATH_MAX);
    (void)snprintf(url, sizeof url, "unix:///%0*d", REDIS_PATH_MAX, 0);
    assert_false(redis_url_parse(url, &a, &why));
    assert_non_null(strstr(why.text, "107"));
}

static void shows_no_credentials(void **state)
{
    static const char *const cases[][2] = {
        {"unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"},
        {"unix:///a@b/r", "unix:///a@b/r"},
        {"unix://u:secret@/r", "unix:///r"},
        {"redis://h:1/2", "redis://h:1/2"},
        {"redis://u:secret@h:1/2", "redis://h:1/2"},
        {"redis://u:sec/ret@x@h", "redis://h"},
        {"sentinel://u:secret@h:1,i:2/m?db=1", "sentinel://h:1,i:2/m?db=1"},
        {"u:secret@h", "h"},
    };
    char out[64], small[9];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store_address(cases[i][0], out, sizeof out);
        assert_string_equal(out, cases[i][1]);
    }
    store_address("redis://u:secret@host", small, sizeof small);
    assert_string_equal(small, "redis://");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_addresses),
        cmocka_unit_test(reads_sentinels),
        cmocka_unit_test(refuses_wrong_addresses),
        cmocka_unit_test(checks_the_length_of_a_socket_path),
        cmocka_unit_test(shows_no_credentials),
    };
    return cmocka_run_group_tests_name("store_url", tests, NULL, NULL);
}
