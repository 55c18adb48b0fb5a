/* Why a signature did not verify, for the log: after the answers, seldom, and within bounds, so that
 * nobody learns anything from how long an answer takes and nobody can keep a worker busy with it. */
#include "receive_work.h"

#include <stdlib.h>

#include "events/rewrite.h"
#include "verify/diagnose.h"

#define EXPLAIN_WORK_MAX    (UINT64_C(4) << 20) /* bytes hashed: some 10 ms */
#define EXPLAIN_HEADERS_MAX 48
#define EXPLAIN_BYTES_MAX   ((size_t)(RECEIVE_EXPLAIN_BODY_MAX + (64u << 10)))

/* A request that was refused, on its own. */
struct puzzle {
    struct arena *arena;
    const struct mount *mount;
    enum signature_reason reason;
    struct request request;
    char *params[EXPLAIN_HEADERS_MAX + 1];
};

/* Room for what two lists of secrets give; far too much for the stack. */
struct texts {
    struct secret_text secret[SECRETS_LIVE_MAX], api_key[SECRETS_LIVE_MAX];
    struct rewrite again[REWRITE_MAX];
    struct diagnose_body body[REWRITE_MAX];
};

/* Nobody is told of every scanner that has no signature at all. */
static bool worth_it(const struct work *w)
{
    const struct request *q = &w->x->request;

    if (w->verified.reason != SIGNATURE_MISSING)
        return true;
    for (size_t i = 0; i < scheme_count; i++)
        if (request_header(q, scheme_table[i].header, NULL).n > 0)
            return true;
    return false;
}

static bool keep(struct puzzle *z, const struct request *q)
{
    struct slice body = arena_copy(z->arena, q->body);
    size_t n = 0;

    for (char *const *p = q->params; *p != NULL && n < EXPLAIN_HEADERS_MAX; p++) {
        struct slice copy;
        if (strncmp(*p, "HTTP_", 5) != 0)
            continue;
        copy = arena_copy(z->arena, slice_of(*p));
        if (copy.p == NULL)
            return false;
        /* Back to the bytes of the arena, which are ours to write. */
        memcpy(&z->params[n++], &copy.p, sizeof copy.p);
    }
    request_init(&z->request, z->params);
    z->request.body = body;
    z->request.received_us = q->received_us;
    return body.p != NULL;
}

void explain_later(struct receiver *r, const struct work *w)
{
    const struct request *q = &w->x->request;
    struct puzzle *z;

    if (r->puzzle != NULL || w->mount->row == NULL || q->body.n > RECEIVE_EXPLAIN_BODY_MAX ||
        !worth_it(w) || !state_may_explain(w->mount->row, q->received_us, RECEIVE_EXPLAIN_US))
        return;
    z = calloc(1, sizeof *z);
    if (z == NULL)
        return;
    r->puzzle = z;
    z->mount = w->mount;
    z->reason = w->verified.reason;
    z->arena = arena_new(EXPLAIN_BYTES_MAX);
    if (z->arena == NULL || !keep(z, q))
        explain_never(r);
}

void explain_never(struct receiver *r)
{
    struct puzzle *z = r->puzzle;

    if (z == NULL)
        return;
    if (z->arena != NULL)
        arena_reset(z->arena); /* wipes it */
    arena_free(z->arena);
    free(z);
    r->puzzle = NULL;
}

/* As far as they can be read; what cannot was complained of elsewhere. */
static size_t read_list(const struct receiver *r, const struct config_list *list,
                        struct secret_text out[static SECRETS_LIVE_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < list->n && n < SECRETS_LIVE_MAX; i++) {
        struct fail why;
        int got = secret_read(list->item[i].text, list->item[i].origin, r->service.environment,
                              out + n, SECRETS_LIVE_MAX - n, &why);
        n += got > 0 ? (size_t)got : 0;
    }
    return n;
}

static void explain(struct receiver *r, const struct puzzle *z, struct texts *t)
{
    const struct mount *m = z->mount;
    size_t nagain = rewrite_all(z->request.body, t->again);
    struct diagnose_case c = {
        .scheme = m->scheme,
        .request = &z->request,
        .reason = z->reason,
        .secret = t->secret,
        .nsecrets = read_list(r, &m->config->secret, t->secret),
        .api_key = t->api_key,
        .napi_keys = read_list(r, &m->config->api_key, t->api_key),
        .body = t->body,
        .nbodies = nagain,
        .now_us = z->request.received_us,
        .tolerance_us =
            m->config->tolerance_us >= 0 ? m->config->tolerance_us : m->scheme->tolerance_us,
        .work_max = EXPLAIN_WORK_MAX,
    };
    struct diagnosis d;

    for (size_t i = 0; i < nagain; i++)
        t->body[i] = (struct diagnose_body){t->again[i].what, {t->again[i].text, t->again[i].n}};
    diagnose(&c, &d);
    rewrite_free(t->again, nagain);
    /* Of a wrong API key there is nothing to say but what is in the audit, unless it is nearly right. */
    if (d.found || z->reason == SIGNATURE_MISMATCH)
        log_say(r->service.log, d.found ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
                "%s: a request was refused (%s): %s", m->config->name, state_reason_name(z->reason),
                d.text);
}

void receiver_explain(struct receiver *r)
{
    struct texts *t;

    if (r->puzzle == NULL)
        return;
    t = calloc(1, sizeof *t);
    if (t != NULL)
        explain(r, r->puzzle, t);
    if (t != NULL)
        explicit_bzero(t, sizeof *t);
    free(t);
    explain_never(r);
}
