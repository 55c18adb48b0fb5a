/* receive_work: what the parts of receive share; private to lib/receive*.c. */
#ifndef GUICHET_RECEIVE_WORK_H
#define GUICHET_RECEIVE_WORK_H

#include "events/event.h"
#include "http/problem.h"
#include "http/route.h"
#include "receive.h"
#include "spool/spool.h"
#include "store/seal.h"
#include "verify/secret.h"
#include "verify/verify.h"

/* A mounted provider, as one worker holds it. */
struct mount {
    const struct config_provider *config;
    const struct scheme *scheme;
    struct verifier *verifier;
    struct store_provider store;
    struct state_provider *row; /* NULL: the state file has no room for it, it is not counted */
    bool record_unknown;
    uint8_t read_token[SECRETS_LIVE_MAX][SHA256_BYTES]; /* digests */
    size_t nread_tokens;
};

struct receiver {
    struct service service;
    struct guard *guard;
    struct mount mount[CONFIG_PROVIDERS_MAX]; /* as config->provider */
    struct secret_text token;                 /* of /api/metrics */
    bool has_token;
    uint8_t nonce_base[STORE_NONCE_BYTES / 2];
    uint64_t nonce_count;
    struct buf audit_lines;    /* of the batch at hand */
    struct arena *drain_arena; /* NULL until it is needed */
    int64_t drain_again_ms;    /* monotonic: not before */
    struct puzzle *puzzle;     /* a refused request to be explained, or NULL */
    struct seal_ring ring;     /* empty: the audit is not sealed */
    struct arena *seal_arena;  /* NULL until it is needed */
    int64_t seal_again_ms;     /* monotonic: not before */
    size_t seal_at;            /* the mount that is at it */
    bool sealing;              /* more of it is to be sealed */
};

/* One exchange on its way through the steps. */
struct work {
    struct exchange *x;
    struct mount *mount; /* NULL: the path is no provider's */
    struct route route;
    struct slice remote;
    enum outcome outcome;
    const char *reason;  /* for audit and log, never for the sender */
    struct slice detail; /* likewise */
    struct verified verified;
    struct event_source source;
    struct event event;
    bool commits; /* member is to be committed */
    struct store_member member;
    struct store_result result;
    bool spooled;         /* it waits in the spool */
    bool spool_conflicts; /* another body waits there under its id: the member is a note of that */
};

/* receive_event.c: what an event is made of, when it arrives and when it comes out of the spool. */

/* The source of a provider's events; the slices are what headers told, or empty. */
struct event_source event_source_of(const struct mount *m, struct slice id, struct slice type,
                                    int64_t arrived_us);
/* Without nonce and digest. An EVENT_INVALID one becomes a note for the quarantine. */
struct store_member event_member(const struct mount *m, const struct event *e,
                                 enum event_status status, struct slice body);

/* EVENT_INVALID, with its reason, for what the provider's settings do not let in. */
enum event_status event_judge(const struct mount *m, struct event *e, enum event_status status,
                              int64_t arrived_us);

/* receive_again.c: an event that was kept, in the spool or in quarantine, on its way to the store: the
 * same that its request was, as the code and the configuration are now, and outside the rate window. */
struct again {
    struct slice id, type; /* what headers told, or empty */
    struct slice body;
    uint8_t body_sha256[SHA256_BYTES];
    uint8_t nonce[STORE_NONCE_BYTES];
    int64_t arrived_us;
    bool judged; /* event_judge applies; not to what was acknowledged already */
};
enum event_status again_read(const struct mount *m, const struct again *a, struct arena *arena,
                             struct event *e, struct store_member *out);
void again_commit(struct receiver *r, const struct mount *m, const struct store_member *member,
                  size_t n, struct store_result *result);

/* receive_spool.c: the way of an event while the store is away. */

/* Before the commit: those whose ids wait in the spool already. The same event is answered; another
 * body becomes a note of the conflict. */
void spool_answer_known(struct receiver *r, struct work *work, size_t n);
/* After the commit: those for which the store was away are spooled, as far as that is configured. */
void spool_instead(struct receiver *r, struct work *const who[], size_t n);

/* receive_explain.c: signatures that do not verify. */

/* Keeps what it takes to explain why the request is not authentic, if it is time for that. */
void explain_later(struct receiver *r, const struct work *w);
void explain_never(struct receiver *r); /* forgets it; at the end */

/* receive_answer.c: the answers, one function an outcome; each sets the response and w->outcome. */

/* An error of the table of problems; reason and detail are the row's own where they are NULL. */
void answer_problem(struct work *w, enum problem_id id, const char *reason, const char *detail);
/* 401, the same for every reason. */
void answer_unauthorized(struct work *w, const char *reason);
/* The same for who does not show the token: of /api/metrics, or to read (PROBLEM_READ_TOKEN). */
void answer_no_token(struct work *w, enum problem_id id);
/* After the commit: by w->result, or w->spooled. */
void answer_result(struct work *w);

/* receive_seal.c: how many entries of the audit no seal covers yet; -1: not known, or none is sealed. */
int64_t seal_gauge(struct receiver *r, const struct mount *m, struct arena *arena);

/* receive_endpoint.c: what is not a webhook. */
void endpoint_metrics(struct receiver *r, struct work *w);
void endpoint_health(struct receiver *r, struct work *w);
/* Digest of the token that the request shows: `Authorization: Bearer <token>` or `x-api-key: <token>`.
 * False: it shows none, or two. */
bool endpoint_token_digest(const struct work *w, uint8_t out[static SHA256_BYTES]);
/* Whether the request shows the token of /api/metrics, and there is one. */
bool endpoint_token_shown(const struct receiver *r, const struct work *w);

/* receive_copy.c: the copies of bases. */
void endpoint_copy(struct receiver *r, struct work *w);

/* receive_pages.c: what is for people. */
void endpoint_docs(struct receiver *r, struct work *w);
void endpoint_openapi(struct receiver *r, struct work *w);
void endpoint_status(struct receiver *r, struct work *w);

#endif
