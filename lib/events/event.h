/* event: from the bytes of an authentic body to an event and its changes. Pure: no network, clock or
 * store. */
#ifndef GUICHET_EVENTS_EVENT_H
#define GUICHET_EVENTS_EVENT_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/slice.h"
#include "events/change.h"

#define EVENT_ID_MAX       256 /* bytes; likewise event_type, user_id, payment_hash */
#define EVENT_EMAIL_MAX    320
#define PROFILE_FIELDS_MAX 64

/* Where the envelope comes from, taken from the scheme's row and the request. A slice that is not
 * empty wins over the field; a NULL field: the scheme has none. An id is demanded where the source has
 * one, a type only with the table. */
struct event_source {
    struct slice id, type; /* from headers */
    const char *id_field;  /* path in the body: "id", "webhook.id" */
    const char *type_field;
    const char *also_field; /* one more text that must be there, of the form of an id; or NULL */
    const char
        *stamp_field;   /* without the table, one that is absent or no RFC 3339 is passed over */
    int64_t arrived_us; /* stands for the stamp where there is none: the signed time, or now */
    bool t4g;           /* the four base fields are demanded, and the table of types applies */
    bool ping;          /* names its hook by the id and has no type: never EVENT_UNKNOWN */
};

enum event_status {
    EVENT_OK,
    EVENT_UNKNOWN, /* a sound envelope of a type that no row has */
    EVENT_INVALID,
    EVENT_NO_MEMORY
};

struct event {
    struct slice
        id; /* decoded, 1 to EVENT_ID_MAX bytes of plain UTF-8; empty: the source has none */
    struct slice type; /* likewise; empty: none */
    int64_t stamp_us;
    const struct change *changes;
    size_t nchanges;
    const char *reason; /* EVENT_INVALID: not_json, duplicate_key, too_deep,
                                   number_range, missing_field, wrong_type */
    char detail
        [FAIL_TEXT_MAX]; /* which field and what it must be, for the sender; no value from the body */
};

/* Reads the body (JSON, RFC 8259: UTF-8, one object, no duplicate names, at most 2048 levels deep; numbers
 * outside a double's range are refused, integers of any length within it are not). On EVENT_INVALID id
 * and type hold what could be read of them, for the audit. Everything lies in the arena or in the body.
 *
 * With the table: id, timestamp (RFC 3339, not before 1970), source and event_type, then the fields of the
 * type's row; any other member is kept in the body and, for the user's events, as profile field:
 * the first PROFILE_FIELDS_MAX with a name of 1 to 128 bytes of plain text, their values as raw JSON. */
enum event_status event_read(const struct event_source *source, struct slice body,
                             struct arena *arena, struct event *out);

/* The names of the table's types, in order: what the metrics count by. */
extern const char *const event_type_names[];
extern const size_t event_type_count;

#endif
