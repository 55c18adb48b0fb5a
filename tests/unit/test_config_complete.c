/* What the environment and the defaults add to a file, and how the whole is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "unit/config_files.h"

#define STORE "GUICHET_STORE=unix:///run/env.sock"
#define DAZNO "T4G_API_KEY=k", "T4G_WEBHOOK_SECRET=s"

static struct config_files files;

/* The last element is NULL, as in environ. */
#define ENVIRONMENT(...) ((const char *[]){__VA_ARGS__, NULL})

static struct config *load(const char *file, const char *program_dir,
                           const char *const *environment, struct fail *why)
{
    struct config_options o = {file, program_dir, (char *const *)(uintptr_t)environment};

    why->text[0] = '\0';
    return config_load(&o, why);
}

static struct config *load_text(const char *text, const char *const *environment, struct fail *why)
{
    char path[CONFIG_FILES_PATH_MAX];

    config_files_write(&files, "g.conf", 0600, text);
    return load(config_files_path(&files, "g.conf", path), NULL, environment, why);
}

static bool contains(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        return true;
    print_message("\"%s\" is not in \"%s\"\n", part, text);
    return false;
}

static void test_environment_alone(void **state)
{
    (void)state;
    struct fail why;
    if (access("/etc/guichet/guichet.conf", F_OK) == 0)
        skip(); /* this machine has a configuration of its own */
    struct config *c = load(
        NULL, files.folder,
        ENVIRONMENT(STORE, DAZNO, "WEBHOOK_SECRET=w", "TMPDIR=/tmp/x", "GUICHET_METRICS_TOKEN=t"),
        &why);
    assert_non_null(c);
    assert_null(c->file);
    assert_string_equal(c->store, "unix:///run/env.sock");
    assert_string_equal(c->store_origin, "environment");
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->max_body, 1048576);
    assert_true(c->require_https);
    assert_int_equal(c->nproxies, 3);
    assert_true(config_trusts(c, SLICE_LITERAL("127.0.0.1")));
    assert_true(config_trusts(c, SLICE_LITERAL("::1")));
    assert_true(config_trusts(c, SLICE_NONE));
    assert_false(config_trusts(c, SLICE_LITERAL("192.0.2.1")));
    assert_string_equal(c->log, "stderr");
    assert_string_equal(c->audit_log, "stderr");
    assert_int_equal(c->deadline_us, 2 * US_PER_S);
    assert_int_equal(c->durability, DURABILITY_ALWAYS);
    assert_int_equal(c->min_replicas, 0);
    assert_string_equal(c->base_path, "");
    assert_string_equal(c->metrics_token, "env:GUICHET_METRICS_TOKEN");
    assert_string_equal(c->metrics_token_origin, "environment");
    assert_int_equal(c->nnotices, 0);
    assert_int_equal(c->nproviders, 2);
    assert_false(c->state_dir_given);
    if (strcmp(c->state_dir, "/run/guichet") != 0)
        assert_true(contains(c->state_dir, "/tmp/x/guichet-"));

    const struct config_provider *p = config_find(c, "dazno");
    assert_true(p->implicit);
    assert_string_equal(p->scheme, "t4g");
    assert_string_equal(p->path, "/api/webhooks/dazno");
    assert_int_equal(p->api_key.n, 1);
    assert_string_equal(p->api_key.item[0].text, "env:T4G_API_KEY");
    assert_string_equal(p->api_key.item[0].origin, "environment");
    assert_int_equal(p->secret.n, 1);
    assert_string_equal(p->secret.item[0].text, "env:T4G_WEBHOOK_SECRET");
    assert_int_equal(p->rate_count, 100);
    assert_int_equal(p->rate_window_us, 60 * US_PER_S);
    assert_int_equal(p->rate_limit_status, 429);
    assert_int_equal(p->tolerance_us, -1);
    assert_int_equal(p->max_age_us, 0);
    assert_int_equal(p->keep_ids_us, 30 * 86400 * US_PER_S);
    assert_int_equal(p->unknown_events, -1);
    assert_int_equal(p->backlog_limit, 1000000);
    assert_int_equal(p->quarantine_limit, 10000);
    assert_int_equal(p->audit_limit, 100000);
    assert_int_equal(p->history_limit, 10000);
    assert_false(p->retired);

    p = config_find(c, "airtable");
    assert_string_equal(p->scheme, "airtable");
    assert_string_equal(p->path, "/webhooks/airtable/refresh");
    assert_int_equal(p->api_key.n, 0);
    assert_string_equal(p->secret.item[0].text, "env:WEBHOOK_SECRET");
    assert_int_equal(p->rate_count, 0);
    assert_null(config_find(c, "stripe"));
    config_free(c);
    config_free(NULL);
}

static void test_no_store_no_start(void **state)
{
    (void)state;
    struct fail why;

    assert_null(load_text("", ENVIRONMENT(DAZNO), &why));
    assert_true(contains(why.text, "no store is configured (GUICHET_STORE is not set); set"));
    assert_null(load_text("", ENVIRONMENT("GUICHET_STORE="), &why));
    assert_true(contains(why.text, "set but empty"));
    assert_null(load_text("", ENVIRONMENT("GUICHET_STORE=localhost:6379"), &why));
    assert_true(contains(why.text, "environment: GUICHET_STORE: "));
    struct config *c = load_text("[server]\nstore = redis://h/1\n", ENVIRONMENT(STORE), &why);
    assert_string_equal(c->store, "redis://h/1"); /* the file is the stronger */
    config_free(c);
}

static void test_notices(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool mounted, is_error;
        const char *says;
    } cases[] = {
        {"T4G_API_KEY=k", "T4G_WEBHOOK_SECRET=s", true, false, NULL},
        {"A=", "B=", false, false,
         "dazno is not mounted: T4G_API_KEY and T4G_WEBHOOK_SECRET are not set"},
        {"T4G_API_KEY=k", "B=", false, true,
         "dazno is not mounted: T4G_API_KEY is set, but T4G_WEBHOOK_SECRET is not; set both"},
        {"A=", "T4G_WEBHOOK_SECRET=s", false, true,
         "dazno is not mounted: T4G_WEBHOOK_SECRET is set, but T4G_API_KEY is not; set both"},
        {"T4G_API_KEY=k", "T4G_WEBHOOK_SECRET=", false, true,
         "dazno is not mounted: T4G_WEBHOOK_SECRET is set but empty"},
        {"T4G_API_KEY=", "T4G_WEBHOOK_SECRET=", false, true,
         "dazno is not mounted: T4G_API_KEY and T4G_WEBHOOK_SECRET are set but empty"},
        {"T4G_API_KEYS=k", "T4G_WEBHOOK_SECRET_=s", false, false, "are not set"}, /* like names */
    };
    struct fail why;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *c = load_text("",
                                     ENVIRONMENT(STORE, cases[i].a, cases[i].b, "WEBHOOK_SECRET=w",
                                                 "GUICHET_METRICS_TOKEN=t"),
                                     &why);
        assert_non_null(c);
        assert_int_equal(config_find(c, "dazno") != NULL, cases[i].mounted);
        assert_int_equal(c->nnotices, cases[i].says != NULL ? 1 : 0);
        if (cases[i].says != NULL) {
            assert_true(contains(c->notice[0], cases[i].says));
            assert_int_equal(c->notice_is_error[0], cases[i].is_error);
        }
        config_free(c);
    }

    struct config *c = load_text("", ENVIRONMENT(STORE, DAZNO), &why);
    assert_int_equal(c->nnotices, 2);
    assert_true(contains(c->notice[0], "/api/metrics answers 403: GUICHET_METRICS_TOKEN is not"));
    assert_true(contains(c->notice[1], "airtable is not mounted: WEBHOOK_SECRET is not set"));
    config_free(c);
}

static void test_metrics_token(void **state)
{
    (void)state;
    static const char named[] = "[metrics]\ntoken = env:GUICHET_METRICS_TOKEN\n";
    static const char other[] = "[metrics]\ntoken = env:OTHER\n";
    struct fail why;

    struct config *c = load_text(named, ENVIRONMENT(STORE, "GUICHET_METRICS_TOKEN=t"), &why);
    assert_string_equal(c->metrics_token, "env:GUICHET_METRICS_TOKEN");
    assert_true(contains(c->metrics_token_origin, "/g.conf:2"));
    config_free(c);
    c = load_text(named, ENVIRONMENT(STORE), &why);
    assert_null(c->metrics_token);
    assert_false(c->notice_is_error[0]);
    config_free(c);
    c = load_text(named, ENVIRONMENT(STORE, "GUICHET_METRICS_TOKEN="), &why);
    assert_null(c->metrics_token);
    assert_true(c->notice_is_error[0]);
    assert_true(contains(c->notice[0], "set but empty"));
    config_free(c);
    c = load_text(other, ENVIRONMENT(STORE, "GUICHET_METRICS_TOKEN=t"), &why);
    assert_string_equal(c->metrics_token, "env:OTHER"); /* its being unset is the secret's error */
    config_free(c);
}

static void test_section_over_builtin(void **state)
{
    (void)state;
    struct fail why;
    struct config *c =
        load_text("[provider dazno]\nrate_limit = 7/1s\n", ENVIRONMENT(STORE, DAZNO), &why);
    const struct config_provider *p = config_find(c, "dazno");
    assert_false(p->implicit);
    assert_int_equal(p->rate_count, 7);
    assert_string_equal(p->scheme, "t4g");
    assert_string_equal(p->path, "/api/webhooks/dazno");
    assert_string_equal(p->secret.item[0].text, "env:T4G_WEBHOOK_SECRET");
    assert_true(contains(p->secret.item[0].origin, "/g.conf:1"));
    config_free(c);

    assert_null(load_text("\n[provider dazno]\n", ENVIRONMENT(STORE, "T4G_API_KEY=k"), &why));
    assert_true(contains(why.text, "/g.conf:2: [provider dazno] has no `secret` of its own, and "
                                   "T4G_WEBHOOK_SECRET is not set"));
    assert_null(load_text("[provider dazno]\n",
                          ENVIRONMENT(STORE, "T4G_API_KEY=", "T4G_WEBHOOK_SECRET=s"), &why));
    assert_true(contains(why.text, "T4G_API_KEY is set but empty"));

    c = load_text("[provider dazno]\nsecret = x\nsecret = y\n", ENVIRONMENT(STORE, "T4G_API_KEY=k"),
                  &why);
    p = config_find(c, "dazno");
    assert_int_equal(p->secret.n, 2); /* a list of the file replaces the default */
    assert_string_equal(p->secret.item[0].text, "x");
    config_free(c);

    c = load_text("[provider dazno]\nretired = yes\n", ENVIRONMENT(STORE), &why);
    assert_true(config_find(c, "dazno")->retired); /* needs no secrets any more */
    config_free(c);

    c = load_text("[provider dazno]\nscheme = github\nsecret = x\n", ENVIRONMENT(STORE), &why);
    assert_int_equal(config_find(c, "dazno")->api_key.n, 0);
    config_free(c);
    assert_null(
        load_text("[provider dazno]\nscheme = t4g\nsecret = x\n", ENVIRONMENT(STORE), &why));
}

static void test_builtin_path_taken(void **state)
{
    (void)state;
    static const char text[] =
        "[provider p]\nscheme = github\nsecret = s\npath = /api/webhooks/dazno\n";
    struct fail why;

    assert_null(load_text(text, ENVIRONMENT(STORE, DAZNO), &why));
    assert_true(contains(why.text, "environment: [provider dazno] has the path"));
    struct config *c = load_text(text, ENVIRONMENT(STORE), &why);
    assert_non_null(c);
    config_free(c);
}

/* The file that the documentation shows says what holds without it. */
static void test_documented_example(void **state)
{
    (void)state;
    static const char text[] = "[server]\n"
                               "store = unix:///run/redis/redis-server.sock\n"
                               "workers = 3\n"
                               "max_body = 1MiB\n"
                               "require_https = yes\n"
                               "trusted_proxies = 127.0.0.1, ::1\n"
                               "\n"
                               "[provider dazno]\n"
                               "scheme = t4g\n"
                               "path = /api/webhooks/dazno\n"
                               "api_key = env:T4G_API_KEY\n"
                               "; several secrets, one a line, are live side by side: rotation\n"
                               "secret = env:T4G_WEBHOOK_SECRET\n"
                               "rate_limit = 100/60s\n"
                               "\n"
                               "[provider airtable]\n"
                               "scheme = airtable\n"
                               "path = /webhooks/airtable/refresh\n"
                               "secret = env:WEBHOOK_SECRET\n"
                               "\n"
                               "[metrics]\n"
                               "token = env:GUICHET_METRICS_TOKEN\n";
    const char *const environment[] = {STORE, DAZNO, "WEBHOOK_SECRET=w", "GUICHET_METRICS_TOKEN=t",
                                       NULL};
    struct fail why;
    struct config *with = load_text(text, environment, &why);
    struct config *without = load_text("", environment, &why);

    assert_non_null(with);
    assert_non_null(without);
    assert_int_equal(with->workers, without->workers);
    assert_int_equal(with->max_body, without->max_body);
    assert_int_equal(with->require_https, without->require_https);
    assert_int_equal(with->nproviders, 2);
    assert_int_equal(with->nnotices, 0);
    for (size_t i = 0; i < 2; i++) {
        const struct config_provider *a = &with->provider[i];
        const struct config_provider *b = config_find(without, a->name);
        assert_string_equal(a->scheme, b->scheme);
        assert_string_equal(a->path, b->path);
        assert_int_equal(a->secret.n, b->secret.n);
        assert_string_equal(a->secret.item[0].text, b->secret.item[0].text);
        assert_int_equal(a->api_key.n, b->api_key.n);
        assert_int_equal(a->rate_count, b->rate_count);
        assert_int_equal(a->rate_window_us, b->rate_window_us);
    }
    assert_string_equal(with->metrics_token, without->metrics_token);
    config_free(with);
    config_free(without);
}

static void test_state_dir_beside_the_file(void **state)
{
    (void)state;
    struct fail why;
    char expected[CONFIG_FILES_PATH_MAX];
    struct config *c = load_text("", ENVIRONMENT(STORE), &why);

    if (strcmp(c->state_dir, "/run/guichet") != 0) /* this machine's own */
        assert_string_equal(c->state_dir, config_files_path(&files, "state", expected));
    config_free(c);
}

static void collect(void *ctx, const char *text)
{
    buf_addf(ctx, "%s\n", text);
}

static void test_print(void **state)
{
    (void)state;
    static const char text[] = "[server]\nstore = redis://user:hunter2@h:6379/0\nworkers = 3\n"
                               "trusted_proxies = 10.0.0.0/8, unix\nmax_body = 1536KiB\n"
                               "[provider dazno]\nsecret = hunter2\nsecret = env:T4G_OLD\n"
                               "keep_ids = 60d\n"
                               "[metrics]\ntoken = hunt\xC3\xA9r\n";
    static const char *const lines[] = {
        "server.store = redis://h:6379/0  (",
        "server.workers = 3  (",
        "/g.conf:3)\n",
        "server.max_body = 1536KiB  (",
        "server.require_https = yes  (default)\n",
        "server.trusted_proxies = 10.0.0.0/8, unix  (",
        "server.base_path = (empty)  (default)\n",
        "server.public_url = (empty)  (default)\n",
        "server.status_page = public  (default)\n",
        "server.deadline = 2s  (default)\n",
        "server.durability = always  (default)\n",
        "server.min_replicas = 0  (default)\n",
        "server.when_store_down = reject  (default)\n",
        "server.spool_dir = (not set)  (default)\n",
        "server.spool_limit = 10000  (default)\n",
        "server.spool_size = 256MiB  (default)\n",
        "provider dazno.scheme = t4g  (default)\n",
        "provider dazno.api_key = env:T4G_API_KEY  (default)\n",
        "provider dazno.secret = (set, 7 characters)  (",
        "/g.conf:7)\n",
        "provider dazno.secret = env:T4G_OLD  (",
        "/g.conf:8)\n",
        "provider dazno.rate_limit = 100/60s  (default)\n",
        "provider dazno.tolerance = scheme  (default)\n",
        "provider dazno.max_age = off  (default)\n",
        "provider dazno.keep_ids = 60d  (",
        "provider dazno.unknown_events = scheme  (default)\n",
        "provider dazno.rate_limit_status = 429  (default)\n",
        "provider dazno.backlog_limit = 1000000  (default)\n",
        "provider dazno.retired = no  (default)\n",
        "provider airtable.rate_limit = none  (default)\n",
        "metrics.token = (set, 6 characters)  (",
    };
    struct fail why;
    struct buf out = BUF_INIT(100000);
    struct config *c = load_text(text, ENVIRONMENT(STORE, DAZNO, "WEBHOOK_SECRET=w"), &why);

    assert_non_null(c);
    config_print(c, collect, &out);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_true(contains(out.p, lines[i]));
    assert_null(strstr(out.p, "hunt"));
    assert_null(strstr(out.p, "user"));
    config_free(c);

    buf_reset(&out);
    c = load_text("[server]\nstore = unix:///run/a@b.sock\n", ENVIRONMENT(STORE), &why);
    config_print(c, collect, &out);
    assert_true(contains(out.p, "server.store = unix:///run/a@b.sock  ("));
    assert_true(contains(out.p, "metrics.token = (not set)  (default)\n"));
    config_free(c);
    buf_free(&out);
}

static int make_folder(void **state)
{
    (void)state;
    files = config_files_new();
    return 0;
}

static int remove_files(void **state)
{
    static const char *const name[] = {"g.conf"};
    char path[CONFIG_FILES_PATH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
        unlink(config_files_path(&files, name[i], path));
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    config_files_free(&files, NULL, 0);
    return 0;
}

/* A status page that asks for a token which nobody can have. */
static void test_status_page(void **state)
{
    (void)state;
    struct fail why;
    struct config *c = load_text("[server]\nstatus_page = token\n", ENVIRONMENT(STORE), &why);

    assert_null(c);
    assert_true(contains(why.text, "g.conf:2: `status_page = token` needs a token"));
    c = load_text("[server]\nstatus_page = token\n", ENVIRONMENT(STORE, "GUICHET_METRICS_TOKEN=t"),
                  &why);
    assert_non_null(c);
    assert_int_equal(c->status_page, STATUS_PAGE_TOKEN);
    config_free(c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, remove_files)
    const struct CMUnitTest tests[] = {
        TEST(test_environment_alone),
        TEST(test_status_page),
        TEST(test_no_store_no_start),
        TEST(test_notices),
        TEST(test_metrics_token),
        TEST(test_section_over_builtin),
        TEST(test_builtin_path_taken),
        TEST(test_documented_example),
        TEST(test_state_dir_beside_the_file),
        TEST(test_print),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
