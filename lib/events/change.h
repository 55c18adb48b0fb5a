/* change: what an event does, in words that every store understands.
 *
 * A handler turns an event into a list of changes; the store applies the list in order, all or nothing.
 * Keys are the names of entities below the provider, e.g. "user:u1", "payment:received:<hash>",
 * "payments:u1"; the store puts its own prefix before them. Values are text; numbers are decimal. */
#ifndef GUICHET_EVENTS_CHANGE_H
#define GUICHET_EVENTS_CHANGE_H

#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

#define CHANGES_MAX       80 /* of one event */
#define CHANGE_FIELDS_MAX 6  /* of one create-once */

enum change_verb {
    /* field of the record `key` becomes value. */
    CHANGE_SET,
    /* The same, if the event's stamp is not older than that of the event that set the field last. The
     * stamp is kept in the record's field "at.<field>". If group_max > 0 and the field is new, it is set
     * only while fewer than group_max fields were made in this way (counted in "count.<field up to its first dot>"). */
    CHANGE_SET_IF_NEWER,
    /* field becomes the event's stamp (µs), if there is none yet or it is earlier than the one there. */
    CHANGE_SET_EARLIEST,
    /* value (0 to 2^63-1) is added to the field (0 when absent). If the sum passes 2^63-1, or what is
     * there is not such a number, nothing of the event is applied and it is refused. */
    CHANGE_ADD,
    /* The record `key` is made with the given fields; if it exists, it stays as it is, and the changes
     * after this one in the list do not happen. The first `compare` fields are compared then: if one
     * differs, the commit reports a mismatch, else that it had no effect. */
    CHANGE_CREATE_ONCE,
    /* value is appended to the history `key`, whose oldest entries beyond the limit go. */
    CHANGE_APPEND
};

struct change_field {
    struct slice name, value;
};

struct change {
    enum change_verb verb;
    struct slice key;
    struct slice field; /* SET, SET_IF_NEWER, SET_EARLIEST, ADD */
    struct slice value; /* SET, SET_IF_NEWER, ADD, APPEND */
    uint32_t group_max; /* SET_IF_NEWER */
    uint32_t nfields;   /* CREATE_ONCE */
    uint32_t compare;
    const struct change_field *fields; /* at most CHANGE_FIELDS_MAX */
};

#endif
