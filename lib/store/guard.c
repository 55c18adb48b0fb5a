#include "store/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "store/breaker.h"

#define FINDINGS_TRUSTED_US (60 * US_PER_S)
#define EXAMINE_AGAIN_MS    1000
#define HEALTH_AGAIN_MS     1000
#define GAUGES_TIMEOUT_MS   250
#define SELF_TEST_AGAIN_US  (60 * US_PER_S)
#define COMPLAIN_AGAIN_US   (10 * US_PER_S)
/* Advice to a sender while the store is away. */
#define AWAY_RETRY_US (2 * US_PER_S)
#define ADDRESS_MAX   256

struct guard {
    struct store *store;
    enum config_durability durability;
    struct state_shared *shared;
    struct state *state;
    struct log *log;
    const struct clock *clock;
    char address[ADDRESS_MAX];         /* for messages */
    char digest[2 * SHA256_BYTES + 1]; /* of the whole address: whose findings are ours */
    struct store_provider provider[CONFIG_PROVIDERS_MAX];
    size_t nproviders;
    bool examined;        /* findings hold for the run that answers on our connection */
    bool undecided;       /* the self-test could not be done, through no fault that it looks for */
    bool check_run;       /* a new connection was made since */
    unsigned connections; /* of the store, when that was last looked at */
    int64_t examine_again_ms; /* after a self-test that failed */
};

struct guard *guard_new(struct store *store, const char *url, enum config_durability durability,
                        struct state *state, struct log *log, const struct clock *clock)
{
    struct guard *g = calloc(1, sizeof *g);
    struct slice whole = slice_of(url);
    uint8_t digest[SHA256_BYTES];

    if (g == NULL || !sha256(&whole, 1, digest)) {
        store_free(store);
        free(g);
        return NULL;
    }
    g->store = store;
    g->durability = durability;
    g->state = state;
    g->shared = state_shared(state);
    g->log = log;
    g->clock = clock;
    store_address(url, g->address, sizeof g->address);
    hex_encode(digest, sizeof digest, g->digest);
    return g;
}

void guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    store_free(g->store);
    free(g);
}

void guard_providers(struct guard *g, const struct store_provider *p, size_t n)
{
    g->nproviders = n < CONFIG_PROVIDERS_MAX ? n : CONFIG_PROVIDERS_MAX;
    memcpy(g->provider, p, g->nproviders * sizeof *p);
}

static int64_t now_ms(const struct guard *g)
{
    return clock_monotonic_ms(g->clock);
}

/* --- the breaker ------------------------------------------------------------------------------ */

static void report(struct guard *g, bool reached, const char *why)
{
    if (!breaker_report(&g->shared->breaker, reached, g->clock))
        return;
    state_stands(g->state, reached, clock_now_us(g->clock));
    if (reached)
        log_say(g->log, LOG_LEVEL_NOTICE, "the store %s answers again", g->address);
    else
        log_say(g->log, LOG_LEVEL_ERROR,
                "the store %s cannot be used, no webhook is stored until it can: %s; is it "
                "running, and may this user reach it?",
                g->address, why);
}

/* Until when the store may be used now, at the latest at deadline_ms; -1: not at all. The caller
 * whose turn it is to probe does so with what it wanted to ask anyway, but waits less long; it
 * reports. */
static int64_t admitted_until(const struct guard *g, int64_t deadline_ms)
{
    int64_t now = now_ms(g), probe_ms = now + BREAKER_PROBE_TIMEOUT_MS;

    switch (breaker_ask(&g->shared->breaker, now)) {
    case BREAKER_CLOSED:
        return deadline_ms;
    case BREAKER_PROBE:
        return deadline_ms < probe_ms ? deadline_ms : probe_ms;
    case BREAKER_OPEN:
        break;
    }
    return -1;
}

/* --- the examination -------------------------------------------------------------------------- */

/* Findings of our store, for that run of it (NULL: whichever). They are being written while
 * checked_us is 0, and were while it was read if it is another one afterwards. */
static bool findings_are_ours(const struct guard *g, const char *run_id)
{
    const struct state_findings *f = &g->shared->findings;
    int64_t checked_us = atomic_load(&f->checked_us);
    bool ours = checked_us != 0 && strcmp(f->store, g->digest) == 0 &&
                (run_id == NULL || (run_id[0] != '\0' && strcmp(f->run_id, run_id) == 0));

    return ours && atomic_load(&f->checked_us) == checked_us;
}

static bool findings_are_good(const struct guard *g, const char *run_id)
{
    return findings_are_ours(g, run_id) && atomic_load(&g->shared->findings.self_test) == 1;
}

/* 1: as durable as believed or more; 0: less; -1: cannot be seen. */
static int compare_durability(const struct guard *g, int durable)
{
    static const int demanded[] = {
        [DURABILITY_ALWAYS] = 2, [DURABILITY_EVERYSEC] = 1, [DURABILITY_NONE] = 0};

    return durable < 0 ? -1 : durable >= demanded[g->durability];
}

static void tell_findings(const struct guard *g, const struct store_findings *f)
{
    int durable = compare_durability(g, f->durable);

    if (f->self_test < 0)
        log_rarely(g->log, LOG_LEVEL_WARNING, "self_test_later", SELF_TEST_AGAIN_US,
                   "the self-test of the store %s could not be done yet: %s", g->address,
                   f->problem.text);
    if (f->self_test == 0) {
        log_rarely(g->log, LOG_LEVEL_ERROR, "self_test", SELF_TEST_AGAIN_US,
                   "the store %s failed the self-test, no webhook is stored: %s", g->address,
                   f->problem.text);
        return;
    }
    if (durable == 0)
        log_say(
            g->log, LOG_LEVEL_WARNING,
            "the store %s is less durable than [server] durability says; what is acknowledged may "
            "be lost: %s",
            g->address, f->durability.text);
    else if (durable < 0)
        log_say(g->log, LOG_LEVEL_WARNING, "the durability of the store %s cannot be seen: %s",
                g->address, f->durability.text);
    if (f->evicting == 1)
        log_say(g->log, LOG_LEVEL_ERROR,
                "the store %s may evict keys, and with them idempotency keys and events: set "
                "maxmemory-policy noeviction",
                g->address);
}

/* The run that answers on our connection. False when none does. */
static bool ask_run(struct guard *g, int64_t deadline_ms, char run_id[static 48])
{
    struct fail why = {""};

    if (!store_run_id(g->store, deadline_ms, run_id, &why)) {
        report(g, false, why.text); /* the breaker says when to ask again */
        return false;
    }
    report(g, true, "");
    g->check_run = false;
    g->connections = g->store->connections;
    return true;
}

static int examine_run(struct guard *g, int64_t deadline_ms, const char *run_id)
{
    struct store_findings f;

    store_examine(g->store, g->provider, g->nproviders, deadline_ms, &f);
    state_set_findings(g->state, g->digest, run_id, f.self_test, f.durable, f.evicting,
                       clock_now_us(g->clock));
    tell_findings(g, &f);
    g->examined = f.self_test == 1;
    g->undecided = f.self_test < 0;
    if (!g->examined)
        g->examine_again_ms = now_ms(g) + EXAMINE_AGAIN_MS;
    return f.self_test != 0;
}

int guard_examine(struct guard *g, int64_t deadline_ms)
{
    char run_id[48];
    int result;

    g->store->thorough = true;
    result = ask_run(g, deadline_ms, run_id) ? examine_run(g, deadline_ms, run_id) : -1;
    g->store->thorough = false;
    return result;
}

/* Makes sure that the store has passed its self-test, as cheaply as that can be known. Returns what
 * guard_examine does. */
static int ensure_examined(struct guard *g, int64_t deadline_ms)
{
    int64_t age_us = clock_now_us(g->clock) - atomic_load(&g->shared->findings.checked_us);
    char run_id[48];

    if (g->examined && !g->check_run)
        return 1;
    if (!g->check_run && findings_are_good(g, NULL) && age_us >= 0 &&
        age_us < FINDINGS_TRUSTED_US) {
        g->examined = true;
        return 1;
    }
    if (now_ms(g) < g->examine_again_ms)
        return g->undecided;
    if (!ask_run(g, deadline_ms, run_id))
        return -1;
    if (!findings_are_good(g, run_id))
        return examine_run(g, deadline_ms, run_id);
    state_set_findings(g->state, g->digest, run_id, 1, atomic_load(&g->shared->findings.durable),
                       atomic_load(&g->shared->findings.evicting), clock_now_us(g->clock));
    g->examined = true;
    return 1;
}

/* --- use -------------------------------------------------------------------------------------- */

static void refuse_all(const struct store_batch *batch, struct store_result *result,
                       const char *word)
{
    for (size_t i = 0; i < batch->n; i++)
        result[i] = (struct store_result){
            .code = STORE_UNAVAILABLE, .retry_after_us = AWAY_RETRY_US, .word = word};
}

/* What the operator can do about the words of an unavailable store. `away`: it answered nobody, not
 * even for what it knows, which is what the breaker is for. */
static const struct trouble {
    const char *word;
    bool away;
    const char *remedy;
} troubles[] = {
    {"store_timeout", true, "is it overloaded, or its disk too slow?"},
    {"store_unreachable", true, "is it running, and may this user reach it?"},
    {"store_loading", true, "it reads its files after a start; wait"},
    {"store_busy", true,
     "a script blocks it, too many clients are connected (maxclients), or another program holds "
     "the "
     "lock of its file (SQLite)"},
    {"store_read_only", false,
     "it is a replica: point [server] store at the master; or its file is not writable (SQLite)"},
    {"store_full", false,
     "raise maxmemory (SQLite: make room on the disk), or consume and trim the hand-off streams"},
    {"store_disk", false, "it cannot write its files: look at its disk and log"},
    {"store_replicas", false,
     "fewer replicas hold it than [server] min_replicas or Redis's min-replicas-to-write ask for"},
    {"store_moving", false, "the slot of this provider moves to another node; wait"},
    {"store_closed", false,
     "name the store to which it was copied in [server] store, or open this one again with "
     "`guichet "
     "store open`"},
    {"store_config", false,
     "see to user and password in [server] store, and to the user's ACL in Redis; to owner and "
     "mode "
     "of SQLite's file and folder"},
    {"backlog_full", false,
     "the consumer of the hand-off stream is behind, or backlog_limit too low"},
    {"quarantine_full", false,
     "look through the quarantine and clear it, or raise quarantine_limit"},
};

static const struct trouble *find_trouble(const struct store_result *r)
{
    static const struct trouble other = {"unavailable", false, ""};

    for (size_t i = 0; r->word != NULL && i < sizeof troubles / sizeof troubles[0]; i++) {
        if (strcmp(r->word, troubles[i].word) == 0)
            return &troubles[i];
    }
    return &other;
}

/* Tells the operator of the members that were unavailable, and the breaker whether the store was
 * there. */
static void learn(struct guard *g, const struct store_batch *batch,
                  const struct store_result *result)
{
    const struct store_result *away = NULL;

    for (size_t i = 0; i < batch->n; i++) {
        const struct trouble *t = find_trouble(&result[i]);
        if (result[i].code != STORE_UNAVAILABLE)
            continue;
        if (t->away)
            away = &result[i];
        log_rarely(g->log, LOG_LEVEL_ERROR, t->word, COMPLAIN_AGAIN_US,
                   "%s: webhooks are not stored: %s (%s); %s", batch->provider->name,
                   result[i].word, result[i].reason, t->remedy);
    }
    report(g, away == NULL, away != NULL ? away->reason : "");
}

void guard_commit(struct guard *g, const struct store_batch *batch, struct store_result *result)
{
    struct store_batch admitted = *batch;
    int64_t started_us;
    int ready;

    admitted.deadline_ms = admitted_until(g, batch->deadline_ms);
    if (admitted.deadline_ms < 0) {
        refuse_all(batch, result, "breaker_open");
        return;
    }
    ready = ensure_examined(g, admitted.deadline_ms);
    /* A self-test that only had a probe's time says nothing of one that has its own. */
    if (g->undecided && admitted.deadline_ms < batch->deadline_ms &&
        now_ms(g) >= admitted.deadline_ms)
        g->examine_again_ms = 0;
    if (ready != 1) {
        refuse_all(batch, result, ready == 0 ? "self_test" : "store_unreachable");
        return;
    }
    started_us = clock_monotonic_us(g->clock);
    store_commit(g->store, &admitted, result);
    state_observe(&g->shared->store, clock_monotonic_us(g->clock) - started_us);
    learn(g, batch, result);
    if (g->store->connections != g->connections) {
        g->check_run = g->connections != 0;
        g->connections = g->store->connections;
    }
}

bool guard_up(struct guard *g)
{
    struct state_shared *s = g->shared;
    int64_t asked_ms = atomic_load(&s->health_asked_ms), now = now_ms(g);
    struct fail why = {""};
    bool up;

    if (asked_ms != 0 && now - asked_ms < HEALTH_AGAIN_MS)
        return atomic_load(&s->health_up) == 1;
    if (!atomic_compare_exchange_strong(&s->health_asked_ms, &asked_ms, now))
        return atomic_load(&s->health_up) == 1; /* another one is asking */
    up = store_probe(g->store, BREAKER_PROBE_TIMEOUT_MS, &why);
    if (up || atomic_load(&s->breaker.open) != 0)
        report(g, up, why.text);
    if (up && findings_are_ours(g, NULL) && atomic_load(&s->findings.self_test) == 0)
        up = ensure_examined(g, now + BREAKER_PROBE_TIMEOUT_MS * 4) == 1;
    atomic_store(&s->health_up, up ? 1 : 0);
    state_stands(g->state, up, clock_now_us(g->clock));
    return up;
}

bool guard_gauges(struct guard *g, const struct store_provider *p, struct store_gauges *out)
{
    int64_t deadline_ms = admitted_until(g, now_ms(g) + GAUGES_TIMEOUT_MS);
    bool told = deadline_ms >= 0 && store_read_gauges(g->store, p, deadline_ms, out);

    if (told)
        report(g, true, "");
    return told;
}

int guard_durable(const struct guard *g)
{
    if (!findings_are_ours(g, NULL))
        return -1;
    return compare_durability(g, atomic_load(&g->shared->findings.durable));
}

struct store *guard_store(struct guard *g)
{
    return atomic_load(&g->shared->breaker.open) == 0 ? g->store : NULL;
}
