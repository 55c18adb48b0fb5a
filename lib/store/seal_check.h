/* seal_check: whether a provider's audit is as it was sealed, and where it is not. */
#ifndef GUICHET_STORE_SEAL_CHECK_H
#define GUICHET_STORE_SEAL_CHECK_H

#include "store/seal.h"

/* Where audit and seals are read: a store, or an export of one (seal_file.h). What was read before is
 * gone after each call. Lists and ranges are as those of journal_read. */
struct seal_source {
    bool (*read)(void *ctx, enum journal_list list, const struct journal_range *range,
                 struct journal_page *out, struct fail *why);
    void *ctx;
};

/* ctx is a struct journal. */
bool seal_check_journal(void *ctx, enum journal_list list, const struct journal_range *range,
                        struct journal_page *out, struct fail *why);

enum seal_trouble {
    SEAL_ENTRY_CHANGED,  /* `entry` has another content than when it was sealed */
    SEAL_ENTRY_REMOVED,  /* `entry` was sealed and is not there */
    SEAL_ENTRY_INSERTED, /* `entry` was not there when its range was sealed */
    SEAL_ENTRY_MOVED,    /* `entry` holds what was sealed as `other` */
    SEAL_CHANGED,        /* `number` is not authentic: it was changed, or made with another key */
    SEAL_MISSING,        /* `number` to `last` are not there: what they covered is not protected */
    SEAL_MISPLACED,      /* `number` stands where it does not belong, or twice */
    SEAL_EXCHANGED,      /* `number` follows another seal than the one before it */
    SEAL_FOREIGN,        /* no seal at all is authentic */
    SEAL_CUT_OFF,        /* the seal that was expected is not there: the newest end was cut off, or
                            the whole chain replaced */
    SEAL_OUT_OF_ORDER    /* in an export: `entry` stands behind one that is newer */
};

struct seal_finding {
    enum seal_trouble trouble;
    int64_t number, last; /* of the seal that shows it; 0: none */
    char entry[SEAL_ID_ROOM], other[SEAL_ID_ROOM];
    char found[SEAL_TAG_ROOM], sealed[SEAL_TAG_ROOM]; /* of the entry, where there are such */
};

/* The word for it, as in "changed", and what it means, in a sentence without a full stop. */
const char *seal_trouble_word(enum seal_trouble t);
const char *seal_trouble_text(enum seal_trouble t);

#define SEAL_FINDINGS_MAX 1000

struct seal_report {
    struct seal_finding finding[SEAL_FINDINGS_MAX]; /* the first ones */
    size_t nfindings;                               /* all */
    int64_t seals, entries;                         /* that were compared and are authentic */
    int64_t unprotected;     /* entries whose seal is missing or not authentic */
    int64_t unsealed;        /* that came since the newest seal: not protected yet */
    int64_t trimmed_rest;    /* that stand before what is kept: being trimmed */
    int64_t first, newest;   /* numbers of seals; 0: there is none */
    char mac[SEAL_MAC_ROOM]; /* the newest one's */
    int64_t at_us;           /* when it was made */
};

/* A seal as it was noted elsewhere; number 0: none. */
struct seal_expected {
    int64_t number;
    char mac[SEAL_MAC_ROOM];
};
/* "12:" and at least 16 digits of the mac. False if it is anything else. */
bool seal_expected_parse(const char *text, struct seal_expected *out);

/* Checks the whole chain and every entry under it. Sealers may go on meanwhile, but not trim: hold
 * the lease. False, why: it could not be read. */
bool seal_check(const struct seal_source *source, const struct seal_ring *r, const char *provider,
                const struct seal_expected *expected, struct seal_report *out, struct fail *why);

/* seal_check_range.c: the entries of one authentic seal, private to seal_check*.c. */

/* A seal on the heap: what was read is gone with the next read. */
struct seal_leaf {
    char id[SEAL_ID_ROOM];
    char tag[SEAL_TAG_ROOM];
};
struct seal_range {
    char after[SEAL_ID_ROOM]; /* entries behind that one ... */
    char from[SEAL_ID_ROOM];  /* ... are its own from here ("": at once) ... */
    char to[SEAL_ID_ROOM];    /* ... to here */
    int64_t number;
    struct mac *key;
    struct seal_leaf leaf[SEAL_ENTRIES_MAX];
    size_t n;
};
/* Compares; entries before `from` are counted in *before. */
bool seal_check_range(const struct seal_source *source, const char *provider, struct seal_range *s,
                      struct seal_report *out, int64_t *before, struct fail *why);
/* Notes it; the caller may add to what is returned. */
struct seal_finding *seal_check_find(struct seal_report *out, enum seal_trouble t, int64_t number,
                                     int64_t last, const char *entry, const char *other);

#endif
