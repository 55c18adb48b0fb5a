#include "receive_work.h"

#include "base/buf.h"
#include "http/problem.h"

/* Bytes of an answer to an accepted event: the id escaped (six bytes for one at worst) and the rest. */
#define ACCEPTED_MAX (EVENT_ID_MAX * 6 + 128)

/* What a sender is told to wait when the store gives no advice. */
#define RETRY_AFTER_DEFAULT_S 2

static int64_t whole_seconds(int64_t us)
{
    int64_t s = (us + US_PER_S - 1) / US_PER_S;
    return s > 0 ? s : 1;
}

void answer_problem(struct work *w, enum outcome outcome, int status, const char *reason,
                    const char *detail)
{
    w->outcome = outcome;
    w->reason = reason;
    problem(&w->x->response, status, detail, w->x->arena);
}

void answer_unauthorized(struct work *w, const char *realm, const char *reason)
{
    answer_problem(w, OUTCOME_UNAUTHORIZED, 401, reason, NULL);
    response_header(&w->x->response, "WWW-Authenticate", "%s", realm);
}

static void answer_unavailable(struct work *w)
{
    int64_t us = w->result.retry_after_us;

    answer_problem(w, OUTCOME_UNAVAILABLE, 503, w->result.word,
                   "The event could not be stored now; send it again later.");
    response_header(&w->x->response, "Retry-After", "%lld",
                    (long long)(us > 0 ? whole_seconds(us) : RETRY_AFTER_DEFAULT_S));
}

static void answer_limited(struct work *w)
{
    const struct config_provider *p = w->mount->config;
    long long wait_s = (long long)whole_seconds(w->result.retry_after_us);

    answer_problem(w, OUTCOME_LIMITED, p->rate_limit_status, "rate_limit",
                   "Too many events; send this one again later.");
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

static void answer_conflict(struct work *w)
{
    answer_problem(w, OUTCOME_CONFLICT, 409, "conflict",
                   "An event with this id was received before, with another body.");
}

/* A note was kept: now the sender may be told what was wrong. */
static void answer_noted(struct work *w)
{
    answer_problem(w, OUTCOME_INVALID, 400, w->event.reason, w->event.detail);
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
        answer_problem(w, OUTCOME_ERROR, 500, s->word != NULL ? s->word : "fault", NULL);
        return;
    }
    if (w->member.kind == STORE_NOTE) {
        if (w->spool_conflicts)
            answer_conflict(w);
        else
            answer_noted(w);
        return;
    }
    switch (s->code) {
    case STORE_CONFLICT:
        answer_conflict(w);
        return;
    case STORE_LIMITED:
        answer_limited(w);
        return;
    case STORE_REFUSED:
        answer_problem(w, OUTCOME_INVALID, 400, s->word,
                       "The event cannot be applied: a total would pass 9223372036854775807.");
        return;
    default:
        answer_accepted(w);
    }
}
