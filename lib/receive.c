#include "receive.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "http/remote.h"
#include "observe/state_day.h"
#include "receive_work.h"

/* How long the examination of the store may take at start. */
#define START_DEADLINE_MS 1000

/* --- the steps; each returns true to go on, or sets the answer and returns false --------------- */

static bool step_route(struct receiver *r, struct work *w)
{
    const struct config *c = r->service.config;

    w->route = route_find(c, &w->x->request);
    if (w->route.kind == ROUTE_NONE) {
        answer_problem(w, PROBLEM_UNKNOWN_PATH, NULL, NULL);
        return false;
    }
    if (w->route.kind != ROUTE_PROVIDER)
        return true;
    w->mount = &r->mount[w->route.provider];
    if (w->mount->config->retired) {
        answer_problem(w, PROBLEM_RETIRED, NULL, NULL);
        return false;
    }
    return true;
}

static bool step_method(struct receiver *r, struct work *w)
{
    (void)r;
    if (w->route.method_ok)
        return true;
    answer_problem(w, PROBLEM_METHOD, NULL, NULL);
    response_header(&w->x->response, "Allow", "%s", w->route.allow);
    return false;
}

static bool step_https(struct receiver *r, struct work *w)
{
    const struct config *c = r->service.config;
    const struct request *q = &w->x->request;

    if (!c->require_https || !w->route.carries_secrets ||
        request_is_https(q, remote_is_proxy(c, q)))
        return true;
    answer_problem(w, PROBLEM_PLAIN_HTTP, NULL, NULL);
    return false;
}

static bool step_endpoint(struct receiver *r, struct work *w)
{
    static void (*const endpoint[])(struct receiver *, struct work *) = {
        [ROUTE_METRICS] = endpoint_metrics, [ROUTE_HEALTH] = endpoint_health,
        [ROUTE_DOCS] = endpoint_docs,       [ROUTE_OPENAPI] = endpoint_openapi,
        [ROUTE_STATUS] = endpoint_status,   [ROUTE_STATUS_JSON] = endpoint_status,
        [ROUTE_COPY] = endpoint_copy,
    };

    if (w->route.kind == ROUTE_PROVIDER)
        return true;
    endpoint[w->route.kind](r, w);
    return false;
}

static bool step_media_type(struct receiver *r, struct work *w)
{
    struct slice type = request_media_type(&w->x->request);

    (void)r;
    for (size_t i = 0; i < SCHEME_MEDIA_TYPES_MAX; i++) {
        const char *want = w->mount->scheme->media_type[i];
        if (want != NULL && text_equal_nocase(type, slice_of(want)))
            return true;
    }
    answer_problem(w, PROBLEM_MEDIA_TYPE, NULL, NULL);
    return false;
}

static bool step_body(struct receiver *r, struct work *w)
{
    static const enum problem_id refused[] = {
        [BODY_EMPTY] = PROBLEM_EMPTY_BODY,
        [BODY_TRUNCATED] = PROBLEM_TRUNCATED_BODY,
        [BODY_TOO_LARGE] = PROBLEM_TOO_LARGE,
        [BODY_NO_LENGTH] = PROBLEM_NO_LENGTH,
    };
    enum body_state state = w->x->request.body_state;

    (void)r;
    if (state == BODY_WHOLE)
        return true;
    answer_problem(w, refused[state], NULL, NULL);
    return false;
}

/* 401, and the reason for it is counted. */
static void refuse_signature(struct receiver *r, struct work *w)
{
    struct state_provider *row = w->mount->row;
    enum signature_reason reason = w->verified.reason;

    if (row != NULL)
        atomic_fetch_add_explicit(&row->signature_failures[reason], 1, memory_order_relaxed);
    explain_later(r, w);
    answer_unauthorized(w, state_reason_name(reason));
}

static bool step_verify(struct receiver *r, struct work *w)
{
    struct mount *m = w->mount;
    struct verified *v = &w->verified;
    const struct request *q = &w->x->request;
    struct fail why = {""};

    verifier_refresh(m->verifier, q->received_us, &why);
    if (why.text[0] != '\0')
        log_rarely(r->service.log, LOG_LEVEL_ERROR, "secrets", 60 * US_PER_S, "%s", why.text);
    verifier_check(m->verifier, q, q->received_us, v);
    if (v->reason == SIGNATURE_OK)
        return true;
    refuse_signature(r, w);
    return false;
}
/* The event becomes a member that is applied; a refused one a note for the quarantine. */
static bool step_event(struct receiver *r, struct work *w)
{
    struct mount *m = w->mount;
    const struct scheme *s = m->scheme;
    struct exchange *x = w->x;
    struct event *e = &w->event;
    enum event_status status;

    w->source = event_source_of(
        m, s->id_header != NULL ? request_header(&x->request, s->id_header, NULL) : SLICE_NONE,
        s->type_header != NULL ? request_header(&x->request, s->type_header, NULL) : SLICE_NONE,
        w->verified.time_us != 0 ? w->verified.time_us : x->request.received_us);
    status = event_read(&w->source, x->request.body, x->arena, e);
    if (status == EVENT_NO_MEMORY) {
        answer_problem(w, PROBLEM_FAULT, "no_memory", NULL);
        return false;
    }
    if (s->owner_prefix != NULL && e->id.n > 0 &&
        !verifier_owns(m->verifier, e->id, &w->verified)) {
        *e = (struct event){.id = SLICE_NONE};
        refuse_signature(r, w);
        return false;
    }
    status = event_judge(m, e, status, x->request.received_us);
    w->commits = true;
    w->member = event_member(m, e, status, x->request.body);
    if (status == EVENT_INVALID) {
        w->reason = e->reason;
        w->detail = slice_of(e->detail);
    }
    memcpy(w->member.nonce, r->nonce_base, sizeof r->nonce_base);
    r->nonce_count++;
    memcpy(w->member.nonce + sizeof r->nonce_base, &r->nonce_count, sizeof r->nonce_count);
    if (!sha256(&w->member.body, 1, w->member.body_sha256)) {
        w->commits = false;
        answer_problem(w, PROBLEM_FAULT, "digest", NULL);
    }
    return w->commits;
}

/* The order of the checks is the contract's. */
static bool (*const STEPS[])(struct receiver *, struct work *) = {
    step_route,      step_method, step_https,  step_endpoint,
    step_media_type, step_body,   step_verify, step_event,
};

static void prepare(struct receiver *r, struct work *w)
{
    size_t i = 0;

    w->remote = remote_address(r->service.config, &w->x->request);
    while (i < sizeof STEPS / sizeof STEPS[0] && STEPS[i](r, w))
        i++;
}

/* --- the commit ---------------------------------------------------------------------------------- */

/* Commits the members of work[first] and of those after it that go to the same provider, as far as a
 * batch may reach, and marks them as done. */
static void commit_from(struct receiver *r, struct work *work, size_t first, size_t n,
                        int64_t deadline_ms)
{
    struct store_member member[STORE_BATCH_MAX];
    struct store_result result[STORE_BATCH_MAX];
    struct work *who[STORE_BATCH_MAX];
    size_t bytes = 0;
    struct store_batch batch = {
        .provider = &work[first].mount->store, .member = member, .deadline_ms = deadline_ms};

    for (size_t i = first; i < n && batch.n < STORE_BATCH_MAX; i++) {
        struct work *w = &work[i];
        if (!w->commits || w->mount != work[first].mount)
            continue;
        if (batch.n > 0 && bytes + w->member.body.n > STORE_BATCH_BYTES_MAX)
            break; /* not `continue`: arrival order is kept */
        bytes += w->member.body.n;
        who[batch.n] = w;
        member[batch.n++] = w->member;
    }
    guard_commit(r->guard, &batch, result);
    for (size_t i = 0; i < batch.n; i++) {
        who[i]->commits = false;
        who[i]->result = result[i];
    }
    spool_instead(r, who, batch.n);
    for (size_t i = 0; i < batch.n; i++) {
        answer_result(who[i]);
        if (result[i].code == STORE_FAULT)
            log_rarely(r->service.log, LOG_LEVEL_ERROR, "fault", US_PER_S,
                       "%s: an event was not applied and not acknowledged: %s",
                       batch.provider->name, result[i].reason);
    }
}

/* --- metrics and audit -------------------------------------------------------------------------- */

static void account(struct receiver *r, struct work *w)
{
    struct state *s = r->service.state;
    const struct request *q = &w->x->request;
    struct state_provider *row = w->mount != NULL ? w->mount->row : NULL;
    int64_t duration_us = clock_monotonic_us(r->service.clock) - q->started_us;
    bool webhook = w->mount != NULL;
    bool authentic = webhook && w->verified.fingerprint != 0;
    struct audit_line line = {
        .at_us = q->received_us,
        .provider = webhook ? w->mount->config->name : NULL,
        .id = w->event.id,
        .event_type = w->event.type,
        .outcome = w->outcome,
        .reason = w->reason,
        .detail = w->detail,
        .remote = w->remote,
        .duration_us = duration_us,
        .bytes = q->body_bytes,
        .status = w->x->response.status,
        .secret = authentic ? (int)w->verified.slot : -1,
    };

    if (authentic)
        state_secret_used(s, w->verified.fingerprint, q->received_us);
    if (row != NULL) {
        unsigned slot = w->verified.slot;
        unsigned type =
            authentic ? state_type(s, w->event.type.p, w->event.type.n) : state_type_none(s);
        if (authentic && slot < STATE_SECRETS_MAX)
            atomic_fetch_add_explicit(&row->secret_used[slot], 1, memory_order_relaxed);
        state_count(row, type, w->outcome);
        state_observe(&row->request, duration_us);
        state_day_count(s, q->received_us, w->outcome, duration_us);
        if (w->outcome == OUTCOME_ACCEPTED)
            atomic_store_explicit(&row->last_accepted_us, q->received_us, memory_order_relaxed);
    }
    if (webhook)
        log_audit(r->service.audit, &line, row, &r->audit_lines);
}

void receive_batch(struct receiver *r, struct exchange *const x[], size_t n)
{
    struct work work[RECEIVE_BATCH_MAX];
    int64_t began_us = INT64_MAX, deadline_ms;

    for (size_t i = 0; i < n; i++)
        if (x[i]->request.started_us < began_us)
            began_us = x[i]->request.started_us;
    deadline_ms = (began_us + r->service.config->deadline_us) / 1000;
    for (size_t i = 0; i < n; i++) {
        memset(&work[i], 0, sizeof work[i]);
        work[i].x = x[i];
        prepare(r, &work[i]);
    }
    spool_answer_known(r, work, n);
    /* One deadline for all: what waits behind another provider's commit has waited already. */
    for (size_t i = 0; i < n; i++)
        while (work[i].commits)
            commit_from(r, work, i, n, deadline_ms);
    for (size_t i = 0; i < n; i++)
        account(r, &work[i]);
    log_audit_write(r->service.audit, &r->audit_lines);
}

struct store_provider receiver_store_provider(const struct config *c,
                                              const struct config_provider *p)
{
    return (struct store_provider){
        .name = p->name,
        .rate_count = p->rate_count,
        .rate_window_us = p->rate_window_us,
        .keep_ids_us = p->keep_ids_us,
        .backlog_limit = p->backlog_limit,
        .quarantine_limit = p->quarantine_limit,
        .audit_limit = p->audit_limit,
        .history_limit = p->history_limit,
        .min_replicas = c->min_replicas,
    };
}

/* --- life ---------------------------------------------------------------------------------------- */

/* Of the tokens that open the provider's copies only digests stay in memory. */
static bool read_digests(struct receiver *r, struct mount *m, struct fail *why)
{
    const struct config_list *list = &m->config->read_token;
    struct secret_text text[SECRETS_LIVE_MAX];
    bool ok = true;

    for (size_t i = 0; ok && i < list->n; i++) {
        int n = secret_read(list->item[i].text, list->item[i].origin, r->service.environment, text,
                            SECRETS_LIVE_MAX, why);
        ok = n > 0 && m->nread_tokens + (size_t)n <= SECRETS_LIVE_MAX;
        if (n > 0 && !ok)
            fail_set(why, "%s: more than %d read tokens", list->item[i].origin, SECRETS_LIVE_MAX);
        for (int k = 0; ok && k < n; k++) {
            struct slice token = {text[k].text, text[k].n};
            ok = sha256(&token, 1, m->read_token[m->nread_tokens++]) ||
                 fail_set(why, "out of memory") == 0;
        }
        secret_wipe(text, SECRETS_LIVE_MAX);
    }
    return ok;
}

static int mount_provider(struct receiver *r, size_t i, struct fail *why)
{
    const struct config_provider *p = &r->service.config->provider[i];
    struct mount *m = &r->mount[i];

    m->config = p;
    m->row = state_provider(r->service.state, p->name);
    if (m->row == NULL)
        log_say(r->service.log, LOG_LEVEL_WARNING,
                "%s is not counted: the state file knows %d providers already; remove it to start "
                "counting anew",
                p->name, STATE_PROVIDERS_MAX);
    if (p->retired)
        return 0;
    m->verifier = verifier_new(p, r->service.environment, clock_now_us(r->service.clock), why);
    if (m->verifier == NULL)
        return -1;
    m->scheme = verifier_scheme(m->verifier);
    if (!read_digests(r, m, why))
        return -1;
    m->record_unknown = p->unknown_events >= 0 ? p->unknown_events == 1 : m->scheme->record_unknown;
    m->store = receiver_store_provider(r->service.config, p);
    /* What is not sealed yet must not go: the sealer trims. */
    if (r->ring.n > 0)
        m->store.audit_limit = STORE_AUDIT_ALL;
    return 0;
}

/* Tells the guard whose keys are in use. */
static void name_providers(struct receiver *r)
{
    struct store_provider p[CONFIG_PROVIDERS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < r->service.config->nproviders; i++)
        if (r->mount[i].verifier != NULL)
            p[n++] = r->mount[i].store;
    guard_providers(r->guard, p, n);
}

struct receiver *receiver_new(const struct service *service, struct store *store, struct fail *why)
{
    const struct config *c = service->config;
    struct receiver *r = calloc(1, sizeof *r);

    if (r == NULL) {
        store_free(store);
        fail_set(why, "out of memory");
        return NULL;
    }
    r->service = *service;
    r->audit_lines = BUF_INIT(AUDIT_BYTES_MAX);
    r->guard =
        guard_new(store, c->store, c->durability, service->state, service->log, service->clock);
    if (r->guard == NULL) {
        fail_set(why, "out of memory");
        goto failed;
    }
    if (!random_bytes(r->nonce_base, sizeof r->nonce_base)) {
        fail_set(why, "the system gives no random bytes");
        goto failed;
    }
    if (c->metrics_token != NULL) {
        if (secret_read(c->metrics_token, c->metrics_token_origin, service->environment, &r->token,
                        1, why) != 1)
            goto failed;
        r->has_token = true;
    }
    if (seal_ring_read(&c->audit_key, service->environment, &r->ring, why) != 0)
        goto failed;
    for (size_t i = 0; i < c->nproviders; i++)
        if (mount_provider(r, i, why) != 0)
            goto failed;
    name_providers(r);
    return r;

failed:
    receiver_free(r);
    return NULL;
}

void receiver_free(struct receiver *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < CONFIG_PROVIDERS_MAX; i++)
        verifier_free(r->mount[i].verifier);
    explain_never(r);
    guard_free(r->guard);
    arena_free(r->drain_arena);
    arena_free(r->seal_arena);
    seal_ring_free(&r->ring);
    buf_free(&r->audit_lines);
    secret_wipe(&r->token, 1);
    free(r);
}

void receiver_start(struct receiver *r)
{
    (void)guard_examine(r->guard, clock_monotonic_ms(r->service.clock) + START_DEADLINE_MS);
}
