#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "observe/state.h"
#include "unit/temp_dir.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const types[] = {"user.created", "user.updated"};

static struct state *open_in(const char *dir)
{
    struct fail why;
    struct state *s = state_open(dir, types, COUNT(types), &why);

    if (s == NULL)
        fail_msg("%s", why.text);
    return s;
}

/* Opening must fail, and the reason must hold the words. */
static void assert_refused(const char *dir, const char *words)
{
    struct fail why = {""};
    struct state *s = state_open(dir, types, COUNT(types), &why);

    assert_null(s);
    if (strstr(why.text, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, why.text);
}

static uint64_t webhooks(struct state *s, const char *provider, unsigned type, enum outcome o)
{
    return atomic_load(&state_provider(s, provider)->webhooks[type][o]);
}

static void test_names(void **unused)
{
    (void)unused;
    struct state *s = state_private(types, COUNT(types));

    assert_int_equal(state_type_count(s), 4);
    assert_int_equal(state_type(s, "user.created", 12), 0);
    assert_int_equal(state_type(s, "user.updated!", 12), 1);
    assert_int_equal(state_type(s, "user.update", 11), 2);
    assert_int_equal(state_type(s, "none", 4), 2); /* a sender's `none` is not ours */
    assert_int_equal(state_type(s, NULL, 0), 2);
    assert_int_equal(state_type_none(s), 3);
    assert_string_equal(state_type_name(s, 1), "user.updated");
    assert_string_equal(state_type_name(s, 2), "other");
    assert_string_equal(state_type_name(s, 3), "none");
    assert_string_equal(state_outcome_name(OUTCOME_ERROR), "error");
    assert_string_equal(state_reason_name(SIGNATURE_DOUBLED), "doubled");
    for (int o = 0; o < OUTCOME_COUNT; o++)
        assert_non_null(state_outcome_name((enum outcome)o));
    for (int r = 0; r < SIGNATURE_REASON_COUNT; r++)
        assert_non_null(state_reason_name((enum signature_reason)r));
    state_close(s);
    state_close(NULL);
}

static void test_too_many_types(void **unused)
{
    (void)unused;
    const char *many[STATE_TYPES_MAX - 1];
    struct fail why = {""};
    struct state *s;

    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = "x";
    s = state_private(many, COUNT(many) - 1);
    assert_non_null(s);
    state_close(s);
    assert_null(state_private(many, COUNT(many)));
    assert_null(state_open("/tmp", many, COUNT(many), &why));
    assert_non_null(strstr(why.text, "STATE_TYPES_MAX"));
}

static void test_rows(void **unused)
{
    (void)unused;
    struct state *s = state_private(types, COUNT(types));
    char name[64];
    struct state_provider *first = state_provider(s, "dazno");

    assert_string_equal(first->name, "dazno");
    assert_ptr_equal(state_provider(s, "dazno"), first);
    assert_ptr_not_equal(state_provider(s, "dazn"), first);
    memset(name, 'a', sizeof(name));
    name[40] = '\0';
    assert_null(state_provider(s, name));
    name[39] = '\0';
    assert_string_equal(state_provider(s, name)->name, name);
    assert_null(state_provider(s, ""));
    for (int i = 3; i < STATE_PROVIDERS_MAX; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        assert_non_null(state_provider(s, name));
    }
    assert_null(state_provider(s, "one-more"));
    assert_ptr_equal(state_provider(s, "dazno"), first);
    state_close(s);
}

static void test_counts(void **unused)
{
    (void)unused;
    struct state *s = state_private(types, COUNT(types));
    struct state_provider *p = state_provider(s, "dazno");
    struct state_histogram *h = &p->request;

    state_count(p, 1, OUTCOME_ACCEPTED);
    state_count(p, 1, OUTCOME_ACCEPTED);
    state_count(NULL, 1, OUTCOME_ACCEPTED);
    state_count(p, STATE_TYPES_MAX, OUTCOME_ACCEPTED);
    state_count(p, 1, OUTCOME_COUNT);
    assert_int_equal(webhooks(s, "dazno", 1, OUTCOME_ACCEPTED), 2);
    assert_int_equal(webhooks(s, "dazno", 1, OUTCOME_DUPLICATE), 0);
    assert_int_equal(webhooks(s, "dazno", 2, OUTCOME_ACCEPTED), 0);

    for (size_t i = 1; i < STATE_BUCKETS - 1; i++)
        assert_true(state_bucket_us[i - 1] < state_bucket_us[i]);
    state_observe(h, -5);
    state_observe(h, 100);
    state_observe(h, 101);
    state_observe(h, 5000000);
    state_observe(h, 5000001);
    assert_int_equal(h->bucket[0], 2);
    assert_int_equal(h->bucket[1], 1);
    assert_int_equal(h->bucket[STATE_BUCKETS - 2], 1);
    assert_int_equal(h->bucket[STATE_BUCKETS - 1], 1);
    assert_int_equal(h->sum_us, 10000202);
    state_close(s);
}

static int64_t last_used(struct state *s, uint64_t fingerprint)
{
    const struct state_secret_use *use = state_shared(s)->secret_use;

    for (size_t i = 0; i < STATE_FINGERPRINTS_MAX; i++)
        if (atomic_load(&use[i].fingerprint) == fingerprint)
            return atomic_load(&use[i].last_used_us);
    return -1;
}

static void test_secret_use(void **unused)
{
    (void)unused;
    struct state *s = state_private(types, COUNT(types));

    /* All want the same row. */
    for (uint64_t i = 0; i < STATE_FINGERPRINTS_MAX; i++)
        state_secret_used(s, 7 + i * STATE_FINGERPRINTS_MAX, (int64_t)(1000 + i));
    for (uint64_t i = 0; i < STATE_FINGERPRINTS_MAX; i++)
        assert_int_equal(last_used(s, 7 + i * STATE_FINGERPRINTS_MAX), 1000 + i);
    state_secret_used(s, 7, 5000);
    assert_int_equal(last_used(s, 7), 5000);
    state_secret_used(s, 7, 4000);
    assert_int_equal(last_used(s, 7), 5000);
    /* The second one is now the oldest. */
    state_secret_used(s, 99, 6000);
    assert_int_equal(last_used(s, 99), 6000);
    assert_int_equal(last_used(s, 7 + STATE_FINGERPRINTS_MAX), -1);
    assert_int_equal(last_used(s, 7), 5000);
    state_close(s);
}

static void test_findings(void **unused)
{
    (void)unused;
    struct state *s = state_private(types, COUNT(types));
    const struct state_findings *f = &state_shared(s)->findings;
    char long_text[200];

    assert_int_equal(f->checked_us, 0);
    state_set_findings(s, "digest", "run", 1, 0, -1, 42);
    assert_int_equal(f->checked_us, 42);
    assert_int_equal(f->self_test, 1);
    assert_int_equal(f->durable, 0);
    assert_int_equal(f->evicting, -1);
    assert_string_equal(f->store, "digest");
    assert_string_equal(f->run_id, "run");
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    state_set_findings(s, long_text, long_text, 1, 1, 1, 43);
    assert_int_equal(strlen(f->store), sizeof(f->store) - 1);
    assert_int_equal(strlen(f->run_id), sizeof(f->run_id) - 1);
    state_close(s);
}

static void test_file_stays(void **unused)
{
    (void)unused;
    struct temp_dir d = temp_dir_new();
    char dir[TEMP_PATH_ROOM], file[TEMP_PATH_ROOM];
    struct stat st;

    temp_dir_path(&d, "state", dir);
    struct state *s = open_in(dir);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    state_count(state_provider(s, "dazno"), 0, OUTCOME_ACCEPTED);
    state_close(s);

    s = open_in(dir);
    struct state *other = open_in(dir);
    assert_int_equal(webhooks(s, "dazno", 0, OUTCOME_ACCEPTED), 1);
    state_count(state_provider(s, "dazno"), 0, OUTCOME_ACCEPTED);
    state_count(state_provider(other, "airtable"), 0, OUTCOME_ACCEPTED);
    assert_int_equal(webhooks(other, "dazno", 0, OUTCOME_ACCEPTED), 2);
    assert_int_equal(webhooks(s, "airtable", 0, OUTCOME_ACCEPTED), 1);
    state_close(other);
    state_close(s);

    struct temp_dir inner;
    assert_true(strlen(dir) < sizeof(inner.path));
    memcpy(inner.path, dir, strlen(dir) + 1);
    temp_dir_only(&inner, file);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, sizeof(struct state_shared));
    assert_true((size_t)st.st_blocks * 512 >= sizeof(struct state_shared));
    temp_dir_remove(&inner);
    temp_dir_remove(&d);
}

/* What counts other types has a file of its own. */
static void test_layout(void **unused)
{
    (void)unused;
    static const char *const swapped[] = {"user.updated", "user.created"};
    struct temp_dir d = temp_dir_new();
    struct fail why;
    struct state *s = open_in(d.path);

    state_count(state_provider(s, "dazno"), 0, OUTCOME_ACCEPTED);
    state_close(s);
    s = state_open(d.path, swapped, COUNT(swapped), &why);
    assert_non_null(s);
    assert_int_equal(webhooks(s, "dazno", 0, OUTCOME_ACCEPTED), 0);
    state_close(s);
    s = state_open(d.path, types, 1, &why);
    assert_non_null(s);
    assert_int_equal(webhooks(s, "dazno", 0, OUTCOME_ACCEPTED), 0);
    state_close(s);
    temp_dir_remove(&d);
}

static void test_boot(void **unused)
{
    (void)unused;
    struct temp_dir d = temp_dir_new();
    struct state *s = open_in(d.path);

    atomic_store(&state_shared(s)->breaker.open, 1);
    atomic_store(&state_shared(s)->breaker.next_probe_ms, INT64_MAX);
    atomic_store(&state_shared(s)->health_asked_ms, INT64_MAX);
    state_count(state_provider(s, "dazno"), 0, OUTCOME_ACCEPTED);
    state_close(s);

    s = open_in(d.path); /* the same boot */
    assert_int_equal(state_shared(s)->breaker.open, 1);
    state_shared(s)->boot_id[0] = '?';
    state_close(s);

    s = open_in(d.path);
    assert_int_equal(state_shared(s)->breaker.open, 0);
    assert_int_equal(state_shared(s)->breaker.next_probe_ms, 0);
    assert_int_equal(state_shared(s)->health_asked_ms, 0);
    assert_int_equal(webhooks(s, "dazno", 0, OUTCOME_ACCEPTED), 1);
    state_close(s);
    temp_dir_remove(&d);
}

static void test_refused_folders(void **unused)
{
    (void)unused;
    struct temp_dir d = temp_dir_new();
    char path[TEMP_PATH_ROOM];

    temp_dir_path(&d, "a/b", path);
    assert_refused(path, "set [server] state_dir");
    temp_dir_path(&d, "file", path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_refused(path, "cannot open the state folder");
    unlink(path);
    assert_refused("/proc/self", "cannot open /proc/self/state-");

    assert_int_equal(chmod(d.path, 0777), 0);
    assert_refused(d.path, "chmod o-w");
    assert_int_equal(chmod(d.path, 01777), 0);
    state_close(open_in(d.path));
    if (geteuid() == 0) {
        assert_int_equal(chown(d.path, 12345, 12345), 0);
        assert_refused(d.path, "belongs to user 12345");
        assert_int_equal(chown(d.path, 0, 0), 0);
    }
    temp_dir_remove(&d);
}

static void test_refused_files(void **unused)
{
    (void)unused;
    struct temp_dir d = temp_dir_new();
    char file[TEMP_PATH_ROOM], other[TEMP_PATH_ROOM];

    state_close(open_in(d.path));
    temp_dir_only(&d, file);
    temp_dir_path(&d, "other", other);

    assert_int_equal(chmod(file, 0640), 0);
    assert_refused(d.path, "chmod 600");
    assert_int_equal(chmod(file, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(file, 12345, 12345), 0);
        assert_refused(d.path, "belongs to user 12345");
        assert_int_equal(chown(file, 0, 0), 0);
    }
    assert_int_equal(truncate(file, 4096), 0);
    assert_refused(d.path, "4096 bytes");
    assert_int_equal(truncate(file, (off_t)sizeof(struct state_shared) + 1), 0);
    assert_refused(d.path, "remove it");

    assert_int_equal(rename(file, other), 0);
    assert_int_equal(symlink(other, file), 0);
    assert_refused(d.path, "symbolic link");
    unlink(file);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_refused(d.path, "not a regular file");
    unlink(file);
    state_close(open_in(d.path)); /* the remedy works */
    temp_dir_remove(&d);
}

static void test_foreign_content(void **unused)
{
    (void)unused;
    struct temp_dir d = temp_dir_new();
    char file[TEMP_PATH_ROOM];

    state_close(open_in(d.path));
    temp_dir_only(&d, file);
    int fd = open(file, O_WRONLY);
    assert_int_equal(pwrite(fd, "something", 9, 0), 9);
    close(fd);
    assert_refused(d.path, "no state file");
    temp_dir_remove(&d);
}

/* A maker that was killed leaves a file without its magic, of any length. */
static void test_unfinished(void **unused)
{
    (void)unused;
    static const size_t left[] = {0, 1, 4096, sizeof(struct state_shared), 1 << 20};
    struct temp_dir d = temp_dir_new();
    char file[TEMP_PATH_ROOM];

    state_close(open_in(d.path));
    temp_dir_only(&d, file);
    for (size_t i = 0; i < COUNT(left); i++) {
        assert_int_equal(truncate(file, 0), 0);
        assert_int_equal(truncate(file, (off_t)left[i]), 0);
        struct state *s = open_in(d.path);
        state_count(state_provider(s, "dazno"), 0, OUTCOME_ACCEPTED);
        assert_int_equal(webhooks(s, "dazno", 0, OUTCOME_ACCEPTED), 1);
        state_close(s);
    }
    temp_dir_remove(&d);
}

#define PROCESSES 4
#define THREADS   3
#define ROUNDS    20000

struct adder {
    struct state *s;
    int number;
};

static void *add_many(void *arg)
{
    const struct adder *a = arg;
    struct state_provider *p = state_provider(a->s, "dazno");

    for (int i = 0; i < ROUNDS; i++) {
        state_count(p, 0, OUTCOME_ACCEPTED);
        state_observe(&state_shared(a->s)->store, 100);
        state_secret_used(a->s, 1 + (uint64_t)i % 7, a->number * ROUNDS + i);
    }
    return NULL;
}

/* One process of the crowd: opens, adds with several threads, makes rows that others make too. */
static void crowd(const char *dir, int number)
{
    pthread_t thread[THREADS];
    struct adder adder[THREADS];
    struct fail why;
    struct state *s = state_open(dir, types, COUNT(types), &why);

    if (s == NULL)
        _exit(1);
    for (int i = 0; i < THREADS; i++) {
        adder[i] = (struct adder){s, number * THREADS + i};
        if (pthread_create(&thread[i], NULL, add_many, &adder[i]) != 0)
            _exit(2);
    }
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", (i + number * 5) % 20);
        state_count(state_provider(s, name), 1, OUTCOME_DUPLICATE);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    state_close(s);
    _exit(0);
}

static void assert_distinct_rows(struct state *s, size_t want)
{
    const struct state_provider *row = state_shared(s)->provider;
    size_t n = 0;

    while (n < STATE_PROVIDERS_MAX && row[n].name[0] != '\0')
        n++;
    assert_int_equal(n, want);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(row[i].name, row[k].name);
}

static void test_crowd(void **unused)
{
    (void)unused;
    struct temp_dir d = temp_dir_new();
    pid_t pid[PROCESSES];

    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0)
            crowd(d.path, i);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    struct state *s = open_in(d.path);
    assert_int_equal(webhooks(s, "dazno", 0, OUTCOME_ACCEPTED), PROCESSES * THREADS * ROUNDS);
    assert_int_equal(state_shared(s)->store.bucket[0], PROCESSES * THREADS * ROUNDS);
    assert_int_equal(state_shared(s)->store.sum_us, PROCESSES * THREADS * ROUNDS * 100);
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(webhooks(s, name, 1, OUTCOME_DUPLICATE), PROCESSES);
    }
    assert_distinct_rows(s, 21);
    for (uint64_t f = 1; f <= 7; f++)
        assert_true(last_used(s, f) > (PROCESSES * THREADS - 1) * ROUNDS);
    state_close(s);
    temp_dir_remove(&d);
}

/* Processes killed while they make the file, rows and counts never leave a lock or a broken content. */
static void test_killed(void **unused)
{
    (void)unused;
    for (int round = 0; round < 30; round++) {
        struct temp_dir d = temp_dir_new();
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (int i = 0;; i++) {
                char name[16];
                struct fail why;
                struct state *s = state_open(d.path, types, COUNT(types), &why);
                if (s == NULL)
                    _exit(1);
                snprintf(name, sizeof(name), "p%d", i % STATE_PROVIDERS_MAX);
                state_count(state_provider(s, name), 0, OUTCOME_ACCEPTED);
                state_set_findings(s, "digest", "run", 1, 1, 0, i + 1);
                state_close(s);
            }
        }
        usleep((useconds_t)(round * 150));
        kill(pid, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        struct state *s = open_in(d.path);
        for (int i = 0; i < STATE_PROVIDERS_MAX; i++) {
            char name[16];
            snprintf(name, sizeof(name), "p%d", i);
            assert_non_null(state_provider(s, name));
        }
        assert_distinct_rows(s, STATE_PROVIDERS_MAX);
        state_close(s);
        temp_dir_remove(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_too_many_types),
        cmocka_unit_test(test_rows),          cmocka_unit_test(test_counts),
        cmocka_unit_test(test_secret_use),    cmocka_unit_test(test_findings),
        cmocka_unit_test(test_file_stays),    cmocka_unit_test(test_layout),
        cmocka_unit_test(test_boot),          cmocka_unit_test(test_refused_folders),
        cmocka_unit_test(test_refused_files), cmocka_unit_test(test_foreign_content),
        cmocka_unit_test(test_unfinished),    cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
