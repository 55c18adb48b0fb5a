#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "pages/page.h"
#include "pages/status.h"

#define MINUTE INT64_C(60000000)
/* 2026-03-29T10:47:30Z */
#define NOW INT64_C(1774781250000000)

static char empty[] = "";

static struct config *make_config(size_t n)
{
    struct config *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->base_path = empty;
    c->public_url = empty;
    c->nproviders = n;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(c->provider[i].name, sizeof c->provider[i].name, "provider-%zu", i);
        c->provider[i].rate_count = 100;
        c->provider[i].rate_window_us = 60 * US_PER_S;
    }
    return c;
}

static struct status_input make_input(const struct config *c)
{
    struct status_input in = {.config = c, .now_us = NOW, .up = true, .durable = 1};

    in.since_us = NOW - 3 * 3600 * US_PER_S;
    for (size_t i = 0; i < c->nproviders; i++)
        in.provider[i] = (struct status_provider){&c->provider[i], 95, 1000000, -1};
    return in;
}

static void test_columns(void **unused)
{
    (void)unused;
    struct state *s = state_private(NULL, 0);
    struct status_day day;

    state_day_count(s, NOW, OUTCOME_ACCEPTED, 700);
    state_day_count(s, NOW - 17 * MINUTE, OUTCOME_ACCEPTED, 700);  /* 10:30 */
    state_day_count(s, NOW - 18 * MINUTE, OUTCOME_DUPLICATE, 700); /* 10:29 */
    state_day_count(s, NOW - 59 * MINUTE, OUTCOME_ERROR, 700);     /* of the last hour still */
    state_day_count(s, NOW - 60 * MINUTE, OUTCOME_ERROR, 700);     /* not */
    state_day_count(s, NOW - (47 * 30 + 17) * MINUTE, OUTCOME_LIMITED, 700); /* the first minute */
    state_day_count(s, NOW - (47 * 30 + 18) * MINUTE, OUTCOME_LIMITED, 700); /* before the first */
    status_read_day(s, NOW, &day);
    assert_int_equal(day.first_us, NOW / MINUTE * MINUTE - (47 * 30 + 17) * MINUTE);
    assert_int_equal(day.column[47].webhooks[OUTCOME_ACCEPTED], 2);
    assert_int_equal(day.column[46].webhooks[OUTCOME_DUPLICATE], 1);
    assert_int_equal(day.column[0].webhooks[OUTCOME_LIMITED], 1);
    assert_int_equal(status_total(&day.whole), 6);
    assert_int_equal(status_total(&day.hour), 4);
    state_close(s);
}

static void test_words(void **unused)
{
    (void)unused;
    struct config *c = make_config(1);
    struct status_input in = make_input(c);

    assert_string_equal(status_word(&in), "working");
    in.up = false;
    assert_string_equal(status_word(&in), "down");
    in.spool = true; /* which is only drained */
    assert_string_equal(status_word(&in), "down");
    c->when_store_down = STORE_DOWN_SPOOL;
    assert_string_equal(status_word(&in), "spooling");
    free(c);
}

static void render(const struct status_input *in, struct state *s, bool page, struct buf *out)
{
    struct status_day day;

    buf_reset(out);
    status_read_day(s, in->now_us, &day);
    (page ? status_render : status_render_json)(in, &day, out);
    assert_false(out->overflow);
}

/* A full day of every outcome, by the thousand, and as many providers as there can be. */
static void test_size(void **unused)
{
    (void)unused;
    struct state *s = state_private(NULL, 0);
    struct config *c = make_config(CONFIG_PROVIDERS_MAX);
    struct status_input in = make_input(c);
    struct buf out = BUF_INIT(STATUS_BYTES_MAX);

    for (int64_t m = 0; m < STATE_DAY_MINUTES; m++)
        for (unsigned o = 0; o < OUTCOME_COUNT; o++)
            for (int i = 0; i < 40; i++)
                state_day_count(s, NOW - m * MINUTE, (enum outcome)o, 700);
    render(&in, s, true, &out);
    assert_true(out.n < 50000);
    render(&in, s, false, &out);
    assert_true(out.n < 50000);
    buf_free(&out);
    free(c);
    state_close(s);
}

static void test_page(void **unused)
{
    (void)unused;
    struct state *s = state_private(NULL, 0);
    struct config *c = make_config(1);
    struct status_input in = make_input(c);
    struct buf out = BUF_INIT(STATUS_BYTES_MAX);

    state_day_count(s, NOW, OUTCOME_ACCEPTED, 700);
    (void)snprintf(c->provider[0].name, sizeof c->provider[0].name, "<script>\"'&");
    render(&in, s, true, &out);
    assert_null(strstr(out.p, "<script"));
    assert_non_null(strstr(out.p, "&lt;script&gt;&quot;&#39;&amp;"));
    assert_non_null(strstr(out.p, "29 Mar 2026, 07:47 UTC"));
    assert_non_null(strstr(out.p, "(3 h 0 min)"));
    assert_non_null(strstr(out.p, "95 of 100 in 60 s"));
    assert_non_null(strstr(out.p, "10:30 to 11:00 UTC: 1 accepted"));
    in.up = false;
    in.since_us = 0; /* not known: nothing is made up */
    in.provider[0].rate_used = -1;
    render(&in, s, true, &out);
    assert_null(strstr(out.p, ", since"));
    assert_non_null(strstr(out.p, "cannot be stored"));
    assert_non_null(strstr(out.p, "not known"));
    buf_free(&out);
    free(c);
    state_close(s);
}

static void test_json(void **unused)
{
    (void)unused;
    struct state *s = state_private(NULL, 0);
    struct config *c = make_config(2);
    struct status_input in = make_input(c);
    struct buf out = BUF_INIT(STATUS_BYTES_MAX);

    c->provider[1].rate_count = 0;
    state_day_count(s, NOW, OUTCOME_ACCEPTED, 700);
    render(&in, s, false, &out);
    json_t *o = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(o);
    json_t *received = json_object_get(o, "received");
    assert_int_equal(json_integer_value(json_object_get(received, "total")), 1);
    assert_int_equal(json_array_size(json_object_get(received, "columns")), STATUS_COLUMNS);
    json_t *providers = json_object_get(o, "providers");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(providers, 0), "rate_used")),
                     95);
    assert_true(json_is_null(json_object_get(json_array_get(providers, 1), "rate_limit")));
    assert_true(json_is_null(json_object_get(json_array_get(providers, 1), "rate_used")));
    assert_true(json_is_null(json_object_get(json_array_get(providers, 0), "quarantine_entries")));
    json_decref(o);
    buf_free(&out);
    free(c);
    state_close(s);
}

static void test_known(void **unused)
{
    (void)unused;
    struct response r;
    char tag[64], list[200];

    response_init(&r, 200);
    r.body = SLICE_LITERAL("content");
    assert_false(page_is_known(&r, SLICE_NONE, "max-age=300"));
    (void)snprintf(tag, sizeof tag, "%s", response_value(&r, "ETag"));
    assert_string_equal(response_value(&r, "Cache-Control"), "max-age=300");
    static const struct {
        const char *format;
        bool known;
    } row[] = {{"%s", true},    {"\"x\", %s", true},  {"W/%s", true},  {"\"x\" , W/%s ,", true},
               {"*%.0s", true}, {"\"x\"%.0s", false}, {"%.5s", false}, {"x%s", false},
               {",%.0s", false}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        response_init(&r, 200);
        r.body = SLICE_LITERAL("content");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(list, sizeof list, row[i].format, tag);
#pragma GCC diagnostic pop
        if (page_is_known(&r, slice_of(list), "max-age=300") != row[i].known)
            fail_msg("%s", list);
        assert_int_equal(r.status, row[i].known ? 304 : 200);
    }
}

static void test_policy(void **unused)
{
    (void)unused;
    struct response r;

    for (int page = 0; page < 2; page++) {
        response_init(&r, 200);
        page_headers(&r, page == 1);
        const char *policy = response_value(&r, "Content-Security-Policy");
        assert_non_null(policy);
        assert_non_null(strstr(policy, "default-src 'none'"));
        assert_null(strstr(policy, "unsafe"));
        assert_int_equal(strstr(policy, "style-src 'sha256-") != NULL, page);
        assert_string_equal(response_value(&r, "Referrer-Policy"), "no-referrer");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns), cmocka_unit_test(test_words), cmocka_unit_test(test_size),
        cmocka_unit_test(test_page),    cmocka_unit_test(test_json),  cmocka_unit_test(test_known),
        cmocka_unit_test(test_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
