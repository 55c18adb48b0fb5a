/* state_day: the last 24 hours of webhooks, minute by minute, for the page that people look at.
 *
 * A ring of STATE_DAY_MINUTES in the shared state, by calendar minute, so that it is right over all
 * processes and restarts of a host. To count costs two compare-and-swaps and no memory beyond the ring.
 *
 * Time that stands still or is missing (nothing came, nothing ran) is minutes of zero. When the clock steps
 * back, its minutes are counted on where they stand; those ahead of it are not shown until it has caught
 * up, or are written anew when their slot's turn comes. */
#ifndef GUICHET_OBSERVE_STATE_DAY_H
#define GUICHET_OBSERVE_STATE_DAY_H

#include "observe/state.h"

/* One more request at now_us, answered with that outcome within duration_us. */
void state_day_count(struct state *s, int64_t now_us, enum outcome o, int64_t duration_us);

/* What was counted in some minutes. */
struct state_day_sum {
    uint64_t webhooks[OUTCOME_COUNT];
    uint64_t request[STATE_BUCKETS];
};

/* Adds up the minutes from first to last (both of them counted; minutes since 1970), as seen at now_us:
 * of what lies ahead of now, or a day and more behind, nothing is known. */
void state_day_read(struct state *s, int64_t now_us, int64_t first, int64_t last,
                    struct state_day_sum *out);

/* The time that so many thousandths of the observations did not exceed, in µs, interpolated within its
 * bucket as Prometheus's histogram_quantile does it. In the last bucket, which has no bound: the bound of
 * the one before, with *beyond set (it may be NULL). -1: no observations. */
int64_t state_quantile_us(const uint64_t bucket[static STATE_BUCKETS], unsigned thousandths,
                          bool *beyond);

#endif
