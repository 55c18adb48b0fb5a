/* store: the one place where an event takes effect.
 *
 * store_commit applies a batch in one atomic step and one round trip: for each member the
 * idempotency key, the rate window, the changes, the entry on the hand-off stream and the audit
 * entry: all of them or none. Members run strictly in order: member k is checked completely, then
 * written, then k+1; one that is not accepted never ends the batch. Every back end passes
 * tests/unit/store_conformance.c, which is the long form of this text.
 *
 * Order of the checks of an event: its id is known (duplicate or conflict); the rate window; the
 * backlog; the changes themselves (types, sums). A duplicate, a conflict or a refused event
 * consumes no rate. All times of the answer are the store's own clock. */
#ifndef GUICHET_STORE_STORE_H
#define GUICHET_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/fail.h"
#include "base/slice.h"
#include "events/change.h"
#include "verify/mac.h"

#define STORE_BATCH_MAX       32      /* members */
#define STORE_BATCH_BYTES_MAX 1048576 /* of bodies, unless a single one is larger */
#define STORE_NONCE_BYTES     16
#define STORE_URL_MAX         1024

/* 1700-01-01. Stores compare stamps as doubles, which are exact from here on. */
#define STORE_STAMP_MIN_US (-INT64_C(8520336000000000))

/* An audit_limit that no audit reaches. */
#define STORE_AUDIT_ALL INT64_C(1000000000000)

/* The settings of a provider that the store enforces. A limit of 0 is none; an audit_limit of 0
 * keeps no audit entries. */
struct store_provider {
    const char *name;   /* names the keys: guichet:{name}:... */
    int64_t rate_count; /* never more than so many accepted in any rate_window_us; 0: no limit */
    int64_t rate_window_us;
    int64_t keep_ids_us;
    int64_t backlog_limit;    /* entries on the hand-off stream */
    int64_t quarantine_limit; /* entries; a new one beyond it makes its member unavailable */
    int64_t audit_limit;      /* entries, about: the oldest go */
    int64_t history_limit;    /* entries of each history, exactly: the oldest go */
    /* So many replicas of a Redis server must hold what is answered as done; with fewer it is
     * unavailable (store_replicas), and the retry waits for them anew. Stores without replicas
     * ignore it. */
    int64_t min_replicas;
};

enum store_kind {
    STORE_EVENT, /* an event with an id, handed off */
    STORE_MARK,  /* a ping: `id` (a hook) is marked dirty with the store's time; no id record, no
                    rate, no hand-off, no changes */
    STORE_NOTE   /* not an event: only its body is put in quarantine, with `reason` */
};

struct store_member {
    enum store_kind kind;
    struct slice id;   /* of an event or mark; of a note what is known, or empty */
    struct slice type; /* likewise */
    struct slice body; /* raw bytes */
    uint8_t body_sha256[SHA256_BYTES];
    uint8_t nonce[STORE_NONCE_BYTES]; /* of this HTTP request, the same on every retry */
    int64_t stamp_us; /* the event's own; one later than the store's now counts as now, one before
                           STORE_STAMP_MIN_US as that */
    const struct change *changes;
    size_t nchanges;
    bool exempt;         /* of an event: outside the rate window, neither refused by it nor in it */
    struct slice reason; /* of a note: a word; of an event: "", or a word for its audit entry */
    struct slice detail; /* of a note: what was wrong, for people */
};

enum store_code {
    STORE_ACCEPTED,    /* applied (a note: kept); also when this very request (nonce) was applied
                          before, then with the first time and without flags */
    STORE_DUPLICATE,   /* known id, same body: at_us is the first commit's */
    STORE_CONFLICT,    /* known id, another body: put in quarantine with reason `conflict` */
    STORE_LIMITED,     /* the window is full: retry_after_us */
    STORE_REFUSED,     /* the event cannot be applied (a sum passes 2^63-1): put in quarantine */
    STORE_UNAVAILABLE, /* not applied, or the outcome is unknown; `reason` says why */
    STORE_FAULT        /* our own error or a damaged store; nothing applied */
};

/* What is worth knowing about an accepted event. */
#define STORE_NO_EFFECT  1u  /* a create-once met its like */
#define STORE_MISMATCH   2u  /* a create-once met another content */
#define STORE_FUTURE     4u  /* the stamp lay after the store's now */
#define STORE_STALE      8u  /* a set-if-newer met a newer one */
#define STORE_CAPPED     16u /* a set-if-newer met group_max */
#define STORE_CLOCK_BACK 32u /* the store's clock had stepped back; the window was mended */

/* The word for the weightiest of them, for the audit line; NULL when there is none. */
const char *store_flag_word(unsigned flags);

#define STORE_ENTRY_ID_MAX 48
#define STORE_REASON_MAX   160

struct store_result {
    enum store_code code;
    int64_t at_us;          /* processed at */
    int64_t retry_after_us; /* LIMITED: exact; UNAVAILABLE: advice, 0 if none */
    unsigned flags;
    /* For audit and metrics, a literal; NULL when there is nothing to remark: store_timeout,
     * store_unreachable, store_loading, store_busy, store_read_only, store_full, store_disk,
     * store_replicas, store_moving, store_closed, store_config, backlog_full, quarantine_full (UNAVAILABLE); overflow,
     * conflict; wrong_type, bad_number, bad_record, bad_change, bad_reply,
     * script_error, store_damaged (FAULT); store_flag_word (ACCEPTED). */
    const char *word;
    char reason[STORE_REASON_MAX]; /* the store's own words, for the operator's log */
};

struct store_batch {
    const struct store_provider *provider;
    const struct store_member *member;
    size_t n;
    int64_t deadline_ms; /* CLOCK_MONOTONIC: no answer is later than this and the time of one system
                            call */
};

/* What the store says of itself, for metrics; -1: not known. */
struct store_gauges {
    int64_t rate_used;
    int64_t backlog_entries;
    int64_t quarantine_entries;
};

/* What start-up finds out. */
struct store_findings {
    int self_test; /* -1: could not be done now; 1: a commit with every verb worked on scratch keys of the provider's slot; 0:
                      not */
    int durable;   /* 2 always, 1 everysec, 0 less; -1: cannot be seen */
    int evicting;  /* 1: keys may be evicted; 0: not; -1: cannot be seen */
    char run_id[48];
    struct fail problem;    /* self_test == 0: cause and remedy */
    struct fail durability; /* in words: what it is set to and what would be right */
};

/* What an operator wants to know before trouble comes. */
struct store_facts {
    char run_id[48];     /* of the server's run, by which servers differ; "": it has none */
    char version[32];    /* of the server, "7.0.15"; "": not known */
    int64_t clock_us;    /* its clock; 0: not known, or it is this host's */
    int64_t memory_used; /* bytes; -1: not known */
    int64_t memory_max;  /* 0: no limit of its own; -1: not known */
    int64_t id_bytes;    /* that a remembered id takes, about; 0: not known */
};

struct store;

/* A back end. */
struct store_ops {
    void (*commit)(struct store *s, const struct store_batch *batch, struct store_result *result);
    /* Is it there and able to commit? Answers within timeout_ms. */
    bool (*probe)(struct store *s, int64_t timeout_ms, struct fail *why);
    bool (*gauges)(struct store *s, const struct store_provider *p, int64_t deadline_ms,
                   struct store_gauges *out);
    /* The id of the server's run, cheaply: "" if it has none. */
    bool (*run_id)(struct store *s, int64_t deadline_ms, char out[static 48], struct fail *why);
    void (*examine)(struct store *s, const struct store_provider *p, size_t n, int64_t deadline_ms,
                    struct store_findings *out);
    void (*free)(struct store *s);
    /* Of the server that has this provider's keys. NULL: nothing is known. */
    bool (*facts)(struct store *s, const char *provider, int64_t deadline_ms,
                  struct store_facts *out);
};

/* What a back end lets the operator's tool do (store/journal.h), workers (store/step.h), and who moves to
 * another store (store/transfer.h). */
struct journal_ops;
struct step_ops;
struct transfer_ops;

/* The first member of every back end's own struct. */
struct store {
    const struct store_ops *ops;
    const struct journal_ops *journal;   /* NULL: it cannot be looked at */
    const struct step_ops *step;         /* NULL: it takes no steps under a condition */
    const struct transfer_ops *transfer; /* NULL: it cannot be copied */
    unsigned connections; /* how often a connection was made: another run may answer on a new one */
    bool
        thorough; /* an examination may look for damage, too: the process stays; the guard sets it */
};

/* A store at that address; it is not contacted yet. Belongs to one thread. NULL when the address is
 * not one of unix://[user:password@]/path[?db=N], redis://[user:password@]host[:port][/db] (where a
 * node of a Redis Cluster may stand) and
 * sentinel://[user:password@]host[:port][,host[:port]...]/master[?db=N] and sqlite:///path, with
 * cause and remedy (never with the password). */
struct store *store_open(const char *url, const struct clock *clock, struct fail *why);
void store_free(struct store *s);

/* Fills result[i] for each member. A member that breaks the contract (no id, a change that no verb
 * has, a number that is none, a key that names the store's own) is STORE_FAULT, bad_change; the
 * others of its batch go on. */
void store_commit(struct store *s, const struct store_batch *batch, struct store_result *result);
bool store_probe(struct store *s, int64_t timeout_ms, struct fail *why);
bool store_read_gauges(struct store *s, const struct store_provider *p, int64_t deadline_ms,
                       struct store_gauges *out);
bool store_run_id(struct store *s, int64_t deadline_ms, char out[static 48], struct fail *why);
void store_examine(struct store *s, const struct store_provider *p, size_t n, int64_t deadline_ms,
                   struct store_findings *out);

/* False, and all not known, when the store gave no answer or has none. */
bool store_read_facts(struct store *s, const char *provider, int64_t deadline_ms,
                      struct store_facts *out);

/* The address without user and password, for messages. */
void store_address(const char *url, char *out, size_t room);

#endif
