#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "http/request.h"
#include "unit/http_params.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A stream of n bytes, byte i being i * 7, that comes in pieces and may break. */
struct stream {
    size_t n, at;
    size_t piece;
    bool fails;  /* read returns -1 at its end */
    bool broken; /* what it says of its end */
    size_t reads_behind;
};

static ssize_t stream_read(void *ctx, char *out, size_t n)
{
    struct stream *s = ctx;
    size_t left = s->n - s->at;

    assert_true(n > 0);
    if (left == 0) {
        s->reads_behind++;
        return s->fails ? -1 : 0;
    }
    n = n < left ? n : left;
    n = n < s->piece ? n : s->piece;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)((s->at + i) * 7);
    s->at += n;
    return (ssize_t)n;
}

static bool stream_broken(void *ctx)
{
    return ((struct stream *)ctx)->broken;
}

struct body_case {
    const char *length; /* Content-Length; NULL: none */
    size_t sent;
    enum body_state want;
    const char *comment;
    unsigned how;
};

/* How the body comes. */
#define CGI     1U /* the program is run as plain CGI */
#define FAILS   2U /* read fails at the end */
#define BROKEN  4U /* the end says that it is no true one */
#define CHUNKED 8U /* with Transfer-Encoding */

#define MAX_BODY 100

static void run(const struct body_case *c, size_t piece)
{
    char length[64];
    char chunked[] = "HTTP_TRANSFER_ENCODING=chunked";
    char *params[3] = {NULL};
    size_t n = 0;
    struct stream s = {.n = c->sent,
                       .piece = piece,
                       .fails = (c->how & FAILS) != 0,
                       .broken = (c->how & BROKEN) != 0};
    const struct body_source from = {stream_read, stream_broken, &s, (c->how & CGI) != 0};
    struct arena *arena = arena_new(4096);
    struct request r;

    if (c->length != NULL) {
        snprintf(length, sizeof(length), "CONTENT_LENGTH=%s", c->length);
        params[n++] = length;
    }
    if ((c->how & CHUNKED) != 0)
        params[n++] = chunked;
    request_init(&r, params);
    assert_true(request_read_body(&r, &from, MAX_BODY, arena));
    if (r.body_state != c->want)
        fail_msg("%s: state %d", c->comment, (int)r.body_state);
    if ((c->how & (CGI | CHUNKED)) != CGI)
        assert_int_equal(s.at, s.n); /* drained, whatever the verdict */
    assert_int_equal(r.body_bytes, s.at);
    assert_int_equal(r.body.n, c->want == BODY_WHOLE ? c->sent : 0);
    for (size_t i = 0; i < r.body.n; i++)
        assert_int_equal(r.body.p[i], (char)(i * 7));
    arena_free(arena);
}

static void test_states(void **state)
{
    (void)state;
    static const struct body_case cases[] = {
        {"10", 10, BODY_WHOLE, "as told", 0},
        {"010", 10, BODY_WHOLE, "leading zero", 0},
        {NULL, 10, BODY_WHOLE, "chunked by the server", 0},
        {"", 10, BODY_WHOLE, "nginx's empty length", 0},
        {"100", 100, BODY_WHOLE, "the largest", 0},
        {NULL, 100, BODY_WHOLE, "the largest, not told", 0},
        {"101", 101, BODY_TOO_LARGE, "one more", 0},
        {NULL, 101, BODY_TOO_LARGE, "one more, not told", 0},
        {NULL, 9000, BODY_TOO_LARGE, "much more, not told", 0},
        {"101", 0, BODY_TOO_LARGE, "only told", 0},
        {"10", 101, BODY_TOO_LARGE, "told less", 0},
        {"99999999999999999999999", 5, BODY_TOO_LARGE, "beyond 64 bits", 0},
        {"18446744073709551616", 0, BODY_TOO_LARGE, "2^64 is not 0", 0},
        {"10", 9, BODY_TRUNCATED, "one less than told", 0},
        {"10", 11, BODY_TRUNCATED, "one more than told", 0},
        {"10", 0, BODY_TRUNCATED, "nothing where something was told", 0},
        {"0", 3, BODY_TRUNCATED, "something where nothing was told", 0},
        {"ten", 10, BODY_TRUNCATED, "no number", 0},
        {"-10", 10, BODY_TRUNCATED, "negative", 0},
        {"+10", 10, BODY_TRUNCATED, "sign", 0},
        {"10, 10", 10, BODY_TRUNCATED, "list", 0},
        {" 10", 10, BODY_TRUNCATED, "space", 0},
        {"0", 0, BODY_EMPTY, "nothing, as told", 0},
        {NULL, 0, BODY_EMPTY, "nothing", 0},
        {NULL, 10, BODY_TRUNCATED, "the stream broke", FAILS},
        {"10", 10, BODY_TRUNCATED, "it broke behind the last byte", FAILS},
        {NULL, 10, BODY_TRUNCATED, "the end was not a true one", BROKEN},
        {NULL, 0, BODY_TRUNCATED, "nothing, and not a true end", BROKEN},
        {NULL, 200, BODY_TOO_LARGE, "too large and broken", BROKEN},
        {"10", 10, BODY_WHOLE, "CGI", CGI},
        {"10", 9, BODY_TRUNCATED, "CGI, one less", CGI},
        {"0", 0, BODY_EMPTY, "CGI, nothing", CGI},
        {"101", 101, BODY_TOO_LARGE, "CGI, too large", CGI},
        {NULL, 0, BODY_NO_LENGTH, "CGI without a length", CGI},
        {"", 0, BODY_NO_LENGTH, "CGI with an empty length", CGI},
        {NULL, 10, BODY_NO_LENGTH, "CGI, chunked", CGI | CHUNKED},
        {NULL, 101, BODY_TOO_LARGE, "CGI, chunked and too large", CGI | CHUNKED},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        run(&cases[i], 1);
        run(&cases[i], 7);
        run(&cases[i], 100000);
    }
}

/* A CGI program must leave alone what lies behind Content-Length, and may not wait for an end. */
static void test_cgi_stops(void **state)
{
    (void)state;
    struct stream s = {.n = 30, .piece = 100};
    const struct body_source from = {stream_read, NULL, &s, true};
    struct arena *arena = arena_new(4096);
    struct request r;
    struct http_params params;

    http_params_init(&r, &params, "CONTENT_LENGTH=10");
    assert_true(request_read_body(&r, &from, MAX_BODY, arena));
    assert_int_equal(r.body_state, BODY_WHOLE);
    assert_int_equal(s.at, 10);

    s = (struct stream){.n = 0};
    http_params_init(&r, &params, "REQUEST_METHOD=GET");
    assert_true(request_read_body(&r, &from, MAX_BODY, arena));
    assert_int_equal(s.reads_behind, 0);
    arena_free(arena);
}

static void test_growing(void **state)
{
    (void)state;
    const size_t max = (size_t)1 << 20;
    struct arena *arena = arena_new(max * 7 / 3 + 4096);
    struct request r;

    for (size_t n = max - 1; n <= max + 1; n++) {
        struct stream s = {.n = n, .piece = 5000};
        const struct body_source from = {stream_read, stream_broken, &s, false};
        request_init(&r, (char *[]){NULL});
        assert_true(request_read_body(&r, &from, max, arena));
        assert_int_equal(r.body_state, n <= max ? BODY_WHOLE : BODY_TOO_LARGE);
        assert_int_equal(r.body.n, n <= max ? n : 0);
        for (size_t i = 0; i < r.body.n; i++)
            if (r.body.p[i] != (char)(i * 7))
                fail_msg("byte %zu", i);
        arena_reset(arena);
    }
    arena_free(arena);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct stream s = {.n = 50000, .piece = 1000};
    const struct body_source from = {stream_read, stream_broken, &s, false};
    struct arena *arena = arena_new(20000);
    struct request r;

    request_init(&r, (char *[]){NULL});
    assert_false(request_read_body(&r, &from, 100000, arena));
    assert_int_equal(s.at, s.n);
    assert_int_equal(r.body.n, 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_cgi_stops),
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
