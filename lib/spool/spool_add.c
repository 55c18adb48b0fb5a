/* Events on their way into the folder. A batch is written to one file, which is synced once; then each
 * event's name is a link to it. So many cost two syncs, as one does; on a file system without links each
 * costs its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/spool_file.h"
#include "spool/spool_private.h"

/* There is one at a time, under the lock. */
#define NEW_NAME SPOOL_NEW_PREFIX "entries"

/* A batch that is being added. */
struct adding {
    struct spool *spool;
    struct spool_list list; /* what is there, and the batch as far as it is written */
    struct spool_item item[STORE_BATCH_MAX];
    size_t n;
    int fd; /* of the file of all of them; -1: none is written yet */
    uint64_t size;
    bool no_links; /* it turned out that there are none here */
    struct fail *why;
};

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
    if (any && !spool_make_safe(s))
        for (size_t i = 0; i < n; i++)
            verdict[i] = verdict[i] == SPOOL_SAME ? SPOOL_FAILED : verdict[i];
    if (listed)
        spool_list_free(&list);
}

static bool complain(const struct adding *a, const char *step)
{
    fail_set(a->why, "cannot %s %s/" NEW_NAME ": %s", step, a->spool->dir, strerror(errno));
    return false;
}

/* Writes the entry behind the others. One that was cut short is overwritten by the next. */
static bool write_entry(struct adding *a, const struct spool_entry *e)
{
    if (a->fd < 0)
        a->fd = openat(a->spool->dir_fd, NEW_NAME,
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, SPOOL_FILE_MODE);
    if (a->fd < 0)
        return complain(a, "make");
    if (lseek(a->fd, (off_t)a->size, SEEK_SET) < 0 || !spool_file_write(a->fd, e))
        return complain(a, "write");
    return true;
}

static enum spool_verdict add_one(struct adding *a, const struct spool_entry *e)
{
    const struct spool_limits *limits = &a->spool->limits;
    struct spool_entry kept_as = *e;
    struct spool_list *list = &a->list;
    struct spool_item item;
    enum spool_verdict v;
    bool kept;

    if (!describe(e, &item) || a->size + item.size > UINT32_MAX) {
        fail_set(a->why, "an event of %zu bytes cannot be described", e->body.n);
        return SPOOL_FAILED;
    }
    v = look_up(list, &item, &kept);
    if (v == SPOOL_SAME || kept)
        return v;
    if (v == SPOOL_OTHER)
        kept_as.kind = item.kind = SPOOL_CONFLICT;
    else if (e->kind == SPOOL_CONFLICT)
        v = SPOOL_OTHER; /* the event it was in conflict with has just left */
    if ((int64_t)list->n >= limits->entries || list->bytes + (int64_t)item.size > limits->bytes) {
        fail_set(a->why, "%zu events of %lld bytes wait in %s; raise spool_limit or spool_size",
                 list->n, (long long)list->bytes, a->spool->dir);
        return SPOOL_FULL;
    }
    item.number = list->n > 0 ? list->item[list->n - 1].number + 1 : 1;
    item.offset = (uint32_t)a->size;
    if (!write_entry(a, &kept_as))
        return SPOOL_FAILED;
    if (!spool_list_push(list, &item)) {
        fail_set(a->why, "out of memory");
        return SPOOL_FAILED;
    }
    a->item[a->n++] = item;
    a->size += item.size;
    return v;
}

/* Gives the entries their names; the folder is not synced yet. Those that have theirs when this fails
 * are there all the same, and will be found the same. */
static bool name_all(struct adding *a)
{
    int dir = a->spool->dir_fd;
    char name[SPOOL_NAME_ROOM];

    if (a->n == 1) {
        spool_item_name(&a->item[0], name);
        return renameat(dir, NEW_NAME, dir, name) == 0 || complain(a, "rename");
    }
    for (size_t i = 0; i < a->n; i++) {
        spool_item_name(&a->item[i], name);
        if (linkat(dir, NEW_NAME, dir, name, 0) != 0) {
            a->no_links = i == 0 && (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS);
            return complain(a, "link");
        }
    }
    return true;
}

/* What was written and what was there is safe then. */
static bool end(struct adding *a)
{
    bool safe = a->n == 0 || ((fsync(a->fd) == 0 || complain(a, "sync")) && name_all(a));

    if (a->fd >= 0) {
        close(a->fd);
        if (a->n != 1 || !safe)
            (void)unlinkat(a->spool->dir_fd, NEW_NAME, 0);
    }
    if (safe && !spool_make_safe(a->spool)) {
        fail_set(a->why, "cannot sync %s: %s", a->spool->dir, strerror(errno));
        safe = false;
    }
    return safe;
}

/* False: nothing was added, for it would need links, and there are none. */
static bool add_batch(struct spool *s, const struct spool_entry *e, size_t n,
                      enum spool_verdict *verdict, struct fail *why)
{
    struct adding a = {.spool = s, .fd = -1, .why = why};
    int lock = spool_take_lock(s, SPOOL_LOCK_NAME, SPOOL_LOCK_WAIT_MS);

    for (size_t i = 0; i < n; i++)
        verdict[i] = SPOOL_FAILED;
    if (lock < 0) {
        fail_set(why, "cannot lock %s/" SPOOL_LOCK_NAME " in time: %s", s->dir, strerror(errno));
        return true;
    }
    if (!spool_list_read(s->dir_fd, true, &a.list)) {
        fail_set(why, "cannot list %s: %s", s->dir, strerror(errno));
        goto done;
    }
    for (size_t i = 0; i < n && i < STORE_BATCH_MAX; i++)
        verdict[i] = add_one(&a, &e[i]);
    if (!end(&a))
        for (size_t i = 0; i < n; i++)
            verdict[i] = SPOOL_FAILED;

done:
    spool_list_free(&a.list);
    close(lock);
    return !a.no_links;
}

void spool_add(struct spool *s, const struct spool_entry *e, size_t n, enum spool_verdict *verdict,
               struct fail *why)
{
    if (!atomic_load(&s->alone)) {
        if (add_batch(s, e, n, verdict, why))
            return;
        atomic_store(&s->alone, true);
        *why = (struct fail){""};
    }
    for (size_t i = 0; i < n; i++)
        (void)add_batch(s, &e[i], 1, &verdict[i], why);
}
