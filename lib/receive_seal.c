#include "receive_work.h"

#include "base/codec.h"
#include "store/seal_make.h"

#define EVERY_MS   60000
#define HOLD_MS    10000
#define FRESH_US   (45 * US_PER_S) /* a seal of another process is as good as ours */
#define TIMEOUT_MS 100             /* of one operation: requests may stand behind it */
#define ARENA_MAX  (16u << 20)
#define GAUGE_MS   250

static struct journal journal_of(struct receiver *r, struct store *store, const struct mount *m)
{
    arena_reset(r->seal_arena);
    return (struct journal){store, m->config->name, r->seal_arena, TIMEOUT_MS};
}

/* One seal under the lease. True: there may be more to seal at once. */
static bool seal_one(struct receiver *r, struct store *store, const struct mount *m,
                     struct fail *why)
{
    struct journal j = journal_of(r, store, m);
    char holder[2 * sizeof r->nonce_base + 1];
    int64_t now_us = clock_now_us(r->service.clock), age_us;
    struct seal_note note;
    enum seal_made made;
    bool held;

    hex_encode(r->nonce_base, sizeof r->nonce_base, holder);
    if (!r->sealing &&
        (!seal_make_age(&j, now_us, &age_us, why) || (age_us >= 0 && age_us < FRESH_US)))
        return false;
    if (!journal_lease(&j, SEAL_LEASE, holder, HOLD_MS, &held, why) || !held)
        return false;
    made = seal_make(&j, &r->ring, m->config->audit_limit, now_us, &note, why);
    if (made == SEAL_MADE_ONE || made == SEAL_MADE_FULL)
        log_rarely(r->service.log, LOG_LEVEL_NOTICE, m->config->name, 3600 * US_PER_S,
                   "the audit of %s is sealed: %lld:%s", m->config->name, (long long)note.number,
                   note.mac);
    if (made == SEAL_MADE_FULL || made == SEAL_MADE_RACED)
        return true;
    if (made != SEAL_MADE_FAILED)
        (void)journal_release(&j, SEAL_LEASE, holder, why);
    return false;
}

bool receiver_seal(struct receiver *r)
{
    int64_t now_ms = clock_monotonic_ms(r->service.clock);
    struct store *store;
    struct fail why = {""};

    if (r->ring.n == 0 || now_ms < r->seal_again_ms)
        return false;
    store = guard_store(r->guard);
    if (r->seal_arena == NULL)
        r->seal_arena = arena_new(ARENA_MAX);
    while (store != NULL && r->seal_arena != NULL && r->seal_at < r->service.config->nproviders) {
        const struct mount *m = &r->mount[r->seal_at];
        r->sealing = m->verifier != NULL && seal_one(r, store, m, &why);
        if (r->sealing)
            return true;
        if (why.text[0] != '\0')
            break;
        r->seal_at++;
    }
    if (why.text[0] != '\0')
        log_rarely(r->service.log, LOG_LEVEL_WARNING, "seal", 600 * US_PER_S,
                   "the audit is not sealed: %s", why.text);
    r->seal_at = 0;
    r->seal_again_ms = now_ms + EVERY_MS;
    return false;
}

int64_t seal_gauge(struct receiver *r, const struct mount *m, struct arena *arena)
{
    struct store *store = r->ring.n > 0 ? guard_store(r->guard) : NULL;
    struct journal j = {store, m->config->name, arena, GAUGE_MS};
    struct fail why;
    int64_t unsealed;

    return store != NULL && seal_unsealed(&j, &unsealed, &why) ? unsealed : -1;
}
