/* journal: looking at what commits left in a store, and looking after it; what the operator's tool
 * needs and no webhook does.
 *
 * A provider has lists, whose entries have ids in the order of their arrival ("<number>-<number>",
 * compared as two numbers), and objects: records (a set of fields) and histories (a row of texts),
 * which events make by their changes (events/change.h). Every operation is atomic in itself; every
 * one that changes something may be repeated.
 *
 * tests/unit/store_conformance_journal.c is the long form of this text. */
#ifndef GUICHET_STORE_JOURNAL_H
#define GUICHET_STORE_JOURNAL_H

#include "base/arena.h"
#include "store/store.h"

#define JOURNAL_FIELDS_MAX 16  /* of an entry; others are passed over */
#define JOURNAL_PAGE_MAX   500 /* entries or names at once */
#define JOURNAL_IDS_MAX    32  /* ids of one removal, keys of one forgetting */
#define JOURNAL_NAME_MAX   64  /* bytes of a lease's name and of its holder's */

enum journal_list {
    JOURNAL_EVENTS,     /* the hand-off: id, type, at, body */
    JOURNAL_AUDIT,      /* outcome, id, type, and where there are any sid, reason, flags */
    JOURNAL_QUARANTINE, /* digest (base64 SHA-256 of the body), reason, id, type, at, detail, body */
    JOURNAL_SEALS,      /* of the audit */
    JOURNAL_DEAD        /* the dead letters of consumer groups (store/group.h) */
};
/* Its name in the store, as in "events". */
extern const char *const journal_list_names[];

/* A provider's part of a store. What is read lies in the arena until the owner resets it. */
struct journal {
    struct store *store;
    const char *provider;
    struct arena *arena;
    int64_t timeout_ms; /* of each operation */
};

struct journal_field {
    struct slice name, value;
};

struct journal_entry {
    const char *id; /* of a record: its key */
    struct journal_field *field;
    size_t nfields;
};

struct journal_page {
    struct journal_entry *entry;
    size_t n;
};

/* Which entries: those after `after` up to and with `until` ("" or NULL: from the first, to the
 * last), the oldest first, or the newest first with `backwards`; at most `max` (and JOURNAL_PAGE_MAX). */
struct journal_range {
    const char *after, *until;
    bool backwards;
    size_t max;
};

/* All return false with cause and remedy when the store gave no answer; nothing is half done. */
bool journal_read(const struct journal *j, enum journal_list list,
                  const struct journal_range *range, struct journal_page *out, struct fail *why);
bool journal_count(const struct journal *j, enum journal_list list, int64_t *out, struct fail *why);
/* Takes n entries out (at most JOURNAL_IDS_MAX). *removed: how many were there. What is taken out of the quarantine and
 * arrives again is kept again. */
bool journal_remove(const struct journal *j, enum journal_list list, const char *const *id,
                    size_t n, int64_t *removed, struct fail *why);
/* Takes out all entries before `id`. */
bool journal_trim(const struct journal *j, enum journal_list list, const char *id, int64_t *removed,
                  struct fail *why);
/* Adds a seal, if the newest one (NULL: none) still is that; else *done is false. */
bool journal_seal(const struct journal *j, const char *newest, const struct journal_field *field,
                  size_t n, bool *done, struct fail *why);

/* An object; n == 0 fields or texts: there is none. The key is without the provider's prefix, as in
 * "user:u1". Of a history at most JOURNAL_PAGE_MAX texts, the newest, the oldest of them first. */
bool journal_record(const struct journal *j, const char *key, struct journal_entry *out,
                    struct fail *why);
bool journal_history(const struct journal *j, const char *key, struct slice **text, size_t *n,
                     struct fail *why);
/* Keys of objects that begin so ("user:"), in no order; each at least once over all calls, perhaps
 * more than once. *cursor is 0 at first and 0 again after the last page. */
bool journal_keys(const struct journal *j, const char *prefix, uint64_t *cursor, struct slice **key,
                  size_t *n, struct fail *why);
/* Removes n objects (at most JOURNAL_IDS_MAX). */
bool journal_forget(const struct journal *j, const char *const *key, size_t n, int64_t *removed,
                    struct fail *why);

/* A lease: one holder at a time over all processes and hosts, for hold_ms from now. *held: it is
 * ours (also when it was ours before: then it is prolonged). Releasing what is not ours does
 * nothing. Names: plain text of at most JOURNAL_NAME_MAX bytes. */
bool journal_lease(const struct journal *j, const char *name, const char *holder, int64_t hold_ms,
                   bool *held, struct fail *why);
bool journal_release(const struct journal *j, const char *name, const char *holder,
                     struct fail *why);

/* The value of a field; p == NULL: it has none of that name. */
struct slice journal_value(const struct journal_entry *e, const char *name);

/* Whether it has the form of an entry's id. */
#define JOURNAL_ID_FORM "1760524200000-0"
bool journal_is_id(const char *text);
/* Compares two ids of entries as numbers: <0, 0, >0. What is no id counts as the smallest. */
int journal_compare(const char *a, const char *b);

struct group_ops;

/* What a back end gives. The arguments were checked; `max` is sound; "" stands for NULL. */
struct journal_ops {
    bool (*read)(const struct journal *j, enum journal_list list, const struct journal_range *range,
                 struct journal_page *out, struct fail *why);
    bool (*count)(const struct journal *j, enum journal_list list, int64_t *out, struct fail *why);
    bool (*remove)(const struct journal *j, enum journal_list list, const char *const *id, size_t n,
                   int64_t *removed, struct fail *why);
    bool (*trim)(const struct journal *j, enum journal_list list, const char *id, int64_t *removed,
                 struct fail *why);
    bool (*seal)(const struct journal *j, const char *newest, const struct journal_field *field,
                 size_t n, bool *done, struct fail *why);
    bool (*record)(const struct journal *j, const char *key, struct journal_entry *out,
                   struct fail *why);
    bool (*history)(const struct journal *j, const char *key, struct slice **text, size_t *n,
                    struct fail *why);
    bool (*keys)(const struct journal *j, const char *prefix, uint64_t *cursor, struct slice **key,
                 size_t *n, struct fail *why);
    bool (*forget)(const struct journal *j, const char *const *key, size_t n, int64_t *removed,
                   struct fail *why);
    bool (*lease)(const struct journal *j, const char *name, const char *holder, int64_t hold_ms,
                  bool *held, struct fail *why);
    bool (*release)(const struct journal *j, const char *name, const char *holder,
                    struct fail *why);
    const struct group_ops *group; /* store/group.h; NULL: none */
};

#endif
