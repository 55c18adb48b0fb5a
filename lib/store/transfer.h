/* transfer: all that a provider has in a store, item by item, to be put into another store.
 *
 * A provider's part of a store is read as items, in an order in which they may be written: a name (key)
 * and fields, which are the same whatever back end they come from. Some stores give an item twice;
 * writing is idempotent, so that does no harm.
 *
 *     part                 key            fields                         moment
 *     TRANSFER_EVENTS      entry          of the hand-off                -
 *     TRANSFER_AUDIT, TRANSFER_SEALS, TRANSFER_DEAD        likewise, of their lists
 *     TRANSFER_QUARANTINE  entry          those of the list, and count (how often it was kept) and
 *                                         last_at (when last, us)
 *     TRANSFER_NEWEST      name of a list entry: the newest that ever was, so that ids go on from there
 *     TRANSFER_GROUPS      consumer group read: the newest entry that it took
 *     TRANSFER_TAKEN       consumer group entry, consumer, deliveries    when it was taken
 *     TRANSFER_RATE        place, from 0  at: a stamp of the window, the oldest first
 *     TRANSFER_IDS         id of an event body_sha256, nonce (base64), at    when it is forgotten
 *     TRANSFER_RECORDS     record         one field of it
 *     TRANSFER_HISTORIES   history        place (from 0, the oldest), text
 *
 * Not transferred: ids whose time is over; what a group took and somebody removed since; leases, for
 * who holds one works on the old store. Evidence is kept once for each (reason, body): where a store has
 * it twice, because its index was lost, the one that the index knows goes along.
 *
 * A provider's part may be closed, with a mark that says why: then commits are STORE_UNAVAILABLE,
 * store_closed (what is known is still answered), and steps are STEP_AWAY. What else works on it (groups,
 * journal) goes on, for taking evidence out or acknowledging loses nothing; so a copy is compared with
 * what it was made from. */
#ifndef GUICHET_STORE_TRANSFER_H
#define GUICHET_STORE_TRANSFER_H

#include "base/buf.h"
#include "config/config.h"
#include "store/journal.h"

enum transfer_part {
    TRANSFER_EVENTS, /* as enum journal_list */
    TRANSFER_AUDIT,
    TRANSFER_QUARANTINE,
    TRANSFER_SEALS,
    TRANSFER_DEAD,
    TRANSFER_NEWEST,
    TRANSFER_GROUPS,
    TRANSFER_TAKEN,
    TRANSFER_RATE,
    TRANSFER_IDS,
    TRANSFER_RECORDS,
    TRANSFER_HISTORIES,
    TRANSFER_PARTS
};
/* What each is called, for people. */
extern const char *const transfer_part_names[TRANSFER_PARTS];

#define TRANSFER_LISTS     5 /* the first parts */
#define TRANSFER_WRITE_MAX 1000
#define TRANSFER_BYTES_MAX 4194304 /* written at once, unless a single item is larger */
#define TRANSFER_MARK_MAX  200     /* bytes of a mark, a NUL included */
/* Of names while a walk goes on: as many as a page of a store can bring. */
#define TRANSFER_PLACE_MAX 16777216

struct transfer_item {
    enum transfer_part part;
    struct slice key;
    struct journal_field *field;
    size_t nfields;
    /* us; stores may keep it to the ms alone. 0: has none. */
    int64_t moment_us;
};

struct transfer_page {
    struct transfer_item *item; /* in the journal's arena */
    size_t n;
};

enum transfer_stage { STAGE_LISTS, STAGE_NEWEST, STAGE_GROUPS, STAGE_RATE, STAGE_OBJECTS, STAGES };

/* How far a walk is. Begun by TRANSFER_PLACE_INIT, ended by transfer_place_free. What lies behind `over`
 * is the back end's; at the beginning of each stage all is zero or empty. */
struct transfer_place {
    unsigned stage; /* STAGES: all was read */
    unsigned list;  /* within STAGE_LISTS */
    bool over;      /* the stage is */
    bool begun;
    uint64_t cursor, inner;
    int64_t number;
    struct buf key, name;
    struct buf waiting; /* names, each with a NUL behind it */
};
#define TRANSFER_PLACE_INIT                                                                        \
    {                                                                                              \
        .key = BUF_INIT(TRANSFER_PLACE_MAX), .name = BUF_INIT(TRANSFER_PLACE_MAX),                 \
        .waiting = BUF_INIT(TRANSFER_PLACE_MAX)                                                    \
    }
void transfer_place_free(struct transfer_place *p);

/* Whether stores of that kind can be copied at all, whether there is one (none is made), and whether it
 * is of a layout that this program knows. False with cause and remedy. */
bool transfer_possible(const struct journal *j, struct fail *why);

/* The next items; none may be among them before the last page, after which place->stage is STAGES. */
bool transfer_read(const struct journal *j, struct transfer_place *place, struct transfer_page *out,
                   struct fail *why);

/* Writes n items (at most TRANSFER_WRITE_MAX) of a provider whose part is being filled, in order. An item
 * that the store cannot hold as it is, is a failure that names it. */
bool transfer_write(const struct journal *j, const struct transfer_item *item, size_t n,
                    struct fail *why);

/* The mark; "" while it is open. */
bool transfer_mark(const struct journal *j, char out[static TRANSFER_MARK_MAX], struct fail *why);
/* Closes with that mark, or opens with "". When it returns, no commit that began before is under way. */
bool transfer_close(const struct journal *j, const char *mark, struct fail *why);

/* Whether there is anything that a transfer would read. */
bool transfer_empty(const struct journal *j, bool *empty, struct fail *why);
/* Takes away all that is there but the mark. */
bool transfer_clear(const struct journal *j, struct fail *why);

/* How many of each part there are, found by another way than by reading them; -1: not known. Of ids, those
 * that end behind the horizon. */
bool transfer_counts(const struct journal *j, int64_t horizon_us,
                     int64_t out[static TRANSFER_PARTS], struct fail *why);

/* The providers of which the store holds anything, a mark included. */
#define TRANSFER_PROVIDERS_MAX 256
struct transfer_names {
    char name[TRANSFER_PROVIDERS_MAX][CONFIG_NAME_MAX + 1];
    size_t n;
};
bool transfer_providers(const struct journal *j, struct transfer_names *out, struct fail *why);
/* Adds a name that is not there yet. False: there are too many, or it is none of a provider. */
bool transfer_name(struct transfer_names *names, struct slice name);

/* The value of a field, p == NULL if it has none of that name. */
struct slice transfer_value(const struct transfer_item *item, const char *name);
/* Puts n fields, given as names and values, into an item. False: no memory. */
bool transfer_fields(struct arena *a, struct transfer_item *item, const char *const *name,
                     const struct slice *value, size_t n);
/* A number as text in the arena; p == NULL: no memory. */
struct slice transfer_number(struct arena *a, int64_t number);

/* What a back end gives. */
struct transfer_ops {
    bool (*possible)(const struct journal *j, struct fail *why);
    /* A page of a stage other than STAGE_LISTS; sets place->over behind the last one. */
    bool (*read)(const struct journal *j, struct transfer_place *place, struct transfer_page *out,
                 struct fail *why);
    /* Adds count and last_at to the fields of the item, an entry of the quarantine, for which there is
     * room; *superseded: another entry holds the same evidence. */
    bool (*counters)(const struct journal *j, struct transfer_item *item, bool *superseded,
                     struct fail *why);
    bool (*write)(const struct journal *j, const struct transfer_item *item, size_t n,
                  struct fail *why);
    bool (*mark)(const struct journal *j, char *out, struct fail *why);
    bool (*close)(const struct journal *j, const char *mark, struct fail *why);
    bool (*empty)(const struct journal *j, bool *empty, struct fail *why);
    bool (*clear)(const struct journal *j, struct fail *why);
    /* What it knows; the lists are counted already, and all else is -1. */
    bool (*counts)(const struct journal *j, int64_t horizon_us, int64_t *out, struct fail *why);
    /* By transfer_name; too many are not its concern. */
    bool (*providers)(const struct journal *j, struct transfer_names *out, struct fail *why);
    bool repeats; /* an item may be read twice */
};

#endif
