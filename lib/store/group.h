/* group: consumers of the hand-off that share its entries, at least once each.
 *
 * A group remembers how far it has read and which entries it took and has not done. Each entry goes
 * to one consumer of a group; one that was taken longer ago than its consumer should need is given to
 * the next who asks. An entry that a group gives up goes to the dead letters, from where it can be put
 * back. What every group has done can be trimmed. On Redis these are the consumer groups of its
 * streams, so that other programs may take part.
 *
 * Part of store/journal.h: the same handle, the same returns; all may be repeated. */
#ifndef GUICHET_STORE_GROUP_H
#define GUICHET_STORE_GROUP_H

#include "store/journal.h"

#define GROUP_NAME_MAX 64 /* bytes, of a group or a consumer: letters, digits, . _ - */
#define GROUPS_MAX     64 /* of a provider */
#define GROUP_TAKE_MAX 100

struct group_entry {
    struct journal_entry entry; /* of the hand-off: id, type, at, body; no fields: it was removed */
    int64_t deliveries;         /* this one included */
};

struct group_state {
    char name[GROUP_NAME_MAX + 1];
    int64_t consumers, pending; /* entries taken and not done */
    char needed[48];            /* entries before this id are done by the group */
};

/* Whether a group or a consumer may be called so. */
bool group_is_name(const char *text);

/* Makes the group, reading from the oldest entry there is or, with `from_now`, from those to come.
 * One that is there stays as it is. */
bool group_make(const struct journal *j, const char *group, bool from_now, struct fail *why);
bool group_drop(const struct journal *j, const char *group, bool *dropped, struct fail *why);
bool group_list(const struct journal *j, struct group_state out[static GROUPS_MAX], size_t *n,
                struct fail *why);
/* The id before which all of these groups have done everything; NULL: there is no group. */
const char *group_all_need(const struct group_state *group, size_t n);

/* Takes at most `max` entries (GROUP_TAKE_MAX): first those that others took over idle_ms ago and did not do,
 * then new ones. The group must be there. */
bool group_take(const struct journal *j, const char *group, const char *consumer, size_t max,
                int64_t idle_ms, struct group_entry **out, size_t *n, struct fail *why);
/* Still at it: counts as taken now. *held: it is still this consumer's. */
bool group_hold(const struct journal *j, const char *group, const char *consumer, const char *id,
                bool *held, struct fail *why);
bool group_done(const struct journal *j, const char *group, const char *id, struct fail *why);
/* Done, and put to the dead letters (JOURNAL_DEAD: group, entry, reason, deliveries, at, id, type, body), in one
 * step; once, whoever repeats it. */
bool group_bury(const struct journal *j, const char *group, const struct group_entry *e,
                const char *reason, struct fail *why);

/* What a back end gives. */
struct group_ops {
    bool (*make)(const struct journal *j, const char *group, bool from_now, struct fail *why);
    bool (*drop)(const struct journal *j, const char *group, bool *dropped, struct fail *why);
    bool (*list)(const struct journal *j, struct group_state *out, size_t *n, struct fail *why);
    bool (*take)(const struct journal *j, const char *group, const char *consumer, size_t max,
                 int64_t idle_ms, struct group_entry **out, size_t *n, struct fail *why);
    bool (*hold)(const struct journal *j, const char *group, const char *consumer, const char *id,
                 bool *held, struct fail *why);
    bool (*done)(const struct journal *j, const char *group, const char *id, struct fail *why);
    bool (*bury)(const struct journal *j, const char *group, const struct group_entry *e,
                 const char *reason, struct fail *why);
};

#endif
