#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "observe/log.h"
#include "unit/temp_dir.h"

/* A pretended clock: 2025-10-15T10:30:05.123456Z plus what the test adds. */
static int64_t now_us;

static int64_t tell_now(void *ctx)
{
    (void)ctx;
    return INT64_C(1760524205123456) + now_us;
}

static int64_t tell_monotonic(void *ctx)
{
    (void)ctx;
    return now_us;
}

static const struct clock clock_test = {tell_now, tell_monotonic, NULL};

/* A log into a file of its own folder. */
struct fixture {
    struct temp_dir dir;
    char path[TEMP_PATH_ROOM];
    struct log *log;
    char text[1 << 20]; /* what read_back found */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct fail why;

    now_us = 0;
    f->dir = temp_dir_new();
    temp_dir_path(&f->dir, "log", f->path);
    f->log = log_open(f->path, &clock_test, &why);
    *state = f;
    return f->log != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    log_close(f->log);
    temp_dir_remove(&f->dir);
    free(f);
    return 0;
}

static const char *read_back(struct fixture *f, const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, f->text, sizeof(f->text) - 1) : 0;

    if (fd >= 0)
        close(fd);
    f->text[n > 0 ? n : 0] = '\0';
    return f->text;
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;

    for (const char *p = text; (p = strstr(p, word)) != NULL; p += strlen(word))
        n++;
    return n;
}

static void test_say(void **state)
{
    struct fixture *f = *state;
    char want[256];
    struct stat st;

    log_say(f->log, LOG_LEVEL_ERROR, "number %d", 5);
    now_us += 2 * US_PER_S;
    log_say(f->log, LOG_LEVEL_INFO, "last");
    snprintf(want, sizeof(want),
             "2025-10-15T10:30:05Z guichet[%d] error: number 5\n"
             "2025-10-15T10:30:07Z guichet[%d] info: last\n",
             (int)getpid(), (int)getpid());
    assert_string_equal(read_back(f, f->path), want);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07137, 0); /* 0640 at most */
}

static void test_escapes(void **state)
{
    struct fixture *f = *state;

    log_say(f->log, LOG_LEVEL_NOTICE, "%s", "a\nb\x1B[2J\x7F \"q\" \\ \xC3\xA9 \xFF \xC2\x9B end");
    const char *text = read_back(f, f->path);
    assert_non_null(
        strstr(text, "notice: a\\x0ab\\x1b[2J\\x7f \"q\" \\\\ \xC3\xA9 \\xff \\xc2\\x9b end\n"));
    assert_int_equal(count_of(text, "\n"), 1);
}

static void test_long_text(void **state)
{
    struct fixture *f = *state;
    char text[LOG_TEXT_MAX + 100];

    memset(text, '\x01', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_say(f->log, LOG_LEVEL_WARNING, "%s", text);
    const char *line = read_back(f, f->path);
    assert_int_equal(count_of(line, "\\x01"), LOG_TEXT_MAX - 3);
    assert_non_null(strstr(line, "\\x01...\n"));
}

static void test_rarely(void **state)
{
    struct fixture *f = *state;
    char key[] = "full"; /* the same text elsewhere */

    for (int i = 0; i < 5; i++)
        log_rarely(f->log, LOG_LEVEL_ERROR, i % 2 == 0 ? "full" : key, 10 * US_PER_S, "disk %d", i);
    log_rarely(f->log, LOG_LEVEL_ERROR, "other", 10 * US_PER_S, "other");
    assert_int_equal(count_of(read_back(f, f->path), "disk"), 1);
    assert_non_null(strstr(f->text, "disk 0\n"));
    assert_non_null(strstr(f->text, "other\n"));
    now_us += 10 * US_PER_S - 1;
    log_rarely(f->log, LOG_LEVEL_ERROR, "full", 10 * US_PER_S, "disk 5");
    assert_int_equal(count_of(read_back(f, f->path), "disk"), 1);
    now_us += 1;
    log_rarely(f->log, LOG_LEVEL_ERROR, "full", 10 * US_PER_S, "disk 6");
    assert_non_null(strstr(read_back(f, f->path), "disk 6 (held back 5 times before)\n"));
    now_us += 10 * US_PER_S;
    log_rarely(f->log, LOG_LEVEL_ERROR, "full", 10 * US_PER_S, "disk 7");
    assert_non_null(strstr(read_back(f, f->path), "disk 7\n"));
}

static void test_rarely_many_keys(void **state)
{
    struct fixture *f = *state;
    static char key[LOG_KEYS_MAX + 10][8];

    for (int i = 0; i < LOG_KEYS_MAX + 10; i++) {
        snprintf(key[i], sizeof(key[i]), "k%d", i);
        log_rarely(f->log, LOG_LEVEL_INFO, key[i], US_PER_S, "key");
    }
    assert_int_equal(count_of(read_back(f, f->path), "key"), LOG_KEYS_MAX);
}

static void test_rotation(void **state)
{
    struct fixture *f = *state;
    char old[TEMP_PATH_ROOM];

    temp_dir_path(&f->dir, "log.1", old);
    log_say(f->log, LOG_LEVEL_INFO, "one");
    assert_int_equal(rename(f->path, old), 0);
    log_say(f->log, LOG_LEVEL_INFO, "two"); /* not looked at within the second */
    now_us += US_PER_S;
    log_say(f->log, LOG_LEVEL_INFO, "three");
    assert_int_equal(count_of(read_back(f, old), "one\n"), 1);
    assert_int_equal(count_of(f->text, "two\n"), 1);
    assert_int_equal(count_of(f->text, "three\n"), 0);
    assert_int_equal(count_of(read_back(f, f->path), "three\n"), 1);
    now_us += US_PER_S;
    log_say(f->log, LOG_LEVEL_INFO, "four");
    assert_int_equal(count_of(read_back(f, f->path), "four\n"), 1);
}

/* What is written to stderr while it is redirected to a file. */
static int redirect(const char *path)
{
    int saved = dup(STDERR_FILENO);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

    dup2(fd, STDERR_FILENO);
    close(fd);
    return saved;
}

static void restore(int saved)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void test_stderr(void **state)
{
    struct fixture *f = *state;
    char path[TEMP_PATH_ROOM];
    struct fail why;

    temp_dir_path(&f->dir, "stderr", path);
    struct log *to_stderr = log_open("stderr", &clock_test, &why);
    struct log *to_full = log_open("/dev/full", &clock_test, &why);
    struct log *off = log_open("off", &clock_test, &why);
    int saved = redirect(path);
    log_say(NULL, LOG_LEVEL_ERROR, "without a log");
    log_say(to_stderr, LOG_LEVEL_ERROR, "to stderr");
    log_say(to_full, LOG_LEVEL_ERROR, "to a full disk");
    log_say(off, LOG_LEVEL_ERROR, "to nothing");
    restore(saved);
    read_back(f, path);
    assert_non_null(strstr(f->text, "error: without a log\n"));
    assert_non_null(strstr(f->text, "error: to stderr\n"));
    assert_non_null(strstr(f->text, "error: to a full disk\n"));
    assert_null(strstr(f->text, "to nothing"));
    log_close(to_stderr);
    log_close(to_full);
    log_close(off);
    log_close(NULL);
}

static void test_refused_targets(void **state)
{
    struct fixture *f = *state;
    char path[TEMP_PATH_ROOM];
    struct fail why = {""};

    assert_null(log_open("guichet.log", &clock_test, &why));
    assert_non_null(strstr(why.text, "absolute path"));
    temp_dir_path(&f->dir, "none/log", path);
    assert_null(log_open(path, &clock_test, &why));
    assert_non_null(strstr(why.text, "No such file"));
    temp_dir_path(&f->dir, "fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(log_open(path, &clock_test, &why));
    assert_null(log_open(f->dir.path, &clock_test, &why));
}

/* A renamed folder leaves the log where it is, and says so. */
static void test_cannot_reopen(void **state)
{
    struct fixture *f = *state;
    char moved[TEMP_PATH_ROOM], err[] = "/tmp/guichet-test-stderr-XXXXXX";

    int fd = mkstemp(err);
    assert_true(fd >= 0);
    close(fd);
    temp_dir_path(&f->dir, "moved", moved);
    assert_int_equal(rename(f->path, moved), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    now_us += US_PER_S;
    int saved = redirect(err);
    log_say(f->log, LOG_LEVEL_INFO, "still here");
    restore(saved);
    assert_non_null(strstr(read_back(f, err), "cannot open the log"));
    assert_non_null(strstr(read_back(f, moved), "still here\n"));
    unlink(err);
}

#define WRITERS 4
#define LINES   2000

static void *write_many(void *arg)
{
    struct log *l = arg;

    for (int i = 0; i < LINES; i++)
        log_say(l, LOG_LEVEL_INFO, "a line that must not be torn by any other writer <%d>", i);
    return NULL;
}

static void check_lines(char *text, size_t want)
{
    size_t n = 0;

    for (char *line; (line = strsep(&text, "\n")) != NULL && *line != '\0'; n++)
        if (strncmp(line, "2025-10-15T", 11) != 0 || line[strlen(line) - 1] != '>' ||
            count_of(line, "guichet[") != 1)
            fail_msg("torn: %s", line);
    assert_int_equal(n, want);
}

static void test_many_writers(void **state)
{
    struct fixture *f = *state;
    pthread_t thread[WRITERS];
    pid_t pid = fork();

    assert_true(pid >= 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&thread[i], NULL, write_many, f->log);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(thread[i], NULL);
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    char *all = malloc((size_t)st.st_size + 1);
    int fd = open(f->path, O_RDONLY);
    assert_int_equal(read(fd, all, (size_t)st.st_size), st.st_size);
    all[st.st_size] = '\0';
    close(fd);
    check_lines(all, 2 * WRITERS * LINES);
    free(all);
}

/* A reader of stderr that stopped reading holds up nobody; when it reads again it is told. */
static void test_unread_stderr(void **state)
{
    static char text[1 << 20];
    int ends[2], kept = dup(STDERR_FILENO);
    size_t n = 0;
    ssize_t got;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    for (int i = 0; i < 3000; i++) /* more than a pipe holds */
        log_say(NULL, LOG_LEVEL_NOTICE, "a line of some length that fills the pipe, number %d", i);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    while ((got = read(ends[0], text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    log_say(NULL, LOG_LEVEL_NOTICE, "after");
    while ((got = read(ends[0], text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[0]);
    close(ends[1]);
    text[n] = '\0';
    assert_non_null(strstr(text, "number 0\n"));
    assert_non_null(strstr(text, "lines were dropped"));
    assert_non_null(strstr(text, "after\n"));
}

int main(void)
{
#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LOG(test_say),          WITH_LOG(test_escapes),          WITH_LOG(test_long_text),
        WITH_LOG(test_rarely),       WITH_LOG(test_rarely_many_keys), WITH_LOG(test_rotation),
        WITH_LOG(test_stderr),       WITH_LOG(test_refused_targets),  WITH_LOG(test_cannot_reopen),
        WITH_LOG(test_many_writers), WITH_LOG(test_unread_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
