/* The spool's folder: what is promised is there, whatever is done to it in between. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file_system.h"
#include "spool/spool.h"
#include "temp_dir.h"

#define SYSCALLS_MAX 2000 /* of one addition; a few dozen are expected */
#define BATCH        3    /* events that are added at once */

struct fixture {
    struct temp_dir dir;
    struct spool *spool;
    struct arena *arena;
};

static const struct spool_limits ROOMY = {1000, 1 << 20};

static struct spool *open_spool(const struct fixture *f, struct spool_limits limits)
{
    struct fail why = {""};
    struct spool *s = spool_open(f->dir.path, limits, &why);

    if (s == NULL)
        print_error("%s\n", why.text);
    assert_non_null(s);
    return s;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    /* Not below /tmp, which may lie in memory. */
    (void)snprintf(f->dir.path, sizeof f->dir.path, "/var/tmp/guichet-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir.path));
    f->spool = open_spool(f, ROOMY);
    f->arena = arena_new(4u << 20);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    spool_close(f->spool);
    arena_free(f->arena);
    temp_dir_remove(&f->dir);
    free(f);
    return 0;
}

static struct spool_entry event(const char *id, const char *body)
{
    struct spool_entry e = {
        .kind = SPOOL_EVENT,
        .provider = SLICE_LITERAL("dazno"),
        .key = slice_of(id),
        .body = slice_of(body),
        .received_us = 1760524205000000,
        .arrived_us = 1760524205000000,
    };

    assert_true(sha256(&e.body, 1, e.body_sha256));
    assert_true(random_bytes(e.nonce, sizeof e.nonce));
    return e;
}

static enum spool_verdict add(struct spool *s, struct spool_entry e)
{
    struct fail why = {""};
    enum spool_verdict v;

    spool_add(s, &e, 1, &v, &why);
    assert_int_equal(why.text[0] != '\0', v == SPOOL_FULL || v == SPOOL_FAILED);
    return v;
}

/* The linker puts this in the place of linkat: some file systems have no hard links. */
static bool no_links;
int __real_linkat(int from, const char *old, int to, const char *new, int flags);
int __wrap_linkat(int from, const char *old, int to, const char *new, int flags);

int __wrap_linkat(int from, const char *old, int to, const char *new, int flags)
{
    if (!no_links)
        return __real_linkat(from, old, to, new, flags);
    errno = EPERM;
    return -1;
}

static enum spool_verdict find(struct spool *s, struct spool_entry e)
{
    enum spool_verdict v;

    spool_find(s, &e, 1, &v);
    return v;
}

static size_t count(struct spool *s)
{
    struct spool_list l;
    size_t n;

    assert_true(spool_list(s, &l));
    n = l.n;
    spool_list_free(&l);
    return n;
}

static struct spool_item item(struct spool *s, size_t n)
{
    struct spool_list l;
    struct spool_item i;

    assert_true(spool_list(s, &l));
    assert_true(n < l.n);
    i = l.item[n];
    spool_list_free(&l);
    return i;
}

static void path_of(const struct fixture *f, const struct spool_item *i, const char *prefix,
                    char out[static TEMP_PATH_ROOM])
{
    char name[SPOOL_NAME_ROOM];

    spool_item_name(i, name);
    snprintf(out, TEMP_PATH_ROOM, "%s/%s%s", f->dir.path, prefix, name);
}

/* --- what goes in comes out --------------------------------------------------------------------- */

static void gives_back_what_it_took_in_order(void **state)
{
    struct fixture *f = *state;
    static const char raw[] = "{\"a\":\t1}\0\r\n\xff";
    struct spool_entry a = event("a", "first"), b = event("b", ""), out;
    enum spool_verdict v[2];
    struct fail why = {""};
    char path[TEMP_PATH_ROOM];
    struct stat st;

    b.body = (struct slice){raw, sizeof raw};
    assert_true(sha256(&b.body, 1, b.body_sha256));
    b.id = SLICE_LITERAL("header-id");
    b.type = SLICE_LITERAL("push");
    b.arrived_us = -5;
    b.received_us = 1; /* a clock that stepped back changes no order */
    spool_add(f->spool, (const struct spool_entry[]){a, b}, 2, v, &why);
    assert_int_equal(v[0], SPOOL_NEW);
    assert_int_equal(v[1], SPOOL_NEW);
    assert_int_equal(count(f->spool), 2);
    struct spool_item first = item(f->spool, 0), second = item(f->spool, 1);
    assert_int_equal(spool_read(f->spool, &first, f->arena, &out), SPOOL_READ);
    assert_true(slice_is(out.body, "first"));
    assert_int_equal(spool_read(f->spool, &second, f->arena, &out), SPOOL_READ);
    assert_true(slice_equal(out.body, b.body));
    assert_true(slice_is(out.provider, "dazno"));
    assert_true(slice_is(out.id, "header-id"));
    assert_true(slice_is(out.type, "push"));
    assert_int_equal(out.arrived_us, -5);
    assert_int_equal(out.received_us, 1);
    assert_int_equal(out.kind, SPOOL_EVENT);
    assert_memory_equal(out.nonce, b.nonce, sizeof b.nonce);
    assert_memory_equal(out.body_sha256, b.body_sha256, sizeof b.body_sha256);
    path_of(f, &second, "", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    /* both lie in one file */
    assert_int_equal(second.offset, first.size);
    assert_int_equal(st.st_size, first.size + second.size);
    spool_remove(f->spool, &first);
    assert_int_equal(spool_read(f->spool, &first, f->arena, &out), SPOOL_GONE);
    assert_int_equal(count(f->spool), 1);
    assert_int_equal(add(f->spool, event("c", "third")), SPOOL_NEW);
    assert_true(item(f->spool, 1).number > item(f->spool, 0).number);
}

static void knows_what_waits(void **state)
{
    struct fixture *f = *state;
    struct spool_entry elsewhere = event("a", "body"), mark = event("hook", "ping");

    assert_int_equal(find(f->spool, event("a", "body")), SPOOL_NEW);
    assert_int_equal(add(f->spool, event("a", "body")), SPOOL_NEW);
    assert_int_equal(find(f->spool, event("a", "body")), SPOOL_SAME);
    assert_int_equal(add(f->spool, event("a", "body")), SPOOL_SAME);
    assert_int_equal(find(f->spool, event("a", "Body")), SPOOL_OTHER);
    assert_int_equal(count(f->spool), 1);
    /* The evidence of a conflict is kept once, and is no event. */
    assert_int_equal(add(f->spool, event("a", "Body")), SPOOL_OTHER);
    assert_int_equal(add(f->spool, event("a", "Body")), SPOOL_OTHER);
    assert_int_equal(count(f->spool), 2);
    assert_int_equal(item(f->spool, 1).kind, SPOOL_CONFLICT);
    assert_int_equal(add(f->spool, event("a", "body")), SPOOL_SAME);
    /* When the event has left, what was said of the other stays true. */
    struct spool_item first = item(f->spool, 0);
    spool_remove(f->spool, &first);
    assert_int_equal(add(f->spool, event("a", "Body")), SPOOL_OTHER);
    assert_int_equal(count(f->spool), 1);
    /* Another provider's ids are others. */
    elsewhere.provider = SLICE_LITERAL("stripe");
    assert_int_equal(add(f->spool, elsewhere), SPOOL_NEW);
    /* Every ping counts, for its time does. */
    mark.kind = SPOOL_MARK;
    assert_int_equal(add(f->spool, mark), SPOOL_NEW);
    assert_int_equal(add(f->spool, mark), SPOOL_NEW);
    assert_int_equal(find(f->spool, mark), SPOOL_NEW);
    assert_int_equal(count(f->spool), 4);
}

static void stops_at_its_limits(void **state)
{
    struct fixture *f = *state;
    struct spool *two = open_spool(f, (struct spool_limits){2, 1 << 20});

    assert_int_equal(add(two, event("a", "1")), SPOOL_NEW);
    assert_int_equal(add(two, event("b", "1")), SPOOL_NEW);
    assert_int_equal(add(two, event("c", "1")), SPOOL_FULL);
    assert_int_equal(add(two, event("b", "1")), SPOOL_SAME);
    assert_int_equal(add(two, event("b", "2")), SPOOL_FULL);
    struct spool_item first = item(two, 0);
    spool_remove(two, &first);
    assert_int_equal(add(two, event("c", "1")), SPOOL_NEW);
    spool_close(two);

    struct spool *small = open_spool(f, (struct spool_limits){10, (int64_t)first.size * 3});
    assert_int_equal(add(small, event("d", "12")), SPOOL_FULL);
    assert_int_equal(add(small, event("d", "1")), SPOOL_NEW);
    spool_close(small);
}

static void knows_when_nothing_waits(void **state)
{
    struct fixture *f = *state;
    const struct timespec long_ago[2] = {{1000000000, 0}, {1000000000, 0}};

    assert_true(spool_quiet(f->spool));
    assert_int_equal(utimensat(AT_FDCWD, f->dir.path, long_ago, 0), 0);
    assert_true(spool_quiet(f->spool));
    assert_true(spool_quiet(f->spool)); /* now without a look */
    assert_int_equal(add(f->spool, event("a", "1")), SPOOL_NEW);
    assert_false(spool_quiet(f->spool));
    struct spool_item only = item(f->spool, 0);
    spool_remove(f->spool, &only);
    assert_true(spool_quiet(f->spool));
}

/* --- what befalls the folder ------------------------------------------------------------------------ */

static void sees_every_damage(void **state)
{
    struct fixture *f = *state;
    struct spool_entry out;
    char path[TEMP_PATH_ROOM];
    struct spool_item i;

    assert_int_equal(add(f->spool, event("a", "body")), SPOOL_NEW);
    i = item(f->spool, 0);
    path_of(f, &i, "", path);
    for (size_t at = 0; at < i.size; at++) { /* any byte that is another */
        int fd = open(path, O_RDWR);
        char c;
        assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
        c ^= 0x20;
        assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
        assert_int_equal(spool_read(f->spool, &i, f->arena, &out), SPOOL_DAMAGED);
        c ^= 0x20;
        assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
        assert_int_equal(spool_read(f->spool, &i, f->arena, &out), SPOOL_READ);
        close(fd);
        arena_reset(f->arena);
    }
    for (off_t n = (off_t)i.size - 1; n >= 0; n--) { /* any length that is less */
        assert_int_equal(truncate(path, n), 0);
        assert_int_equal(spool_read(f->spool, &i, f->arena, &out), SPOOL_DAMAGED);
    }
    spool_set_aside(f->spool, &i);
    assert_int_equal(count(f->spool), 0);
    path_of(f, &i, "bad-", path);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(add(f->spool, event("a", "body")), SPOOL_NEW);
}

static void ignores_other_files_and_removes_leftovers(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "new-left-by-a-killed-process", "README",
        "0000000000000001-0000000000000001-00000001-00000000-e-00-00-00"};
    char path[3][TEMP_PATH_ROOM], upper[TEMP_PATH_ROOM];
    struct spool_item i;

    for (size_t k = 0; k < 3; k++) {
        temp_dir_path(&f->dir, names[k], path[k]);
        int fd = open(path[k], O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    assert_int_equal(count(f->spool), 0);
    assert_int_equal(access(path[0], F_OK), 0); /* who only reads removes nothing */
    assert_int_equal(add(f->spool, event("a", "body")), SPOOL_NEW);
    assert_int_equal(access(path[0], F_OK), -1);
    assert_int_equal(access(path[1], F_OK), 0);
    assert_int_equal(access(path[2], F_OK), 0);
    assert_int_equal(count(f->spool), 1);

    i = item(f->spool, 0);
    spool_item_name(&i, upper);
    assert_true(spool_item_parse(upper, &i));
    for (char *p = upper; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'f')
            *p = (char)(*p - 32);
    assert_false(spool_item_parse(upper, &i));
}

static void refuses_a_folder_that_keeps_nothing(void **state)
{
    struct fixture *f = *state;
    struct fail why = {""};
    const char *name;
    int fd = open("/dev/shm", O_RDONLY | O_DIRECTORY);

    assert_int_equal(chmod(f->dir.path, 0750), 0);
    assert_null(spool_open(f->dir.path, ROOMY, &why));
    assert_non_null(strstr(why.text, "chmod 700"));
    assert_int_equal(chmod(f->dir.path, 0700), 0);
    assert_null(spool_open("/nonexistent/spool", ROOMY, &why));
    assert_non_null(strstr(why.text, "make it for user"));
    if (fd >= 0 && file_system_of(fd, &name) == FILE_SYSTEM_MEMORY) {
        char dir[] = "/dev/shm/guichet-test-XXXXXX";
        assert_non_null(mkdtemp(dir));
        assert_null(spool_open(dir, ROOMY, &why));
        assert_non_null(strstr(why.text, "lies in memory (tmpfs)"));
        rmdir(dir);
    }
    if (fd >= 0)
        close(fd);
}

/* --- many at once ------------------------------------------------------------------------------------ */

static void drains_one_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct spool *other = open_spool(f, ROOMY);
    int drain = spool_drain_begin(f->spool);

    assert_true(drain >= 0);
    assert_int_equal(spool_drain_begin(f->spool), -1); /* another thread */
    assert_int_equal(spool_drain_begin(other), -1);    /* another process */
    assert_int_equal(add(other, event("a", "1")), SPOOL_NEW);
    spool_drain_end(drain);
    drain = spool_drain_begin(other);
    assert_true(drain >= 0);
    spool_drain_end(drain);
    spool_close(other);
}

/* Where a folder is read while a second event is added, that one may be seen and not the first. */
static void lists_for_draining_between_additions(void **state)
{
    struct fixture *f = *state;
    struct spool_list l;
    char path[TEMP_PATH_ROOM];

    assert_int_equal(add(f->spool, event("a", "body")), SPOOL_NEW);
    (void)snprintf(path, sizeof path, "%s/lock", f->dir.path);
    int adding = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(adding, LOCK_EX), 0);
    assert_false(spool_drain_list(f->spool, &l));
    assert_int_equal(l.n, 0);
    close(adding);
    assert_true(spool_drain_list(f->spool, &l));
    assert_int_equal(l.n, 1);
    spool_list_free(&l);
}

static void keeps_one_of_each_from_many_processes(void **state)
{
    struct fixture *f = *state;
    enum { PROCESSES = 4, EVENTS = 25 };
    pid_t pid[PROCESSES];

    for (int p = 0; p < PROCESSES; p++) {
        pid[p] = fork();
        assert_true(pid[p] >= 0);
        if (pid[p] == 0) {
            struct fail why = {""};
            struct spool *s = spool_open(f->dir.path, ROOMY, &why);
            int wrong = s == NULL;
            for (int i = 0; i < EVENTS && !wrong; i++) {
                char id[16];
                enum spool_verdict v;
                (void)snprintf(id, sizeof id, "%d", i);
                struct spool_entry e = event(id, "body");
                do
                    spool_add(s, &e, 1, &v, &why);
                while (v == SPOOL_FAILED && strstr(why.text, "in time") != NULL);
                wrong = v != SPOOL_NEW && v != SPOOL_SAME;
            }
            _exit(wrong);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = 0;
        assert_int_equal(waitpid(pid[p], &status, 0), pid[p]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count(f->spool), EVENTS);
    for (size_t i = 1; i < EVENTS; i++)
        assert_int_equal(item(f->spool, i).number, item(f->spool, i - 1).number + 1);
}

/* --- killed anywhere --------------------------------------------------------------------------------- */

/* In a traced child: adds n events and tells through the pipe that they are there, or removes one. */
static void work(struct spool *s, size_t n, const struct spool_entry *e, int told)
{
    struct fail why = {""};
    enum spool_verdict v[BATCH] = {SPOOL_NEW};
    bool there = true;

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(77);
    raise(SIGSTOP);
    if (n == 0) {
        struct spool_list l;
        int drain = spool_drain_begin(s);
        if (drain < 0 || !spool_list(s, &l) || l.n == 0)
            _exit(1);
        spool_remove(s, &l.item[0]);
    } else {
        spool_add(s, e, n, v, &why);
    }
    for (size_t i = 0; i < n; i++)
        there = there && (v[i] == SPOOL_NEW || v[i] == SPOOL_SAME);
    if (there && write(told, "", 1) != 1)
        _exit(1);
    _exit(0);
}

/* Lets a child do its work and kills it at that stop (there are two in each system call: before it
 * and behind it). 1: killed; 0: it had ended before; -1: nothing can be traced here. *said: it had told
 * that it was done. */
static int kill_at(struct spool *s, size_t n, const struct spool_entry *e, int stop, bool *said)
{
    int told[2], status = 0, result = 0;
    char c;

    assert_int_equal(pipe2(told, O_NONBLOCK), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        work(s, n, e, told[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int i = 0; WIFSTOPPED(status); i++) {
        if (i == stop) {
            result = 1;
            kill(pid, SIGKILL);
        } else if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0) {
            kill(pid, SIGKILL);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        result = -1;
    else if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    *said = read(told[0], &c, 1) == 1;
    close(told[0]);
    close(told[1]);
    return result;
}

static void make_batch(struct spool_entry out[static BATCH])
{
    out[0] = event("a", "body of a");
    out[1] = event("b", "body of b");
    out[2] = event("c", "body of c");
}

/* What a child that was killed left of a batch of n: whole entries, the first ones. */
static size_t judge_what_is_left(const struct fixture *f, size_t n, const struct spool_entry *e)
{
    size_t there = count(f->spool);
    struct spool_entry out;

    assert_in_range(there, 0, n);
    for (size_t k = 0; k < there; k++) {
        struct spool_item i = item(f->spool, k);
        assert_int_equal(spool_read(f->spool, &i, f->arena, &out), SPOOL_READ);
        assert_true(slice_equal(out.body, e[k].body));
        assert_memory_equal(out.nonce, e[k].nonce, sizeof out.nonce);
    }
    return there;
}

static void remove_all(struct spool *s)
{
    while (count(s) > 0) {
        struct spool_item i = item(s, 0);
        spool_remove(s, &i);
    }
}

/* Adds n events, and is killed at each of its stops in turn. */
static void kill_who_adds(const struct fixture *f, size_t n)
{
    int stop = 0, killed = 1, before = 0;

    for (; killed == 1 && stop < SYSCALLS_MAX; stop++) {
        struct spool_entry e[BATCH], again[BATCH];
        bool said;
        make_batch(e);
        killed = kill_at(f->spool, n, e, stop, &said);
        if (killed < 0) {
            print_message("processes cannot be traced here\n");
            skip();
        }
        size_t there = judge_what_is_left(f, n, e);
        assert_true(!said || there == n);
        before += there == 0;
        /* The senders try again. */
        make_batch(again);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(add(f->spool, again[k]), k < there ? SPOOL_SAME : SPOOL_NEW);
        assert_int_equal(count(f->spool), n);
        remove_all(f->spool);
        arena_reset(f->arena);
    }
    assert_true(stop > 20 && stop < SYSCALLS_MAX && before > 10 && stop - before > 2);
    print_message("killed at %d places, before an event was there at %d of them\n", stop, before);
}

static void survives_a_kill_at_every_system_call(void **state)
{
    struct fixture *f = *state;
    int stop = 0, killed = 1;

    kill_who_adds(f, 1);
    kill_who_adds(f, BATCH);
    for (; killed == 1 && stop < SYSCALLS_MAX; stop++) {
        bool said;
        assert_int_equal(add(f->spool, event("a", "body")), SPOOL_NEW);
        killed = kill_at(f->spool, 0, NULL, stop, &said);
        if (said)
            assert_int_equal(count(f->spool), 0);
        remove_all(f->spool);
        /* The lock went with its holder. */
        int drain = spool_drain_begin(f->spool);
        assert_true(drain >= 0);
        spool_drain_end(drain);
    }
    assert_true(stop > 5 && stop < SYSCALLS_MAX);
}

/* A kill leaves what the system has taken; a power cut only what was synced. So the order is looked at:
 * w a write to the new file, s that was synced, r or l it got a name or several, p the folder above was
 * synced, d the folder was, t it was told. */
static void note_call(const struct fixture *f, pid_t pid, char *calls, size_t room)
{
    struct __ptrace_syscall_info i;
    char link[64], path[TEMP_PATH_ROOM] = "", c = '\0';
    size_t n = strlen(calls);

    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof i, &i) <= 0 ||
        i.op != PTRACE_SYSCALL_INFO_ENTRY)
        return;
    (void)snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)pid, (int)i.entry.args[0]);
    (void)!readlink(link, path, sizeof path - 1);
    bool is_new = strstr(path, "/new-") != NULL;
    if (i.entry.nr == SYS_write)
        c = is_new ? 'w' : 't';
    else if (i.entry.nr == SYS_fsync)
        c = is_new ? 's' : strcmp(path, f->dir.path) == 0 ? 'd' : 'p';
#ifdef SYS_renameat
    else if (i.entry.nr == SYS_renameat)
        c = 'r';
#endif
    else if (i.entry.nr == SYS_renameat2)
        c = 'r';
    else if (i.entry.nr == SYS_linkat)
        c = 'l';
    if (c != '\0' && n + 1 < room && (n == 0 || calls[n - 1] != c))
        calls[n] = c;
}

static void expect_calls(const struct fixture *f, size_t n, const char *want)
{
    struct spool_entry e[BATCH];
    char calls[32] = "";
    int told[2], status;

    make_batch(e);
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        work(f->spool, n, e, told[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSTOPPED(status))
        assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD), 0);
    while (WIFSTOPPED(status)) {
        note_call(f, pid, calls, sizeof calls);
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    close(told[0]);
    close(told[1]);
    if (calls[0] == '\0') {
        print_message("system calls cannot be seen here\n");
        skip();
    }
    assert_string_equal(calls, want);
}

static void syncs_before_it_promises(void **state)
{
    struct fixture *f = *state;

    /* Who made the folder may have been killed before he had synced the one above. */
    expect_calls(f, 1, "wsrpdt");
    expect_calls(f, 1, "pdt");
    remove_all(f->spool);
    expect_calls(f, BATCH, "wslpdt");
    expect_calls(f, BATCH, "pdt");
    remove_all(f->spool);
    assert_int_equal(add(f->spool, event("x", "body")), SPOOL_NEW);
    expect_calls(f, 1, "wsrdt");
    expect_calls(f, BATCH, "wsldt"); /* one was there, two are new */
}

static void does_without_links(void **state)
{
    struct fixture *f = *state;
    const struct spool_entry e[BATCH] = {event("a", "1"), event("b", "2"), event("a", "3")};
    enum spool_verdict v[BATCH];
    struct fail why = {""};

    no_links = true;
    spool_add(f->spool, e, BATCH, v, &why);
    no_links = false;
    assert_string_equal(why.text, "");
    assert_int_equal(v[0], SPOOL_NEW);
    assert_int_equal(v[1], SPOOL_NEW);
    assert_int_equal(v[2], SPOOL_OTHER);
    assert_int_equal(count(f->spool), 3);
    assert_int_equal(find(f->spool, e[1]), SPOOL_SAME);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(gives_back_what_it_took_in_order),
        TEST(knows_what_waits),
        TEST(stops_at_its_limits),
        TEST(knows_when_nothing_waits),
        TEST(sees_every_damage),
        TEST(ignores_other_files_and_removes_leftovers),
        TEST(refuses_a_folder_that_keeps_nothing),
        TEST(drains_one_at_a_time),
        TEST(lists_for_draining_between_additions),
        TEST(keeps_one_of_each_from_many_processes),
        TEST(survives_a_kill_at_every_system_call),
        TEST(syncs_before_it_promises),
        TEST(does_without_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
