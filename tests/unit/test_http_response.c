#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/problem.h"
#include "http/response.h"

static void assert_written(const struct response *r, bool head_only, const char *want)
{
    struct buf out = BUF_INIT(4096);

    response_write(r, head_only, &out);
    assert_false(out.overflow);
    assert_string_equal(out.p, want);
    buf_free(&out);
}

static void test_write(void **state)
{
    (void)state;
    struct response r;

    response_init(&r, 200);
    r.type = "application/json";
    r.body = SLICE_LITERAL("{}");
    assert_true(response_header(&r, "Retry-After", "%d", 5));
    assert_written(&r, false,
                   "Status: 200 OK\r\nContent-Type: application/json\r\n"
                   "X-Content-Type-Options: nosniff\r\nContent-Length: 2\r\n"
                   "Cache-Control: no-store\r\nRetry-After: 5\r\n\r\n{}");
    assert_written(&r, true,
                   "Status: 200 OK\r\nContent-Type: application/json\r\n"
                   "X-Content-Type-Options: nosniff\r\nContent-Length: 2\r\n"
                   "Cache-Control: no-store\r\nRetry-After: 5\r\n\r\n");
    assert_string_equal(response_value(&r, "retry-after"), "5");
    assert_null(response_value(&r, "Allow"));
}

static void test_write_without_body(void **state)
{
    (void)state;
    struct response r;

    response_init(&r, 200);
    assert_written(&r, false,
                   "Status: 200 OK\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n");
    response_init(&r, 204);
    assert_written(&r, false, "Status: 204 No Content\r\nCache-Control: no-store\r\n\r\n");
    response_init(&r, 200);
    assert_true(response_header(&r, "Cache-Control", "max-age=60"));
    assert_written(&r, false,
                   "Status: 200 OK\r\nContent-Length: 0\r\nCache-Control: max-age=60\r\n\r\n");
}

static void test_header(void **state)
{
    (void)state;
    struct response r;
    char value[RESPONSE_VALUE_MAX + 2];

    response_init(&r, 200);
    memset(value, 'x', sizeof(value) - 1);
    value[RESPONSE_VALUE_MAX + 1] = '\0';
    assert_false(response_header(&r, "A", "%s", value));
    value[RESPONSE_VALUE_MAX] = '\0';
    assert_true(response_header(&r, "A", "%s", value));
    assert_false(response_header(&r, "B", "%s", "a\r\nSet-Cookie: b"));
    assert_false(response_header(&r, "B", "%s", "a\x7F"));
    assert_int_equal(r.nheaders, 1);
    assert_null(response_value(&r, "B"));
    while (r.nheaders < RESPONSE_HEADERS_MAX)
        assert_true(response_header(&r, "C", "c"));
    assert_false(response_header(&r, "D", "d"));
}

static void test_problem(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    struct arena *small = arena_new(16);
    struct response r;

    problem(&r, 404, NULL, arena);
    assert_int_equal(r.status, 404);
    assert_string_equal(r.type, "application/problem+json");
    assert_true(slice_is(r.body, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                                 "\"received\":false}"));
    problem(&r, 400, "a \"quoted\"\nword", arena);
    assert_true(slice_is(r.body,
                         "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                         "\"detail\":\"a \\\"quoted\\\"\\nword\",\"received\":false}"));
    problem(&r, 503, "no room for this", small);
    assert_int_equal(r.status, 503);
    assert_true(slice_is(r.body, "{\"received\":false}"));
    arena_free(arena);
    arena_free(small);
}

static void test_reason(void **state)
{
    (void)state;
    static const int used[] = {200, 202, 204, 400, 401, 403, 404, 405,
                               409, 410, 411, 413, 415, 429, 500, 503};

    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
        assert_string_not_equal(response_reason(used[i]), "");
    assert_string_equal(response_reason(429), "Too Many Requests");
    assert_string_equal(response_reason(299), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),  cmocka_unit_test(test_write_without_body),
        cmocka_unit_test(test_header), cmocka_unit_test(test_problem),
        cmocka_unit_test(test_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
