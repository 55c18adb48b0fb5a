#include "observe/state.h"

/* Counters are only added to and only read as numbers of their own, so no order is asked for. */
static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void state_count(struct state_provider *p, unsigned type, enum outcome o)
{
    if (p != NULL && type < STATE_TYPES_MAX && (unsigned)o < OUTCOME_COUNT)
        add(&p->webhooks[type][o], 1);
}

size_t state_bucket(int64_t us)
{
    size_t i = 0;

    while (i < STATE_BUCKETS - 1 && us > state_bucket_us[i])
        i++;
    return i;
}

void state_observe(struct state_histogram *h, int64_t us)
{
    add(&h->bucket[state_bucket(us)], 1);
    add(&h->sum_us, us > 0 ? (uint64_t)us : 0);
}

/* Raises the time to now_us; a slower thread never sets it back. */
static void raise_to(_Atomic int64_t *at, int64_t now_us)
{
    int64_t old = atomic_load_explicit(at, memory_order_relaxed);

    while (old < now_us && !atomic_compare_exchange_weak_explicit(
                               at, &old, now_us, memory_order_relaxed, memory_order_relaxed))
        ;
}

/* The row of the fingerprint, taken if it has none: open addressing, where a free row ends the search,
 * for a row once taken is never free again. NULL when all are taken by others. */
static struct state_secret_use *find_use(struct state_secret_use *table, uint64_t fingerprint)
{
    for (size_t i = 0; i < STATE_FINGERPRINTS_MAX; i++) {
        struct state_secret_use *row = &table[(fingerprint + i) % STATE_FINGERPRINTS_MAX];
        uint64_t there = atomic_load(&row->fingerprint);
        if (there == 0 && atomic_compare_exchange_strong(&row->fingerprint, &there, fingerprint))
            return row;
        if (there == fingerprint) /* also when another was just faster with the same one */
            return row;
    }
    return NULL;
}

static struct state_secret_use *oldest_use(struct state_secret_use *table)
{
    struct state_secret_use *oldest = &table[0];

    for (size_t i = 1; i < STATE_FINGERPRINTS_MAX; i++)
        if (atomic_load(&table[i].last_used_us) < atomic_load(&oldest->last_used_us))
            oldest = &table[i];
    return oldest;
}

void state_secret_used(struct state *s, uint64_t fingerprint, int64_t now_us)
{
    struct state_secret_use *table = state_shared(s)->secret_use;
    struct state_secret_use *row = find_use(table, fingerprint);

    if (row == NULL) {
        row = oldest_use(table);
        atomic_store(&row->fingerprint, fingerprint);
    }
    raise_to(&row->last_used_us, now_us);
}

bool state_may_explain(struct state_provider *p, int64_t now_us, int64_t every_us)
{
    int64_t last_us = atomic_load(&p->explained_us);

    if (last_us != 0 && now_us >= last_us && now_us - last_us < every_us)
        return false;
    return atomic_compare_exchange_strong(&p->explained_us, &last_us, now_us);
}

void state_stands(struct state *s, bool up, int64_t now_us)
{
    _Atomic int64_t *standing = &state_shared(s)->standing;
    int64_t old = atomic_load(standing);

    if (old == 0 || (old & 1) != up)
        (void)atomic_compare_exchange_strong(standing, &old, now_us * 2 + up);
}
