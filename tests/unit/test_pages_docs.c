#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "pages/docs.h"
#include "pages/openapi.h"
#include "pages/wording.h"

#define HOSTILE "\"><script>x</script>'\\"

static char empty[] = "", file_token[] = "file:/t";

/* One provider of every scheme, named after it; the caller changes what it is about. */
static struct config *make_config(void)
{
    struct config *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->base_path = c->public_url = empty;
    c->max_body = 1 << 20;
    c->require_https = true;
    c->metrics_token = file_token;
    c->spool_limit = 100;
    for (size_t i = 0; i < scheme_count; i++) {
        struct config_provider *p = &c->provider[c->nproviders++];
        (void)snprintf(p->name, sizeof p->name, "%s", scheme_table[i].name);
        p->scheme = strdup(scheme_table[i].name);
        p->path = calloc(1, 64);
        (void)snprintf(p->path, 64, "/webhooks/%s", p->name);
        p->rate_limit_status = 429;
        p->unknown_events = -1;
    }
    return c;
}

static void free_config(struct config *c)
{
    for (size_t i = 0; i < c->nproviders; i++) {
        free(c->provider[i].scheme);
        free(c->provider[i].path);
    }
    free(c);
}

static json_t *render(const struct config *c)
{
    struct buf out = BUF_INIT(OPENAPI_BYTES_MAX);
    struct arena *arena = arena_new(16 << 20);
    json_error_t why;

    openapi_render(c, "0.0", arena, &out);
    assert_false(out.overflow);
    json_t *read = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, &why);
    if (read == NULL)
        fail_msg("%s at %d: %.60s", why.text, why.position, out.p + why.position);
    buf_free(&out);
    arena_free(arena);
    return read;
}

static json_t *at(json_t *o, const char *const key[])
{
    for (; o != NULL && *key != NULL; key++)
        o = json_object_get(o, *key);
    return o;
}
#define AT(o, ...) at((o), (const char *const[]){__VA_ARGS__, NULL})

/* Every $ref below o names something that is there. */
static void check_references(json_t *root, json_t *o)
{
    const char *key;
    json_t *value;
    size_t i;

    json_object_foreach(o, key, value)
    {
        if (strcmp(key, "$ref") == 0) {
            char path[256], *save = NULL;
            json_t *found = root;
            (void)snprintf(path, sizeof path, "%s", json_string_value(value));
            for (char *part = strtok_r(path, "/", &save); part != NULL;
                 part = strtok_r(NULL, "/", &save))
                if (strcmp(part, "#") != 0)
                    found = json_object_get(found, part);
            if (found == NULL)
                fail_msg("%s leads nowhere", json_string_value(value));
        }
        check_references(root, value);
    }
    json_array_foreach(o, i, value) check_references(root, value);
}

static void test_all_schemes(void **unused)
{
    (void)unused;
    struct config *c = make_config();
    json_t *o = render(c);

    check_references(o, o);
    assert_int_equal(json_object_size(AT(o, "paths")), scheme_count + route_endpoint_count);
    for (size_t i = 0; i < event_type_count; i++)
        assert_non_null(AT(o, "components", "schemas", event_type_names[i]));
    assert_string_equal(json_string_value(AT(json_array_get(AT(o, "servers"), 0), "url")), "/");
    json_decref(o);
    free_config(c);
}

/* Copies are documented where they can be read. */
static bool page_says(const struct config *c, const char *text)
{
    struct buf page = BUF_INIT(1u << 20);
    bool found;

    docs_render(c, &page);
    found = page.p != NULL && strstr(page.p, text) != NULL;
    buf_free(&page);
    return found;
}

static void test_copies(void **unused)
{
    (void)unused;
    struct config *c = make_config();
    struct config_provider *p = &c->provider[0];
    json_t *o;

    while (strcmp(p->scheme, "airtable") != 0)
        p++;
    p->read_path = (char[]){"/copies"};
    o = render(c);
    assert_null(AT(o, "paths", "/copies/{base}"));
    assert_null(AT(o, "components", "schemas", "Copy_record"));
    json_decref(o);
    assert_false(page_says(c, "the copy that the cursor is of"));
    p->read_token.n = 1;
    assert_true(page_says(c, "the copy that the cursor is of"));
    o = render(c);
    check_references(o, o);
    assert_int_equal(json_object_size(AT(o, "paths")), scheme_count + route_endpoint_count + 3);
#define COPY(path, status) AT(o, "paths", path, "get", "responses", status)
    assert_non_null(AT(COPY("/copies/{base}", "200"), "headers", "Guichet-Copy"));
    assert_non_null(AT(COPY("/copies/{base}/{table}", "304"), "headers", "ETag"));
    assert_non_null(AT(COPY("/copies/{base}/{table}", "410"), "content"));
    assert_null(COPY("/copies/{base}/{table}/{record}", "410"));
    assert_non_null(COPY("/copies/{base}/{table}/{record}", "404"));
    assert_non_null(AT(COPY("/copies/{base}", "503"), "headers", "Retry-After"));
    assert_non_null(AT(COPY("/copies/{base}", "401"), "headers", "WWW-Authenticate"));
    assert_non_null(AT(o, "paths", "/copies/{base}", "head", "responses", "304"));
    assert_non_null(AT(o, "components", "securitySchemes", "airtable_read_bearer"));
    json_decref(o);
    free_config(c);
}

/* Each setting that decides what can be answered shows, and shows only then. */
static void test_settings(void **unused)
{
    (void)unused;
    struct config *c = make_config();
    struct config_provider *t4g = &c->provider[0];
    const char *path = t4g->path;
    json_t *o = render(c);

#define ANSWER(status) AT(o, "paths", path, "post", "responses", status)
#define EXAMPLE(status, name)                                                                      \
    AT(ANSWER(status), "content", "application/problem+json", "examples", name)
    assert_null(ANSWER("429"));
    assert_null(ANSWER("202"));
    assert_null(ANSWER("410"));
    assert_non_null(ANSWER("403"));
    assert_non_null(EXAMPLE("400", "unknown_type"));
    assert_null(EXAMPLE("400", "too_old"));
    assert_non_null(AT(o, "paths", "/status"));
    assert_null(AT(o, "paths", "/api/metrics", "get", "responses", "403", "content",
                   "application/problem+json", "examples", "no_token"));
    json_decref(o);

    c->require_https = false;
    c->when_store_down = STORE_DOWN_SPOOL;
    c->metrics_token = NULL;
    c->status_page = STATUS_PAGE_OFF;
    c->base_path = (char[]){"/hooks"};
    c->public_url = (char[]){"https://example.net"};
    t4g->rate_count = 5;
    t4g->rate_window_us = US_PER_S;
    t4g->unknown_events = 1;
    t4g->max_age_us = US_PER_S;
    o = render(c);
    check_references(o, o);
    assert_non_null(ANSWER("429"));
    assert_non_null(AT(ANSWER("429"), "headers", "RateLimit"));
    assert_non_null(ANSWER("202"));
    assert_null(ANSWER("403"));
    assert_null(EXAMPLE("400", "unknown_type"));
    assert_non_null(EXAMPLE("400", "too_old"));
    assert_null(AT(o, "paths", "/status"));
    assert_non_null(AT(o, "components", "schemas", "OtherEvent"));
    assert_null(AT(o, "paths", "/api/metrics", "get", "responses", "200"));
    assert_non_null(AT(o, "paths", "/api/metrics", "get", "responses", "403"));
    assert_string_equal(json_string_value(AT(json_array_get(AT(o, "servers"), 0), "url")),
                        "https://example.net/hooks");
    json_decref(o);

    t4g->rate_limit_status = 503;
    o = render(c);
    assert_null(ANSWER("429"));
    assert_non_null(EXAMPLE("503", "rate_limit"));
    assert_non_null(AT(ANSWER("503"), "headers", "RateLimit"));
    json_decref(o);

    t4g->retired = true;
    o = render(c);
    check_references(o, o);
    assert_non_null(ANSWER("410"));
    assert_null(ANSWER("200"));
    assert_null(ANSWER("401"));
    json_decref(o);
    free_config(c);
}

/* What a faulty body is told is what its reader says. */
static void test_faults(void **unused)
{
    (void)unused;
    struct config *c = make_config();
    json_t *o = render(c);
    const char *path = c->provider[0].path;
    static const struct {
        const char *name, *detail;
    } row[] = {
        {"missing_field", "id is missing"},
        {"no_integer",
         "amount_msat must be an integer from 0 to 9223372036854775807, written with digits alone"},
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        assert_string_equal(json_string_value(AT(EXAMPLE("400", row[i].name), "value", "detail")),
                            row[i].detail);
    json_decref(o);
    free_config(c);
}

/* Names come from the configuration alone, which refuses these; the pages do not rely on that. */
static void test_hostile_names(void **unused)
{
    (void)unused;
    struct config *c = make_config();
    struct buf out = BUF_INIT(DOCS_BYTES_MAX);

    (void)snprintf(c->provider[0].name, sizeof c->provider[0].name, HOSTILE);
    (void)snprintf(c->provider[0].path, 64, "/" HOSTILE);
    c->base_path = (char[]){HOSTILE};
    c->public_url = (char[]){HOSTILE};
    json_t *o = render(c);
    assert_non_null(AT(o, "paths", "/" HOSTILE));
    json_decref(o);
    docs_render(c, &out);
    assert_false(out.overflow);
    assert_null(strstr(out.p, "<script"));
    assert_null(strstr(out.p, "\"><script"));
    assert_non_null(strstr(out.p, "&lt;script&gt;"));
    buf_free(&out);
    free_config(c);
}

static void test_page(void **unused)
{
    (void)unused;
    struct config *c = make_config();
    struct buf out = BUF_INIT(DOCS_BYTES_MAX);

    docs_render(c, &out);
    assert_false(out.overflow);
    for (size_t i = 0; i < event_type_count; i++)
        assert_non_null(strstr(out.p, event_type_names[i]));
    static const char *const said[] = {"hash_hmac",   "createHmac", "hmac.new", "openssl dgst",
                                       "hmac_sha256", ">at once<",  ">5 s<",    ">30 s<",
                                       ">5 min<",     ">30 min<"};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (strstr(out.p, said[i]) == NULL)
            fail_msg("no %s", said[i]);
    assert_null(strstr(out.p, "[docs"));
    c->provider[0].retired = true; /* nobody to sign for */
    buf_reset(&out);
    docs_render(c, &out);
    assert_null(strstr(out.p, "hash_hmac"));
    assert_non_null(strstr(out.p, "no longer in use"));
    buf_free(&out);
    free_config(c);
}

/* Every row of the table of problems can be met somewhere and has all that is said of it. */
static void test_problems(void **unused)
{
    (void)unused;
    for (enum problem_id id = 0; id < PROBLEM_COUNT; id++) {
        const struct problem_row *row = &problem_table[id];
        assert_true(row->where != 0 || id == PROBLEM_UNKNOWN_PATH);
        assert_true(row->meaning != NULL && row->reason != NULL);
        assert_string_not_equal(response_reason(row->status), "");
        for (size_t i = 0; i < PROBLEM_HEADERS_MAX && row->header[i] != NULL; i++)
            assert_string_not_equal(wording_header(row->header[i]), "");
    }
    for (size_t i = 0; i < event_type_count; i++)
        assert_string_not_equal(wording_change(event_type_names[i]), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_schemes),   cmocka_unit_test(test_settings),
        cmocka_unit_test(test_copies),        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_page),
        cmocka_unit_test(test_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
