/* compose: from what an application hands over to the bytes that are signed and sent. */
#ifndef GUICHET_OUTBOX_COMPOSE_H
#define GUICHET_OUTBOX_COMPOSE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/fail.h"

/* What receivers take by default. */
#define COMPOSE_BODY_MAX (1u << 20)
/* Arena that one event needs: the body again, its id and texts, Jansson's own memory is apart. */
#define COMPOSE_ARENA_MAX (4u * COMPOSE_BODY_MAX)

struct composed {
    struct slice body; /* as it is signed and sent, on every try */
    struct slice id, timestamp;
    struct slice type; /* event_type; empty where it has none that is plain text */
    struct slice user; /* user_id; likewise */
};

/* Fills in `id` (a random UUID, version 4) and `timestamp` (now, RFC 3339) where the event has none, as
 * its first members; every other byte stays as it is. All of *out lies in the arena. -1 with the cause:
 * not a JSON object, an id or timestamp that is there but is none, longer than COMPOSE_BODY_MAX. The
 * other fields are the receiver's to judge. */
int compose(struct slice event, const struct clock *clock, struct arena *arena,
            struct composed *out, struct fail *why);

/* The k-th of one event of each known type (events/table.h), with values of the form that the type's
 * fields demand, for the user `user`: a smoke test. No id and no timestamp. False: there is no k-th. */
bool compose_sample(size_t k, const char *user, struct arena *arena, struct slice *out);

#endif
