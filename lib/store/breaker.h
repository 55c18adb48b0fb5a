/* breaker: after a missed deadline all answer at once, while one probe at a time tests the store.
 *
 * Its state lies in the shared state file, so that every process of the host knows at once. It
 * opens when a commit missed its deadline or the store could not be reached; while it is open one
 * caller at a time is told to probe, BREAKER_PROBE_MS after the one before has reported (or, where
 * its process died, BREAKER_PROBE_TIMEOUT_MS after it began). */
#ifndef GUICHET_STORE_BREAKER_H
#define GUICHET_STORE_BREAKER_H

#include "base/clock.h"
#include "observe/state.h"

#define BREAKER_PROBE_MS         100
#define BREAKER_PROBE_TIMEOUT_MS 250

enum breaker_verdict {
    BREAKER_CLOSED, /* go on */
    BREAKER_PROBE,  /* it is this caller's turn to probe; then breaker_report */
    BREAKER_OPEN    /* answer 503 at once */
};

enum breaker_verdict breaker_ask(struct state_breaker *b, int64_t now_ms);

/* After a probe or a commit: reached tells whether the store answered in time. Returns true when
 * this call opened or closed the breaker, which is worth a line in the log. */
bool breaker_report(struct state_breaker *b, bool reached, const struct clock *clock);

#endif
