/* table: the event types that are known by name, and what a handler is.
 *
 * A type is a row of EVENT_TYPES and a handler in the file of its family (user.c, payment.c, balance.c,
 * level.c): nothing else knows of it. */
#ifndef GUICHET_EVENTS_TABLE_H
#define GUICHET_EVENTS_TABLE_H

#include "base/clock.h"
#include "events/change_list.h"
#include "events/document.h"
#include "events/event.h"

/* What a field of the body must be. */
enum field_kind {
    FIELD_END,    /* behind the last one of a row */
    FIELD_TEXT,   /* 1 to EVENT_ID_MAX bytes of plain UTF-8 */
    FIELD_EMAIL,  /* 1 to EVENT_EMAIL_MAX bytes of plain UTF-8 with exactly one @ */
    FIELD_INTEGER /* 0 to 2^63-1, written with digits alone */
};

struct field {
    const char *name;
    enum field_kind kind;
    bool optional;
};

#define FIELDS_MAX 4 /* of one type, FIELD_END included */

/* Name, handler, fields. The four base fields every event has are not repeated here. */
#define EVENT_TYPES(ROW)                                                                           \
    ROW("user.created", user_created,                                                              \
        {{"user_id", FIELD_TEXT, false}, {"email", FIELD_EMAIL, false}})                           \
    ROW("user.updated", user_updated,                                                              \
        {{"user_id", FIELD_TEXT, false}, {"email", FIELD_EMAIL, true}})                            \
    ROW("lightning.payment_received", payment_received,                                            \
        {{"user_id", FIELD_TEXT, false},                                                           \
         {"amount_msat", FIELD_INTEGER, false},                                                    \
         {"payment_hash", FIELD_TEXT, false}})                                                     \
    ROW("lightning.payment_sent", payment_sent,                                                    \
        {{"user_id", FIELD_TEXT, false},                                                           \
         {"amount_msat", FIELD_INTEGER, false},                                                    \
         {"payment_hash", FIELD_TEXT, false}})                                                     \
    ROW("t4g.balance_updated", balance_updated,                                                    \
        {{"user_id", FIELD_TEXT, false}, {"new_balance", FIELD_INTEGER, false}})                   \
    ROW("gamification.level_up", level_up,                                                         \
        {{"user_id", FIELD_TEXT, false},                                                           \
         {"new_level", FIELD_INTEGER, false},                                                      \
         {"points", FIELD_INTEGER, false}})

struct event_type;

/* An event whose fields are what its row demands, as its handler sees it. */
struct facts {
    const struct event_type *type;
    struct slice id; /* of the event */
    struct slice
        value[FIELDS_MAX]; /* by the row: text decoded, an integer as its digits; p == NULL:
                                       optional and absent */
    struct slice stamp;    /* the event's time, decimal µs */
    struct slice at;       /* the same as RFC 3339 with µs, UTC */
    const struct document *document;
};

/* The value of a field of the row. */
struct slice facts_value(const struct facts *f, const char *name);

/* Turns an event into changes. Pure; what it adds to the list lies in the list's arena or in the body. */
typedef void event_handler(const struct facts *f, struct change_list *out);

struct event_type {
    const char *name;
    event_handler *handle;
    struct field field[FIELDS_MAX];
};

#define EVENT_HANDLER(name, handler, ...) event_handler handler;
EVENT_TYPES(EVENT_HANDLER)
#undef EVENT_HANDLER

/* The row of that name, or NULL. */
const struct event_type *table_find(struct slice name);

/* Whether a member of this name belongs to the envelope that every event has. */
bool table_is_base_field(struct slice name);

#endif
