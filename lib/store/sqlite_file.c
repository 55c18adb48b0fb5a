#include "store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include "base/codec.h"
#include "base/file_system.h"

#define SCHEME          "sqlite://"
#define RANDOM_BYTES    8
#define FILE_MODE       0600
#define PAUSE_LEAST_NS  100000
#define PAUSE_SPREAD_NS 2000000
#define PAUSE_AGE       32 /* attempts */

bool sqlite_file_parse(const char *url, struct sqlite_file *f, struct fail *why)
{
    struct slice path = slice_of(url + strlen(SCHEME));
    ssize_t n;
    char *slash;

    f->lock = -1;
    if (!slice_begins(path, "/") || memchr(path.p, '?', path.n) != NULL ||
        memchr(path.p, '#', path.n) != NULL) {
        fail_set(why, "store: the address must be sqlite:///path, the path from / on and without "
                      "? or # (write %%3F, %%23), such as sqlite:///home/user/guichet/store.db");
        return false;
    }
    n = percent_decode(path, f->path, sizeof f->path - 1);
    if (n < 0) {
        fail_set(why,
                 "store: the path in sqlite:///path must have at most %d bytes, and a %% in it is "
                 "written %%25",
                 SQLITE_PATH_MAX);
        return false;
    }
    f->path[n] = '\0';
    slash = strrchr(f->path, '/');
    if (slash[1] == '\0') {
        fail_set(why, "store: %s names a folder; name a file in it, such as %sstore.db", url,
                 f->path);
        return false;
    }
    (void)snprintf(f->folder, sizeof f->folder, "%.*s",
                   slash == f->path ? 1 : (int)(slash - f->path), f->path);
    return true;
}

/* Why a folder or file cannot be reached. */
static bool unreachable(struct sqlite_trouble *t, const char *what, int error)
{
    return sqlite_trouble_set(t,
                              error == EACCES || error == EPERM    ? "store_config"
                              : error == EROFS                     ? "store_read_only"
                              : error == ENOSPC || error == EDQUOT ? "store_full"
                                                                   : "store_unreachable",
                              "%s: %s%s", what, strerror(error),
                              error == ENOENT   ? "; make the folder, 0700, owned by this user"
                              : error == EACCES ? "; this user needs it to be his own, 0700"
                                                : "");
}

bool sqlite_file_folder(struct sqlite_file *f, struct sqlite_trouble *t)
{
    int fd = open(f->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    enum file_system kind;
    const char *name;
    struct stat st;
    bool ok = false;

    if (fd < 0)
        return unreachable(t, f->folder, errno);
    kind = file_system_of(fd, &name);
    if (kind == FILE_SYSTEM_NETWORK)
        ok = sqlite_trouble_set(t, "store_config",
                                "%.60s lies on %s, where locks and flushes cannot be relied on; "
                                "use a disk of this host, or Redis",
                                f->folder, name);
    else if (kind == FILE_SYSTEM_UNKNOWN || fstat(fd, &st) != 0)
        ok = unreachable(t, f->folder, errno);
    else if ((st.st_mode & S_IWOTH) != 0)
        ok = sqlite_trouble_set(t, "store_config",
                                "others may write to %.80s; give the store a folder of its own "
                                "(chmod 0700)",
                                f->folder);
    else
        ok = true;
    f->in_memory = kind == FILE_SYSTEM_MEMORY;
    close(fd);
    return ok;
}

int sqlite_file_look(struct sqlite_file *f, struct sqlite_trouble *t)
{
    const struct stat *st = &f->st;

    /* Never opened here: closing it would take away the locks that other threads hold on it. */
    if (stat(f->path, &f->st) != 0) {
        if (errno == ENOENT)
            return 0;
        (void)unreachable(t, f->path, errno);
        return -1;
    }
    if (!S_ISREG(st->st_mode)) {
        (void)sqlite_trouble_set(t, "store_config", "%.100s is no file", f->path);
        return -1;
    }
    if ((st->st_mode & S_IRWXO) != 0) {
        (void)sqlite_trouble_set(t, "store_config", "others may read or write %.80s; chmod 0600 it",
                                 f->path);
        return -1;
    }
    return 1;
}

bool sqlite_file_begin(const struct sqlite_file *f, char path[static SQLITE_PATH_ROOM],
                       struct sqlite_trouble *t)
{
    uint8_t random[RANDOM_BYTES];
    char hex[2 * RANDOM_BYTES + 1];
    struct stat folder;
    int fd;

    if (!random_bytes(random, sizeof random))
        return sqlite_trouble_set(t, "store_config", "no random bytes to be had");
    hex_encode(random, sizeof random, hex);
    (void)snprintf(path, SQLITE_PATH_ROOM, "%s.new-%s", f->path, hex);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return unreachable(t, f->folder, errno);
    if (geteuid() == 0 && stat(f->folder, &folder) == 0)
        (void)!fchown(fd, folder.st_uid, folder.st_gid);
    close(fd);
    return true;
}

static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
    return ok;
}

void sqlite_file_drop(const char *path)
{
    static const char *const ending[] = {"", "-wal", "-shm", "-journal"};
    char name[SQLITE_PATH_ROOM + 16];

    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ending[i]);
        (void)unlink(name);
    }
}

bool sqlite_file_end(const struct sqlite_file *f, const char *path, struct sqlite_trouble *t)
{
    /* Unlike rename, link leaves a file that is there already. */
    bool named = link(path, f->path) == 0 || errno == EEXIST;
    int error = errno;

    sqlite_file_drop(path);
    if (named && sync_folder(f->folder))
        return true;
    return unreachable(t, f->folder, named ? errno : error);
}

bool sqlite_file_pause(const struct clock *clock, int64_t deadline_ms, int attempt)
{
    /* Of different lengths, so that those who wait do not meet again and again; and the shorter, the
     * longer one has waited, so that nobody is overtaken for ever. */
    struct timespec pause = {.tv_nsec = PAUSE_LEAST_NS};
    uint32_t random = 0;

    if (clock_monotonic_ms(clock) >= deadline_ms)
        return false;
    random = (uint32_t)clock_monotonic_us(clock) * 2654435761u ^ (uint32_t)getpid();
    pause.tv_nsec += (long)(random % (PAUSE_SPREAD_NS / (1 + (uint32_t)attempt / PAUSE_AGE)));
    (void)nanosleep(&pause, NULL);
    return true;
}

/* Who may use the file may lock it. */
static int open_lock(const struct sqlite_file *f, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd >= 0) {
        (void)fchmod(fd, f->st.st_mode & (S_IRWXU | S_IRWXG));
        if (geteuid() == 0)
            (void)!fchown(fd, f->st.st_uid, f->st.st_gid);
    }
    return fd;
}

/* The lock itself, once it is this thread's turn. Returns 0; EWOULDBLOCK when the deadline has passed; or
 * another errno. */
static int lock_file(const struct sqlite_file *f, const struct clock *clock, int64_t deadline_ms)
{
    for (int i = 0; flock(f->lock, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return errno;
        if (!sqlite_file_pause(clock, deadline_ms, i))
            return EWOULDBLOCK;
    }
    return 0;
}

static bool busy(const struct sqlite_file *f, struct sqlite_trouble *t)
{
    return sqlite_trouble_set(t, "store_busy", "somebody else is writing to %.100s", f->path);
}

bool sqlite_file_lock(struct sqlite_file *f, const struct clock *clock, int64_t deadline_ms,
                      struct sqlite_trouble *t)
{
    char path[SQLITE_PATH_ROOM];
    int error;

    (void)snprintf(path, sizeof path, "%s-lock", f->path);
    if (f->lock < 0) {
        f->lock = open_lock(f, path);
        if (f->lock < 0)
            return unreachable(t, path, errno);
        f->turn = sqlite_turn_join(f->lock);
    }
    if (f->turn != NULL && !sqlite_turn_take(f->turn, clock, deadline_ms))
        return busy(f, t);
    error = lock_file(f, clock, deadline_ms);
    f->locked = error == 0;
    if (f->locked)
        return true;
    if (f->turn != NULL)
        sqlite_turn_end(f->turn);
    return error == EWOULDBLOCK ? busy(f, t) : unreachable(t, path, error);
}

void sqlite_file_unlock(struct sqlite_file *f)
{
    if (!f->locked)
        return;
    f->locked = false;
    (void)flock(f->lock, LOCK_UN);
    if (f->turn != NULL)
        sqlite_turn_end(f->turn);
}

void sqlite_file_close(struct sqlite_file *f)
{
    sqlite_file_unlock(f);
    sqlite_turn_leave(f->turn);
    f->turn = NULL;
    if (f->lock >= 0)
        close(f->lock);
    f->lock = -1;
}
