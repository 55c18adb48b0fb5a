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

#define DIR_MODE   0700
#define FILE_MODE  0600
#define LOCK_NAME  "lock"
#define DRAIN_NAME "draining"
/* A folder whose time of change is older than this has not changed since in silence. */
#define QUIET_NS INT64_C(1000000000)

struct spool {
    char *dir;
    int dir_fd;
    struct spool_limits limits;
    atomic_bool named; /* its name is known to be on the disk */
    _Atomic int64_t
        quiet_ns; /* when the folder had last changed that was then found empty; 0: none */
};

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

/* Takes the lock of that name, waiting at most so long; a descriptor, or -1. One of its own each
 * time, for threads that share one would share the lock. */
static int take_lock(const struct spool *s, const char *name, int64_t wait_ms)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int64_t end_ms = clock_monotonic_ms(&clock_system) + wait_ms;
    int fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

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

/* What was added is safe only then. Who made the folder, or added to it, may have been killed before he
 * had done this; so it is not asked who did. */
static bool make_safe(struct spool *s)
{
    if (!atomic_load(&s->named) && !sync_parent(s->dir_fd))
        return false;
    atomic_store(&s->named, true);
    return fsync(s->dir_fd) == 0;
}

/* --- adding ---------------------------------------------------------------------------------------- */

static bool describe(const struct spool_entry *e, struct spool_item *out)
{
    const struct slice key[] = {e->provider, {"", 1}, e->key};
    uint8_t digest[SHA256_BYTES];

    *out = (struct spool_item){
        .received_us = e->received_us, .size = spool_file_size(e), .kind = e->kind};
    if (out->size == 0 || !spool_tag(e->provider, out->provider) || !sha256(key, 3, digest))
        return false;
    memcpy(out->key, digest, sizeof out->key);
    memcpy(out->body, e->body_sha256, sizeof out->body);
    return true;
}

/* What the list says of it. *kept: its body is there as the evidence of a conflict. */
static enum spool_verdict look_up(const struct spool_list *l, const struct spool_item *i,
                                  bool *kept)
{
    enum spool_verdict v = SPOOL_NEW;

    *kept = false;
    for (size_t k = 0; i->kind != SPOOL_MARK && k < l->n; k++) {
        const struct spool_item *there = &l->item[k];
        if (there->kind == SPOOL_MARK || memcmp(there->key, i->key, sizeof i->key) != 0)
            continue;
        bool same = memcmp(there->body, i->body, sizeof i->body) == 0;
        if (there->kind == SPOOL_EVENT)
            v = same ? SPOOL_SAME : SPOOL_OTHER;
        else if (same)
            *kept = true;
    }
    /* The event that it was in conflict with has left for the store: what was said stays true. */
    return v == SPOOL_NEW && *kept ? SPOOL_OTHER : v;
}

void spool_find(struct spool *s, const struct spool_entry *e, size_t n, enum spool_verdict *verdict)
{
    struct spool_list list;
    struct spool_item item;
    bool listed = spool_list(s, &list), kept, any = false;

    for (size_t i = 0; i < n; i++) {
        verdict[i] = listed && describe(&e[i], &item) ? look_up(&list, &item, &kept) : SPOOL_NEW;
        any = any || verdict[i] == SPOOL_SAME;
    }
    if (any && !make_safe(s))
        for (size_t i = 0; i < n; i++)
            verdict[i] = verdict[i] == SPOOL_SAME ? SPOOL_FAILED : verdict[i];
    if (listed)
        spool_list_free(&list);
}

/* The file under its name; the folder is not synced yet. */
static int write_entry(struct spool *s, const struct spool_item *i, const struct spool_entry *e,
                       struct fail *why)
{
    char name[SPOOL_NAME_ROOM], new_name[sizeof SPOOL_NEW_PREFIX + SPOOL_NAME_ROOM];
    const char *step = "make";
    int fd;

    spool_item_name(i, name);
    (void)snprintf(new_name, sizeof new_name, SPOOL_NEW_PREFIX "%s", name);
    fd = openat(s->dir_fd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                FILE_MODE);
    if (fd < 0)
        goto failed;
    step = "write";
    if (!spool_file_write(fd, e))
        goto failed;
    step = "sync";
    if (fsync(fd) != 0)
        goto failed;
    close(fd);
    fd = -1;
    step = "rename";
    if (renameat(s->dir_fd, new_name, s->dir_fd, name) != 0)
        goto failed;
    return 0;

failed:
    fail_set(why, "cannot %s %s/%s: %s", step, s->dir, new_name, strerror(errno));
    if (fd >= 0)
        close(fd);
    (void)unlinkat(s->dir_fd, new_name, 0);
    return -1;
}

static enum spool_verdict add_one(struct spool *s, struct spool_list *list,
                                  const struct spool_entry *e, struct fail *why)
{
    struct spool_entry kept_as = *e;
    struct spool_item item;
    enum spool_verdict v;
    bool kept;

    if (!describe(e, &item)) {
        fail_set(why, "an event of %zu bytes cannot be described", e->body.n);
        return SPOOL_FAILED;
    }
    v = look_up(list, &item, &kept);
    if (v == SPOOL_SAME || kept)
        return v;
    if (v == SPOOL_OTHER)
        kept_as.kind = item.kind = SPOOL_CONFLICT;
    else if (e->kind == SPOOL_CONFLICT)
        v = SPOOL_OTHER; /* the event it was in conflict with has just left */
    if ((int64_t)list->n >= s->limits.entries ||
        list->bytes + (int64_t)item.size > s->limits.bytes) {
        fail_set(why, "%zu events of %lld bytes wait in %s; raise spool_limit or spool_size",
                 list->n, (long long)list->bytes, s->dir);
        return SPOOL_FULL;
    }
    item.number = list->n > 0 ? list->item[list->n - 1].number + 1 : 1;
    if (write_entry(s, &item, &kept_as, why) != 0)
        return SPOOL_FAILED;
    if (!spool_list_push(list, &item)) {
        fail_set(why, "out of memory");
        return SPOOL_FAILED; /* it is there all the same, and will be found the same */
    }
    return v;
}

void spool_add(struct spool *s, const struct spool_entry *e, size_t n, enum spool_verdict *verdict,
               struct fail *why)
{
    struct spool_list list = {0};
    int lock = take_lock(s, LOCK_NAME, SPOOL_LOCK_WAIT_MS);
    bool safe = false;

    for (size_t i = 0; i < n; i++)
        verdict[i] = SPOOL_FAILED;
    if (lock < 0) {
        fail_set(why, "cannot lock %s/" LOCK_NAME " in time: %s", s->dir, strerror(errno));
        return;
    }
    if (!spool_list_read(s->dir_fd, true, &list)) {
        fail_set(why, "cannot list %s: %s", s->dir, strerror(errno));
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        verdict[i] = add_one(s, &list, &e[i], why);
    safe = make_safe(s); /* also for those that were there */
    if (!safe)
        fail_set(why, "cannot sync %s: %s", s->dir, strerror(errno));
    for (size_t i = 0; i < n && !safe; i++)
        verdict[i] = SPOOL_FAILED;

done:
    spool_list_free(&list);
    close(lock);
}

/* --- draining -------------------------------------------------------------------------------------- */

int spool_drain_begin(struct spool *s)
{
    return take_lock(s, DRAIN_NAME, 0);
}

bool spool_drain_list(struct spool *s, struct spool_list *out)
{
    int lock = take_lock(s, LOCK_NAME, SPOOL_LOCK_WAIT_MS);
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
    if (st.st_size != (off_t)item->size) {
        verdict = SPOOL_DAMAGED;
        goto done;
    }
    p = arena_raw(arena, item->size);
    if (p == NULL)
        goto done;
    while (have < item->size) {
        ssize_t n = read(fd, p + have, item->size - have);
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
