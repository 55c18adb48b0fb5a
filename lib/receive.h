/* receive: from requests to answers, in the order of the contract's table, and nothing else.
 *
 *     route -> method -> https -> media type -> body -> verify -> event -> commit -> answer
 *                                                                        |
 *                                                    the store is away: spool -> answer
 *
 * Everything decided about a request is a function of its bytes and variables, the configuration, the
 * clock and the store, all of which are arguments: the whole program runs in a unit test. */
#ifndef GUICHET_RECEIVE_H
#define GUICHET_RECEIVE_H

#include "base/arena.h"
#include "base/clock.h"
#include "config/config.h"
#include "http/request.h"
#include "http/response.h"
#include "observe/log.h"
#include "observe/state.h"
#include "pages/status.h"
#include "spool/spool.h"
#include "store/guard.h"
#include "store/journal.h"

/* What all workers of a process share; read-only but for what `state` and the logs keep themselves. */
struct service {
    const struct config *config;
    char *const *environment; /* where env: secrets are looked up */
    struct state *state;
    struct log *log;
    struct log *audit;
    const struct clock *clock;
    struct spool *spool; /* NULL: none; [server] when_store_down says whether it is added to */
};

/* What the store is to know of a provider. */
struct store_provider receiver_store_provider(const struct config *c,
                                              const struct config_provider *p);

/* What one worker needs: verifiers, its store, room for a batch. Belongs to one thread. */
struct receiver;

/* Takes over `store`. NULL with cause and remedy when a provider's settings are not sound. */
struct receiver *receiver_new(const struct service *service, struct store *store, struct fail *why);
void receiver_free(struct receiver *r);

/* Examines the store (store/guard.h); what it finds is in the log. For a long-running process, at its
 * start; a CGI process leaves it out, so that a request that is refused costs no round trip. */
void receiver_start(struct receiver *r);

/* One request and its answer. The transport owns all of it; `arena` holds what belongs to the request
 * and is reset by the transport after the answer was sent. */
struct exchange {
    struct request request;
    struct response response;
    struct arena *arena;
};

/* A batch costs the store little less for each event beyond eight of them; but while it is under way, those
 * who wait for its answers send nothing. So it is not as large as it could be: other batches are read and
 * answered meanwhile. */
#define RECEIVE_BATCH_MAX 16

/* Answers n requests (at most RECEIVE_BATCH_MAX) whose bodies were read: those to one provider are
 * committed together. When it returns every response is filled, and what was decided is counted and in
 * the audit: so a scrape that follows an answer always shows it. */
void receive_batch(struct receiver *r, struct exchange *const x[], size_t n);

/* Commits a slice of what waits in the spool, at most one batch of each provider, in the order of
 * arrival; to be called when answers were sent, and about every RECEIVE_IDLE_MS when there is nothing
 * else to do. It does nothing, and costs about a system call, when nothing waits, when another thread or
 * process is at it, or when the store was away a moment ago. True: there is more to do at once.
 *
 * New events do not wait for the spool: they carry their own time, and a late one overwrites nothing.
 * Only one whose id waits there is answered from there. */
#define RECEIVE_IDLE_MS 1000
bool receiver_drain(struct receiver *r);

/* Looks into a signature that did not verify, if one was kept, and says in the log which mistake the
 * sender made (verify/diagnose.h); to be called when answers were sent, for it changes none. At most one
 * of a provider in RECEIVE_EXPLAIN_US over all processes, of bodies up to RECEIVE_EXPLAIN_BODY_MAX. */
#define RECEIVE_EXPLAIN_US       (10 * US_PER_S)
#define RECEIVE_EXPLAIN_BODY_MAX 65536
void receiver_explain(struct receiver *r);

/* What a host's state is, as /status shows it: the store and the spool are asked at most once a second per
 * host. */
void receiver_look(struct receiver *r, struct status_input *in);

/* Where the audit is sealed ([server] audit_key): one seal of what came since the newest, about once a
 * minute over all processes; to be called as receiver_drain is. It costs nothing in between. Never
 * while the breaker is open. True: there is more to seal at once. */
bool receiver_seal(struct receiver *r);

/* One slice at once, for whoever wants to know what became of it; there is a spool. */
enum drain_state {
    DRAIN_DONE, /* nothing waits */
    DRAIN_MORE,
    DRAIN_BUSY, /* another one is at it, or the folder cannot be read now; nothing was counted */
    DRAIN_AWAY, /* the store is */
    DRAIN_STUCK /* what is left cannot be committed now: its provider is not mounted, the backlog or
                   the quarantine is full */
};
struct drain_tally {
    size_t committed, quarantined;
    size_t set_aside; /* damaged */
    size_t left;
};
enum drain_state receiver_drain_slice(struct receiver *r, struct drain_tally *t);

/* --- the quarantine ------------------------------------------------------------------------------ */

enum requeue_code {
    REQUEUE_DONE,  /* it is applied and out of the quarantine; with dry_run: it would be tried */
    REQUEUE_KNOWN, /* the same event had been accepted before; out of the quarantine */
    REQUEUE_STAYS, /* it does not pass, or there is no way to apply it: reason, detail */
    REQUEUE_AWAY   /* the store gave no answer: again later */
};

struct requeued {
    enum requeue_code code;
    bool by_another; /* another one had just taken it out */
    int64_t at_us;   /* when it was applied */
    char reason[STORE_REASON_MAX];
    char detail[FAIL_TEXT_MAX];
};

/* Lets an entry of the quarantine in again, as far as code and configuration let it pass now: digest,
 * envelope and schema are judged anew, `max_age` by the time at which it arrived, which is also the
 * stamp of what has none. (The signature was verified before it was kept, and is not kept.) It is
 * committed outside the rate window, with `requeued` in its audit entry, under a nonce made of the
 * entry's id; then the entry is removed. So it is applied once whatever is killed in between, and
 * however many do so at once, within keep_ids. The entry was read by j, of a mounted provider. False
 * with REQUEUE_AWAY and why. */
bool receiver_requeue(struct receiver *r, const struct journal *j, const struct journal_entry *e,
                      bool dry_run, struct requeued *out, struct fail *why);

#endif
