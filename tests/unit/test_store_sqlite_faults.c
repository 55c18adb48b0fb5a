/* The store in a file when something is wrong with it: locked, full, read-only, damaged, another's, in a
 * bad place; and when those who write to it are killed. */
#include "unit/sqlite_look.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "unit/temp_dir.h"

#define DEADLINE_MS 10000
#define SHORT_MS    150
#define NOBODY      65534
#define SQLITE_LONG 500

struct world {
    struct sqlite_look look;
    struct temp_dir dir;
    char url[600];
    struct store_provider provider;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    if (w == NULL)
        return -1;
    w->dir = temp_dir_new();
    temp_dir_path(&w->dir, "store.db", w->look.path);
    (void)snprintf(w->url, sizeof w->url, "sqlite://%s", w->look.path);
    w->provider = (struct store_provider){.name = "p",
                                          .keep_ids_us = 3600 * US_PER_S,
                                          .audit_limit = 1000,
                                          .rate_window_us = US_PER_S};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    sqlite_look_close(&w->look);
    temp_dir_remove(&w->dir);
    free(w);
    return 0;
}

static struct store *program(const struct world *w)
{
    struct fail why = {""};
    struct store *s = store_open(w->url, &clock_system, &why);

    assert_non_null(s);
    return s;
}

static const struct change one_more = {
    .verb = CHANGE_ADD, .key = {"user:u1", 7}, .field = {"sum", 3}, .value = {"1", 1}};

static struct store_result commit_within(const struct world *w, struct store *s, const char *id,
                                         const char *body, int64_t ms)
{
    struct store_member m = conformance_event(id, body, &one_more, 1);
    struct store_batch batch = {&w->provider, &m, 1, clock_monotonic_ms(&clock_system) + ms};
    struct store_result r;
    pid_t pid = getpid();

    memcpy(m.nonce + 8, &pid, sizeof pid); /* the serial in it goes on in every child */
    memset(&r, 0xa5, sizeof r);
    store_commit(s, &batch, &r);
    return r;
}

static struct store_result commit(const struct world *w, struct store *s, const char *id)
{
    return commit_within(w, s, id, "b", DEADLINE_MS);
}

static struct store_result commit_once(const struct world *w, const char *id)
{
    struct store *s = program(w);
    struct store_result r = commit(w, s, id);

    store_free(s);
    return r;
}

static void expect_reason(struct store_result r, const char *part)
{
    if (strstr(r.reason, part) == NULL)
        print_error("reason: %s\n", r.reason);
    assert_non_null(strstr(r.reason, part));
}

/* A child's exit status, with the test's own assertions in it: 0 passed, 77 it cannot be done here. */
static int in_child(struct world *w, int (*body)(struct world *))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(body(w));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_child(struct world *w, int (*body)(struct world *))
{
    int status = in_child(w, body);

    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

/* --- addresses -------------------------------------------------------------------------------- */

static void refuses_what_is_no_path(void **state)
{
    static const struct {
        const char *url, *part;
    } cases[] = {
        {"sqlite://", "from / on"},
        {"sqlite://store.db", "from / on"},
        {"sqlite:///", "names a folder"},
        {"sqlite:///var/lib/", "names a folder"},
        {"sqlite:///a?mode=ro", "without ?"},
        {"sqlite:///a#b", "without ?"},
        {"sqlite:///a%2", "%25"},
        {"sqlite:///a%00b", "%25"},
    };
    char deep[SQLITE_LONG + 16] = "sqlite://";
    struct fail why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(store_open(cases[i].url, &clock_system, &why));
        if (strstr(why.text, cases[i].part) == NULL)
            fail_msg("%s: %s", cases[i].url, why.text);
    }
    memset(deep + 9, '/', SQLITE_LONG);
    assert_null(store_open(deep, &clock_system, &why));
    assert_non_null(strstr(why.text, "at most 440 bytes"));
}

static void decodes_its_path(void **state)
{
    struct world *w = *state;
    char url[600], path[TEMP_PATH_ROOM];

    memcpy(url, w->url, sizeof url);
    (void)snprintf(w->url, sizeof w->url, "sqlite://%s/a%%20b%%3f%%25.db", w->dir.path);
    expect_code(commit_once(w, "e1"), STORE_ACCEPTED);
    temp_dir_path(&w->dir, "a b?%.db", path);
    assert_int_equal(access(path, F_OK), 0);
    memcpy(w->url, url, sizeof url);
}

/* --- locks ------------------------------------------------------------------------------------ */

static void waits_for_a_lock_no_longer_than_it_may(void **state)
{
    struct world *w = *state;
    struct store *s = program(w);
    struct fail why = {""};
    int64_t began_ms, end_ms;

    expect_code(commit(w, s, "e1"), STORE_ACCEPTED);
    sqlite_look_run(&w->look, "BEGIN IMMEDIATE");
    began_ms = clock_monotonic_ms(&clock_system);
    expect_word(commit_within(w, s, "e2", "b", SHORT_MS), STORE_UNAVAILABLE, "store_busy");
    end_ms = clock_monotonic_ms(&clock_system);
    assert_true(end_ms - began_ms >= SHORT_MS);
    assert_true(end_ms - began_ms < DEADLINE_MS);
    /* what needs no write is answered */
    expect_code(commit_within(w, s, "e1", "b", SHORT_MS), STORE_DUPLICATE);
    expect_word(commit_within(w, s, "e1", "B", SHORT_MS), STORE_UNAVAILABLE, "store_busy");
    assert_false(store_probe(s, SHORT_MS, &why));
    assert_non_null(strstr(why.text, "store_busy"));
    sqlite_look_run(&w->look, "ROLLBACK");
    expect_code(commit(w, s, "e2"), STORE_ACCEPTED);
    assert_true(store_probe(s, DEADLINE_MS, &why));
    store_free(s);
}

/* --- place and mode --------------------------------------------------------------------------- */

static void refuses_bad_places(void **state)
{
    struct world *w = *state;
    struct store_result r;
    char url[600];

    assert_int_equal(chmod(w->dir.path, 0777), 0);
    r = commit_once(w, "e1");
    expect_word(r, STORE_UNAVAILABLE, "store_config");
    expect_reason(r, "chmod 0700");
    assert_int_equal(access(w->look.path, F_OK), -1);
    assert_int_equal(chmod(w->dir.path, 0755), 0);
    expect_code(commit_once(w, "e1"), STORE_ACCEPTED);
    assert_int_equal(chmod(w->look.path, 0644), 0);
    r = commit_once(w, "e2");
    expect_word(r, STORE_UNAVAILABLE, "store_config");
    expect_reason(r, "chmod 0600");
    assert_int_equal(chmod(w->look.path, 0660), 0); /* a group is the operator's affair */
    expect_code(commit_once(w, "e2"), STORE_ACCEPTED);

    memcpy(url, w->url, sizeof url);
    (void)snprintf(w->url, sizeof w->url, "sqlite://%s/none/store.db", w->dir.path);
    r = commit_once(w, "e3");
    expect_word(r, STORE_UNAVAILABLE, "store_unreachable");
    expect_reason(r, "make the folder");
    (void)snprintf(w->url, sizeof w->url, "sqlite:///proc/sys");
    expect_code(commit_once(w, "e3"), STORE_UNAVAILABLE);
    memcpy(w->url, url, sizeof url);
}

/* A FUSE file system that nobody serves says what it is to those who may not enter it. */
static int on_fuse(struct world *w)
{
    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char options[96];
    struct store_result r;

    (void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fuse,
                   NOBODY, NOBODY);
    if (fuse < 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", w->dir.path, "fuse", MS_NOSUID | MS_NODEV, options) != 0)
        return 77;
    r = commit_once(w, "e1");
    (void)umount2(w->dir.path, MNT_DETACH);
    return r.code == STORE_UNAVAILABLE && strcmp(r.word, "store_config") == 0 &&
                   strstr(r.reason, "FUSE") != NULL && strstr(r.reason, "or Redis") != NULL
               ? 0
               : 1;
}

static void refuses_network_file_systems(void **state)
{
    expect_child(*state, on_fuse);
}

/* As a user who may read the files but write none. */
static int read_only(struct world *w)
{
    static const char *const name[] = {"store.db", "store.db-wal", "store.db-shm", "store.db-lock"};
    struct store *s = program(w);
    char path[TEMP_PATH_ROOM];
    bool ok = commit(w, s, "e1").code == STORE_ACCEPTED;

    store_free(s);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        temp_dir_path(&w->dir, name[i], path);
        if (chown(path, NOBODY, NOBODY) != 0 || chmod(path, 0400) != 0)
            return 77;
    }
    if (chmod(w->dir.path, 0755) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return 77;
    s = program(w);
    struct store_result r = commit(w, s, "e1"), other = commit(w, s, "e2");
    struct store_findings f;
    store_examine(s, &w->provider, 1, clock_monotonic_ms(&clock_system) + DEADLINE_MS, &f);
    store_free(s);
    if (!ok || r.code != STORE_DUPLICATE || other.code != STORE_UNAVAILABLE ||
        strcmp(other.word, "store_read_only") != 0 || f.self_test != -1) {
        print_error("%d %d %s %s, %d\n", r.code, other.code, other.word, other.reason, f.self_test);
        return 1;
    }
    return 0;
}

static void answers_duplicates_while_read_only(void **state)
{
    if (geteuid() != 0)
        skip();
    expect_child(*state, read_only);
}

/* In a file system of one MiB. */
static int full(struct world *w)
{
    char id[16], path[TEMP_PATH_ROOM], *body = calloc(1, 8192);
    struct store_result r = {.code = STORE_ACCEPTED};
    struct store *s = program(w);
    int n = 0;

    if (body == NULL || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", w->dir.path, "tmpfs", 0, "size=1m,mode=0700") != 0)
        return 77;
    memset(body, 'x', 8191);
    /* Something that goes away again. */
    temp_dir_path(&w->dir, "ballast", path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 32; i++)
        if (write(fd, body, 8191) != 8191)
            return 1;
    close(fd);
    while (r.code == STORE_ACCEPTED && n < 1000) {
        (void)snprintf(id, sizeof id, "e%d", n++);
        r = commit_within(w, s, id, body, DEADLINE_MS);
    }
    if (r.code != STORE_UNAVAILABLE ||
        (strcmp(r.word, "store_full") != 0 && strcmp(r.word, "store_disk") != 0)) {
        print_error("full: %d %s %s\n", r.code, r.word, r.reason);
        return 1;
    }
    r = commit_within(w, s, "e0", body, DEADLINE_MS);
    if (r.code != STORE_DUPLICATE)
        return 2;
    if (unlink(path) != 0)
        return 3;
    r = commit_within(w, s, id, body, DEADLINE_MS);
    if (r.code != STORE_ACCEPTED) {
        print_error("room again: %d %s %s\n", r.code, r.word, r.reason);
        return 4;
    }
    struct store_findings f;
    store_examine(s, &w->provider, 1, clock_monotonic_ms(&clock_system) + DEADLINE_MS, &f);
    if (f.self_test != 1 || f.durable != 0 || strstr(f.durability.text, "memory") == NULL)
        return 5;
    store_free(s);
    free(body);
    if (sqlite_look_number(&w->look, "SELECT count(*) FROM events", NULL, NULL) != n)
        return 6;
    sqlite_look_close(&w->look);
    (void)umount2(w->dir.path, MNT_DETACH);
    return 0;
}

static void survives_a_full_disk(void **state)
{
    expect_child(*state, full);
}

/* --- what lies in the file -------------------------------------------------------------------- */

static void write_at(const char *path, off_t at, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), n);
    close(fd);
}

static void refuses_what_is_not_its_own(void **state)
{
    struct world *w = *state;
    struct store_result r;

    write_at(w->look.path, 0, "this is no database, but some text of a person\n", 47);
    expect_word(commit_once(w, "e1"), STORE_FAULT, "store_damaged");
    assert_int_equal(unlink(w->look.path), 0);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(w->look.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(chmod(w->look.path, 0600), 0);
    r = commit_once(w, "e1");
    expect_word(r, STORE_UNAVAILABLE, "store_config");
    expect_reason(r, "another program");
    assert_int_equal(sqlite_look_number(&w->look, "SELECT count(*) FROM sqlite_schema", NULL, NULL),
                     1);
    sqlite_look_close(&w->look);
    assert_int_equal(unlink(w->look.path), 0);
    /* an empty file becomes a store, and keeps its mode */
    write_at(w->look.path, 0, "", 0);
    expect_code(commit_once(w, "e1"), STORE_ACCEPTED);
    sqlite_look_run(&w->look, "PRAGMA user_version = 2");
    r = commit_once(w, "e2");
    expect_word(r, STORE_UNAVAILABLE, "store_config");
    expect_reason(r, "layout 2");
    sqlite_look_run(&w->look, "PRAGMA user_version = 1");
    /* somebody's other journal mode is set right */
    sqlite_look_run(&w->look, "PRAGMA journal_mode = DELETE");
    sqlite_look_close(&w->look);
    expect_code(commit_once(w, "e2"), STORE_ACCEPTED);
    struct buf mode = BUF_INIT(16);
    assert_true(sqlite_look_text(&w->look, &mode, "PRAGMA journal_mode", NULL, NULL));
    assert_string_equal(mode.p, "wal");
    buf_free(&mode);
}

/* One table's pages are overwritten: what needs them is a fault, the rest of the batch goes on. */
static void finds_damage(void **state)
{
    struct world *w = *state;
    struct store *s = program(w);
    static char garbage[4096];
    const struct store_member m[] = {conformance_event("e2", "b", &one_more, 1),
                                     conformance_event("e3", "b", NULL, 0)};
    struct store_batch batch = {&w->provider, m, 2,
                                clock_monotonic_ms(&clock_system) + DEADLINE_MS};
    struct store_result r[2];
    struct store_findings f;
    int64_t page;

    expect_code(commit(w, s, "e1"), STORE_ACCEPTED);
    store_free(s);
    page = sqlite_look_number(&w->look, "SELECT rootpage FROM sqlite_schema WHERE name = 'fields'",
                              NULL, NULL);
    sqlite_look_run(&w->look, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite_look_close(&w->look);
    memset(garbage, 0x5a, sizeof garbage);
    write_at(w->look.path, (page - 1) * 4096, garbage, sizeof garbage);
    s = program(w);
    store_commit(s, &batch, r);
    expect_word(r[0], STORE_FAULT, "store_damaged");
    expect_code(r[1], STORE_ACCEPTED);
    expect_code(commit(w, s, "e1"), STORE_DUPLICATE);
    s->thorough = true;
    store_examine(s, &w->provider, 1, clock_monotonic_ms(&clock_system) + DEADLINE_MS, &f);
    assert_int_equal(f.self_test, 0);
    assert_non_null(strstr(f.problem.text, "store_damaged"));
    store_free(s);
}

/* --- many processes, and their deaths --------------------------------------------------------- */

#define PROCESSES 4
#define KILLS     120
#define RIVALS    6
#define ROUNDS    60

static void sleep_us(long us)
{
    const struct timespec t = {us / 1000000, us % 1000000 * 1000};

    (void)nanosleep(&t, NULL);
}

static unsigned roll(void)
{
    static unsigned random = 4711;

    random = random * 1103515245u + 12345u;
    return random >> 16 & 0x7fff;
}

/* Commits until it is killed, sometimes in batches, and writes each id down once it was answered. */
__attribute__((noreturn)) static void commit_until_killed(const struct world *w, int serial,
                                                          int acknowledged)
{
    struct store *s = program(w);
    struct store_member m[8];
    struct store_result r[8];
    char id[8][24], line[32];

    for (unsigned n = 0;; n++) {
        size_t members = n % 3 == 0 ? 8 : 1;
        for (size_t i = 0; i < members; i++) {
            (void)snprintf(id[i], sizeof id[i], "%05d-%07u-%zu", serial, n, i);
            m[i] = conformance_event(id[i], id[i], &one_more, 1);
        }
        struct store_batch batch = {&w->provider, m, members,
                                    clock_monotonic_ms(&clock_system) + DEADLINE_MS};
        store_commit(s, &batch, r);
        for (size_t i = 0; i < members; i++) {
            int length = snprintf(line, sizeof line, "%s\n", id[i]);
            if (r[i].code != STORE_ACCEPTED || write(acknowledged, line, (size_t)length) != length)
                _exit(3);
        }
    }
}

static pid_t start_committer(const struct world *w, int serial, int acknowledged)
{
    pid_t pid = fork();

    if (pid == 0)
        commit_until_killed(w, serial, acknowledged);
    assert_true(pid > 0);
    return pid;
}

static void loses_nothing_when_processes_are_killed(void **state)
{
    struct world *w = *state;
    pid_t pid[PROCESSES];
    char name[TEMP_PATH_ROOM], id[64];
    int serial = 0, status = 0;
    long acknowledged = 0;
    struct buf text = BUF_INIT(64);

    temp_dir_path(&w->dir, "acknowledged", name);
    int fd = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t i = 0; i < PROCESSES; i++)
        pid[i] = start_committer(w, serial++, fd);
    for (int kills = 0; kills < KILLS; kills++) {
        size_t i = roll() % PROCESSES;
        sleep_us((long)(roll() % 25000));
        assert_int_equal(kill(pid[i], SIGKILL), 0);
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFSIGNALED(status)); /* and had not ended by itself */
        pid[i] = start_committer(w, serial++, fd);
    }
    /* the last ones also get to commit */
    sleep_us(200000);
    for (size_t i = 0; i < PROCESSES; i++) {
        assert_int_equal(kill(pid[i], SIGKILL), 0);
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFSIGNALED(status));
    }
    FILE *f = fdopen(fd, "r");
    assert_non_null(f);
    rewind(f);
    sqlite_look_run(&w->look, "BEGIN"); /* one look, and quick */
    while (fgets(id, sizeof id, f) != NULL) {
        id[strcspn(id, "\n")] = '\0';
        assert_int_equal(
            sqlite_look_number(&w->look, "SELECT count(*) FROM ids WHERE provider = ? AND id = ?",
                               "p", id),
            1);
        acknowledged++;
    }
    sqlite_look_run(&w->look, "COMMIT");
    (void)fclose(f);
    int64_t events = sqlite_look_number(&w->look, "SELECT count(*) FROM events", NULL, NULL);
    assert_true(acknowledged > 0);
    /* one batch of each that was killed may be there without its answer having been written down */
    assert_true(events >= acknowledged && events <= acknowledged + (KILLS + PROCESSES) * 8);
    assert_int_equal(
        sqlite_look_number(&w->look, "SELECT count(DISTINCT id) FROM events", NULL, NULL), events);
    assert_int_equal(sqlite_look_number(&w->look, "SELECT count(*) FROM ids", NULL, NULL), events);
    assert_int_equal(
        sqlite_look_number(&w->look, "SELECT value FROM fields WHERE name = 'sum'", NULL, NULL),
        events);
    assert_int_equal(sqlite_look_count(&w->look, "p", "events"), events);
    assert_true(sqlite_look_text(&w->look, &text, "PRAGMA integrity_check", NULL, NULL));
    assert_string_equal(text.p, "ok");
    buf_free(&text);
    print_message("# %ld answered, %lld stored, %d kills\n", acknowledged, (long long)events,
                  KILLS + PROCESSES);
    expect_code(commit_once(w, "after"), STORE_ACCEPTED);
}

/* The same ids in the same order from all of them, who also make the file all at once. */
static int rival(struct world *w)
{
    struct store *s = program(w);
    char id[16];
    int accepted = 0;

    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(id, sizeof id, "round-%d", i);
        struct store_result r = commit(w, s, id);
        accepted += r.code == STORE_ACCEPTED;
        if (r.code != STORE_ACCEPTED && r.code != STORE_DUPLICATE) {
            print_error("%d %s %s\n", r.code, r.word, r.reason);
            return 255;
        }
    }
    store_free(s);
    return accepted;
}

static void applies_an_event_once_whoever_brings_it(void **state)
{
    struct world *w = *state;
    pid_t pid[RIVALS];
    int accepted = 0, status;

    for (size_t i = 0; i < RIVALS; i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            _exit(rival(w));
        assert_true(pid[i] > 0);
    }
    for (size_t i = 0; i < RIVALS; i++) {
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFEXITED(status));
        assert_int_not_equal(WEXITSTATUS(status), 255);
        accepted += WEXITSTATUS(status);
    }
    assert_int_equal(accepted, ROUNDS);
    assert_int_equal(sqlite_look_count(&w->look, "p", "events"), ROUNDS);
    assert_int_equal(
        sqlite_look_number(&w->look, "SELECT value FROM fields WHERE name = 'sum'", NULL, NULL),
        ROUNDS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(refuses_what_is_no_path),
        TEST(decodes_its_path),
        TEST(waits_for_a_lock_no_longer_than_it_may),
        TEST(refuses_bad_places),
        TEST(refuses_network_file_systems),
        TEST(answers_duplicates_while_read_only),
        TEST(survives_a_full_disk),
        TEST(refuses_what_is_not_its_own),
        TEST(finds_damage),
        TEST(loses_nothing_when_processes_are_killed),
        TEST(applies_an_event_once_whoever_brings_it),
    };

    return cmocka_run_group_tests_name("store_sqlite_faults", tests, NULL, NULL);
}
