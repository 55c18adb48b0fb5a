/* The outbox on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "outbox/outbox.h"
#include "outbox/post.h"
#include "unit/temp_dir.h"

static struct entry_content event(const char *id, const char *user)
{
    return (struct entry_content){
        .url = SLICE_LITERAL("https://example.org/hook"),
        .api_key = SLICE_LITERAL("env:KEY"),
        .secret = SLICE_LITERAL("file:/secret"),
        .id = slice_of(id),
        .type = SLICE_LITERAL("user.created"),
        .timestamp = SLICE_LITERAL("2025-10-15T10:30:00Z"),
        .user = slice_of(user),
        .body = SLICE_LITERAL("{\"a\":\n\"b\0c\"}\n"),
    };
}

static bool same(const struct entry_content *a, const struct entry_content *b)
{
    return slice_equal(a->url, b->url) && slice_equal(a->api_key, b->api_key) &&
           slice_equal(a->secret, b->secret) && slice_equal(a->id, b->id) &&
           slice_equal(a->type, b->type) && slice_equal(a->timestamp, b->timestamp) &&
           slice_equal(a->body, b->body);
}

/* --- names and contents ------------------------------------------------------------------------------ */

static void names(void **state)
{
    const struct entry_item i = {.number = 0x0123456789abcdef,
                                 .due_us = 1760524205123456,
                                 .lane = UINT64_MAX,
                                 .id = 1,
                                 .destination = 0xabc,
                                 .tries = 4,
                                 .state = ENTRY_ALARM};
    static const char *const bad[] = {
        "",
        "lock",
        "new-0123456789abcdef-w0-0000000000000000-0000000000000001-00000001-0000000000000001",
        "0123456789ABCDEF-w0-0000000000000000-0000000000000001-00000001-0000000000000001",
        "0123456789abcdef-x0-0000000000000000-0000000000000001-00000001-0000000000000001",
        "0123456789abcdef-wa-0000000000000000-0000000000000001-00000001-0000000000000001",
        "0123456789abcdef-w0-8000000000000000-0000000000000001-00000001-0000000000000001",
        "0123456789abcdef-w0-0000000000000000-0000000000000001-00000001-000000000000001",
        "0123456789abcdef-w0-0000000000000000-0000000000000001-00000001-00000000000000011",
        "+123456789abcdef-w0-0000000000000000-0000000000000001-00000001-0000000000000001",
        " 123456789abcdef-w0-0000000000000000-0000000000000001-00000001-0000000000000001",
        "0x23456789abcdef-w0-0000000000000000-0000000000000001-00000001-0000000000000001",
    };
    char name[ENTRY_NAME_ROOM];
    struct entry_item again;

    (void)state;
    entry_name(&i, name);
    assert_string_equal(name, "0123456789abcdef-a4-0006412ffbdd6780-ffffffffffffffff-00000abc-"
                              "0000000000000001");
    assert_true(entry_parse_name(name, &again));
    assert_memory_equal(&again.number, &i.number, sizeof i.number);
    assert_true(again.due_us == i.due_us && again.lane == i.lane && again.id == i.id &&
                again.destination == i.destination && again.tries == 4 && again.state == i.state);
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        if (entry_parse_name(bad[k], &again))
            fail_msg("taken for a name: %s", bad[k]);
}

static void contents(void **state)
{
    struct entry_content e = event("e-1", "u"), again;
    struct buf bytes = BUF_INIT(ENTRY_FILE_MAX);

    (void)state;
    assert_true(entry_write(&e, &bytes));
    assert_true(entry_read(buf_slice(&bytes), &again) && same(&e, &again));
    for (size_t i = 0; i < bytes.n * 8; i++) {
        bytes.p[i / 8] = (char)(bytes.p[i / 8] ^ (1 << i % 8));
        if (entry_read(buf_slice(&bytes), &again))
            fail_msg("a bit of byte %zu was flipped, and nothing noticed", i / 8);
        bytes.p[i / 8] = (char)(bytes.p[i / 8] ^ (1 << i % 8));
    }
    for (size_t n = 0; n < bytes.n; n++)
        assert_false(entry_read((struct slice){bytes.p, n}, &again));
    buf_reset(&bytes);
    e.id = SLICE_LITERAL("a\nsecret: env:OTHER");
    assert_false(entry_write(&e, &bytes));
    buf_free(&bytes);
}

/* Who waits for whom. */
static void lanes(void **state)
{
    struct entry_content a = event("1", "u"), b = event("2", "u"), c = event("3", "v"),
                         d = event("4", "u"), none = event("5", ""), other = event("u", "");
    struct entry_item ia, ib, ic, id, in, io;

    (void)state;
    d.url = SLICE_LITERAL("https://example.org/hook2");
    assert_true(entry_describe(&a, &ia) && entry_describe(&b, &ib) && entry_describe(&c, &ic) &&
                entry_describe(&d, &id) && entry_describe(&none, &in) &&
                entry_describe(&other, &io));
    assert_true(ia.lane == ib.lane && ia.destination == ib.destination && ia.id != ib.id);
    assert_true(ia.lane != ic.lane && ia.destination == ic.destination);
    assert_true(ia.lane != id.lane && ia.destination != id.destination);
    assert_true(in.lane != ia.lane && in.lane != io.lane && io.lane != ia.lane);
}

/* --- the folder ---------------------------------------------------------------------------------------- */

struct box {
    struct temp_dir dir;
    struct outbox *o;
};

static struct box box_new(void)
{
    /* Not below /tmp, which may lie in memory. */
    struct box b = {.dir = {"/var/tmp/guichet-test-XXXXXX"}};
    struct fail why = {""};

    assert_non_null(mkdtemp(b.dir.path));

    b.o = outbox_open(b.dir.path, true, &why);
    if (b.o == NULL)
        fail_msg("%s", why.text);
    return b;
}

static void box_free(struct box *b)
{
    outbox_close(b->o);
    temp_dir_remove(&b->dir);
}

static void added_tried_and_removed(void **state)
{
    struct box b = box_new();
    struct entry_content e[] = {event("1", "u"), event("2", "u"), event("3", "v")}, read;
    struct entry_item next;
    struct outbox_list l;
    char *memory, reason[OUTBOX_REASON_MAX];

    (void)state;
    assert_int_equal(outbox_add(b.o, e, 2, 1000, NULL), 2);
    assert_int_equal(outbox_add(b.o, &e[2], 1, 500, NULL), 1); /* the clock was set back */
    assert_true(outbox_list(b.o, &l));
    assert_int_equal(l.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(l.item[i].number, 1000 + i);
        assert_true(l.item[i].state == ENTRY_WAITING && l.item[i].tries == 0);
        assert_int_equal(outbox_read(b.o, &l.item[i], &read, &memory), OUTBOX_READ);
        assert_true(same(&read, &e[i]));
        free(memory);
    }
    next = l.item[1];
    next.state = ENTRY_FAILED;
    next.tries = 5;
    outbox_note_why(b.o, &l.item[1], "it was answered 500");
    assert_true(outbox_rename(b.o, &l.item[1], &next));
    assert_false(outbox_rename(b.o, &l.item[1], &next)); /* under its old name it is gone */
    assert_int_equal(outbox_read(b.o, &l.item[1], &read, &memory), OUTBOX_GONE);
    outbox_why(b.o, &next, reason);
    assert_string_equal(reason, "it was answered 500");
    assert_true(outbox_remove(b.o, &next));
    assert_false(outbox_remove(b.o, &next));
    outbox_why(b.o, &next, reason);
    assert_string_equal(reason, "");
    outbox_list_free(&l);
    assert_true(outbox_list(b.o, &l));
    assert_int_equal(l.n, 2);
    outbox_list_free(&l);
    box_free(&b);
}

/* A file that holds no number does not make numbers start again. */
static void numbers_never_go_back(void **state)
{
    struct box b = box_new();
    struct entry_content e = event("1", "u");
    struct outbox_list l;
    char lock[TEMP_PATH_ROOM];
    int fd;

    (void)state;
    assert_int_equal(outbox_add(b.o, &e, 1, 9000, NULL), 1);
    temp_dir_path(&b.dir, "lock", lock);
    fd = open(lock, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "????????????????", 16), 16);
    close(fd);
    assert_int_equal(outbox_add(b.o, &e, 1, 10, NULL), 1);
    assert_int_equal(truncate(lock, 0), 0);
    assert_int_equal(outbox_add(b.o, &e, 1, 10, NULL), 1);
    assert_true(outbox_list(b.o, &l));
    assert_int_equal(l.item[2].number, 9002);
    outbox_list_free(&l);
    box_free(&b);
}

static void damaged(void **state)
{
    struct box b = box_new();
    struct entry_content e = event("1", "u"), read;
    struct outbox_list l;
    char name[ENTRY_NAME_ROOM], path[TEMP_PATH_ROOM], *memory;
    struct stat st;

    (void)state;
    assert_int_equal(outbox_add(b.o, &e, 1, 1000, NULL), 1);
    assert_true(outbox_list(b.o, &l));
    entry_name(&l.item[0], name);
    temp_dir_path(&b.dir, name, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(truncate(path, st.st_size - 1), 0);
    assert_int_equal(outbox_read(b.o, &l.item[0], &read, &memory), OUTBOX_DAMAGED);
    assert_null(memory);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(outbox_read(b.o, &l.item[0], &read, &memory), OUTBOX_DAMAGED);
    outbox_set_aside(b.o, &l.item[0]);
    outbox_list_free(&l);
    assert_true(outbox_list(b.o, &l));
    assert_int_equal(l.n, 0);
    outbox_list_free(&l);
    box_free(&b);
}

static void only_a_folder_of_ones_own(void **state)
{
    struct temp_dir d = {"/var/tmp/guichet-test-XXXXXX"};
    struct fail why = {""};
    char path[TEMP_PATH_ROOM];

    (void)state;
    assert_non_null(mkdtemp(d.path));
    temp_dir_path(&d, "outbox", path);
    assert_null(outbox_open(path, false, &why));
    assert_non_null(strstr(why.text, path));
    outbox_close(outbox_open(path, true, &why));
    assert_int_equal(chmod(path, 0750), 0);
    assert_null(outbox_open(path, true, &why));
    assert_non_null(strstr(why.text, "chmod 700"));
    assert_null(outbox_open("/dev/shm", false, &why));
    rmdir(path);
    temp_dir_remove(&d);
}

static void one_daemon(void **state)
{
    struct box b = box_new();
    int running = outbox_begin(b.o);

    (void)state;
    assert_true(running >= 0);
    assert_int_equal(outbox_begin(b.o), -1);
    assert_true(outbox_is_worked(b.o));
    outbox_end(running);
    assert_false(outbox_is_worked(b.o));
    box_free(&b);
}

struct heard {
    int came, went, many;
};

static void hear(void *ctx, enum outbox_change change, const struct entry_item *i)
{
    struct heard *h = ctx;

    assert_true(change == OUTBOX_MANY || i->number > 0);
    h->came += change == OUTBOX_CAME;
    h->went += change == OUTBOX_WENT;
    h->many += change == OUTBOX_MANY;
}

static void changes_are_told(void **state)
{
    struct box b = box_new();
    struct entry_content e[] = {event("1", "u"), event("2", "u")};
    struct heard h = {0, 0, 0};
    struct outbox_list l;
    int watch = outbox_watch(b.o);

    (void)state;
    outbox_changes(watch, hear, &h);
    assert_int_equal(outbox_add(b.o, e, 2, 1000, NULL), 2);
    assert_true(outbox_list(b.o, &l));
    outbox_changes(watch, hear, &h);
    assert_true(h.came == 2 && h.went == 0);
    struct entry_item next = l.item[0];
    next.tries = 1;
    assert_true(outbox_rename(b.o, &l.item[0], &next));
    assert_true(outbox_remove(b.o, &l.item[1]));
    outbox_changes(watch, hear, &h);
    assert_true(h.came == 3 && h.went == 2 && h.many == 0);
    outbox_list_free(&l);
    close(watch);
    box_free(&b);
}

/* --- kill -9 ------------------------------------------------------------------------------------------- */

#define KILLS    40
#define BATCH    5
#define TELL_MAX 4096

/* Adds batch after batch and tells each that is safe, until it is killed. */
static void add_for_ever(const char *dir, int tell)
{
    struct outbox *o = outbox_open(dir, false, NULL);
    struct entry_content e[BATCH];

    for (size_t i = 0; i < BATCH; i++)
        e[i] = event("k", "u");
    for (;;) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        if (outbox_add(o, e, BATCH, t.tv_sec * 1000000 + t.tv_nsec / 1000, NULL) != BATCH ||
            write(tell, "+", 1) != 1)
            _exit(1);
    }
}

static void killed_while_adding(void **state)
{
    struct box b = box_new();
    size_t told = 0;
    struct outbox_list l;
    struct entry_content found;
    char *memory;

    (void)state;
    for (unsigned k = 0; k < KILLS; k++) {
        char bytes[TELL_MAX];
        int ends[2];
        ssize_t n;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0)
            add_for_ever(b.dir.path, ends[1]);
        close(ends[1]);
        assert_int_equal(read(ends[0], bytes, 1),
                         1); /* one batch at least, however slow the disk */
        told++;
        nanosleep(&(struct timespec){0, (long)(1 + k * 37 % 23) * 1000000}, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while ((n = read(ends[0], bytes, sizeof bytes)) > 0)
            told += (size_t)n;
        close(ends[0]);
    }
    outbox_sweep(b.o);
    assert_true(outbox_list(b.o, &l));
    /* What was said to be safe is there; a batch in the middle of which it was killed may be. */
    assert_true(l.n >= told * BATCH && l.n <= (told + KILLS) * BATCH);
    for (size_t i = 0; i < l.n; i++) {
        assert_true(i == 0 || l.item[i].number > l.item[i - 1].number);
        assert_int_equal(outbox_read(b.o, &l.item[i], &found, &memory), OUTBOX_READ);
        free(memory);
        assert_true(outbox_remove(b.o, &l.item[i]));
    }
    outbox_list_free(&l);
    box_free(&b);
}

/* --- where to ------------------------------------------------------------------------------------- */

static void sends_in_the_clear_to_this_host_alone(void **state)
{
    static const struct {
        const char *url;
        int result;
    } cases[] = {
        {"http://localhost:8080/", 0},
        {"http://127.0.0.1/", 0},
        {"http://127.1/", 0},
        {"http://[::1]/", 0},
        {"https://127.example.org/", 0},
        {"http://127.example.org/", -1},
        {"http://127.0.0.1.example.org/", -1},
        {"http://localhost.example.org/", -1},
        {"http://192.0.2.1/", -1},
    };
    struct fail why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (post_check_url(cases[i].url, false, &why) != cases[i].result)
            fail_msg("%s", cases[i].url);
        assert_int_equal(post_check_url(cases[i].url, true, &why), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(sends_in_the_clear_to_this_host_alone),
        cmocka_unit_test(contents),
        cmocka_unit_test(lanes),
        cmocka_unit_test(added_tried_and_removed),
        cmocka_unit_test(numbers_never_go_back),
        cmocka_unit_test(damaged),
        cmocka_unit_test(only_a_folder_of_ones_own),
        cmocka_unit_test(one_daemon),
        cmocka_unit_test(changes_are_told),
        cmocka_unit_test(killed_while_adding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
