/* spool: events that were acknowledged while the store was away, on the disk until it is back.
 *
 * A folder, 0700, on a local disk. What comes at once is written to one file (0600) under another name,
 * which is synced; then each event gets a name of its own, a link to that file, and the folder is synced;
 * only then is it acknowledged. The name is removed only after the commit was acknowledged, and the entry
 * holds the nonce of its request: so to commit it again, after a kill or a power cut at any instruction,
 * changes nothing. (An append-only log would need no names, but a way past a damaged place in its middle,
 * and a compaction that can be killed.)
 *
 * A name holds all but the event, so a listing of the folder is the index, and there is nothing else that
 * could disagree with it:
 *
 *     <number>-<received, us>-<size>-<offset>-<kind>-<provider>-<key>-<body>      hexadecimal
 *
 * number: the order of arrival; size and offset: which bytes of the file; kind: e, m or c (below);
 * provider, key, body: the first bytes of the SHA-256 of the provider's name, of provider and id, and of
 * the body. Other names: `lock` (who adds; held while a batch is added), `draining` (who drains; over all
 * processes), `new-...` (being written, or left by a killed process: the next one who adds removes it),
 * `bad-...` (set aside: for people).
 *
 * A struct spool may be used by many threads, and a folder by many processes. */
#ifndef GUICHET_SPOOL_SPOOL_H
#define GUICHET_SPOOL_SPOOL_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/slice.h"
#include "spool/spool_list.h"
#include "store/store.h"

/* How long an addition may wait for the others. */
#define SPOOL_LOCK_WAIT_MS 400

struct spool;

struct spool_entry {
    enum spool_kind kind;
    struct slice provider;
    struct slice key; /* what names the event: its id; not told when it is read back */
    struct slice id,
        type;          /* what headers told, each empty where none did: together with the body */
    struct slice body; /* and arrived_us they make the event again */
    uint8_t body_sha256[SHA256_BYTES];
    uint8_t nonce[STORE_NONCE_BYTES];
    int64_t received_us;
    int64_t arrived_us; /* the signed time, or received_us: the stamp of what has none */
};

enum spool_verdict {
    SPOOL_NEW,   /* not there; where it was to be added: it is there now, safely */
    SPOOL_SAME,  /* the same event waits there already, safely */
    SPOOL_OTHER, /* another body waits under its id; where it was to be added: this one waits too, as
                    SPOOL_CONFLICT */
    SPOOL_FULL,
    SPOOL_FAILED /* nothing is promised */
};

struct spool_limits {
    int64_t entries, bytes;
};

/* Opens the folder, which is made (0700) when its parent exists. NULL with cause and remedy: it
 * cannot be used, belongs to another user, others may write in it, it lies in memory or on another
 * host. */
struct spool *spool_open(const char *dir, struct spool_limits limits, struct fail *why);
/* NULL is legal. */
void spool_close(struct spool *s);

/* True when nothing waits, as cheaply as that can be known (one fstat while nothing happens); an
 * entry of the last second may be missed. */
bool spool_quiet(struct spool *s);

/* What the spool knows of each event. A mark is always SPOOL_NEW: the time of a later one counts. */
void spool_find(struct spool *s, const struct spool_entry *e, size_t n,
                enum spool_verdict *verdict);

/* Adds n entries (STORE_BATCH_MAX at most) in order, each as far as the limits reach; `why` tells of the
 * last that failed. Where a sync fails, nothing is promised of any of them. */
void spool_add(struct spool *s, const struct spool_entry *e, size_t n, enum spool_verdict *verdict,
               struct fail *why);

/* What waits, in order of arrival. False when the folder cannot be read. */
bool spool_list(struct spool *s, struct spool_list *out);

/* --- draining ----------------------------------------------------------------------------------- */

/* Whoever drains holds this, one at a time over all processes: a descriptor, or -1 when another one
 * does. */
int spool_drain_begin(struct spool *s);
void spool_drain_end(int drain);

/* spool_list while nothing is added: a folder that is read meanwhile may show a later entry and not
 * yet an earlier one. False, too, when an addition takes longer than SPOOL_LOCK_WAIT_MS. */
bool spool_drain_list(struct spool *s, struct spool_list *out);

enum spool_reading {
    SPOOL_READ,
    SPOOL_GONE,
    SPOOL_DAMAGED,   /* shorter than its name says, or not what its digest says */
    SPOOL_UNREADABLE /* memory is short, or the disk fails: perhaps later */
};

/* Reads an entry whole; all of it lies in the arena. */
enum spool_reading spool_read(struct spool *s, const struct spool_item *item, struct arena *arena,
                              struct spool_entry *out);

/* After its commit was acknowledged. The removal is not synced: one that a power cut takes back only
 * leads to a commit that changes nothing. */
void spool_remove(struct spool *s, const struct spool_item *item);

/* Renames what is damaged, so that it is out of the way and not lost. */
void spool_set_aside(struct spool *s, const struct spool_item *item);

/* The folder, and the name of an entry in it, for messages. */
const char *spool_folder(const struct spool *s);

#endif
