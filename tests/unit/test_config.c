/* Where a configuration comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

static void test_order_of_sources(void **state)
{
    (void)state;
    struct fail why;
    char named[CONFIG_FILES_PATH_MAX], by_variable[CONFIG_FILES_PATH_MAX];
    char variable[CONFIG_FILES_PATH_MAX + 20];

    config_files_write(&files, "named.conf", 0600, "[server]\nworkers = 3\n");
    config_files_write(&files, "variable.conf", 0600, "[server]\nworkers = 4\n");
    config_files_write(&files, "guichet.conf", 0600, "[server]\nworkers = 5\n");
    config_files_path(&files, "named.conf", named);
    snprintf(variable, sizeof(variable), "GUICHET_CONFIG=%s",
             config_files_path(&files, "variable.conf", by_variable));

    struct config *c = load(named, files.folder, ENVIRONMENT(STORE, variable), &why);
    assert_int_equal(c->workers, 3);
    assert_string_equal(c->file, named);
    config_free(c);
    c = load(NULL, files.folder, ENVIRONMENT(STORE, variable), &why);
    assert_int_equal(c->workers, 4);
    assert_string_equal(c->file, by_variable);
    config_free(c);
    c = load(NULL, files.folder, ENVIRONMENT(STORE), &why);
    assert_int_equal(c->workers, 5);
    config_free(c);
}

static void test_file_that_cannot_be_read(void **state)
{
    (void)state;
    struct fail why;
    char path[CONFIG_FILES_PATH_MAX];

    assert_null(load("/nowhere/g.conf", NULL, ENVIRONMENT(STORE), &why));
    assert_true(contains(why.text, "--config: /nowhere/g.conf: cannot be opened"));
    assert_null(load(NULL, NULL, ENVIRONMENT(STORE, "GUICHET_CONFIG=/nowhere/g.conf"), &why));
    assert_true(contains(why.text, "GUICHET_CONFIG: /nowhere/g.conf: cannot be opened"));
    assert_null(load(NULL, NULL, ENVIRONMENT(STORE, "GUICHET_CONFIG="), &why));
    assert_true(contains(why.text, "GUICHET_CONFIG is empty"));
    assert_null(load(files.folder, NULL, ENVIRONMENT(STORE), &why));
    assert_true(contains(why.text, "not a regular file"));
    if (geteuid() != 0) { /* which reads everything */
        config_files_write(&files, "guichet.conf", 0, "");
        assert_null(load(NULL, files.folder, ENVIRONMENT(STORE), &why));
        assert_true(contains(why.text, "cannot be opened"));
    }

    static char large[1024 * 1024 + 2];
    memset(large, '\n', sizeof(large) - 1);
    config_files_write(&files, "g.conf", 0600, large);
    assert_null(load(config_files_path(&files, "g.conf", path), NULL, ENVIRONMENT(STORE), &why));
    assert_true(contains(why.text, "larger than 1 MiB"));
}

static void test_include(void **state)
{
    (void)state;
    struct fail why;
    char second[CONFIG_FILES_PATH_MAX], text[CONFIG_FILES_PATH_MAX + 40];

    config_files_path(&files, "second.conf", second);
    snprintf(text, sizeof(text), "; the real one\ninclude = %s\n", second);
    config_files_write(&files, "second.conf", 0600, "[server]\nworkers = 9\n");
    struct config *c = load_text(text, ENVIRONMENT(STORE), &why);
    assert_non_null(c);
    assert_int_equal(c->workers, 9);
    assert_string_equal(c->file, second);
    config_free(c);

    config_files_write(&files, "second.conf", 0600, "[server]\n\nworkers = x\n");
    assert_null(load_text(text, ENVIRONMENT(STORE), &why));
    assert_true(contains(why.text, "/second.conf:3: "));
    config_files_write(&files, "second.conf", 0600, text); /* itself */
    assert_null(load_text(text, ENVIRONMENT(STORE), &why));
    assert_true(contains(why.text, "/second.conf:2: an included file may not include"));
    assert_null(load_text("include = /nowhere/x\n", ENVIRONMENT(STORE), &why));
    assert_true(contains(why.text, "/g.conf: include: /nowhere/x: cannot be opened"));
}

static void test_literals_beside_the_program(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool literal;
    } cases[] = {
        {"[provider dazno]\nsecret = literal\n", true},
        {"[provider dazno]\napi_key = literal\n", true},
        {"[provider dazno]\nsecret = env:T4G_WEBHOOK_SECRET\n literal\n", true},
        {"[metrics]\ntoken = literal\n", true},
        {"[server]\nstore = redis://user:password@127.0.0.1:6379/0\n", true},
        {"[server]\nstore = redis://:password@127.0.0.1:6379/0\n", true},
        {"[server]\nstore = unix://user:password@/run/redis.sock\n", true},
        {"[provider dazno]\nsecret = env:S\napi_key = file:/k\n secret\n", true},
        {"[provider dazno]\nsecret = env:S\nsecret = dir:/s\napi_key = file:/k\n", false},
        {"[metrics]\ntoken = env:GUICHET_METRICS_TOKEN\n", false},
        {"[server]\nstore = redis://127.0.0.1:6379/0\n", false},
        {"[server]\nstore = redis://user@127.0.0.1:6379/0\n", false},
        {"[server]\nstore = unix:///run/a:b@c.sock\n", false},
    };
    struct fail why;
    char path[CONFIG_FILES_PATH_MAX];

    config_files_path(&files, "guichet.conf", path);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int way = 0; way < 4; way++) {
            /* Beside the program; anywhere else, private and for the group; open to others. */
            static const mode_t mode[] = {0600, 0600, 0640, 0644};
            config_files_write(&files, "guichet.conf", mode[way], cases[i].text);
            struct config *c =
                load(path, way == 0 ? files.folder : "/", ENVIRONMENT(STORE, DAZNO), &why);
            bool refused = cases[i].literal && (way == 0 || way == 3);
            if ((c == NULL) != refused)
                fail_msg("\"%s\", way %d: %s", cases[i].text, way, why.text);
            if (c == NULL)
                assert_true(contains(why.text, way == 0 ? "beside the program" : "chmod 640"));
            config_free(c);
        }
    }
}

/* A link from the docroot is served by the web server, and what a link leads to there is too. */
static void test_links_beside_the_program(void **state)
{
    (void)state;
    struct fail why;
    char link[CONFIG_FILES_PATH_MAX], folder[CONFIG_FILES_PATH_MAX], real[CONFIG_FILES_PATH_MAX];

    config_files_path(&files, "link.conf", link);
    config_files_path(&files, "elsewhere", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    config_files_write(&files, "elsewhere/g.conf", 0600, "[metrics]\ntoken = literal\n");
    config_files_path(&files, "elsewhere/g.conf", real);
    assert_int_equal(symlink(real, link), 0);

    struct config *c = load(real, files.folder, ENVIRONMENT(STORE), &why);
    assert_non_null(c);
    config_free(c);
    assert_null(load(link, files.folder, ENVIRONMENT(STORE), &why));
    assert_null(load(link, folder, ENVIRONMENT(STORE), &why));
    c = load(link, "/", ENVIRONMENT(STORE), &why);
    assert_non_null(c);
    config_free(c);
    unlink(real);
    rmdir(folder);
}

/* A database in the docroot can be downloaded. */
static void test_database_beside_the_program(void **state)
{
    (void)state;
    static const struct {
        const char *below; /* of the folder */
        bool refused;
    } cases[] = {
        {"store.db", true}, {"none/store.db", true}, {"%73tore.db", true}, {"../store.db", false}};
    char text[CONFIG_FILES_PATH_MAX + 64];
    struct fail why;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), "[server]\nstore = sqlite://%s/%s\n", files.folder,
                       cases[i].below);
        config_files_write(&files, "g.conf", 0600, text);
        char path[CONFIG_FILES_PATH_MAX];
        config_files_path(&files, "g.conf", path);
        struct config *c = load(path, files.folder, ENVIRONMENT(DAZNO), &why);
        if ((c == NULL) != cases[i].refused)
            fail_msg("%s: %s", cases[i].below, why.text);
        if (c == NULL)
            assert_true(contains(why.text, "g.conf:2: `store = sqlite://") &&
                        contains(why.text, "document root"));
        config_free(c);
        c = load(path, "/", ENVIRONMENT(DAZNO), &why);
        assert_non_null(c);
        config_free(c);
    }
}

static int make_folder(void **state)
{
    (void)state;
    files = config_files_new();
    return 0;
}

static int remove_files(void **state)
{
    static const char *const name[] = {"g.conf",       "named.conf",  "variable.conf",
                                       "guichet.conf", "second.conf", "link.conf"};
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

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, remove_files)
    const struct CMUnitTest tests[] = {
        TEST(test_order_of_sources),
        TEST(test_file_that_cannot_be_read),
        TEST(test_include),
        TEST(test_literals_beside_the_program),
        TEST(test_links_beside_the_program),
        TEST(test_database_beside_the_program),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
