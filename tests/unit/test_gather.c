/* gather: whole, in pieces, and hostile FastCGI requests. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../src/responder/gather.h"

#define BODY_MAX 100000

enum { BEGIN = 1, ABORT = 2, PARAMS = 4, STDIN = 5, GET_VALUES = 9 };

struct stream {
    uint8_t p[400000];
    size_t n;
};

static void record(struct stream *s, int type, int id, const void *content, size_t n,
                   size_t padding)
{
    const uint8_t header[8] = {1,
                               (uint8_t)type,
                               (uint8_t)(id >> 8),
                               (uint8_t)id,
                               (uint8_t)(n >> 8),
                               (uint8_t)n,
                               (uint8_t)padding,
                               0};

    memcpy(s->p + s->n, header, 8);
    if (n > 0)
        memcpy(s->p + s->n + 8, content, n);
    memset(s->p + s->n + 8 + n, 0xee, padding);
    s->n += 8 + n + padding;
}

static const uint8_t ROLE[8] = {0, 1};
static const char PAIR[] = "\x03\x05NAMvalue";

static void begin(struct stream *s)
{
    s->n = 0;
    record(s, BEGIN, 1, ROLE, 8, 0);
    record(s, PARAMS, 1, PAIR, 10, 6);
    record(s, PARAMS, 1, NULL, 0, 0);
}

static void whole(struct stream *s, size_t body)
{
    static uint8_t bytes[65000];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    begin(s);
    while (body > 0) {
        size_t n = body < sizeof bytes ? body : sizeof bytes;
        record(s, STDIN, 1, bytes, n, 3);
        body -= n;
    }
    record(s, STDIN, 1, NULL, 0, 0);
}

static enum gather_verdict feed_in_pieces(struct gather *g, const struct stream *s, size_t piece)
{
    enum gather_verdict v = GATHER_MORE;

    for (size_t at = 0; at < s->n; at += piece) {
        assert_int_equal(v, GATHER_MORE);
        v = gather_feed(g, s->p + at, s->n - at < piece ? s->n - at : piece);
    }
    return v;
}

static void test_whole_at_once_and_in_pieces(void **state)
{
    static struct stream s;
    static const size_t bodies[] = {0, 1, 500, 65000, 90000};
    static const size_t pieces[] = {1, 7, 8, 9, 4096, 400000};
    struct gather g;

    (void)state;
    for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++) {
        whole(&s, bodies[b]);
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            gather_init(&g, true, BODY_MAX);
            assert_int_equal(feed_in_pieces(&g, &s, pieces[i]), GATHER_DONE);
            assert_int_equal(g.body.n, bodies[b]);
            gather_free(&g);
        }
    }
}

static void test_one_byte_short_is_not_done(void **state)
{
    static struct stream s;
    struct gather g;

    (void)state;
    whole(&s, 500);
    gather_init(&g, false, 0);
    assert_int_equal(gather_feed(&g, s.p, s.n - 1), GATHER_MORE);
    assert_int_equal(gather_feed(&g, s.p + s.n - 1, 1), GATHER_DONE);
    /* and one byte more than the request is none of its business */
    assert_int_equal(gather_feed(&g, s.p, 1), GATHER_BAD);
}

static void test_laid_out_again(void **state)
{
    static struct stream s, again;
    struct gather g, check;
    ssize_t n;
    int fd;

    (void)state;
    whole(&s, 90000);
    gather_init(&g, true, BODY_MAX);
    assert_int_equal(feed_in_pieces(&g, &s, 13), GATHER_DONE);
    fd = gather_open(&g);
    assert_true(fd >= 0);
    again.n = 0;
    while ((n = read(fd, again.p + again.n, sizeof again.p - again.n)) > 0)
        again.n += (size_t)n;
    close(fd);
    gather_init(&check, true, BODY_MAX);
    assert_int_equal(feed_in_pieces(&check, &again, 1000), GATHER_DONE);
    assert_int_equal(check.body.n, g.body.n);
    assert_memory_equal(check.body.p, g.body.p, g.body.n);
    assert_int_equal(check.head.n, g.head.n);
    assert_memory_equal(check.head.p, g.head.p, g.head.n);
    gather_free(&g);
    gather_free(&check);
}

static void test_too_large_body_is_bounded(void **state)
{
    static struct stream s;
    struct gather g;

    (void)state;
    whole(&s, 90000);
    gather_init(&g, true, 1000);
    assert_int_equal(feed_in_pieces(&g, &s, 333), GATHER_DONE);
    assert_int_equal(g.body.n, 1001);
    assert_int_equal(g.stdin_bytes, 90000);
    gather_free(&g);
}

static enum gather_verdict judge(const struct stream *s)
{
    struct gather g;
    enum gather_verdict v;

    gather_init(&g, false, 0);
    v = gather_feed(&g, s->p, s->n);
    gather_free(&g);
    return v;
}

static void test_hostile_records(void **state)
{
    static struct stream s;
    static const struct {
        const char *comment;
        int type, id;
    } bad[] = {
        {"management record: libfcgi's answer would overflow", GET_VALUES, 0},
        {"the same inside a request", GET_VALUES, 1},
        {"abort", ABORT, 1},
        {"another request on the same connection", BEGIN, 1},
        {"multiplexed", STDIN, 2},
        {"parameters after their end", PARAMS, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(&s);
        record(&s, bad[i].type, bad[i].id, ROLE, 8, 0);
        if (judge(&s) != GATHER_BAD)
            fail_msg("%s", bad[i].comment);
    }
    /* stdin before the parameters ended */
    s.n = 0;
    record(&s, BEGIN, 1, ROLE, 8, 0);
    record(&s, STDIN, 1, ROLE, 8, 0);
    assert_int_equal(judge(&s), GATHER_BAD);
    /* another version of the protocol */
    begin(&s);
    s.p[0] = 2;
    assert_int_equal(judge(&s), GATHER_BAD);
}

static void test_lengths_of_parameters(void **state)
{
    static struct stream s;
    static const struct {
        const char *comment, *bytes;
        size_t n;
        enum gather_verdict verdict;
    } cases[] = {
        {"a pair", "\x01\x01Nv", 4, GATHER_DONE},
        {"four-byte lengths", "\x80\x00\x00\x01\x80\x00\x00\x01Nv", 10, GATHER_DONE},
        {"empty name and value", "\x00\x00", 2, GATHER_DONE},
        {"a long length between", "\x01\x01Nv\x80\x00\x00\x01\x01Nv\x01\x00N", 14, GATHER_DONE},
        {"the last value longer than the stream", "\x01\x01Nv\x01\x02Nv", 8, GATHER_BAD},
        {"value longer than the stream", "\x01\x02Nv", 4, GATHER_BAD},
        {"a length alone", "\x01", 1, GATHER_BAD},
        {"a length cut short", "\x01\x80\x00", 3, GATHER_BAD},
        {"lengths whose sum overflows an int", "\xff\xff\xff\xff\xff\xff\xff\xff", 8, GATHER_BAD},
        {"one length too large", "\x80\x20\x00\x00\x01", 5, GATHER_BAD},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        s.n = 0;
        record(&s, BEGIN, 1, ROLE, 8, 0);
        record(&s, PARAMS, 1, cases[i].bytes, cases[i].n, 0);
        record(&s, PARAMS, 1, NULL, 0, 0);
        record(&s, STDIN, 1, NULL, 0, 0);
        if (judge(&s) != cases[i].verdict)
            fail_msg("%s", cases[i].comment);
    }
}

static void test_too_many_parameters(void **state)
{
    static struct stream s;
    static uint8_t zeros[65000];
    struct gather g;
    enum gather_verdict v = GATHER_MORE;

    (void)state;
    gather_init(&g, true, BODY_MAX);
    s.n = 0;
    record(&s, BEGIN, 1, ROLE, 8, 0);
    assert_int_equal(gather_feed(&g, s.p, s.n), GATHER_MORE);
    for (int i = 0; i < 20 && v == GATHER_MORE; i++) {
        s.n = 0;
        record(&s, PARAMS, 1, zeros, sizeof zeros, 0);
        v = gather_feed(&g, s.p, s.n);
    }
    assert_int_equal(v, GATHER_BAD);
    assert_true(g.params_bytes <= GATHER_PARAMS_MAX + sizeof zeros);
    gather_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_at_once_and_in_pieces),
        cmocka_unit_test(test_one_byte_short_is_not_done),
        cmocka_unit_test(test_laid_out_again),
        cmocka_unit_test(test_too_large_body_is_bounded),
        cmocka_unit_test(test_hostile_records),
        cmocka_unit_test(test_lengths_of_parameters),
        cmocka_unit_test(test_too_many_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
