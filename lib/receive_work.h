/* receive_work: what the parts of receive share; private to lib/receive*.c. */
#ifndef GUICHET_RECEIVE_WORK_H
#define GUICHET_RECEIVE_WORK_H

#include "events/event.h"
#include "http/route.h"
#include "receive.h"
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
};

struct receiver {
    struct service service;
    struct guard *guard;
    struct mount mount[CONFIG_PROVIDERS_MAX]; /* as config->provider */
    struct secret_text token;                 /* of /api/metrics */
    bool has_token;
    uint8_t nonce_base[STORE_NONCE_BYTES / 2];
    uint64_t nonce_count;
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
    struct event event;
    bool commits; /* member is to be committed */
    struct store_member member;
    struct store_result result;
};

/* receive_answer.c: the answers, one function an outcome; each sets the response and w->outcome. */

/* An error of the contract's table; detail is for the sender (NULL: none). */
void answer_problem(struct work *w, enum outcome outcome, int status, const char *reason,
                    const char *detail);
/* 401, the same for every reason. */
void answer_unauthorized(struct work *w, const char *realm, const char *reason);
/* After the commit: by w->result. */
void answer_result(struct work *w);

/* receive_endpoint.c: what is not a webhook. */
void endpoint_metrics(struct receiver *r, struct work *w);
void endpoint_health(struct receiver *r, struct work *w);

#endif
