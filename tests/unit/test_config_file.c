/* What a configuration file may hold: a table of files, and what is said of each that is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "unit/config_files.h"

static const char *environment[] = {"T4G_API_KEY=k",
                                    "T4G_WEBHOOK_SECRET=s",
                                    "WEBHOOK_SECRET=w",
                                    "GUICHET_METRICS_TOKEN=t",
                                    "GUICHET_STORE=unix:///run/env.sock",
                                    NULL};

static struct config_files files;

static struct config *load_bytes(const char *text, size_t n, struct fail *why)
{
    char path[CONFIG_FILES_PATH_MAX];
    struct config_options o = {.file = config_files_path(&files, "g.conf", path),
                               .environment = (char *const *)(uintptr_t)environment};

    config_files_write_bytes(&files, "g.conf", 0600, text, n);
    return config_load(&o, why);
}

static struct config *load(const char *text)
{
    struct fail why = {""};
    struct config *c = load_bytes(text, strlen(text), &why);

    if (c == NULL)
        fail_msg("%s", why.text);
    return c;
}

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define P   "[provider p]\nscheme = github\npath = /p\nsecret = s\n"
#define HEX X50 X10 "xxxx"
#define A   "[provider airtable]\nscheme = airtable\npath = /a\nsecret = " HEX "\n"

/* One file each; line 0: it loads. `says` stands in the message. */
static const struct {
    const char *text;
    unsigned line;
    const char *says;
} file_case[] = {
    {"", 0, NULL},
    {"\n; comment\n # another\n\n", 0, NULL},
    {"[server]\nworkers = 3", 0, NULL},
    {"\xEF\xBB\xBF[server]\r\nworkers = 3\r\n", 0, NULL},
    {"[server]\nworkers=3\n[metrics]\n", 0, NULL},
    {"  [server]\n\tworkers = 3\n", 0, NULL}, /* no key before: nothing to continue */
    {"[provider dazno]\n", 0, NULL},
    {"[provider\tdazno]\n", 0, NULL},
    {P, 0, NULL},
    {P "secret = t\nsecret = u\n", 0, NULL},
    {P "  t\n\n; comment\n\tu==\n", 0, NULL},
    {P "secret = a;b#c\n", 0, NULL},
    {P "secret = ;b\n", 5, "`;` after white space"},
    {P "secret =;b\n", 0, NULL},
    {"[server]\nworkers = 3 ; three\n", 2, "`;` after white space"},
    {"[server]\nworkers = 3\t;three\n", 2, "`;` after white space"},
    {"[server] ; main\n", 1, "`;` after white space"},
    {"[server] workers = 3\n", 1, "follows the `]`"},
    {"[server]]\n", 1, "follows the `]`"},
    {"[server\n", 1, "no `]`"},
    {"[]\n", 1, "no such section"},
    {"[Server]\n", 1, "no such section"},
    {"[ server ]\n", 1, "no such section"},
    {"[provider]\n", 1, "no such section"},
    {"[provider ]\n", 1, "a provider's name"},
    {"[provider Dazno]\n", 1, "a provider's name"},
    {"[provider a b]\n", 1, "a provider's name"},
    {"[provider {x}]\n", 1, "a provider's name"},
    {"[provider abcdefghijklmnopqrstuvwxyz0123456]\n", 1, "a provider's name"},
    {"[provider " X50 "]\n", 1, "shorten it"},
    {"[server]\n[metrics]\n[server]\n", 3, "already in line 1"},
    {P "[provider p]\n", 5, "stands already at"},
    {"workers = 3\n", 1, "before the first section"},
    {"[server]\nworker = 3\n", 2, "unknown key `worker`; this section has: store, workers"},
    {"[server]\nWorkers = 3\n", 2, "unknown key"},
    {"[server]\nsecret = x\n", 2, "a key of another section"},
    {"[metrics]\nstore = x\n", 2, "a key of another section"},
    {"[server]\nworkers\n", 2, "no `=`"},
    {"[server]\n\nworkers : 3\n", 3, "a `:` stands before the `=`"},
    {"[server]\nworkers : 3 = x\n", 2, "a `:` stands before the `=`"},
    {"[server]\n= 3\n", 2, "nothing stands before the `=`"},
    {"[server]\n" X50 "x = 3\n", 2, "longer than 49 bytes"},
    {"[server]\nworkers = 3\nworkers = 3\n", 3, "given twice, first in line 2"},
    {"[server]\nworkers = 3\n max_body = 2MiB\n", 3, "white space before a line"},
    {"[server]\nworkers = 3\n 4\n", 3, "white space before a line"},
    {P " rate_limit = 5/1s\n", 5, "white space before a line"}, /* or it would be a secret */
    {P " rate_limt = 5/1s\n", 5, "white space before a line"},
    {P " rate_limt=5/1s\n", 5, "white space before a line"},
    {P " rate_limit =\n", 5, "white space before a line"},
    {P " [metrics]\n", 5, "white space before a line"},
    {"[server]\nworkers = 0\n", 2, "a whole number from 1 to 64"},
    {"[server]\nworkers = 65\n", 2, "`workers = 65` cannot be used"},
    {"[server]\nworkers = 64\n", 0, NULL},
    {"[server]\nworkers = two\n", 2, "a whole number"},
    {"[server]\nworkers =\n", 2, "`workers` has no value"},
    {"[server]\nmax_body = 64MiB\n", 0, NULL},
    {"[server]\nmax_body = 65MiB\n", 2, "from 1 to 64MiB"},
    {"[server]\nrequire_https = true\n", 2, "must be yes or no"},
    {"[server]\ndeadline = 100ms\n", 0, NULL},
    {"[server]\ndeadline = 99ms\n", 2, "from 100ms to 1m"},
    {"[server]\ndurability = sometimes\n", 2, "always or everysec or none"},
    {"[server]\nmin_replicas = 9\n", 2, "from 0 to 8"},
    {"[server]\nbase_path = /a/b\n", 0, NULL},
    {"[server]\nbase_path =\n", 0, NULL},
    {"[server]\nbase_path = /a/\n", 2, "none at its end"},
    {"[server]\nbase_path = a\n", 2, "a / in front"},
    {"[server]\npublic_url = https://example.org:8443\n", 0, NULL},
    {"[server]\npublic_url = https://example.org/\n", 2, "without a path"},
    {"[server]\nstatus_page = off\n", 0, NULL},
    {"[server]\nstatus_page = token\n", 0, NULL},
    {"[server]\nstatus_page = no\n", 2, "public or token or off"},
    {"[server]\nlog = syslog\naudit_log = off\n", 0, NULL},
    {"[server]\nlog = off\n", 2, "an absolute path or stderr or syslog"},
    {"[server]\nlog = guichet.log\n", 2, "an absolute path"},
    {"[server]\nstate_dir = state\n", 2, "an absolute path"},
    {"[server]\ntrusted_proxies = 10.0.0.0/8,unix\n", 0, NULL},
    {"[server]\ntrusted_proxies = 10.0.0.0/8,\n", 2, "networks"},
    {"[server]\ntrusted_proxies = 0.0.0.0/0\n", 2, "not /0"},
    {"[server]\nstore = /run/redis.sock\n", 2, "an address such as"},
    {"[server]\nwhen_store_down = spool\n", 2, "needs a folder"},
    {"[server]\nwhen_store_down = spool\nspool_dir = /srv/spool\n", 0, NULL},
    {"[server]\nspool_dir = /run/guichet/spool\nwhen_store_down = spool\n", 2, "gone after"},
    {"[server]\nspool_dir = /run/guichet/spool\nwhen_store_down = reject\n", 0, NULL},
    {"[server]\nwhen_store_down = wait\n", 2, "must be reject or spool"},
    {"[server]\nspool_limit = 100001\n", 2, "from 1 to 100000"},
    {"[server]\nspool_size = 1000\n", 2, "from 1MiB to 65536MiB"},
    {P "rate_limit = 100/60s\nrate_limit_status = 503\n", 0, NULL},
    {P "rate_limit = none\n", 0, NULL},
    {P "rate_limit = 0/60s\n", 5, "100/60s"},
    {P "rate_limit = 1000001/60s\n", 5, "100/60s"},
    {P "rate_limit = 1/999ms\n", 5, "1s to 1d"},
    {P "rate_limit = 1/25h\n", 5, "1s to 1d"},
    {P "rate_limit_status = 500\n", 5, "429 or 503"},
    {P "tolerance = 5m\nmax_age = 1h\n", 0, NULL},
    {P "max_age = off\ntolerance = scheme\n", 0, NULL},
    {P "tolerance = off\n", 5, "or scheme"}, /* nothing turns a check off by the way */
    {P "max_age = 0s\n", 5, "or off"},
    {P "keep_ids = 59m\n", 5, "from 1h to 3650d"},
    {P "keep_ids = 3650d\n", 0, NULL},
    {P "max_age = 60d\nkeep_ids = 30d\n", 0, NULL}, /* unwise, but not wrong */
    {P "unknown_events = keep\n", 5, "record or reject"},
    {P "backlog_limit = 0\n", 0, NULL},
    {P "quarantine_limit = 0\n", 5, "from 1"},
    {P "api_key = env:\n", 5, "env:NAME"},
    {P "api_key = env:A B\n", 5, "env:NAME"},
    {P "secret = file:secret\n", 5, "file:/PATH"},
    {P "secret = dir:secrets\n", 5, "dir:/PATH"},
    {P "secret =\n", 5, "`secret` has no value"},
    {P "scheme = github\n", 5, "given twice"},
    {"[provider p]\npath = /p\nsecret = s\n", 1, "has no `scheme`"},
    {"[provider p]\nscheme = github\nsecret = s\n", 1, "has no `path`"},
    {"[provider p]\nscheme = github\npath = /p\n", 1, "nothing is received unverified"},
    {"[provider p]\nscheme = github\npath = /p\nretired = yes\n", 0, NULL},
    {"[provider p]\nscheme = github\npath = /p\nretired = no\n", 1, "unverified"},
    {"[provider p]\nscheme = github\npath = p\nsecret = s\n", 3, "a / in front"},
    {"[provider p]\nscheme = github\npath = /a/../p\nsecret = s\n", 3, "segment"},
    {"[provider p]\nscheme = github\npath = /a%70\nsecret = s\n", 3, "%-escape"},
    {"[provider p]\nscheme = Git Hub\npath = /p\nsecret = s\n", 2, "a-z"},
    {"[provider p]\nscheme = github\npath = /api/metrics\nsecret = s\n", 3, "serves itself"},
    {"[provider p]\nscheme = github\npath = /api/health\nsecret = s\n", 3, "serves itself"},
    {P "[provider q]\nscheme = github\npath = /p\nsecret = s\n", 7, "and so has [provider p]"},
    {P "[provider q]\nscheme = github\npath = /p/\nsecret = s\n", 0, NULL},
    {P "[provider q]\nscheme = github\npath = /p\nretired = yes\n", 7, "and so has [provider p]"},
    {A "read_token = t1\nread_token = t2\n", 0, NULL},
    {A "read_path = /copies\n", 0, NULL},
    {A "read_path = copies\n", 5, "a / in front"},
    {A "read_path = /\n", 5, "a path"},
    {A "read_token = \n", 5, "`read_token` has no value"},
    {"[provider b]\nscheme = airtable\npath = /b\nsecret = " HEX "\nread_token = t\n", 5,
     "no `read_path`"},
    {"[provider b]\nscheme = airtable\npath = /b\nsecret = " HEX "\nread_path = /copies\n", 0,
     NULL},
    {A "[provider b]\nscheme = airtable\npath = /b\nsecret = " HEX
       "\nread_path = /webhooks/airtable\n",
     9, "and so has [provider airtable]"},
    {P "read_token = t\n", 5, "only the scheme airtable"},
    {P "read_path = /copies\n", 5, "only the scheme airtable"},
    {"[provider airtable]\nscheme = github\nsecret = s\n", 0, NULL},
    {"include = other.conf\n", 1, "an absolute path"},
    {"include =\n", 1, "an absolute path"},
    {"include = /nowhere/a\ninclude = /nowhere/a\n", 2, "given twice"},
    {"include = /nowhere/a\n[server]\n", 2, "holds nothing else"},
    {"include = /nowhere/a\nworkers = 2\n", 2, "holds nothing else"},
    {"[server]\ninclude = /nowhere/a\n", 2, "before the first section"},
    {"include = /nowhere/a\n /b\n", 2, "white space before a line"},
    {"[server]\nworkers = 3\x01\n", 2, "control character"},
    {"[server]\n; \x1B[31m\n", 2, "control character"},
    {"[server]\rworkers = 3\n", 1, "control character"},
    {"[server]\n; caf\xE9\n", 2, "not UTF-8"},
    {"[server]\n; caf\xC3\xA9\n", 0, NULL},
    {"\n\xEF\xBB\xBF[server]\n", 2, "no `=`"}, /* a byte order mark that is not at the start */
    {"[server]\n[", 2, "no `]`"},              /* the last line is judged too */
};

static void test_files(void **state)
{
    (void)state;
    char at[32];

    for (size_t i = 0; i < sizeof(file_case) / sizeof(file_case[0]); i++) {
        struct fail why = {""};
        const char *text = file_case[i].text;
        struct config *c = load_bytes(text, strlen(text), &why);
        snprintf(at, sizeof(at), "/g.conf:%u: ", file_case[i].line);
        if (file_case[i].line == 0 && c == NULL)
            fail_msg("\"%s\" was refused: %s", text, why.text);
        if (file_case[i].line != 0 && c != NULL)
            fail_msg("\"%s\" was accepted", text);
        if (c == NULL &&
            (strstr(why.text, at) == NULL || strstr(why.text, file_case[i].says) == NULL))
            fail_msg("\"%s\": %s", text, why.text);
        config_free(c);
    }
}

/* libinih's buffer: 198 bytes of a line arrive whole, of 199 one would be lost. */
static void test_longest_line(void **state)
{
    (void)state;
    struct fail why;
    char text[400];

    for (int longer = 0; longer <= 1; longer++) {
        int n = snprintf(text, sizeof(text), "[server]\nlog = /");
        int line = CONFIG_LINE_MAX + longer;
        memset(text + n, 'x', sizeof(text) - (size_t)n);
        snprintf(text + 9 + line, sizeof(text) - 9 - (size_t)line, "\r\nworkers = 3\n");
        struct config *c = load_bytes(text, strlen(text), &why);
        if (longer) {
            assert_null(c);
            assert_non_null(strstr(why.text, ":2: the line is longer than 198 bytes"));
        } else {
            assert_non_null(c);
            assert_int_equal(strlen(c->log), CONFIG_LINE_MAX - strlen("log = "));
            assert_int_equal(c->workers, 3);
        }
        config_free(c);
    }
}

static void test_nul(void **state)
{
    (void)state;
    static const char text[] = "[server]\nworkers = 3\0 4\n";
    struct fail why;

    assert_null(load_bytes(text, sizeof(text) - 1, &why));
    assert_non_null(strstr(why.text, ":2: the line holds a control character"));
}

static void test_too_many(void **state)
{
    (void)state;
    static char text[CONFIG_LINES_MAX + 64];
    struct fail why;

    memset(text, '\n', CONFIG_LINES_MAX);
    config_free(load(text));
    memcpy(text + CONFIG_LINES_MAX, ";", 2);
    assert_null(load_bytes(text, strlen(text), &why));
    assert_non_null(strstr(why.text, "more than 4096 lines"));

    int n = snprintf(text, sizeof(text), "[provider p]\nscheme = github\npath = /p\n");
    for (int i = 0; i < CONFIG_SECRETS_MAX; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "secret = s%d\n", i);
    struct config *c = load(text);
    assert_int_equal(config_find(c, "p")->secret.n, CONFIG_SECRETS_MAX);
    config_free(c);
    snprintf(text + n, sizeof(text) - (size_t)n, "secret = one more\n");
    assert_null(load_bytes(text, strlen(text), &why));
    assert_non_null(strstr(why.text, ":36: too many values for `secret`"));

    n = 0;
    for (int i = 0; i < CONFIG_PROVIDERS_MAX - 2; i++) /* two are mounted by the environment */
        n += snprintf(text + n, sizeof(text) - (size_t)n,
                      "[provider p%d]\nscheme=github\npath=/p%d\nsecret=s\n", i, i);
    c = load(text);
    assert_int_equal(c->nproviders, CONFIG_PROVIDERS_MAX);
    config_free(c);
    snprintf(text + n, sizeof(text) - (size_t)n,
             "[provider q]\nscheme=github\npath=/q\nsecret=s\n");
    assert_null(load_bytes(text, strlen(text), &why));
    assert_non_null(strstr(why.text, "more than 32 providers"));
}

/* A message never shows what may be a secret. */
static void test_secrets_are_not_told(void **state)
{
    (void)state;
    static const char *const text[] = {
        "[server]\nstore = hunter2\n",
        "[server]\nstore = redis://u:hunter2@h\nstore = redis://u:hunter2@h\n",
        "[metrics]\ntoken = env:hunter2 hunter2\n",
        P "secret = file:hunter2\n",
        P "hunter2\n",
        P "  hunter = hunter2\n",
    };

    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        struct fail why = {""};
        assert_null(load_bytes(text[i], strlen(text[i]), &why));
        assert_null(strstr(why.text, "hunter2"));
    }
}

static void test_values_arrive(void **state)
{
    (void)state;
    struct config *c =
        load("[server]\n"
             "store = redis://u:p@127.0.0.1:6379/1\n"
             "workers = 7\nmax_body = 64KiB\nrequire_https = no\n"
             "trusted_proxies = 10.0.0.0/8 ,unix\n"
             "state_dir = /var/lib/guichet\nlog = /var/log/g.log\naudit_log = off\n"
             "deadline = 500ms\ndurability = everysec\nmin_replicas = 8\nbase_path = /hooks\n"
             "when_store_down = spool\nspool_dir = /srv/spool\nspool_limit = 7\nspool_size = 2MiB\n"
             "[provider p-1]\n"
             "scheme = stripe\npath = /stripe\nsecret = one\n  two\nsecret = env:S3\n"
             "api_key = dir:/keys\nrate_limit = 5/2m\nrate_limit_status = 503\n"
             "tolerance = 10m\nmax_age = 1d\nkeep_ids = 60d\n"
             "unknown_events = reject\nbacklog_limit = 0\nquarantine_limit = 1\n"
             "audit_limit = 2\nhistory_limit = 3\nretired = yes\n"
             "[metrics]\ntoken = file:/token\n");
    const struct config_provider *p = config_find(c, "p-1");

    assert_string_equal(c->store, "redis://u:p@127.0.0.1:6379/1");
    assert_non_null(strstr(c->store_origin, "/g.conf:2"));
    assert_int_equal(c->workers, 7);
    assert_int_equal(c->max_body, 65536);
    assert_false(c->require_https);
    assert_int_equal(c->nproxies, 2);
    assert_int_equal(c->proxy[0].prefix, 104);
    assert_true(c->proxy[1].unix_peer);
    assert_string_equal(c->state_dir, "/var/lib/guichet");
    assert_true(c->state_dir_given);
    assert_string_equal(c->log, "/var/log/g.log");
    assert_string_equal(c->audit_log, "off");
    assert_int_equal(c->deadline_us, 500000);
    assert_int_equal(c->durability, DURABILITY_EVERYSEC);
    assert_int_equal(c->min_replicas, 8);
    assert_string_equal(c->base_path, "/hooks");
    assert_int_equal(c->when_store_down, STORE_DOWN_SPOOL);
    assert_string_equal(c->spool_dir, "/srv/spool");
    assert_int_equal(c->spool_limit, 7);
    assert_int_equal(c->spool_size, 2097152);
    assert_string_equal(c->metrics_token, "file:/token");
    assert_non_null(strstr(c->metrics_token_origin, "/g.conf:37"));

    assert_string_equal(p->scheme, "stripe");
    assert_string_equal(p->path, "/stripe");
    assert_non_null(strstr(p->origin, "/g.conf:18"));
    assert_int_equal(p->secret.n, 3);
    assert_string_equal(p->secret.item[0].text, "one");
    assert_string_equal(p->secret.item[1].text, "two");
    assert_string_equal(p->secret.item[2].text, "env:S3");
    assert_non_null(strstr(p->secret.item[1].origin, "/g.conf:22"));
    assert_string_equal(p->api_key.item[0].text, "dir:/keys");
    assert_int_equal(p->rate_count, 5);
    assert_int_equal(p->rate_window_us, 120 * US_PER_S);
    assert_int_equal(p->rate_limit_status, 503);
    assert_int_equal(p->tolerance_us, 600 * US_PER_S);
    assert_int_equal(p->max_age_us, 86400 * US_PER_S);
    assert_int_equal(p->keep_ids_us, 60 * 86400 * US_PER_S);
    assert_int_equal(p->unknown_events, 0);
    assert_int_equal(p->backlog_limit, 0);
    assert_int_equal(p->quarantine_limit, 1);
    assert_int_equal(p->audit_limit, 2);
    assert_int_equal(p->history_limit, 3);
    assert_true(p->retired);
    assert_false(p->implicit);
    config_free(c);
}

static int make_folder(void **state)
{
    (void)state;
    files = config_files_new();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    config_files_free(&files, (const char *const[]){"g.conf"}, 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_secrets_are_not_told),
        cmocka_unit_test(test_values_arrive),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
