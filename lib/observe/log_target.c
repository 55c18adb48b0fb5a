#include "observe/log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define FILE_MODE 0640

/* How long a line waits for the reader of stderr: a web server or supervisor that stopped reading its end
 * of the pipe must not stop the answers. */
#define STDERR_PATIENCE_MS 100

static int open_file(const char *path, struct fail *why)
{
    struct stat st;
    /* Non-blocking, for a FIFO that nobody reads would hold up the start. */
    int fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);

    if (fd < 0)
        return fail_set(why,
                        "cannot open the log %s: %s; let user %ld write it, or name another target "
                        "(stderr, syslog or an absolute path)",
                        path, strerror(errno), (long)geteuid());
    if (fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))) {
        close(fd);
        return fail_set(why, "the log %s is neither a file nor a device; name another target",
                        path);
    }
    return fd;
}

int log_target_open(struct log_target *t, const char *target, const struct clock *clock,
                    struct fail *why)
{
    static const struct {
        const char *name;
        enum log_target_kind kind;
    } row[] = {{"stderr", LOG_TO_STDERR}, {"syslog", LOG_TO_SYSLOG}, {"off", LOG_TO_NOTHING}};

    *t = (struct log_target){.kind = LOG_TO_FILE, .fd = -1, .clock = clock};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        if (strcmp(target, row[i].name) == 0)
            t->kind = row[i].kind;
    if (t->kind == LOG_TO_SYSLOG)
        openlog("guichet", LOG_PID | LOG_NDELAY, LOG_DAEMON); /* a second call changes nothing */
    if (t->kind != LOG_TO_FILE)
        return 0;

    if (target[0] != '/')
        return fail_set(why,
                        "the log target '%s' is none; use stderr, syslog, off or an absolute path",
                        target);
    t->path = strdup(target);
    if (t->path == NULL)
        return fail_set(why, "no memory to open the log %s; give the process more", target);
    t->fd = open_file(t->path, why);
    atomic_store(&t->next_look_us, clock_monotonic_us(clock) + US_PER_S);
    if (t->fd < 0) {
        log_target_close(t);
        return -1;
    }
    return 0;
}

void log_target_close(struct log_target *t)
{
    if (t->fd >= 0)
        close(t->fd);
    free(t->path);
    t->path = NULL;
    t->fd = -1;
}

/* In one write(2) but for a disk that is full in the middle of it. *lines keeps what was not written,
 * from the beginning of the line that was cut. */
static bool write_whole(int fd, struct slice *lines)
{
    const char *begin = lines->p;

    while (lines->n > 0) {
        ssize_t n = write(fd, lines->p, lines->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        *lines = slice_from(*lines, (size_t)n);
    }
    while (lines->n > 0 && lines->p > begin && lines->p[-1] != '\n')
        *lines = (struct slice){lines->p - 1, lines->n + 1};
    return lines->n == 0;
}

/* To stderr, which may be a pipe: one that takes nothing is waited for once, and then not until it takes
 * something again; what was dropped is counted and said. (A pipe that polls as writable takes PIPE_BUF
 * bytes, more than a line.) */
static void write_stderr(struct slice line)
{
    static _Atomic uint64_t dropped;
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    uint64_t n = atomic_load(&dropped);
    char text[96];

    if (poll(&fd, 1, n == 0 ? STDERR_PATIENCE_MS : 0) == 0) {
        atomic_fetch_add(&dropped, 1);
        return;
    }
    n = atomic_exchange(&dropped, 0);
    if (n > 0) {
        (void)snprintf(text, sizeof text, "guichet: %llu lines were dropped: nobody read stderr\n",
                       (unsigned long long)n);
        struct slice told = slice_of(text);
        (void)write_whole(STDERR_FILENO, &told);
    }
    (void)write_whole(STDERR_FILENO, &line);
}

/* Opens the file again when its name has come to mean another, once a second and by one thread. */
static void follow_name(struct log_target *t)
{
    int64_t now_us = clock_monotonic_us(t->clock);
    int64_t due_us = atomic_load(&t->next_look_us);
    struct stat named, ours;
    struct fail why;

    if (now_us < due_us ||
        !atomic_compare_exchange_strong(&t->next_look_us, &due_us, now_us + US_PER_S))
        return;
    if (stat(t->path, &named) == 0 && fstat(t->fd, &ours) == 0 && named.st_dev == ours.st_dev &&
        named.st_ino == ours.st_ino)
        return;

    int fd = open_file(t->path, &why);
    if (fd < 0) {
        dprintf(STDERR_FILENO, "guichet: %s; until then lines go to the file that was renamed\n",
                why.text);
        return;
    }
    /* Other threads write to t->fd at this moment: dup3 exchanges what it means, and closes nothing
     * that they could miss. */
    dup3(fd, t->fd, O_CLOEXEC);
    close(fd);
}

static void write_syslog(enum log_level level, struct slice text)
{
    static const int priority[] = {
        [LOG_LEVEL_ERROR] = LOG_ERR,
        [LOG_LEVEL_WARNING] = LOG_WARNING,
        [LOG_LEVEL_NOTICE] = LOG_NOTICE,
        [LOG_LEVEL_INFO] = LOG_INFO,
    };

    syslog(priority[level], "%.*s", (int)text.n - 1, text.p);
}

void log_target_write(struct log_target *t, enum log_level level, struct slice line, size_t stamp)
{
    if (t->kind == LOG_TO_SYSLOG)
        write_syslog(level, slice_from(line, stamp));
    else
        log_target_write_lines(t, level, line);
}

void log_target_write_lines(struct log_target *t, enum log_level level, struct slice lines)
{
    if (t->kind == LOG_TO_NOTHING)
        return;
    if (t->kind == LOG_TO_FILE) {
        follow_name(t);
        if (write_whole(t->fd, &lines))
            return;
    }
    while (lines.n > 0) {
        const char *end = memchr(lines.p, '\n', lines.n);
        size_t n = end != NULL ? (size_t)(end - lines.p) + 1 : lines.n;
        if (t->kind == LOG_TO_SYSLOG)
            write_syslog(level, (struct slice){lines.p, n});
        else
            write_stderr((struct slice){lines.p, n});
        lines = slice_from(lines, n);
    }
}
