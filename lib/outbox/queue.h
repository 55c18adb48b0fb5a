/* queue: which event of an outbox is tried next. In memory; pure but for allocation: the clock is an
 * argument.
 *
 * Events of one lane (a destination and a user) go one after the other, in the order of their numbers:
 * only the first is ever taken, and the next one not before the first was dropped. Of the lanes that are
 * due the one that is due the longest goes first, but a destination has no more than a share of the tries at
 * a time, so that one that is slow to answer holds up no other. */
#ifndef GUICHET_OUTBOX_QUEUE_H
#define GUICHET_OUTBOX_QUEUE_H

#include <stddef.h>
#include "outbox/entry.h"

/* About 150 bytes each. */
#define QUEUE_EVENTS_MAX 1000000

struct queue;

/* NULL when memory is short. share: tries at a time for one destination, at least 1. */
struct queue *queue_new(size_t max, size_t share);
/* NULL is legal. */
void queue_free(struct queue *q);

enum queue_verdict {
    QUEUE_PUT,
    QUEUE_KNOWN, /* it is there, under this very name */
    QUEUE_FULL   /* or memory is short: what is not taken has to come later, in order */
};
/* An event that waits, due at due_us of the caller's clock. Of a number that is there the rest is
 * replaced. */
enum queue_verdict queue_put(struct queue *q, const struct entry_item *i, int64_t due_us);

/* The entry of this name is not there any more; if it is being tried, it is forgotten when that ends. */
void queue_drop(struct queue *q, const struct entry_item *i);

/* Takes an event that is due, for a try that queue_end ends. False: none is. */
bool queue_take(struct queue *q, int64_t now_us, struct entry_item *out);

/* The item as it is now, which may have been replaced meanwhile. False: it was dropped. */
bool queue_now(const struct queue *q, uint64_t number, struct entry_item *out);

/* The try of that number has ended. next: what its entry is from now on, due at due_us; NULL: it waits
 * no longer. */
void queue_end(struct queue *q, uint64_t number, const struct entry_item *next, int64_t due_us);

/* When the next one is due; INT64_MAX: nothing waits for a time. */
int64_t queue_next_us(const struct queue *q);
size_t queue_count(const struct queue *q);  /* all, those being tried included */
size_t queue_trying(const struct queue *q); /* being tried */

#endif
