#include "observe/state_day.h"

#include <string.h>

#include "base/clock.h"

#define MINUTE_US (60 * US_PER_S)
#define TAG_SHIFT 32
#define COUNT_MAX UINT32_MAX

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "the ring is shared by processes");

/* Before 1970 the clock of no host that serves TLS stands. */
static int64_t minute_of(int64_t us)
{
    return us > 0 ? us / MINUTE_US : 0;
}

static struct state_minute *slot_of(struct state *s, int64_t minute)
{
    return &state_shared(s)->day[minute % STATE_DAY_MINUTES];
}

/* One more in that minute. A number of another minute is a day old, or the clock was wrong when it was
 * written: it begins anew. */
static void add(_Atomic uint64_t *number, int64_t minute)
{
    uint64_t tag = (uint64_t)minute << TAG_SHIFT;
    uint64_t old = atomic_load_explicit(number, memory_order_relaxed), next;

    do {
        if ((old & ~(uint64_t)COUNT_MAX) != tag)
            next = tag | 1;
        else if ((old & COUNT_MAX) == COUNT_MAX)
            return;
        else
            next = old + 1;
    } while (!atomic_compare_exchange_weak_explicit(number, &old, next, memory_order_relaxed,
                                                    memory_order_relaxed));
}

void state_day_count(struct state *s, int64_t now_us, enum outcome o, int64_t duration_us)
{
    int64_t minute = minute_of(now_us);
    struct state_minute *slot = slot_of(s, minute);

    if ((unsigned)o >= OUTCOME_COUNT)
        return;
    add(&slot->webhooks[o], minute);
    add(&slot->request[state_bucket(duration_us)], minute);
}

static uint64_t count_of(_Atomic uint64_t *number, int64_t minute)
{
    uint64_t v = atomic_load_explicit(number, memory_order_relaxed);

    return v >> TAG_SHIFT == (uint64_t)minute ? v & COUNT_MAX : 0;
}

void state_day_read(struct state *s, int64_t now_us, int64_t first, int64_t last,
                    struct state_day_sum *out)
{
    int64_t now = minute_of(now_us);

    memset(out, 0, sizeof(*out));
    if (last > now)
        last = now;
    if (first <= now - STATE_DAY_MINUTES)
        first = now - STATE_DAY_MINUTES + 1;
    if (first < 0)
        first = 0;
    for (int64_t minute = first; minute <= last; minute++) {
        struct state_minute *slot = slot_of(s, minute);
        for (size_t o = 0; o < OUTCOME_COUNT; o++)
            out->webhooks[o] += count_of(&slot->webhooks[o], minute);
        for (size_t b = 0; b < STATE_BUCKETS; b++)
            out->request[b] += count_of(&slot->request[b], minute);
    }
}

int64_t state_quantile_us(const uint64_t bucket[static STATE_BUCKETS], unsigned thousandths,
                          bool *beyond)
{
    uint64_t all = 0, below = 0;
    size_t i = 0;

    if (beyond != NULL)
        *beyond = false;
    for (size_t b = 0; b < STATE_BUCKETS; b++)
        all += bucket[b];
    if (all == 0)
        return -1;
    /* In doubles: an estimate between two bounds needs no more, and nothing overflows. */
    double rank = (double)all * thousandths / 1000;
    while (i < STATE_BUCKETS - 1 && (bucket[i] == 0 || (double)(below + bucket[i]) < rank))
        below += bucket[i++];
    if (i == STATE_BUCKETS - 1) {
        if (beyond != NULL)
            *beyond = true;
        return state_bucket_us[STATE_BUCKETS - 2];
    }
    int64_t from = i > 0 ? state_bucket_us[i - 1] : 0, to = state_bucket_us[i];
    double part = (rank - (double)below) / (double)bucket[i];
    return from + (int64_t)((double)(to - from) * (part > 0 ? part : 0) + 0.5);
}
