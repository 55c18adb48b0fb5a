#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <jansson.h>
#include <cmocka.h>

#include "observe/log.h"
#include "unit/temp_dir.h"

/* 2025-10-15T10:30:05Z plus what the test adds. */
static int64_t now_us;

static int64_t tell_now(void *ctx)
{
    (void)ctx;
    return INT64_C(1760524205000000) + now_us;
}

static const struct clock clock_test = {tell_now, tell_now, NULL};

struct fixture {
    struct temp_dir dir;
    char path[TEMP_PATH_ROOM];
    struct log *log;
    struct state *state;
    struct state_provider *row;
    char text[1 << 20];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct fail why;

    now_us = 0;
    f->dir = temp_dir_new();
    temp_dir_path(&f->dir, "audit", f->path);
    f->log = log_open(f->path, &clock_test, &why);
    f->state = state_private(NULL, 0);
    f->row = state_provider(f->state, "dazno");
    *state = f;
    return f->log != NULL && f->row != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    log_close(f->log);
    state_close(f->state);
    temp_dir_remove(&f->dir);
    free(f);
    return 0;
}

static const char *read_back(struct fixture *f)
{
    int fd = open(f->path, O_RDONLY);
    ssize_t n = read(fd, f->text, sizeof(f->text) - 1);

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

static void say(struct fixture *f, const struct audit_line *line, struct state_provider *row)
{
    struct buf lines = BUF_INIT(AUDIT_BYTES_MAX);

    log_audit(f->log, line, row, &lines);
    log_audit_write(f->log, &lines);
    buf_free(&lines);
}

static void test_line(void **state)
{
    struct fixture *f = *state;
    const struct audit_line line = {
        .at_us = INT64_C(1760524205123456),
        .provider = "dazno",
        .id = SLICE_LITERAL("evt_1"),
        .event_type = SLICE_LITERAL("user.created"),
        .outcome = OUTCOME_ACCEPTED,
        .reason = "future",
        .detail = SLICE_LITERAL("a detail"),
        .remote = SLICE_LITERAL("192.0.2.1"),
        .duration_us = 12034,
        .bytes = 512,
        .status = 200,
        .secret = 1,
    };

    say(f, &line, f->row);
    assert_string_equal(
        read_back(f),
        "{\"time\":\"2025-10-15T10:30:05.123456Z\",\"provider\":\"dazno\",\"id\":\"evt_1\","
        "\"event_type\":\"user.created\",\"outcome\":\"accepted\",\"reason\":\"future\","
        "\"detail\":\"a detail\",\"remote\":\"192.0.2.1\",\"status\":200,\"duration_ms\":12.034,"
        "\"bytes\":512,\"secret\":1}\n");
}

static void test_line_empty(void **state)
{
    struct fixture *f = *state;
    const struct audit_line line = {.outcome = OUTCOME_REJECTED, .status = 404, .secret = -1};

    say(f, &line, NULL);
    assert_string_equal(
        read_back(f),
        "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"provider\":null,\"id\":null,"
        "\"event_type\":null,\"outcome\":\"rejected\",\"reason\":null,\"detail\":null,"
        "\"remote\":null,\"status\":404,\"duration_ms\":0.000,\"bytes\":0,"
        "\"secret\":null}\n");
}

/* The worst that can come still is one line of JSON. */
static void test_hostile(void **state)
{
    struct fixture *f = *state;
    char bad[4096];
    struct slice all = {bad, sizeof(bad)};
    const struct audit_line line = {
        .provider = "dazno",
        .id = all,
        .event_type = all,
        .outcome = OUTCOME_ACCEPTED,
        .detail = all,
        .remote = all,
        .duration_us = INT64_MAX,
        .bytes = INT64_MAX,
        .status = 200,
        .secret = 63,
    };
    static const char *const unit[] = {"\x01", "\"", "\\", "\n", "\xFF", "\xC3\xA9", "</script>"};

    for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
        size_t n = strlen(unit[i]);
        for (size_t at = 0; at < sizeof(bad); at++)
            bad[at] = unit[i][at % n];
        assert_int_equal(truncate(f->path, 0), 0);
        say(f, &line, f->row);
        read_back(f);
        assert_int_equal(count_of(f->text, "\n"), 1);
        json_error_t error;
        json_t *parsed = json_loads(f->text, JSON_REJECT_DUPLICATES, &error);
        if (parsed == NULL)
            fail_msg("%s: %s", error.text, f->text);
        assert_int_equal(json_object_size(parsed), 12);
        json_decref(parsed);
    }
}

static void refuse(struct fixture *f, enum outcome o, struct state_provider *row)
{
    const struct audit_line line = {
        .at_us = tell_now(NULL), .provider = "dazno", .outcome = o, .status = 401, .secret = -1};

    say(f, &line, row);
}

static void flood(struct fixture *f, struct state_provider *row)
{
    for (int i = 0; i < AUDIT_REFUSED_PER_S + 250; i++)
        refuse(f, OUTCOME_UNAUTHORIZED, row);
    assert_int_equal(count_of(read_back(f), "\n"), AUDIT_REFUSED_PER_S);
    refuse(f, OUTCOME_ACCEPTED, row); /* is no refusal: never held back */
    refuse(f, OUTCOME_ERROR, row);
    refuse(f, OUTCOME_CONFLICT, row);
    assert_int_equal(count_of(read_back(f), "\n"), AUDIT_REFUSED_PER_S + 3);
    refuse(f, OUTCOME_REJECTED, row);
    refuse(f, OUTCOME_INVALID, row);
    refuse(f, OUTCOME_LIMITED, row);
    assert_int_equal(count_of(read_back(f), "\n"), AUDIT_REFUSED_PER_S + 3);

    now_us += US_PER_S;
    refuse(f, OUTCOME_ACCEPTED, row);
    assert_non_null(strstr(read_back(f),
                           "{\"time\":\"2025-10-15T10:30:06.000000Z\",\"provider\":\"dazno\","
                           "\"outcome\":\"suppressed\",\"count\":253}\n{"));
    refuse(f, OUTCOME_UNAUTHORIZED, row);
    assert_int_equal(count_of(read_back(f), "\n"), AUDIT_REFUSED_PER_S + 6);
    now_us += US_PER_S;
    refuse(f, OUTCOME_UNAUTHORIZED, row);
    assert_int_equal(count_of(read_back(f), "suppressed"), 1);
}

static void test_flood(void **state)
{
    struct fixture *f = *state;

    flood(f, f->row);
}

static void test_flood_without_row(void **state)
{
    struct fixture *f = *state;

    flood(f, NULL);
}

/* Another provider's flood is not this one's. */
static void test_flood_of_another(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < AUDIT_REFUSED_PER_S + 5; i++)
        refuse(f, OUTCOME_UNAUTHORIZED, f->row);
    refuse(f, OUTCOME_UNAUTHORIZED, state_provider(f->state, "airtable"));
    assert_int_equal(count_of(read_back(f), "\n"), AUDIT_REFUSED_PER_S + 1);
}

static void test_clock_set_back(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < AUDIT_REFUSED_PER_S + 5; i++)
        refuse(f, OUTCOME_UNAUTHORIZED, f->row);
    now_us -= US_PER_S; /* a process whose clock is a little behind */
    refuse(f, OUTCOME_UNAUTHORIZED, f->row);
    assert_int_equal(count_of(read_back(f), "\n"), AUDIT_REFUSED_PER_S);
    now_us -= 3600 * US_PER_S; /* set back: lines come again */
    refuse(f, OUTCOME_UNAUTHORIZED, f->row);
    assert_non_null(strstr(read_back(f), "\"count\":6}"));
    assert_int_equal(count_of(f->text, "\n"), AUDIT_REFUSED_PER_S + 2);
}

/* As plain CGI: every line is written by a process of its own, which knows nothing but the row. */
static void test_flood_over_processes(void **state)
{
    struct fixture *f = *state;
    struct fail why;
    char dir[TEMP_PATH_ROOM];

    temp_dir_path(&f->dir, "state", dir);
    for (int i = 0; i < AUDIT_REFUSED_PER_S + 21; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            if (i == AUDIT_REFUSED_PER_S + 20)
                now_us += US_PER_S;
            struct state *s = state_open(dir, NULL, 0, &why);
            f->log = log_open(f->path, &clock_test, &why);
            refuse(f, OUTCOME_UNAUTHORIZED, state_provider(s, "dazno"));
            _exit(0);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    assert_non_null(strstr(read_back(f), "\"outcome\":\"suppressed\",\"count\":20}\n"));
    assert_int_equal(count_of(f->text, "\n"), AUDIT_REFUSED_PER_S + 2);
    struct temp_dir inner;
    memcpy(inner.path, dir, sizeof(inner.path));
    temp_dir_remove(&inner);
}

/* Many processes at once: every line is either written or counted. */
static void test_flood_at_once(void **state)
{
    struct fixture *f = *state;
    struct fail why;
    char dir[TEMP_PATH_ROOM];
    pid_t pid[4];

    temp_dir_path(&f->dir, "state", dir);
    for (int p = 0; p < 4; p++) {
        pid[p] = fork();
        assert_true(pid[p] >= 0);
        if (pid[p] == 0) {
            struct state *s = state_open(dir, NULL, 0, &why);
            for (int i = 0; i < 2000; i++) {
                now_us = i / 400 * US_PER_S;
                refuse(f, OUTCOME_UNAUTHORIZED, state_provider(s, "dazno"));
            }
            _exit(0);
        }
    }
    for (int p = 0; p < 4; p++)
        assert_int_equal(waitpid(pid[p], NULL, 0), pid[p]);
    struct state *s = state_open(dir, NULL, 0, &why);
    assert_non_null(s);
    now_us = 100 * US_PER_S;
    refuse(f, OUTCOME_ACCEPTED, state_provider(s, "dazno"));
    state_close(s);

    read_back(f);
    size_t told = count_of(f->text, "unauthorized");
    for (const char *p = f->text; (p = strstr(p, "\"count\":")) != NULL;) {
        p += strlen("\"count\":");
        told += strtoul(p, NULL, 10);
    }
    assert_int_equal(told, 4 * 2000);
    struct temp_dir inner;
    memcpy(inner.path, dir, sizeof(inner.path));
    temp_dir_remove(&inner);
}

int main(void)
{
#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LOG(test_line),
        WITH_LOG(test_line_empty),
        WITH_LOG(test_hostile),
        WITH_LOG(test_flood),
        WITH_LOG(test_flood_without_row),
        WITH_LOG(test_flood_of_another),
        WITH_LOG(test_clock_set_back),
        WITH_LOG(test_flood_over_processes),
        WITH_LOG(test_flood_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
