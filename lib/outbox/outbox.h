/* outbox: events that are to be sent, on the disk until a receiver has taken them.
 *
 * A folder, 0700, on a local disk, with one file (0600) for each event: written under another name,
 * synced, renamed, the folder synced; only then is it promised to be sent. Its content (entry.h), the
 * bytes of the event among it, never changes again. What does change, how often it was tried and when
 * it is due, is in its name: a try that failed is one rename, which a kill either did or did not do,
 * and a listing of the folder is the index. After a kill in the middle of a try the event is tried
 * again, at once, with the same id and the same bytes.
 *
 *     <number>-<state><tries>-<due>-<lane>-<destination>-<id>
 *
 * number: the order of arrival: µs since 1970, or one more than the last where that is not later.
 * state: w (waits), a (failed, an alert is due), f (failed). lane, destination, id: first bytes of
 * SHA-256, of destination and user, of the URL, and of the event's id. Other names: `lock` (held while
 * events are added or changed by hand; holds the last number), `running` (held by the one daemon),
 * `new-...` (being written, or left by a killed process: the daemon removes it when it starts),
 * `why-<number>` (why it failed, for people), `bad-...` (damaged and set aside, for people).
 *
 * A secret is never kept here, only where it is found. All that use a folder are processes of one
 * user. A power cut may take back the last removals and renames that no sync has followed: that leads
 * to a try more, under the same id. */
#ifndef GUICHET_OUTBOX_OUTBOX_H
#define GUICHET_OUTBOX_OUTBOX_H

#include "base/arena.h"
#include "base/fail.h"
#include "outbox/entry.h"

/* How long an addition may wait for the others. */
#define OUTBOX_LOCK_WAIT_MS 10000
#define OUTBOX_REASON_MAX   512

struct outbox;

/* Opens the folder; with `make`, makes it (0700) where its parent exists. NULL with cause and remedy:
 * it is not there, cannot be used, belongs to another user, others may enter it, it lies in memory or on
 * another host. */
struct outbox *outbox_open(const char *dir, bool make, struct fail *why);
/* NULL is legal. */
void outbox_close(struct outbox *o);
const char *outbox_folder(const struct outbox *o);

/* Adds n events in order, safely on the disk when it returns n. Or -1 with the cause: then they are
 * taken back, but for what a daemon has been quick to send. */
int outbox_add(struct outbox *o, const struct entry_content *e, size_t n, int64_t now_us,
               struct fail *why);

struct outbox_list {
    struct entry_item *item; /* by number */
    size_t n, room;
};
/* False when the folder cannot be read or memory is short. */
bool outbox_list(struct outbox *o, struct outbox_list *out);
void outbox_list_free(struct outbox_list *l);

enum outbox_reading {
    OUTBOX_READ,
    OUTBOX_GONE,      /* dropped, or its name has changed */
    OUTBOX_DAMAGED,   /* not what was written */
    OUTBOX_UNREADABLE /* memory is short, or the disk fails: perhaps later */
};
/* Reads an entry; *memory, which what is in *out points into, is the caller's to free. */
enum outbox_reading outbox_read(struct outbox *o, const struct entry_item *i,
                                struct entry_content *out, char **memory);

/* The name changes; the rename is safe after outbox_sync. False: the entry is not there any more. */
bool outbox_rename(struct outbox *o, const struct entry_item *from, const struct entry_item *to);
bool outbox_sync(struct outbox *o);
/* False: it was not there any more. */
bool outbox_remove(struct outbox *o, const struct entry_item *i);
void outbox_set_aside(struct outbox *o, const struct entry_item *i);

/* Why it failed for good. outbox_why gives "" where that is not known. */
void outbox_note_why(struct outbox *o, const struct entry_item *i, const char *reason);
void outbox_why(struct outbox *o, const struct entry_item *i, char out[static OUTBOX_REASON_MAX]);

/* --- the daemon ----------------------------------------------------------------------------------- */

/* Whoever works the outbox through holds this, one at a time over all processes: a descriptor, or -1 when
 * another one does (errno EWOULDBLOCK) or it cannot be made. */
int outbox_begin(struct outbox *o);
void outbox_end(int running);
/* Whether somebody holds it. */
bool outbox_is_worked(struct outbox *o);

/* Removes what killed additions have left. */
void outbox_sweep(struct outbox *o);

/* A descriptor that is readable when an entry came, went or changed its name; -1: see errno. */
int outbox_watch(struct outbox *o);
enum outbox_change {
    OUTBOX_NOTHING,
    OUTBOX_CAME, /* the item is there now */
    OUTBOX_WENT, /* the item is not there any more */
    OUTBOX_MANY  /* list the folder again */
};
/* Reads what happened and calls `tell` for each change. */
void outbox_changes(int watch,
                    void (*tell)(void *ctx, enum outbox_change, const struct entry_item *),
                    void *ctx);

#endif
