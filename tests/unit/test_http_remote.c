#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "http/remote.h"
#include "unit/http_params.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_proxy(struct config *c, const char *text, unsigned prefix)
{
    struct config_proxy *p = &c->proxy[c->nproxies++];
    struct in_addr v4;

    p->prefix = prefix;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        memset(p->address + 10, 0xFF, 2);
        memcpy(p->address + 12, &v4, 4);
        p->prefix = prefix + 96;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, p->address), 1);
    }
}

/* 127.0.0.1, ::1 and 10.0.0.0/8; with `unix_peer` also a peer without an address. */
static struct config *make_config(bool unix_peer)
{
    struct config *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    add_proxy(c, "127.0.0.1", 32);
    add_proxy(c, "::1", 128);
    add_proxy(c, "10.0.0.0", 8);
    if (unix_peer)
        c->proxy[c->nproxies++].unix_peer = true;
    return c;
}

struct remote_case {
    const char *comment;
    const char *want;
    const char *params;
};

#define PEER(a)      "REMOTE_ADDR=" a "\n"
#define FORWARDED(a) "HTTP_X_FORWARDED_FOR=" a "\n"

static void run(const struct config *c, const struct remote_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct request r;
        struct http_params params;
        http_params_init(&r, &params, cases[i].params);
        struct slice got = remote_address(c, &r);
        if (!slice_is(got, cases[i].want))
            fail_msg("%s: %.*s", cases[i].comment, (int)got.n, got.p != NULL ? got.p : "");
    }
}

static void test_walk(void **state)
{
    (void)state;
    static const struct remote_case cases[] = {
        {"the peer", "192.0.2.1", PEER("192.0.2.1")},
        {"a peer nobody trusts", "192.0.2.1", PEER("192.0.2.1") FORWARDED("198.51.100.1")},
        {"one hop", "198.51.100.1", PEER("127.0.0.1") FORWARDED("198.51.100.1")},
        {"one hop, IPv6", "2001:db8::1", PEER("::1") FORWARDED("2001:db8::1")},
        {"only the rightmost counts", "198.51.100.2",
         PEER("127.0.0.1") FORWARDED("198.51.100.1, 198.51.100.2")},
        {"two trusted hops", "198.51.100.1",
         PEER("127.0.0.1") FORWARDED("192.0.2.66, 198.51.100.1 ,10.1.2.3")},
        {"trusted all the way", "10.0.0.1", PEER("127.0.0.1") FORWARDED("10.0.0.1, 10.0.0.2")},
        {"nothing forwarded", "127.0.0.1", PEER("127.0.0.1")},
        {"empty", "127.0.0.1", PEER("127.0.0.1") FORWARDED("")},
        {"empty elements", "198.51.100.1", PEER("127.0.0.1") FORWARDED("198.51.100.1, ,")},
        {"two lines", "198.51.100.2",
         PEER("127.0.0.1") FORWARDED("198.51.100.1") FORWARDED("198.51.100.2")},
        {"two lines, the later all trusted", "198.51.100.1",
         FORWARDED("198.51.100.1") FORWARDED("10.0.0.1") PEER("127.0.0.1")},
        {"with a port", "198.51.100.1", PEER("127.0.0.1") FORWARDED("198.51.100.1:5678")},
        {"IPv6 in brackets", "2001:db8::1", PEER("127.0.0.1") FORWARDED("[2001:db8::1]")},
        {"IPv6 with a port", "2001:db8::1", PEER("127.0.0.1") FORWARDED("[2001:db8::1]:80")},
        {"IPv4 in IPv6", "::ffff:198.51.100.1", PEER("127.0.0.1") FORWARDED("::ffff:198.51.100.1")},
        {"a trusted hop with a port", "198.51.100.1",
         PEER("127.0.0.1") FORWARDED("198.51.100.1, 10.0.0.1:80")},
        {"garbage", "127.0.0.1", PEER("127.0.0.1") FORWARDED("unknown")},
        {"garbage ends the walk", "10.0.0.9",
         PEER("127.0.0.1") FORWARDED("198.51.100.1, <script>, 10.0.0.9")},
        {"garbage in the nearer line", "127.0.0.1",
         PEER("127.0.0.1") FORWARDED("198.51.100.1") FORWARDED("_hidden")},
        {"an empty port", "127.0.0.1", PEER("127.0.0.1") FORWARDED("198.51.100.1:")},
        {"a port that is none", "127.0.0.1", PEER("127.0.0.1") FORWARDED("198.51.100.1:x")},
        {"a long port", "127.0.0.1", PEER("127.0.0.1") FORWARDED("198.51.100.1:123456")},
        {"an open bracket", "127.0.0.1", PEER("127.0.0.1") FORWARDED("[2001:db8::1")},
        {"text behind the bracket", "127.0.0.1", PEER("127.0.0.1") FORWARDED("[2001:db8::1]x80")},
        {"IPv4 in brackets", "127.0.0.1", PEER("127.0.0.1") FORWARDED("[198.51.100.1]")},
        {"a short IPv4 address", "127.0.0.1", PEER("127.0.0.1") FORWARDED("198.51.1")},
        {"a zone", "127.0.0.1", PEER("127.0.0.1") FORWARDED("fe80::1%eth0")},
        {"no peer", "", FORWARDED("198.51.100.1")},
        {"a peer that is no address", "", PEER("/run/x.sock") FORWARDED("198.51.100.1")},
    };
    struct config *c = make_config(false);

    run(c, cases, COUNT(cases));
    free(c);
}

static void test_unix_peer(void **state)
{
    (void)state;
    static const struct remote_case trusted[] = {
        {"absent", "198.51.100.1", FORWARDED("198.51.100.1")},
        {"empty", "198.51.100.1", PEER("") FORWARDED("198.51.100.1")},
        {"as nginx says it", "198.51.100.1", PEER("unix:") FORWARDED("198.51.100.1")},
        {"alone", "", PEER("unix:")},
    };
    static const struct remote_case not_trusted[] = {
        {"empty", "", PEER("") FORWARDED("198.51.100.1")},
        {"as nginx says it", "", PEER("unix:") FORWARDED("198.51.100.1")},
    };
    struct config *with = make_config(true);
    struct config *without = make_config(false);
    struct request r;
    struct http_params params;

    run(with, trusted, COUNT(trusted));
    run(without, not_trusted, COUNT(not_trusted));
    http_params_init(&r, &params, trusted[2].params);
    assert_true(remote_is_proxy(with, &r));
    assert_false(remote_is_proxy(without, &r));
    free(with);
    free(without);
}

/* A chain longer than anybody's is not walked to its end. */
static void test_hops(void **state)
{
    (void)state;
    struct config *c = make_config(false);
    char chain[1024] = PEER("127.0.0.1") "HTTP_X_FORWARDED_FOR=198.51.100.1";
    struct http_params params;
    struct request r;

    for (int i = 0; i < 31; i++)
        strncat(chain, ",10.0.0.1", sizeof(chain) - strlen(chain) - 1);
    http_params_init(&r, &params, chain);
    assert_true(slice_is(remote_address(c, &r), "198.51.100.1"));
    strncat(chain, ",10.0.0.1", sizeof(chain) - strlen(chain) - 1);
    http_params_init(&r, &params, chain);
    assert_true(slice_is(remote_address(c, &r), "10.0.0.1"));
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_unix_peer),
        cmocka_unit_test(test_hops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
