#include "outbox/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file_system.h"
#include "base/write.h"
#include "outbox/outbox_private.h"

#define DIR_MODE     0700
#define FILE_MODE    0600
#define LOCK_NAME    "lock"
#define RUNNING_NAME "running"
#define NEW_PREFIX   "new-"
#define BAD_PREFIX   "bad-"
#define LIST_FIRST   64
#define LOCK_POLL_MS 5
#define NUMBER_N     16 /* digits in the lock file */

/* --- the folder ------------------------------------------------------------------------------------ */

static int check_folder(int fd, const char *dir, struct fail *why)
{
    const char *name;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail_set(why, "cannot examine the outbox %s: %s", dir, strerror(errno));
    if (st.st_uid != geteuid())
        return fail_set(why,
                        "the outbox %s belongs to user %ld; run this as that user, or chown it to "
                        "user %ld",
                        dir, (long)st.st_uid, (long)geteuid());
    if ((st.st_mode & 077) != 0)
        return fail_set(why, "the outbox %s is open to others; chmod 700 %s", dir, dir);
    switch (file_system_of(fd, &name)) {
    case FILE_SYSTEM_UNKNOWN:
        return fail_set(why, "cannot tell the file system of %s: %s", dir, strerror(errno));
    case FILE_SYSTEM_MEMORY:
    case FILE_SYSTEM_NETWORK:
        return fail_set(why,
                        "the outbox %s lies on %s, where events are not safe; choose a folder on a "
                        "local disk",
                        dir, name);
    default:
        return 0;
    }
}

struct outbox *outbox_open(const char *dir, bool make, struct fail *why)
{
    struct outbox *o = calloc(1, sizeof *o);
    int parent = -1;

    if (o == NULL || (o->dir = strdup(dir)) == NULL) {
        fail_set(why, "no memory");
        free(o);
        return NULL;
    }
    o->fd = -1;
    if (make && mkdir(dir, DIR_MODE) == 0) {
        o->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        parent = o->fd >= 0 ? openat(o->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (parent >= 0 && fsync(parent) != 0) {
            fail_set(why, "cannot sync the folder above %s: %s", dir, strerror(errno));
            goto failed;
        }
    } else {
        o->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (o->fd < 0) {
        fail_set(why, "cannot %s the outbox %s: %s", make ? "make or open" : "open", dir,
                 strerror(errno));
        goto failed;
    }
    if (check_folder(o->fd, dir, why) != 0)
        goto failed;
    if (parent >= 0)
        close(parent);
    return o;

failed:
    if (parent >= 0)
        close(parent);
    outbox_close(o);
    return NULL;
}

void outbox_close(struct outbox *o)
{
    if (o == NULL)
        return;
    if (o->fd >= 0)
        close(o->fd);
    free(o->dir);
    free(o);
}

const char *outbox_folder(const struct outbox *o)
{
    return o->dir;
}

/* --- locks ----------------------------------------------------------------------------------------- */

static int take_lock(struct outbox *o, int wait_ms)
{
    const struct timespec pause = {0, LOCK_POLL_MS * 1000000L};
    int fd = openat(o->fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    int saved;

    if (fd < 0)
        return -1;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        saved = errno;
        if ((saved != EWOULDBLOCK && saved != EINTR) || (wait_ms -= LOCK_POLL_MS) < 0) {
            close(fd);
            errno = saved;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return fd;
}

/* A lock that can be asked for without being taken, for to take it would turn a daemon away. */
static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

int outbox_begin(struct outbox *o)
{
    int fd = openat(o->fd, RUNNING_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    struct flock lock = whole_file();
    int saved;

    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return fd;
    saved = errno == EACCES ? EWOULDBLOCK : errno;
    close(fd);
    errno = saved;
    return -1;
}

void outbox_end(int running)
{
    if (running >= 0)
        close(running);
}

bool outbox_is_worked(struct outbox *o)
{
    int fd = openat(o->fd, RUNNING_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct flock lock = whole_file();
    bool worked = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

    if (fd >= 0)
        close(fd);
    return worked;
}

void outbox_sweep(struct outbox *o)
{
    int lock = take_lock(o, OUTBOX_LOCK_WAIT_MS);
    DIR *dir = lock >= 0 ? outbox_open_dir(o) : NULL;

    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;)
        if (strncmp(d->d_name, NEW_PREFIX, strlen(NEW_PREFIX)) == 0)
            (void)unlinkat(o->fd, d->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    if (lock >= 0)
        close(lock);
}

/* --- listing --------------------------------------------------------------------------------------- */

DIR *outbox_open_dir(struct outbox *o)
{
    int fd = openat(o->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (dir == NULL && fd >= 0)
        close(fd);
    return dir;
}

static bool push(struct outbox_list *l, const struct entry_item *i)
{
    if (l->n == l->room) {
        size_t room = l->room > 0 ? l->room * 2 : LIST_FIRST;
        struct entry_item *item = realloc(l->item, room * sizeof *item);
        if (item == NULL)
            return false;
        l->item = item;
        l->room = room;
    }
    l->item[l->n++] = *i;
    return true;
}

static int by_number(const void *left, const void *right)
{
    const struct entry_item *a = left, *b = right;

    return (a->number > b->number) - (a->number < b->number);
}

bool outbox_list(struct outbox *o, struct outbox_list *out)
{
    DIR *dir = outbox_open_dir(o);
    struct entry_item i;
    bool ok = dir != NULL;

    *out = (struct outbox_list){NULL, 0, 0};
    for (struct dirent *d; ok && (d = readdir(dir)) != NULL;)
        if (entry_parse_name(d->d_name, &i))
            ok = push(out, &i);
    if (dir != NULL)
        closedir(dir);
    if (!ok)
        outbox_list_free(out);
    else if (out->n > 1)
        qsort(out->item, out->n, sizeof out->item[0], by_number);
    /* A rename while the folder was read may have shown an entry under both names. */
    for (size_t k = 1; ok && k < out->n; k++)
        if (out->item[k].number == out->item[k - 1].number)
            memmove(&out->item[k - 1], &out->item[k], (out->n-- - k) * sizeof out->item[0]), k--;
    return ok;
}

void outbox_list_free(struct outbox_list *l)
{
    free(l->item);
    *l = (struct outbox_list){NULL, 0, 0};
}

/* --- adding ---------------------------------------------------------------------------------------- */

/* The last number that was given, from the lock file, or where that does not tell it, the folder. */
static bool last_number(struct outbox *o, int lock, uint64_t *out)
{
    char text[NUMBER_N + 1] = "", *end;
    struct outbox_list list;

    *out = 0;
    if (pread(lock, text, NUMBER_N, 0) == NUMBER_N) {
        *out = strtoull(text, &end, 16);
        if (*end == '\0')
            return true;
    }
    if (!outbox_list(o, &list))
        return false;
    *out = list.n > 0 ? list.item[list.n - 1].number : 0;
    outbox_list_free(&list);
    return true;
}

static void new_name(const struct entry_item *i, char out[static NEW_ROOM])
{
    char name[ENTRY_NAME_ROOM];

    entry_name(i, name);
    (void)snprintf(out, NEW_ROOM, NEW_PREFIX "%s", name);
}

/* The file under its new- name, synced. */
static int write_new(struct outbox *o, const struct entry_item *i, const struct entry_content *e,
                     struct fail *why)
{
    struct buf bytes = BUF_INIT(ENTRY_FILE_MAX);
    char name[NEW_ROOM];
    int fd = -1, result = -1;

    new_name(i, name);
    if (!entry_write(e, &bytes)) {
        fail_set(why, "the event, its URL or the place of a secret is too long");
        goto done;
    }
    fd = openat(o->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd >= 0 && write_all(fd, bytes.p, bytes.n) && fsync(fd) == 0) {
        result = 0;
        goto done;
    }
    fail_set(why, "cannot write %s/%s: %s", o->dir, name, strerror(errno));
    (void)unlinkat(o->fd, name, 0);

done:
    if (fd >= 0)
        close(fd);
    buf_free(&bytes);
    return result;
}

/* Gives them their names, which makes them entries; how many got theirs. */
static size_t rename_new(struct outbox *o, const struct entry_item *item, size_t n,
                         struct fail *why)
{
    char name[ENTRY_NAME_ROOM], from[NEW_ROOM];

    for (size_t i = 0; i < n; i++) {
        new_name(&item[i], from);
        entry_name(&item[i], name);
        if (renameat(o->fd, from, o->fd, name) != 0) {
            fail_set(why, "cannot rename %s/%s: %s", o->dir, from, strerror(errno));
            return i;
        }
    }
    return n;
}

static void take_back(struct outbox *o, const struct entry_item *item, size_t written,
                      size_t renamed)
{
    char from[NEW_ROOM];

    for (size_t i = 0; i < written; i++) {
        if (i < renamed)
            (void)outbox_remove(o, &item[i]);
        new_name(&item[i], from);
        (void)unlinkat(o->fd, from, 0);
    }
}

int outbox_add(struct outbox *o, const struct entry_content *e, size_t n, int64_t now_us,
               struct fail *why)
{
    struct entry_item *item = calloc(n, sizeof *item);
    int lock = take_lock(o, OUTBOX_LOCK_WAIT_MS), result = -1;
    char number[NUMBER_N + 1];
    size_t written = 0, renamed = 0;
    uint64_t last;

    if (lock < 0 || item == NULL || !last_number(o, lock, &last)) {
        fail_set(why, "cannot lock %s/" LOCK_NAME ": %s", o->dir, strerror(errno));
        goto done;
    }
    for (; written < n; written++) {
        last = (uint64_t)now_us > last ? (uint64_t)now_us : last + 1;
        item[written].number = last;
        if (!entry_describe(&e[written], &item[written]) ||
            write_new(o, &item[written], &e[written], why) != 0)
            goto done;
    }
    (void)snprintf(number, sizeof number, "%016" PRIx64, last);
    if (pwrite(lock, number, NUMBER_N, 0) != NUMBER_N) {
        fail_set(why, "cannot write %s/" LOCK_NAME ": %s", o->dir, strerror(errno));
        goto done;
    }
    renamed = rename_new(o, item, n, why);
    if (renamed == n && fsync(o->fd) == 0)
        result = (int)n;
    else if (renamed == n)
        fail_set(why, "cannot sync %s: %s", o->dir, strerror(errno));

done:
    if (result < 0 && item != NULL)
        take_back(o, item, written, renamed);
    if (lock >= 0)
        close(lock);
    free(item);
    return result;
}
