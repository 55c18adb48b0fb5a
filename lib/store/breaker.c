#include "store/breaker.h"

enum breaker_verdict breaker_ask(struct state_breaker *b, int64_t now_ms)
{
    int64_t due_ms;

    if (atomic_load_explicit(&b->open, memory_order_acquire) == 0)
        return BREAKER_CLOSED;
    due_ms = atomic_load_explicit(&b->next_probe_ms, memory_order_relaxed);
    /* One further ahead than was ever set here is of another clock. */
    if (now_ms < due_ms && due_ms - now_ms <= BREAKER_PROBE_TIMEOUT_MS)
        return BREAKER_OPEN;
    /* Nobody else's turn until this probe has reported, or must have ended with its process. */
    if (!atomic_compare_exchange_strong(&b->next_probe_ms, &due_ms,
                                        now_ms + BREAKER_PROBE_TIMEOUT_MS))
        return BREAKER_OPEN;
    return BREAKER_PROBE;
}

bool breaker_report(struct state_breaker *b, bool reached, const struct clock *clock)
{
    if (reached) {
        if (atomic_load_explicit(&b->open, memory_order_relaxed) == 0)
            return false;
        return atomic_exchange(&b->open, 0) != 0;
    }
    /* The next probe is due BREAKER_PROBE_MS after the failure was seen, not after it began. */
    atomic_store(&b->next_probe_ms, clock_monotonic_ms(clock) + BREAKER_PROBE_MS);
    if (atomic_exchange(&b->open, 1) != 0)
        return false;
    atomic_store_explicit(&b->opened_us, clock_now_us(clock), memory_order_relaxed);
    return true;
}
