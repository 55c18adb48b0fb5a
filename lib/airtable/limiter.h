/* limiter: at most five requests in any second to the API of one base, over all processes and hosts, and
 * none for 30 s after it answered 429. It stands in the store (api:<base>, airtable/keys.h), by the store's
 * clock, so that all who share the store share it. */
#ifndef GUICHET_AIRTABLE_LIMITER_H
#define GUICHET_AIRTABLE_LIMITER_H

#include "store/step.h"

#define LIMITER_REQUESTS  5
#define LIMITER_WINDOW_US US_PER_S
#define LIMITER_PAUSE_US  (30 * US_PER_S)

struct limiter {
    const struct journal *journal;
    const char *base;
    int64_t slot_us; /* of the request at hand; 0: none */
};

/* Takes the next free place: *wait_us is how long to wait before the request is sent. False with the cause
 * when the store gave no answer: then no request may be sent. */
bool limiter_take(struct limiter *l, int64_t *wait_us, struct fail *why);

/* After the answer: what was sent counts from now, however long it was on its way; or, refused: nobody
 * sends for 30 s. Without an answer of the store it counts from when it was to be sent. */
void limiter_done(struct limiter *l, bool refused);

#endif
