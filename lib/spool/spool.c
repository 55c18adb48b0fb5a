#include "spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file_system.h"
#include "spool/spool_file.h"
#include "spool/spool_private.h"

#define DIR_MODE   0700
#define DRAIN_NAME "draining"
/* A folder whose time of change is older than this has not changed since in silence. */
#define QUIET_NS INT64_C(1000000000)

/* --- the folder ----------------------------------------------------------------------------------- */

static int check_folder(int fd, const char *dir, struct fail *why)
{
    const char *name;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail_set(why, "cannot examine the spool folder %s: %s", dir, strerror(errno));
    if (st.st_uid != geteuid())
        return fail_set(why,
                        "the spool folder %s belongs to user %ld; give it to user %ld (chown) or "
                        "set [server] spool_dir to another folder",
                        dir, (long)st.st_uid, (long)geteuid());
    if ((st.st_mode & 077) != 0)
        return fail_set(why, "the spool folder %s is open to others; chmod 700 %s", dir, dir);
    switch (file_system_of(fd, &name)) {
    case FILE_SYSTEM_UNKNOWN:
        return fail_set(why, "cannot tell the file system of %s: %s", dir, strerror(errno));
    case FILE_SYSTEM_MEMORY:
        return fail_set(why,
                        "the spool folder %s lies in memory (%s), where nothing outlives the "
                        "power; set [server] spool_dir to a folder on a local disk",
                        dir, name);
    case FILE_SYSTEM_NETWORK:
        return fail_set(why,
                        "the spool folder %s lies on %s, where locks and syncs cannot be relied "
                        "on; set [server] spool_dir to a folder on a local disk",
                        dir, name);
    default:
        return 0;
    }
}

/* The name of a new folder is safe only then. */
static bool sync_parent(int dir_fd)
{
    int fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok || errno == EACCES; /* a parent that we may enter but not read */
}

struct spool *spool_open(const char *dir, struct spool_limits limits, struct fail *why)
{
    struct spool *s = calloc(1, sizeof *s);
    bool made;

    if (s == NULL) {
        fail_set(why, "out of memory");
        return NULL;
    }
    s->limits = limits;
    s->dir_fd = -1;
    s->dir = strdup(dir);
    if (s->dir == NULL) {
        fail_set(why, "out of memory");
        goto failed;
    }
    made = mkdir(dir, DIR_MODE) == 0;
    if (!made && errno != EEXIST) {
        fail_set(why, "cannot make the spool folder %s: %s; make it for user %ld, mode 0700", dir,
                 strerror(errno), (long)geteuid());
        goto failed;
    }
    s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0) {
        fail_set(why, "cannot open the spool folder %s: %s", dir, strerror(errno));
        goto failed;
    }
    if (check_folder(s->dir_fd, dir, why) != 0)
        goto failed;
    if (faccessat(s->dir_fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
        fail_set(why, "the spool folder %s cannot be written: %s", dir, strerror(errno));
        goto failed;
    }
    atomic_store(&s->named, made && sync_parent(s->dir_fd));
    if (made && !atomic_load(&s->named)) {
        fail_set(why, "cannot sync the folder that %s lies in: %s", dir, strerror(errno));
        goto failed;
    }
    return s;

failed:
    spool_close(s);
    return NULL;
}

void spool_close(struct spool *s)
{
    if (s == NULL)
        return;
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    free(s->dir);
    free(s);
}

const char *spool_folder(const struct spool *s)
{
    return s->dir;
}

/* A descriptor of its own each time, for threads that share one would share the lock. */
int spool_take_lock(const struct spool *s, const char *name, int64_t wait_ms)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int64_t end_ms = clock_monotonic_ms(&clock_system) + wait_ms;
    int fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, SPOOL_FILE_MODE);

    if (fd < 0)
        return -1;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) ||
            clock_monotonic_ms(&clock_system) >= end_ms) {
            close(fd);
            return -1;
        }
        (void)nanosleep(&pause, NULL);
    }
    return fd;
}

bool spool_list(struct spool *s, struct spool_list *out)
{
    return spool_list_read(s->dir_fd, false, out);
}

bool spool_quiet(struct spool *s)
{
    struct spool_list list;
    struct timespec now;
    struct stat st;
    int64_t changed_ns;
    bool empty;

    if (fstat(s->dir_fd, &st) != 0)
        return false;
    changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if (changed_ns == atomic_load(&s->quiet_ns))
        return true;
    if (!spool_list(s, &list))
        return false;
    empty = list.n == 0;
    spool_list_free(&list);
    clock_gettime(CLOCK_REALTIME, &now);
    if (empty && (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - changed_ns > QUIET_NS)
        atomic_store(&s->quiet_ns, changed_ns);
    return empty;
}

bool spool_make_safe(struct spool *s)
{
    if (!atomic_load(&s->named) && !sync_parent(s->dir_fd))
        return false;
    atomic_store(&s->named, true);
    return fsync(s->dir_fd) == 0;
}

/* --- draining -------------------------------------------------------------------------------------- */

int spool_drain_begin(struct spool *s)
{
    return spool_take_lock(s, DRAIN_NAME, 0);
}

bool spool_drain_list(struct spool *s, struct spool_list *out)
{
    int lock = spool_take_lock(s, SPOOL_LOCK_NAME, SPOOL_LOCK_WAIT_MS);
    bool ok;

    *out = (struct spool_list){0};
    ok = lock >= 0 && spool_list_read(s->dir_fd, false, out);
    if (lock >= 0)
        close(lock);
    return ok;
}

void spool_drain_end(int drain)
{
    if (drain >= 0)
        close(drain);
}

enum spool_reading spool_read(struct spool *s, const struct spool_item *item, struct arena *arena,
                              struct spool_entry *out)
{
    char name[SPOOL_NAME_ROOM], *p;
    enum spool_reading verdict = SPOOL_UNREADABLE;
    size_t have = 0;
    struct stat st;
    int fd;

    spool_item_name(item, name);
    fd = openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? SPOOL_GONE : SPOOL_UNREADABLE;
    if (fstat(fd, &st) != 0)
        goto done;
    if (st.st_size < (off_t)item->offset + (off_t)item->size) {
        verdict = SPOOL_DAMAGED;
        goto done;
    }
    p = arena_raw(arena, item->size);
    if (p == NULL)
        goto done;
    while (have < item->size) {
        ssize_t n = pread(fd, p + have, item->size - have, (off_t)(item->offset + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            goto done;
        have += (size_t)n;
    }
    verdict = spool_file_parse((struct slice){p, have}, out) && out->kind == item->kind
                  ? SPOOL_READ
                  : SPOOL_DAMAGED;

done:
    close(fd);
    return verdict;
}

void spool_remove(struct spool *s, const struct spool_item *item)
{
    char name[SPOOL_NAME_ROOM];

    spool_item_name(item, name);
    (void)unlinkat(s->dir_fd, name, 0);
}

void spool_set_aside(struct spool *s, const struct spool_item *item)
{
    char name[SPOOL_NAME_ROOM], bad_name[sizeof SPOOL_BAD_PREFIX + SPOOL_NAME_ROOM];

    spool_item_name(item, name);
    (void)snprintf(bad_name, sizeof bad_name, SPOOL_BAD_PREFIX "%s", name);
    (void)renameat(s->dir_fd, name, s->dir_fd, bad_name);
}
