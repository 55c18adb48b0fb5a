/* schedule: when an event is tried again. Pure: a state, an outcome and a clock's reading in, the next
 * moment out.
 *
 * The times are those of Dazno's documentation: five tries, at once and then 5 s, 30 s, 5 min and 30
 * min after the end of the try before. */
#ifndef GUICHET_OUTBOX_SCHEDULE_H
#define GUICHET_OUTBOX_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

#define SCHEDULE_TRIES 5
/* A receiver may ask for more time, but not for ever. */
#define SCHEDULE_RETRY_AFTER_MAX_S 86400
/* No wait is longer. */
#define SCHEDULE_WAIT_MAX_US (SCHEDULE_RETRY_AFTER_MAX_S * INT64_C(1000000))

/* How a try ended. */
enum try_end {
    TRY_DELIVERED, /* 2xx */
    TRY_REFUSED,   /* another 4xx, a redirect, or what is no status: it would be refused again */
    TRY_LIMITED,   /* 429 */
    TRY_SERVER,    /* 5xx */
    TRY_CONNECT,   /* no connection: no such host, refused, unreachable */
    TRY_TLS,       /* the peer could not be verified, or speaks no TLS */
    TRY_TIMEOUT,   /* no answer in time */
    TRY_CUT,       /* the connection ended before the answer did */
    TRY_SETTINGS,  /* nothing was sent: a secret cannot be read, or memory is short */
    TRY_ENDS
};

/* One word for logs and metrics. */
const char *try_end_name(enum try_end e);

/* What an HTTP status means. */
enum try_end try_end_of_status(int status);

enum schedule_step {
    SCHEDULE_DONE,
    SCHEDULE_AGAIN, /* at *due_us */
    SCHEDULE_FAILED /* for good */
};

/* What follows try number `tried` (from 1) of at most `most`, which ended at ended_us. retry_after_us:
 * what the answer asked for, 0: nothing; it lengthens the wait and never shortens it. *due_us is on
 * the clock of ended_us, set for SCHEDULE_AGAIN alone. */
enum schedule_step schedule_next(unsigned tried, unsigned most, enum try_end end,
                                 int64_t retry_after_us, int64_t ended_us, int64_t *due_us);

/* The value of a Retry-After header (RFC 9110 section 10.2.3): seconds, or a date in one of the three
 * forms of section 5.6.7, of which now_us (µs since 1970) is taken. In µs, from 0 to
 * SCHEDULE_WAIT_MAX_US; 0 for a date that is over, and for anything else. */
int64_t schedule_retry_after(struct slice value, int64_t now_us);

#endif
