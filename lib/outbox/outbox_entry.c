/* What is done to one entry of an outbox, and how others learn of it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outbox/outbox_private.h"

#define BAD_PREFIX  "bad-"
#define WHY_PREFIX  "why-"
#define WHY_ROOM    (4 + 16 + 1)
#define FILE_MODE   0600
#define EVENTS_ROOM 16384 /* bytes of one reading */

static bool read_all(int fd, char *p, size_t n)
{
    while (n > 0) {
        ssize_t r = read(fd, p, n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        p += r;
        n -= (size_t)r;
    }
    return true;
}

enum outbox_reading outbox_read(struct outbox *o, const struct entry_item *i,
                                struct entry_content *out, char **memory)
{
    enum outbox_reading result = OUTBOX_UNREADABLE;
    char name[ENTRY_NAME_ROOM];
    struct stat st;
    int fd;

    *memory = NULL;
    entry_name(i, name);
    fd = openat(o->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? OUTBOX_GONE : OUTBOX_UNREADABLE;
    if (fstat(fd, &st) != 0)
        goto done;
    if (st.st_size <= 0 || st.st_size > (off_t)ENTRY_FILE_MAX) {
        result = OUTBOX_DAMAGED;
        goto done;
    }
    *memory = malloc((size_t)st.st_size);
    if (*memory == NULL || !read_all(fd, *memory, (size_t)st.st_size))
        goto done;
    result =
        entry_read((struct slice){*memory, (size_t)st.st_size}, out) ? OUTBOX_READ : OUTBOX_DAMAGED;

done:
    if (result != OUTBOX_READ) {
        free(*memory);
        *memory = NULL;
    }
    close(fd);
    return result;
}

bool outbox_rename(struct outbox *o, const struct entry_item *from, const struct entry_item *to)
{
    char old[ENTRY_NAME_ROOM], now[ENTRY_NAME_ROOM];

    entry_name(from, old);
    entry_name(to, now);
    return renameat(o->fd, old, o->fd, now) == 0 || errno != ENOENT;
}

bool outbox_sync(struct outbox *o)
{
    return fsync(o->fd) == 0;
}

static void why_name(const struct entry_item *i, char out[static WHY_ROOM])
{
    (void)snprintf(out, WHY_ROOM, WHY_PREFIX "%016" PRIx64, i->number);
}

bool outbox_remove(struct outbox *o, const struct entry_item *i)
{
    char name[ENTRY_NAME_ROOM], why[WHY_ROOM];

    entry_name(i, name);
    why_name(i, why);
    if (unlinkat(o->fd, name, 0) != 0 && errno == ENOENT)
        return false;
    if (i->state != ENTRY_WAITING)
        (void)unlinkat(o->fd, why, 0);
    return true;
}

void outbox_set_aside(struct outbox *o, const struct entry_item *i)
{
    char name[ENTRY_NAME_ROOM], bad[sizeof BAD_PREFIX + ENTRY_NAME_ROOM];

    entry_name(i, name);
    (void)snprintf(bad, sizeof bad, BAD_PREFIX "%s", name);
    (void)renameat(o->fd, name, o->fd, bad);
}

void outbox_note_why(struct outbox *o, const struct entry_item *i, const char *reason)
{
    char name[WHY_ROOM];
    size_t n = strnlen(reason, OUTBOX_REASON_MAX - 1);
    int fd;

    why_name(i, name);
    if (reason[0] == '\0') {
        (void)unlinkat(o->fd, name, 0);
        return;
    }
    fd = openat(o->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return;
    /* Half a reason is one too. */
    if (write(fd, reason, n) != (ssize_t)n)
        errno = 0;
    close(fd);
}

void outbox_why(struct outbox *o, const struct entry_item *i, char out[static OUTBOX_REASON_MAX])
{
    char name[WHY_ROOM];
    ssize_t n = -1;
    int fd;

    why_name(i, name);
    fd = openat(o->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, out, OUTBOX_REASON_MAX - 1);
        close(fd);
    }
    out[n > 0 ? n : 0] = '\0';
}

/* --- watching -------------------------------------------------------------------------------------- */

int outbox_watch(struct outbox *o)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), saved;

    if (fd < 0)
        return -1;
    if (inotify_add_watch(fd, o->dir, IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR) < 0) {
        saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static void tell_one(const struct inotify_event *e,
                     void (*tell)(void *ctx, enum outbox_change, const struct entry_item *),
                     void *ctx)
{
    struct entry_item i;

    if ((e->mask & (IN_Q_OVERFLOW | IN_IGNORED)) != 0)
        tell(ctx, OUTBOX_MANY, NULL);
    else if (e->len > 0 && entry_parse_name(e->name, &i))
        tell(ctx, (e->mask & IN_MOVED_TO) != 0 ? OUTBOX_CAME : OUTBOX_WENT, &i);
}

void outbox_changes(int watch,
                    void (*tell)(void *ctx, enum outbox_change, const struct entry_item *),
                    void *ctx)
{
    _Alignas(struct inotify_event) char bytes[EVENTS_ROOM];
    ssize_t n;

    while ((n = read(watch, bytes, sizeof bytes)) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const void *)(bytes + at);
            tell_one(e, tell, ctx);
            at += (ssize_t)(sizeof *e + e->len);
        }
}
