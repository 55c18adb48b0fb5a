#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "http/route.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char dazno[] = "/api/webhooks/dazno";
static char airtable[] = "/webhooks/airtable/refresh";
static char hidden[] = "/api/health"; /* behind the endpoint of that path */

static struct config *make_config(char *base_path)
{
    struct config *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    c->base_path = base_path;
    c->nproviders = 3;
    c->provider[0].path = dazno;
    c->provider[1].path = airtable;
    c->provider[2].path = hidden;
    return c;
}

static struct route find(const struct config *c, const char *method, const char *uri)
{
    char method_param[64];
    char uri_param[256];
    struct request r;

    snprintf(method_param, sizeof(method_param), "REQUEST_METHOD=%s", method);
    snprintf(uri_param, sizeof(uri_param), "REQUEST_URI=%s", uri);
    request_init(&r, (char *[]){method_param, uri_param, NULL});
    return route_find(c, &r);
}

static void test_table(void **state)
{
    (void)state;
    static const struct {
        const char *method, *uri;
        enum route_kind kind;
        size_t provider;
        bool method_ok;
        const char *allow;
        bool carries_secrets;
    } cases[] = {
        {"POST", "/api/webhooks/dazno", ROUTE_PROVIDER, 0, true, "POST", true},
        {"POST", "/webhooks/airtable/refresh?x=y", ROUTE_PROVIDER, 1, true, "POST", true},
        {"GET", "/api/webhooks/dazno", ROUTE_PROVIDER, 0, false, "POST", true},
        {"HEAD", "/api/webhooks/dazno", ROUTE_PROVIDER, 0, false, "POST", true},
        {"PUT", "/api/webhooks/dazno", ROUTE_PROVIDER, 0, false, "POST", true},
        {"GET", "/api/metrics", ROUTE_METRICS, 0, true, "GET, HEAD", true},
        {"HEAD", "/api/metrics", ROUTE_METRICS, 0, true, "GET, HEAD", true},
        {"POST", "/api/metrics", ROUTE_METRICS, 0, false, "GET, HEAD", true},
        {"GET", "/api/health", ROUTE_HEALTH, 0, true, "GET, HEAD", false},
        {"OPTIONS", "/api/health", ROUTE_HEALTH, 0, false, "GET, HEAD", false},
        {"POST", "/api/webhooks/daznox", ROUTE_NONE, 0, false, NULL, false},
        {"POST", "/api/webhooks/dazno/", ROUTE_NONE, 0, false, NULL, false},
        {"POST", "/api/webhooks/Dazno", ROUTE_NONE, 0, false, NULL, false},
        {"POST", "/api/webhooksXYZ", ROUTE_NONE, 0, false, NULL, false},
        {"GET", "/", ROUTE_NONE, 0, false, NULL, false},
        {"GET", "", ROUTE_NONE, 0, false, NULL, false},
        {"GET", "/../api/metrics", ROUTE_NONE, 0, false, NULL, false},
    };
    struct config *c = make_config((char[]){""});

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct route r = find(c, cases[i].method, cases[i].uri);
        if (r.kind != cases[i].kind || r.provider != cases[i].provider ||
            r.method_ok != cases[i].method_ok || r.carries_secrets != cases[i].carries_secrets)
            fail_msg("%s %s", cases[i].method, cases[i].uri);
        if (cases[i].allow != NULL)
            assert_string_equal(r.allow, cases[i].allow);
        else
            assert_null(r.allow);
    }
    free(c);
}

static void test_status_page(void **state)
{
    (void)state;
    struct config *c = make_config((char[]){""});
    static const char *const path[] = {"/status", "/status.json"};

    for (size_t i = 0; i < COUNT(path); i++) {
        c->status_page = STATUS_PAGE_PUBLIC;
        assert_int_equal(find(c, "HEAD", path[i]).kind, ROUTE_STATUS + i);
        assert_false(find(c, "GET", path[i]).carries_secrets);
        assert_false(find(c, "POST", path[i]).method_ok);
        c->status_page = STATUS_PAGE_TOKEN;
        assert_int_equal(find(c, "GET", path[i]).kind, ROUTE_STATUS + i);
        assert_true(find(c, "GET", path[i]).carries_secrets);
        c->status_page = STATUS_PAGE_OFF;
        assert_int_equal(find(c, "GET", path[i]).kind, ROUTE_NONE);
    }
    assert_int_equal(find(c, "GET", "/docs").kind, ROUTE_DOCS);
    assert_int_equal(find(c, "GET", "/docs/").kind, ROUTE_NONE);
    assert_int_equal(find(c, "GET", "/docs/openapi.json?a").kind, ROUTE_OPENAPI);
    assert_false(find(c, "GET", "/docs").carries_secrets);
    free(c);
}

static void test_base_path(void **state)
{
    (void)state;
    struct config *c = make_config((char[]){"/shop/hooks"});

    assert_int_equal(find(c, "POST", "/shop/hooks/api/webhooks/dazno").kind, ROUTE_PROVIDER);
    assert_int_equal(find(c, "GET", "/shop/hooks/api/metrics").kind, ROUTE_METRICS);
    assert_int_equal(find(c, "POST", "/api/webhooks/dazno").kind, ROUTE_NONE);
    assert_int_equal(find(c, "POST", "/shop/hooksapi/webhooks/dazno").kind, ROUTE_NONE);
    assert_int_equal(find(c, "POST", "/shop/hooks").kind, ROUTE_NONE);
    assert_int_equal(find(c, "POST", "/shop/hooks/").kind, ROUTE_NONE);
    assert_int_equal(find(c, "POST", "/shop/hook/api/metrics").kind, ROUTE_NONE);
    free(c);
}

/* What lies below a read_path; "-": none of ours. */
static void test_copies(void **state)
{
    static const struct {
        const char *uri, *parts;
    } cases[] = {
        {"/copies/appA", "appA"},
        {"/copies/appA/tblB?limit=1", "appA tblB"},
        {"/copies/appA//tblB/recC", "appA tblB recC"},
        {"/copies/anything", "anything"}, /* not judged here */
        {"/copies/appA/tblB/recC/fields", "-"},
        {"/copies/appA/", "-"},
        {"/copies/appA/tblB/", "-"},
        {"/copies/", "-"},
        {"/copies", "-"},
        {"/copiesappA", "-"},
        {"/other/appA", "-"},
    };
    struct config *c = make_config((char[]){""});

    (void)state;
    c->provider[1].read_path = (char[]){"/copies"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char uri[256], got[64] = "-";
        struct request r;
        struct route route;
        size_t n = 0;
        snprintf(uri, sizeof uri, "REQUEST_URI=%s", cases[i].uri);
        request_init(&r, (char *[]){(char[]){"REQUEST_METHOD=HEAD"}, uri, NULL});
        route = route_find(c, &r);
        for (size_t k = 0; route.kind == ROUTE_COPY && k < route.nparts; k++)
            n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s", k > 0 ? " " : "",
                                  (int)route.part[k].n, route.part[k].p);
        assert_string_equal(got, cases[i].parts);
        assert_true(n == 0 || (route.provider == 1 && route.method_ok && route.carries_secrets));
    }
    assert_false(find(c, "POST", "/copies/appA").method_ok);
    assert_string_equal(find(c, "POST", "/copies/appA").allow, "GET, HEAD");
    c->provider[1].path = (char[]){"/copies/refresh"}; /* goes before */
    assert_int_equal(find(c, "POST", "/copies/refresh").kind, ROUTE_PROVIDER);
    c->provider[1].retired = true;
    assert_int_equal(find(c, "GET", "/copies/appA").kind, ROUTE_NONE);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_status_page),
        cmocka_unit_test(test_base_path),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
