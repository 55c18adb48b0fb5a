/* step: changes under a condition, in one atomic step; for a worker that keeps records in the store
 * right while others may do the same.
 *
 * A step is a list of changes of a provider's records. First every STEP_REQUIRE is checked; if one is
 * not met, nothing is written. Then the rest is done in order: all of it or none. So a worker that
 * requires the place from which it went on, and moves that place in the same step, does everything
 * exactly once: a step that is sent again, or that comes from a worker whose lease has passed to another
 * one, finds its condition no longer met.
 *
 * A handler's changes (events/change.h) know no condition and take nothing away; they stay with the
 * events that they belong to.
 *
 * tests/unit/store_conformance_step.c is the long form of this text. */
#ifndef GUICHET_STORE_STEP_H
#define GUICHET_STORE_STEP_H

#include "store/journal.h"

#define STEP_CHANGES_MAX 1024
#define STEP_BYTES_MAX   4194304 /* of keys, fields and values; a single change may be larger */
#define STEP_FIELDS_MAX  32      /* read at once */
#define STEP_LIST_MAX    1000    /* fields of a page */

enum step_verb {
    STEP_REQUIRE,        /* the field of the record `key` is `value` */
    STEP_REQUIRE_ABSENT, /* there is no such field */
    STEP_SET,            /* the field becomes value */
    STEP_PUT,   /* the same, in a record whose fields can be read in the order of their names
                 (step_list); such a record is written by this verb alone */
    STEP_UNSET, /* there is no such field any more; a record without fields is none */
    STEP_DROP,  /* the whole record goes */
    /* An event goes to the hand-off: key is its id, field its type, value its body. A step with one must
     * require something that it changes, or a repeat would hand it off twice. */
    STEP_EMIT
};

struct step_change {
    enum step_verb verb;
    struct slice key, field, value;
};

enum step_outcome {
    STEP_DONE,
    STEP_UNMET, /* a condition does not hold (any more: it may be this very step that was done, and whose
                   answer was lost): nothing was written */
    STEP_FULL, /* the hand-off holds as many entries as it may: nothing was written */
    STEP_AWAY  /* the store gave no answer (it may have been done), or refused: why says so */
};

/* Applies n changes, which are sound: no verb but these, a key and, where the verb has one, a field that
 * are not empty, no more than STEP_CHANGES_MAX. backlog_limit: entries of the hand-off beyond which
 * nothing is emitted; 0: none. */
enum step_outcome step_apply(const struct journal *j, const struct step_change *change, size_t n,
                             int64_t backlog_limit, struct fail *why);

/* Reads n fields (at most STEP_FIELDS_MAX) of one record at one moment; out[i].p is NULL for one that is
 * not there. False with the cause when the store gave no answer. */
bool step_read(const struct journal *j, struct slice key, const char *const *field, size_t n,
               struct slice *out, struct fail *why);

/* How the keys of records begin that are written by STEP_PUT: what copies a store knows them by it. */
#define STEP_LISTED "records:"

/* A page of a record that was written by STEP_PUT: its fields in the order of their names (as bytes), from
 * the first one behind `after` ("": from the first of all) on, at most `max` (and STEP_LIST_MAX), and none
 * any more once they have `bytes` bytes. All of it is as it was at one moment. */
struct step_page {
    struct journal_field *field; /* in the journal's memory */
    size_t n;
    bool more; /* there are others behind them */
};
bool step_list(const struct journal *j, struct slice key, struct slice after, size_t max,
               size_t bytes, struct step_page *out, struct fail *why);

/* The store's time, µs since 1970. */
bool step_now(const struct journal *j, int64_t *now_us, struct fail *why);

/* What a back end gives; the arguments were checked. */
struct step_ops {
    enum step_outcome (*apply)(const struct journal *j, const struct step_change *change, size_t n,
                               int64_t backlog_limit, struct fail *why);
    bool (*read)(const struct journal *j, struct slice key, const char *const *field, size_t n,
                 struct slice *out, struct fail *why);
    bool (*now)(const struct journal *j, int64_t *now_us, struct fail *why);
    /* out->field has room for max. */
    bool (*list)(const struct journal *j, struct slice key, struct slice after, size_t max,
                 size_t bytes, struct step_page *out, struct fail *why);
};

#endif
