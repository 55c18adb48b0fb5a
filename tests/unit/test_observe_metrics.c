#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "observe/metrics.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_accept(void **unused)
{
    (void)unused;
    static const struct {
        const char *accept;
        bool want;
        const char *comment;
    } cases[] = {
        {"", false, "nothing"},
        {"*/*", false, "anything"},
        {"application/*", false, "not named itself"},
        {"text/plain", false, "plain text"},
        {"application/openmetrics-text", true, "alone"},
        {"Application/OpenMetrics-Text", true, "case"},
        {"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         true, "Prometheus"},
        {"application/openmetrics-text; version=1.0.0; q=0.5, text/plain; q=0.4", true, "spaces"},
        {"application/"
         "vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
         "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
         "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/"
         "*;q=0.1",
         true, "a newer Prometheus"},
        {"application/openmetrics-text;version=0.0.1", false, "a version that is not ours"},
        {"application/openmetrics-text;version=\"1.0.0\"", true, "quoted version"},
        {"text/html;x=\"a,application/openmetrics-text\"", false, "inside quotes"},
        {"text/html;x=\"a\\\",application/openmetrics-text\"", false, "a quoted quote"},
        {"text/html;x=\"application/openmetrics-text", false, "quotes left open"},
        {"application/openmetrics-text;q=0.4,text/plain;q=0.5", false, "plain text more gladly"},
        {"application/openmetrics-text;q=0.5,text/plain;q=0.5", true, "equally gladly"},
        {"application/openmetrics-text;q=0.5,*/*", false, "anything more gladly"},
        {"application/openmetrics-text;q=0.5,*/*;q=0.9,text/plain;q=0.1", true,
         "the precise range"},
        {"text/plain;q=0.1,application/openmetrics-text;q=0.5,text/*;q=0.9", true,
         "the precise range, first"},
        {"application/openmetrics-text;q=0", false, "refused"},
        {"application/openmetrics-text;q=0.000", false, "refused, at length"},
        {"application/openmetrics-text;q=0.001", true, "just so"},
        {"application/openmetrics-text;q=1.000", true, "one, at length"},
        {"application/openmetrics-text;q=1.001", false, "more than one"},
        {"application/openmetrics-text;q=0.0001", false, "too long"},
        {"application/openmetrics-text;q=", false, "q without a value"},
        {"application/openmetrics-text;q=x", false, "no number"},
        {"application/openmetrics-text;q=05", false, "no point"},
        {",,application/openmetrics-text;;", true, "empty elements"},
        {"application/openmetrics-textile", false, "longer"},
    };

    assert_false(metrics_wants_openmetrics(SLICE_NONE));
    for (size_t i = 0; i < COUNT(cases); i++)
        if (metrics_wants_openmetrics(slice_of(cases[i].accept)) != cases[i].want)
            fail_msg("%s: %s", cases[i].comment, cases[i].accept);
}

static const char *const types[] = {"user.created", "user.updated"};

static struct state *make_state(void)
{
    struct state *s = state_private(types, COUNT(types));
    struct state_provider *p = state_provider(s, "dazno");

    state_count(p, 0, OUTCOME_ACCEPTED);
    state_count(p, 0, OUTCOME_ACCEPTED);
    state_count(p, 0, OUTCOME_DUPLICATE);
    state_count(p, state_type_none(s), OUTCOME_UNAUTHORIZED);
    atomic_fetch_add(&p->signature_failures[SIGNATURE_MISMATCH], 1);
    atomic_fetch_add(&p->secret_used[1], 3);
    atomic_store(&p->last_accepted_us, INT64_C(1760524205012345));
    state_observe(&p->request, 90);
    state_observe(&p->request, 1500000);
    state_observe(&p->request, 9000000);
    state_observe(&state_shared(s)->store, 260);
    state_count(state_provider(s, "gone"), 0, OUTCOME_ACCEPTED);
    return s;
}

static char *render(bool openmetrics, int store_up)
{
    const struct metrics_provider providers[] = {
        {"dazno", 100, store_up ? 7 : -1, store_up ? 3 : -1, store_up ? 0 : -1, store_up ? 2 : -1,
         -1, -1},
        {"airtable", 0, -1, -1, -1, -1, store_up ? 1761129005 : -1, store_up ? 1760524200 : -1},
    };
    const struct metrics_input in = {
        .provider = providers,
        .nproviders = COUNT(providers),
        .store_up = store_up,
        .store_durable = store_up ? 1 : -1,
        .version = "0.1\"\\\n",
        .openmetrics = openmetrics,
        .spool = !store_up,
        .spool_entries = 12,
        .spool_oldest_us = 3500000,
    };
    struct state *s = make_state();
    struct buf out = BUF_INIT((size_t)1 << 20);

    metrics_render(s, &in, &out);
    assert_false(out.overflow);
    state_close(s);
    return out.p;
}

static void assert_line(const char *text, const char *line)
{
    char want[512];

    snprintf(want, sizeof(want), "\n%s\n", line);
    if (strstr(text, want) == NULL)
        fail_msg("missing: %s", line);
}

static void assert_none(const char *text, const char *words)
{
    if (strstr(text, words) != NULL)
        fail_msg("there: %s", words);
}

static void test_text(void **unused)
{
    (void)unused;
    static const char *const lines[] = {
        "# TYPE guichet_webhooks_total counter",
        "guichet_webhooks_total{provider=\"dazno\",event_type=\"user.created\",outcome="
        "\"accepted\"} 2",
        "guichet_webhooks_total{provider=\"dazno\",event_type=\"user.created\",outcome="
        "\"duplicate\"} 1",
        "guichet_webhooks_total{provider=\"dazno\",event_type=\"user.created\",outcome=\"error\"} "
        "0",
        "guichet_webhooks_total{provider=\"dazno\",event_type=\"none\",outcome=\"unauthorized\"} 1",
        "guichet_webhooks_total{provider=\"airtable\",event_type=\"none\",outcome=\"unauthorized\"}"
        " 0",
        "# TYPE guichet_request_duration_seconds histogram",
        "guichet_request_duration_seconds_bucket{provider=\"dazno\",le=\"0.0001\"} 1",
        "guichet_request_duration_seconds_bucket{provider=\"dazno\",le=\"1.0\"} 1",
        "guichet_request_duration_seconds_bucket{provider=\"dazno\",le=\"2.5\"} 2",
        "guichet_request_duration_seconds_bucket{provider=\"dazno\",le=\"5.0\"} 2",
        "guichet_request_duration_seconds_bucket{provider=\"dazno\",le=\"+Inf\"} 3",
        "guichet_request_duration_seconds_sum{provider=\"dazno\"} 10.500090",
        "guichet_request_duration_seconds_count{provider=\"dazno\"} 3",
        "guichet_request_duration_seconds_count{provider=\"airtable\"} 0",
        "guichet_store_duration_seconds_bucket{le=\"0.00025\"} 0",
        "guichet_store_duration_seconds_bucket{le=\"0.0005\"} 1",
        "guichet_store_duration_seconds_count 1",
        "guichet_store_up 1",
        "guichet_store_durable 1",
        "guichet_rate_limit{provider=\"dazno\"} 100",
        "guichet_rate_limit_used{provider=\"dazno\"} 7",
        "guichet_signature_failures_total{provider=\"dazno\",reason=\"mismatch\"} 1",
        "guichet_signature_failures_total{provider=\"airtable\",reason=\"doubled\"} 0",
        "guichet_secret_used_total{provider=\"dazno\",slot=\"1\"} 3",
        "guichet_last_accepted_timestamp_seconds{provider=\"dazno\"} 1760524205.012345",
        "guichet_backlog_entries{provider=\"dazno\"} 3",
        "guichet_quarantine_entries{provider=\"dazno\"} 0",
        "guichet_audit_unsealed_entries{provider=\"dazno\"} 2",
        "guichet_airtable_hook_expiry_timestamp_seconds{provider=\"airtable\"} 1761129005",
        "guichet_airtable_copy_timestamp_seconds{provider=\"airtable\"} 1760524200",
        "guichet_build_info{version=\"0.1\\\"\\\\\\n\"} 1",
    };
    char *text = render(false, 1);

    for (size_t i = 0; i < COUNT(lines); i++)
        assert_line(text, lines[i]);
    assert_none(text, "user.updated"); /* never counted */
    assert_none(text, "slot=\"0\"");
    assert_none(text, "guichet_spool"); /* there is none */
    assert_none(text, "gone");          /* no longer configured */
    assert_none(text, "guichet_rate_limit{provider=\"airtable\"}");
    assert_none(text, "hook_expiry_timestamp_seconds{provider=\"dazno\"}");
    assert_none(text, "copy_timestamp_seconds{provider=\"dazno\"}");
    assert_none(text, "guichet_last_accepted_timestamp_seconds{provider=\"airtable\"}");
    assert_none(text, "reason=\"ok\"");
    assert_none(text, "# EOF");
    free(text);
}

static void test_store_down(void **unused)
{
    (void)unused;
    char *text = render(false, 0);

    assert_line(text, "guichet_store_up 0");
    assert_line(text, "guichet_rate_limit{provider=\"dazno\"} 100");
    assert_none(text, "guichet_rate_limit_used");
    assert_none(text, "guichet_backlog_entries");
    assert_none(text, "guichet_quarantine_entries");
    assert_none(text, "guichet_audit_unsealed_entries");
    assert_none(text, "hook_expiry");
    assert_none(text, "copy_timestamp");
    assert_none(text, "guichet_store_durable");
    assert_line(text, "guichet_spool_entries 12");
    assert_line(text, "guichet_spool_oldest_seconds 3.500000");
    free(text);
}

static void test_openmetrics(void **unused)
{
    (void)unused;
    char *text = render(true, 1);

    assert_line(text, "# TYPE guichet_webhooks counter");
    assert_line(text, "# TYPE guichet_secret_used counter");
    assert_line(text, "guichet_secret_used_total{provider=\"dazno\",slot=\"1\"} 3");
    assert_none(text, "# TYPE guichet_webhooks_total");
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    free(text);
}

/* No series twice, and every family in one piece. */
static void test_unique(void **unused)
{
    (void)unused;
    char *text = render(false, 1);
    char *line[2048];
    size_t n = 0;

    for (char *rest = text, *l; (l = strsep(&rest, "\n")) != NULL && *l != '\0';) {
        char *value = strrchr(l, ' ');
        assert_non_null(value);
        if (*l != '#')
            *value = '\0';
        assert_true(n < COUNT(line));
        line[n++] = l;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(line[i], line[k]);
    free(text);
}

/* What Prometheus's own linter says, where it is installed. */
static void test_promtool(void **unused)
{
    (void)unused;
    if (system("command -v promtool >/dev/null 2>&1") != 0)
        skip();
    char *text = render(false, 1);
    FILE *promtool = popen("promtool check metrics >&2", "w");

    assert_non_null(promtool);
    assert_int_equal(fwrite(text, 1, strlen(text), promtool), strlen(text));
    assert_int_equal(pclose(promtool), 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),     cmocka_unit_test(test_text),
        cmocka_unit_test(test_store_down), cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_unique),     cmocka_unit_test(test_promtool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
