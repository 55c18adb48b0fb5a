#include "receive_work.h"

#include "base/buf.h"

/* Bytes of an answer to an accepted event: the id escaped (six bytes for one at worst) and the rest. */
#define ACCEPTED_MAX (EVENT_ID_MAX * 6 + 128)

/* What a sender is told to wait when the store gives no advice. */
#define RETRY_AFTER_DEFAULT_S 2

static int64_t whole_seconds(int64_t us)
{
    int64_t s = (us + US_PER_S - 1) / US_PER_S;
    return s > 0 ? s : 1;
}

/* As a row's, but with the status that a provider's sender understands. */
static void answer_status(struct work *w, enum problem_id id, int status, const char *reason,
                          const char *detail)
{
    const struct problem_row *row = &problem_table[id];

    w->outcome = row->outcome;
    w->reason = reason != NULL ? reason : row->reason;
    problem(&w->x->response, status, detail != NULL ? detail : row->detail, w->x->arena);
}

void answer_problem(struct work *w, enum problem_id id, const char *reason, const char *detail)
{
    answer_status(w, id, problem_table[id].status, reason, detail);
}

void answer_unauthorized(struct work *w, const char *reason)
{
    answer_problem(w, PROBLEM_UNAUTHORIZED, reason, NULL);
    response_header(&w->x->response, "WWW-Authenticate", "Webhook-Signature realm=\"guichet\"");
}

void answer_no_token(struct work *w, enum problem_id id)
{
    answer_problem(w, id, NULL, NULL);
    response_header(&w->x->response, "WWW-Authenticate", "Bearer realm=\"guichet\"");
}

static void answer_unavailable(struct work *w)
{
    int64_t us = w->result.retry_after_us;

    answer_problem(w, PROBLEM_UNAVAILABLE, w->result.word, NULL);
    response_header(&w->x->response, "Retry-After", "%lld",
                    (long long)(us > 0 ? whole_seconds(us) : RETRY_AFTER_DEFAULT_S));
}

static void answer_limited(struct work *w)
{
    const struct config_provider *p = w->mount->config;
    long long wait_s = (long long)whole_seconds(w->result.retry_after_us);

    answer_status(w, PROBLEM_LIMITED, p->rate_limit_status, NULL, NULL);
    response_header(&w->x->response, "Retry-After", "%lld", wait_s);
    response_header(&w->x->response, "RateLimit-Policy", "\"default\";q=%lld;w=%lld",
                    (long long)p->rate_count, (long long)whole_seconds(p->rate_window_us));
    response_header(&w->x->response, "RateLimit", "\"default\";r=0;t=%lld", wait_s);
}

/* The JSON of an event that was taken: the id and what else there is to say. */
static void set_received(struct work *w, const char *rest)
{
    struct response *r = &w->x->response;
    struct buf body = BUF_INIT(ACCEPTED_MAX);

    buf_adds(&body, "{\"received\":true,\"webhook_id\":\"");
    buf_add_json(&body, w->event.id, EVENT_ID_MAX);
    buf_adds(&body, "\",");
    buf_adds(&body, rest);
    buf_adds(&body, "}");
    r->type = "application/json";
    r->body = arena_copy(w->x->arena, buf_slice(&body));
    if (body.overflow || r->body.p == NULL)
        response_init(r, r->status); /* it is kept: a 2xx without a body is still the truth */
    buf_free(&body);
}

static void answer_spooled(struct work *w)
{
    w->outcome = OUTCOME_SPOOLED;
    w->reason = w->result.word;
    response_init(&w->x->response, w->member.kind == STORE_MARK ? 200 : 202);
    if (w->member.kind != STORE_MARK)
        set_received(w, "\"spooled\":true");
}

static void answer_accepted(struct work *w)
{
    static const char processed_at[] = "\"processed_at\":\"";
    struct response *r = &w->x->response;
    char processed[sizeof processed_at + RFC3339_ROOM];

    w->outcome = w->result.code == STORE_DUPLICATE ? OUTCOME_DUPLICATE : OUTCOME_ACCEPTED;
    if (w->reason == NULL)
        w->reason = w->result.word;
    response_init(r, 200);
    if (w->member.kind == STORE_MARK)
        return;
    memcpy(processed, processed_at, sizeof processed_at - 1);
    rfc3339_format(w->result.at_us, processed + sizeof processed_at - 1);
    memcpy(processed + strlen(processed), "\"", 2);
    set_received(w, processed);
    if (w->result.code == STORE_DUPLICATE)
        response_header(r, "Idempotent-Replayed", "true");
}

/* A note was kept: now the sender may be told what was wrong. */
static void answer_noted(struct work *w)
{
    answer_problem(w, PROBLEM_INVALID, w->event.reason, w->event.detail);
}

void answer_result(struct work *w)
{
    const struct store_result *s = &w->result;

    if (w->spooled) {
        answer_spooled(w);
        return;
    }
    if (s->code == STORE_UNAVAILABLE ||
        (w->member.kind == STORE_NOTE && s->code == STORE_LIMITED)) {
        answer_unavailable(w);
        return;
    }
    if (s->code == STORE_FAULT) {
        answer_problem(w, PROBLEM_FAULT, s->word, NULL);
        return;
    }
    if (w->member.kind == STORE_NOTE) {
        if (w->spool_conflicts)
            answer_problem(w, PROBLEM_CONFLICT, NULL, NULL);
        else
            answer_noted(w);
        return;
    }
    switch (s->code) {
    case STORE_CONFLICT:
        answer_problem(w, PROBLEM_CONFLICT, NULL, NULL);
        return;
    case STORE_LIMITED:
        answer_limited(w);
        return;
    case STORE_REFUSED:
        answer_problem(w, PROBLEM_OVERFLOW, s->word, NULL);
        return;
    default:
        answer_accepted(w);
    }
}
