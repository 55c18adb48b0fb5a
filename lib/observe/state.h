/* state: what the processes on one host share, in one mapped file.
 *
 * The file lies in the state folder, named state-<euid>-<layout>, mode 0600, mapped shared; counters
 * are 64-bit and only ever changed by atomic adds, so that they are right with many threads, with
 * many processes and with a process per request, and stay across restarts. <layout> is a digest of the
 * sizes and names that give the numbers their meaning: a build that counts other things uses another
 * file. A folder on a network file system is refused, for atomic adds do not cross hosts.
 *
 * Providers are given rows by name, first come; a row is never given back. What depends on the boot
 * (the breaker and what health and the glance asked, which keep monotonic time) is reset when the boot id has changed,
 * and by every state_open where no boot id can be read.
 *
 * Limits: a file that somebody cuts while it is mapped kills the processes that use it (SIGBUS); a
 * state is not to be used across fork, for the lock would be shared. */
#ifndef GUICHET_OBSERVE_STATE_H
#define GUICHET_OBSERVE_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/fail.h"

/* The outcome of a request; the names are state_outcome_name. */
enum outcome {
    OUTCOME_ACCEPTED,
    OUTCOME_DUPLICATE,
    OUTCOME_CONFLICT,
    OUTCOME_LIMITED,
    OUTCOME_INVALID,
    OUTCOME_UNAUTHORIZED,
    OUTCOME_REJECTED, /* 404 to 415: 403, 404, 405, 410, 411, 413, 415 and unreadable bodies */
    OUTCOME_UNAVAILABLE,
    OUTCOME_SPOOLED,
    OUTCOME_ERROR,
    OUTCOME_COUNT
};

/* Why a signature did not verify; the names are state_reason_name. */
enum signature_reason {
    SIGNATURE_OK,
    SIGNATURE_MISSING,
    SIGNATURE_MALFORMED,
    SIGNATURE_API_KEY,
    SIGNATURE_MISMATCH,
    SIGNATURE_STALE,
    SIGNATURE_DOUBLED,
    SIGNATURE_REASON_COUNT
};

#define STATE_PROVIDERS_MAX    64
#define STATE_TYPES_MAX        32 /* names of the event table, then `other`, then `none` */
#define STATE_SECRETS_MAX      64
#define STATE_FINGERPRINTS_MAX 256

/* A latency histogram: bucket i counts observations of at most state_bucket_us[i] µs and more than
 * the one before; the last one counts the rest. */
#define STATE_BUCKETS 16
extern const int64_t state_bucket_us[STATE_BUCKETS - 1];

struct state_histogram {
    _Atomic uint64_t bucket[STATE_BUCKETS];
    _Atomic uint64_t sum_us;
};

struct state_provider {
    char name[40]; /* "" while the row is free; set once, under the file's lock */
    _Atomic uint64_t webhooks[STATE_TYPES_MAX][OUTCOME_COUNT];
    _Atomic uint64_t signature_failures[SIGNATURE_REASON_COUNT];
    _Atomic uint64_t secret_used[STATE_SECRETS_MAX]; /* by position in the configuration */
    _Atomic int64_t last_accepted_us;                /* 0: never */
    struct state_histogram request;
    /* For the log's flood protection: refused lines in the second that is counted. */
    _Atomic int64_t refused_second;
    _Atomic uint64_t refused_lines;
    _Atomic int64_t explained_us; /* when a signature that failed was last looked into */
};

/* What start-up found out about the store; valid for the server run named by run_id. While somebody
 * writes, checked_us is 0; so who reads the texts reads it before and after, and believes them when it
 * was the same and not 0. */
struct state_findings {
    _Atomic int64_t checked_us; /* 0: never */
    _Atomic int32_t self_test;  /* 1 passed, 0 failed, -1 not known */
    _Atomic int32_t durable;    /* 2 always, 1 everysec, 0 less, -1 cannot be seen */
    _Atomic int32_t evicting;   /* 1: it may evict keys, 0: not, -1 cannot be seen */
    char run_id[48];            /* written under the file's lock */
    char store[72]; /* hex SHA-256 of the store's address: findings of another do not count */
};

/* The circuit breaker over the store (store/breaker.h). */
struct state_breaker {
    _Atomic int32_t open;
    _Atomic int64_t opened_us;     /* calendar time, for people */
    _Atomic int64_t next_probe_ms; /* monotonic */
};

/* The last day, minute by minute (observe/state_day.h), of all providers together. Each number carries
 * the minute that it belongs to: (minutes since 1970) << 32 | count. So nobody clears a slot that is
 * used again after a day, which a process might be killed in the middle of. */
#define STATE_DAY_MINUTES 1440

struct state_minute {
    _Atomic uint64_t webhooks[OUTCOME_COUNT];
    _Atomic uint64_t request[STATE_BUCKETS]; /* as state_histogram's */
};

/* What people are shown of the store and the spool: asked anew at most once a second per host, by one at
 * a time. Numbers are one more than what was found; 0: not known. */
struct state_glance {
    _Atomic int64_t asked_ms; /* monotonic; 0: never */
    _Atomic uint64_t spool_entries;
    _Atomic uint64_t spool_oldest_us; /* when the oldest was received */
    struct {
        _Atomic uint64_t rate_used, backlog_entries, quarantine_entries;
    } provider[STATE_PROVIDERS_MAX]; /* by row */
};

struct state_secret_use {
    _Atomic uint64_t fingerprint; /* 0: free */
    _Atomic int64_t last_used_us;
};

/* The whole file. */
struct state_shared {
    char magic[16];
    char boot_id[40];
    _Atomic int64_t created_us;
    struct state_provider provider[STATE_PROVIDERS_MAX];
    struct state_histogram store; /* round trips */
    struct state_breaker breaker;
    struct state_findings findings;
    struct state_secret_use secret_use[STATE_FINGERPRINTS_MAX];
    _Atomic int64_t health_asked_ms; /* monotonic: when health last asked the store */
    _Atomic int32_t health_up;       /* what it answered */
    /* Since when the store is up or away, as far as anybody looked: (calendar time, µs) * 2 + up; 0: not
     * known since the boot. */
    _Atomic int64_t standing;
    struct state_glance glance;
    struct state_minute day[STATE_DAY_MINUTES];
};

struct state;

/* Opens (and on first use makes) the state file in dir; makes dir itself (0700) when its parent
 * exists. `types` are the names of the event types, at most STATE_TYPES_MAX - 2, in the order in which
 * they are counted; `other` and `none` follow them; the names must outlive the state. NULL on failure,
 * with cause and remedy (see state_file.h for what is refused). */
struct state *state_open(const char *dir, const char *const *types, size_t ntypes,
                         struct fail *why);
/* What tells the layout of such a file, the end of its name. */
uint64_t state_layout(const char *const *types, size_t ntypes);
/* A state that no other process shares, for tests and for `--check`. NULL when memory is short. */
struct state *state_private(const char *const *types, size_t ntypes);
/* Frees the state; what was counted stays in the file. NULL is legal. */
void state_close(struct state *s);

struct state_shared *state_shared(struct state *s);

/* The row of the provider, made when it is new; NULL when all rows are taken or the name is longer than
 * a row's. The row is valid until state_close. */
struct state_provider *state_provider(struct state *s, const char *name);

/* The column of an event type's name: its place in `types`, else that of `other`. */
unsigned state_type(const struct state *s, const char *name, size_t n);
unsigned state_type_none(const struct state *s);
size_t state_type_count(const struct state *s); /* `other` and `none` included */
const char *state_type_name(const struct state *s, unsigned type);

const char *state_outcome_name(enum outcome o);
const char *state_reason_name(enum signature_reason r);

/* One more request of that type and outcome. p may be NULL: then nothing is counted. */
void state_count(struct state_provider *p, unsigned type, enum outcome o);
/* The bucket of an observation. */
size_t state_bucket(int64_t us);
/* One more observation; less than 0 counts as 0. */
void state_observe(struct state_histogram *h, int64_t us);

/* Whether it is time to look into another signature that failed: true for one caller in every_us, over
 * all processes. */
bool state_may_explain(struct state_provider *p, int64_t now_us, int64_t every_us);

/* Remembers that the secret with this fingerprint (never 0) verified something at now_us. When the table
 * is full, the secret that was not used for the longest time is forgotten. */
void state_secret_used(struct state *s, uint64_t fingerprint, int64_t now_us);

/* Notes that the store was found up or away at now_us; only a change is written. */
void state_stands(struct state *s, bool up, int64_t now_us);

/* Sets the findings for a run of a store. Texts that are too long are cut. */
void state_set_findings(struct state *s, const char *store_digest, const char *run_id,
                        int self_test, int durable, int evicting, int64_t now_us);

#endif
