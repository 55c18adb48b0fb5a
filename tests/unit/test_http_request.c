#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "http/request.h"
#include "unit/base_guard.h"
#include "unit/http_params.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_slice(struct slice s, const char *text)
{
    assert_non_null(s.p);
    assert_int_equal(s.n, strlen(text));
    assert_memory_equal(s.p, text, s.n);
}

static void test_path(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *path; /* NULL: refused */
        const char *comment;
    } cases[] = {
        {"/api/webhooks/dazno", "/api/webhooks/dazno", "as it is"},
        {"/", "/", "root"},
        {"/api/webhooks/dazno?x=1", "/api/webhooks/dazno", "query"},
        {"/api?x=/../%zz", "/api", "a query is not looked at"},
        {"/api#x", "/api", "fragment"},
        {"/api#x?y", "/api", "fragment with a question mark"},
        {"?x", NULL, "only a query"},
        {"", NULL, "nothing"},
        {"*", NULL, "asterisk form"},
        {"api", NULL, "relative"},
        {"example.org:443", NULL, "authority form"},
        {"http://evil.example/api/x?y", "/api/x", "absolute form"},
        {"HTTPS://evil.example:8/api", "/api", "absolute form, upper case"},
        {"http://evil.example", "/", "absolute form without a path"},
        {"http://evil.example?x", "/", "absolute form with a query alone"},
        {"http:///api", NULL, "absolute form without a host"},
        {"http://", NULL, "scheme alone"},
        {"http:/api", NULL, "half a scheme"},
        {"ftp://evil.example/api", NULL, "another scheme"},
        {"/api/webhooks/%64azno", "/api/webhooks/dazno", "escape"},
        {"/%41%7e", "/A~", "escapes of both cases"},
        {"/%2561", "/%61", "decoded once"},
        {"/%252e%252e/x", "/%2e%2e/x", "decoded once: no dots"},
        {"/a%2fb", NULL, "encoded slash"},
        {"/a%2Fb", NULL, "encoded slash, upper case"},
        {"/a%252fb", "/a%2fb", "an encoded percent sign is none"},
        {"/a%5cb", "/a\\b", "a backslash is a character"},
        {"/a%00b", NULL, "encoded NUL"},
        {"/a%0ab", NULL, "encoded line feed"},
        {"/a%7f", NULL, "encoded DEL"},
        {"/a\tb", NULL, "raw control character"},
        {"/a%20b", "/a b", "space"},
        {"/%c3%a9", "/\xC3\xA9", "beyond ASCII"},
        {"/a%", NULL, "escape cut off"},
        {"/a%2", NULL, "escape cut off"},
        {"/a%zz", NULL, "bad escape"},
        {"/api//webhooks///dazno", "/api/webhooks/dazno", "slashes"},
        {"//api", "/api", "slashes in front"},
        {"//", "/", "slashes alone"},
        {"/a//", "/a/", "slashes at the end"},
        {"/a/", "/a/", "a trailing slash stays"},
        {"/a/./b", "/a/b", "dot"},
        {"/./a", "/a", "dot in front"},
        {"/a/.", "/a/", "dot at the end"},
        {"/.", "/", "dot alone"},
        {"/a/../b", "/b", "dots"},
        {"/api/x/../webhooks", "/api/webhooks", "dots in the middle"},
        {"/a/b/..", "/a/", "dots at the end"},
        {"/a/..", "/", "dots up to the root"},
        {"/a/b/../../c", "/c", "dots twice"},
        {"/a/%2e%2E/b", "/b", "encoded dots"},
        {"/..", NULL, "above the root"},
        {"/../a", NULL, "above the root"},
        {"/a/../../b", NULL, "above the root, later"},
        {"/a//../../b", NULL, "an empty segment is none to go up from"},
        {"/...", "/...", "three dots"},
        {"/.a/..b/c.", "/.a/..b/c.", "dots in names"},
    };
    struct guard_page in = guard_page_new();
    struct guard_page out = guard_page_new();

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice target = guard_page_copy(in, slice_of(cases[i].target));
        char *p = guard_page_room(out, target.n + 2);
        ssize_t n = request_path(target, p, target.n + 2);
        ssize_t want = cases[i].path != NULL ? (ssize_t)strlen(cases[i].path) : -1;
        if (n != want || (n >= 0 && strcmp(p, cases[i].path) != 0))
            fail_msg("%s (%s): %zd", cases[i].target, cases[i].comment, n);
    }
    guard_page_free(in);
    guard_page_free(out);
}

static void test_path_room(void **state)
{
    (void)state;
    struct guard_page out = guard_page_new();
    char target[REQUEST_PATH_MAX + 2];
    struct request r;
    struct http_params params;
    char uri[sizeof("REQUEST_URI=") + sizeof(target)];

    assert_int_equal(request_path(SLICE_LITERAL("/abc"), guard_page_room(out, 5), 5), 4);
    assert_int_equal(request_path(SLICE_LITERAL("/abc"), guard_page_room(out, 4), 4), -1);
    assert_int_equal(request_path(SLICE_LITERAL("/"), guard_page_room(out, 1), 1), -1);
    assert_int_equal(request_path(SLICE_LITERAL("/"), guard_page_room(out, 0), 0), -1);
    guard_page_free(out);

    memset(target, 'a', sizeof(target) - 1);
    target[0] = '/';
    target[REQUEST_PATH_MAX] = '\0';
    snprintf(uri, sizeof(uri), "REQUEST_URI=%s", target);
    http_params_init(&r, &params, uri);
    assert_string_equal(r.path, target);
    target[REQUEST_PATH_MAX] = 'a';
    target[REQUEST_PATH_MAX + 1] = '\0';
    snprintf(uri, sizeof(uri), "REQUEST_URI=%s", target);
    http_params_init(&r, &params, uri);
    assert_string_equal(r.path, "");
}

static void test_query(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *a, *b; /* NULL: not there */
        const char *wrong; /* NULL: sound */
    } cases[] = {
        {"/p", NULL, NULL, NULL},
        {"/p?", NULL, NULL, NULL},
        {"/p?&&", NULL, NULL, NULL},
        {"/p?a=1", "1", NULL, NULL},
        {"/p?b=x=y&a=", "", "x=y", NULL},
        {"/p?a=%31", "%31", NULL, NULL}, /* as it stands */
        {"/p?a=1#b=2", "1", NULL, NULL},
        {"/p?a=1?b=2", "1?b=2", NULL, NULL},
        {"http://h/p?a=1&b=2", "1", "2", NULL},
        {"/p?a=1&a=1", NULL, NULL, "a=1"},
        {"/p?a=&a=1", NULL, NULL, "a=1"},
        {"/p?c=1", NULL, NULL, "c=1"},
        {"/p?b=1&a", NULL, NULL, "a"},
        {"/p?=1", NULL, NULL, "=1"},
        {"/p?A=1", NULL, NULL, "A=1"},
        {"/p?aa=1", NULL, NULL, "aa=1"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct query_field field[] = {{"a", SLICE_NONE}, {"b", SLICE_NONE}};
        struct http_params params;
        struct request r;
        struct slice wrong = SLICE_NONE;
        char uri[256];
        snprintf(uri, sizeof uri, "REQUEST_URI=%s", cases[i].target);
        http_params_init(&r, &params, uri);
        if (request_query(&r, field, COUNT(field), &wrong) != (cases[i].wrong == NULL))
            fail_msg("%s", cases[i].target);
        if (cases[i].wrong != NULL) {
            assert_slice(wrong, cases[i].wrong);
            continue;
        }
        if ((field[0].value.p == NULL) != (cases[i].a == NULL) ||
            (field[1].value.p == NULL) != (cases[i].b == NULL))
            fail_msg("%s", cases[i].target);
        if (cases[i].a != NULL)
            assert_slice(field[0].value, cases[i].a);
        if (cases[i].b != NULL)
            assert_slice(field[1].value, cases[i].b);
    }
}

static void test_init(void **state)
{
    (void)state;
    static const struct {
        const char *params;
        enum method method;
    } cases[] = {
        {"REQUEST_METHOD=GET", METHOD_GET},
        {"REQUEST_METHOD=HEAD", METHOD_HEAD},
        {"REQUEST_METHOD=POST", METHOD_POST},
        {"REQUEST_METHOD=post", METHOD_OTHER},
        {"REQUEST_METHOD=POSTS", METHOD_OTHER},
        {"REQUEST_METHOD=", METHOD_OTHER},
        {"X=Y", METHOD_OTHER},
    };
    struct request r;
    struct http_params params;

    for (size_t i = 0; i < COUNT(cases); i++) {
        http_params_init(&r, &params, cases[i].params);
        assert_int_equal(r.method, cases[i].method);
        assert_string_equal(r.path, "");
        assert_null(r.body.p);
    }
    http_params_init(&r, &params, "REQUEST_URI=/a/b?c\nPATH_INFO=/other\nSCRIPT_NAME=/third");
    assert_string_equal(r.path, "/a/b");
}

static void test_param(void **state)
{
    (void)state;
    struct request r;
    struct http_params params;
    unsigned times = 9;

    http_params_init(&r, &params, "A=1\nAB=2\nB=\nC=x=y\nA=3\nNOVALUE");
    assert_slice(request_param(&r, "A", &times), "1");
    assert_int_equal(times, 2);
    assert_slice(request_param(&r, "AB", &times), "2");
    assert_int_equal(times, 1);
    assert_slice(request_param(&r, "B", NULL), "");
    assert_slice(request_param(&r, "C", NULL), "x=y");
    assert_null(request_param(&r, "D", &times).p);
    assert_int_equal(times, 0);
    assert_null(request_param(&r, "NOVALUE", NULL).p);
}

/* A header that is sent twice is counted so wherever it stands: beyond the names that are marked ahead,
 * behind names that are very long, behind variables that have none. */
static void test_param_anywhere(void **state)
{
    (void)state;
    enum { MANY = 3 * REQUEST_MARKS };
    static const size_t places[] = {0, REQUEST_MARKS - 1, REQUEST_MARKS, 2 * REQUEST_MARKS,
                                    MANY - 1};
    static char signature[] = "HTTP_X_T4G_SIGNATURE=sha256=00", again[] = "HTTP_X_T4G_SIGNATURE=";
    static char other[] = "HTTP_X_OTHER=1", bare[] = "HTTP_X_T4G_SIGNATURE", unnamed[] = "=1";
    static char long_name[4][700], *const odd[] = {other,        bare,         unnamed,
                                                   long_name[0], long_name[1], long_name[2],
                                                   long_name[3]};
    static const size_t lengths[4] = {UINT8_MAX, UINT8_MAX + 1, UINT8_MAX + 1 + 20, 600};
    const size_t nplaces = sizeof places / sizeof places[0];
    char *params[MANY + 1] = {NULL};
    struct request r;
    unsigned times;

    for (size_t i = 0; i < 4; i++) {
        memset(long_name[i], 'L', lengths[i]);
        memcpy(long_name[i] + lengths[i], "=long", sizeof "=long");
    }
    for (size_t i = 0; i < nplaces * nplaces; i++) {
        size_t one = places[i / nplaces], two = places[i % nplaces];
        for (size_t k = 0; k < MANY; k++)
            params[k] = odd[k % (sizeof odd / sizeof odd[0])];
        params[one] = signature;
        if (two != one)
            params[two] = again;
        request_init(&r, params);
        times = 9;
        assert_slice(request_header(&r, "x-t4g-signature", &times), one <= two ? "sha256=00" : "");
        assert_int_equal(times, one == two ? 1 : 2);
    }
    for (size_t i = 0; i < 4; i++) {
        char name[700];
        memcpy(name, long_name[i], lengths[i]);
        name[lengths[i]] = '\0';
        assert_slice(request_param(&r, name, &times), "long");
        assert_true(times > 1);
        name[lengths[i] - 2] = '\0'; /* nobody has that name */
        assert_null(request_param(&r, name, NULL).p);
    }
}

static void test_header(void **state)
{
    (void)state;
    struct request r;
    struct http_params params;
    unsigned times = 9;
    char long_name[200];

    http_params_init(
        &r, &params,
        "HTTP_X_T4G_SIGNATURE=sha256=00\nHTTP_X_API_KEY=a\nHTTP_X_API_KEY=b\nCONTENT_TYPE="
        "application/json\nHTTP_CONTENT_TYPE=text/html\nCONTENT_LENGTH=5\nX_PLAIN=1");
    assert_slice(request_header(&r, "x-t4g-signature", &times), "sha256=00");
    assert_int_equal(times, 1);
    assert_slice(request_header(&r, "X-T4G-Signature", NULL), "sha256=00");
    assert_slice(request_header(&r, "x-api-key", &times), "a");
    assert_int_equal(times, 2);
    assert_slice(request_header(&r, "content-type", &times), "application/json");
    assert_int_equal(times, 1);
    assert_slice(request_header(&r, "Content-Length", NULL), "5");
    assert_null(request_header(&r, "x-plain", &times).p);
    assert_int_equal(times, 0);
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    times = 9;
    assert_null(request_header(&r, long_name, &times).p);
    assert_int_equal(times, 0);
}

static void test_authorization(void **state)
{
    (void)state;
    struct request r;
    struct http_params params;
    unsigned times = 9;

    http_params_init(&r, &params, "REDIRECT_HTTP_AUTHORIZATION=Bearer a");
    assert_slice(request_header(&r, "authorization", &times), "Bearer a");
    assert_int_equal(times, 1);
    http_params_init(&r, &params,
                     "HTTP_AUTHORIZATION=Bearer b\nREDIRECT_HTTP_AUTHORIZATION=Bearer a");
    assert_slice(request_header(&r, "authorization", NULL), "Bearer b");
    http_params_init(&r, &params, "HTTP_AUTHORIZATION=\nREDIRECT_HTTP_AUTHORIZATION=Bearer a");
    assert_slice(request_header(&r, "authorization", NULL), "Bearer a");
    http_params_init(&r, &params, "HTTP_AUTHORIZATION=");
    assert_slice(request_header(&r, "authorization", &times), "");
    assert_int_equal(times, 1);
    /* The detour is open to this header alone. */
    http_params_init(&r, &params, "REDIRECT_HTTP_X_API_KEY=a");
    assert_null(request_header(&r, "x-api-key", NULL).p);
}

static void test_https(void **state)
{
    (void)state;
    static const struct {
        const char *params;
        bool direct, behind_proxy; /* whether it counts as TLS */
        const char *comment;
    } cases[] = {
        {"HTTPS=on", true, true, "on"},
        {"HTTPS=ON", true, true, "upper case"},
        {"HTTPS=1", true, true, "1"},
        {"HTTPS=off", false, false, "off"},
        {"HTTPS=", false, false, "empty"},
        {"X=Y", false, false, "absent"},
        {"REQUEST_SCHEME=https", false, false, "another variable"},
        {"HTTP_HTTPS=on", false, false, "a header of the client"},
        {"HTTP_X_FORWARDED_PROTO=https", false, true, "a proxy's word"},
        {"HTTP_X_FORWARDED_PROTO=http", false, false, "plain at the proxy"},
        {"HTTP_X_FORWARDED_PROTO=HTTPS", false, false, "not as proxies write it"},
        {"HTTP_X_FORWARDED_PROTO=https, https", false, false, "two in one"},
        {"HTTP_X_FORWARDED_PROTO=https\nHTTP_X_FORWARDED_PROTO=https", false, false, "doubled"},
        {"HTTP_X_FORWARDED_PROTO=http\nHTTPS=on", true, false, "TLS from the proxy to us alone"},
        {"HTTP_X_FORWARDED_PROTO=\nHTTPS=on", true, false, "empty"},
    };
    struct request r;
    struct http_params params;

    for (size_t i = 0; i < COUNT(cases); i++) {
        http_params_init(&r, &params, cases[i].params);
        if (request_is_https(&r, false) != cases[i].direct ||
            request_is_https(&r, true) != cases[i].behind_proxy)
            fail_msg("case %zu: %s", i, cases[i].comment);
    }
}

static void test_media_type(void **state)
{
    (void)state;
    struct request r;
    struct http_params params;

    http_params_init(&r, &params, "CONTENT_TYPE=application/json");
    assert_slice(request_media_type(&r), "application/json");
    http_params_init(&r, &params, "CONTENT_TYPE= application/json ; charset=utf-8");
    assert_slice(request_media_type(&r), "application/json");
    http_params_init(&r, &params, "CONTENT_TYPE=;charset=utf-8");
    assert_int_equal(request_media_type(&r).n, 0);
    http_params_init(&r, &params, "CONTENT_TYPE=");
    assert_int_equal(request_media_type(&r).n, 0);
    http_params_init(&r, &params, "X=Y");
    assert_int_equal(request_media_type(&r).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),   cmocka_unit_test(test_path_room),
        cmocka_unit_test(test_query),  cmocka_unit_test(test_init),
        cmocka_unit_test(test_param),  cmocka_unit_test(test_param_anywhere),
        cmocka_unit_test(test_header), cmocka_unit_test(test_authorization),
        cmocka_unit_test(test_https),  cmocka_unit_test(test_media_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
