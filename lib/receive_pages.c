#include "receive_work.h"

#include "pages/docs.h"
#include "pages/openapi.h"
#include "pages/page.h"
#include "pages/status.h"

/* How long what people are shown of the store is good enough. */
#define GLANCE_AGAIN_MS 1000

/* --- the documentation ------------------------------------------------------------------------------- */

/* Hands the text over as a 200; false, and a 500, when there was no room for it. */
static bool answer_page(struct work *w, struct buf *text, const char *type)
{
    struct response *s = &w->x->response;

    response_init(s, 200);
    s->type = type;
    s->body = text->overflow ? SLICE_NONE : arena_copy(w->x->arena, buf_slice(text));
    buf_free(text);
    if (s->body.p == NULL) {
        answer_problem(w, PROBLEM_FAULT, "page", NULL);
        return false;
    }
    page_headers(s, strcmp(type, PAGE_TYPE) == 0);
    return true;
}

static void answer_known(struct work *w, struct buf *text, const char *type)
{
    if (answer_page(w, text, type))
        (void)page_is_known(&w->x->response, request_header(&w->x->request, "if-none-match", NULL),
                            "max-age=300");
}

void endpoint_docs(struct receiver *r, struct work *w)
{
    struct buf text = BUF_INIT(DOCS_BYTES_MAX);

    docs_render(r->service.config, &text);
    answer_known(w, &text, PAGE_TYPE);
}

void endpoint_openapi(struct receiver *r, struct work *w)
{
    struct buf text = BUF_INIT(OPENAPI_BYTES_MAX);

    openapi_render(r->service.config, GUICHET_VERSION, w->x->arena, &text);
    answer_known(w, &text, OPENAPI_TYPE);
}

/* --- the status -------------------------------------------------------------------------------------- */

static void glance_at_spool(struct receiver *r, struct state_glance *g)
{
    struct spool_list list;
    int64_t oldest_us = INT64_MAX;

    if (r->service.spool == NULL || !spool_list(r->service.spool, &list)) {
        atomic_store(&g->spool_entries, 0);
        return;
    }
    for (size_t i = 0; i < list.n; i++)
        if (list.item[i].received_us < oldest_us)
            oldest_us = list.item[i].received_us;
    atomic_store(&g->spool_oldest_us, list.n > 0 && oldest_us > 0 ? (uint64_t)oldest_us : 0);
    atomic_store(&g->spool_entries, list.n + 1);
    spool_list_free(&list);
}

static uint64_t one_more(int64_t v)
{
    return v >= 0 ? (uint64_t)v + 1 : 0;
}

/* Asks the store and the spool, unless somebody on this host did so within the last second, or does. */
static void glance(struct receiver *r, bool up)
{
    struct state_shared *shared = state_shared(r->service.state);
    struct state_glance *g = &shared->glance;
    int64_t now_ms = clock_monotonic_ms(r->service.clock), asked_ms = atomic_load(&g->asked_ms);
    bool told = up;

    if ((asked_ms != 0 && now_ms - asked_ms < GLANCE_AGAIN_MS) ||
        !atomic_compare_exchange_strong(&g->asked_ms, &asked_ms, now_ms))
        return;
    for (size_t i = 0; i < r->service.config->nproviders; i++) {
        const struct mount *m = &r->mount[i];
        struct store_gauges got = {-1, -1, -1};
        if (m->row == NULL)
            continue;
        if (told && m->verifier != NULL)
            told = guard_gauges(r->guard, &m->store, &got);
        if (!told)
            got = (struct store_gauges){-1, -1, -1};
        size_t row = (size_t)(m->row - shared->provider);
        atomic_store(&g->provider[row].rate_used, one_more(got.rate_used));
        atomic_store(&g->provider[row].backlog_entries, one_more(got.backlog_entries));
        atomic_store(&g->provider[row].quarantine_entries, one_more(got.quarantine_entries));
    }
    glance_at_spool(r, g);
}

static int64_t one_less(_Atomic uint64_t *v)
{
    return (int64_t)atomic_load(v) - 1;
}

void receiver_look(struct receiver *r, struct status_input *in)
{
    struct state_shared *shared = state_shared(r->service.state);
    const struct config *c = r->service.config;
    int64_t standing, oldest_us;

    *in = (struct status_input){.config = c, .now_us = clock_now_us(r->service.clock)};
    in->up = guard_up(r->guard);
    glance(r, in->up);
    standing = atomic_load(&shared->standing);
    /* Of the other state is what another one has just found out. */
    in->since_us = standing != 0 && (standing & 1) == in->up ? standing / 2 : 0;
    in->durable = guard_durable(r->guard);
    in->spool = r->service.spool != NULL;
    in->spool_entries = one_less(&shared->glance.spool_entries);
    oldest_us = (int64_t)atomic_load(&shared->glance.spool_oldest_us);
    in->spool_oldest_us = in->spool_entries < 0 ? -1 : oldest_us > 0 ? in->now_us - oldest_us : 0;
    for (size_t i = 0; i < c->nproviders; i++) {
        const struct mount *m = &r->mount[i];
        in->provider[i] = (struct status_provider){&c->provider[i], -1, -1, -1};
        if (m->row == NULL)
            continue;
        size_t row = (size_t)(m->row - shared->provider);
        in->provider[i].rate_used = one_less(&shared->glance.provider[row].rate_used);
        in->provider[i].backlog_entries = one_less(&shared->glance.provider[row].backlog_entries);
        in->provider[i].quarantine_entries =
            one_less(&shared->glance.provider[row].quarantine_entries);
    }
}

void endpoint_status(struct receiver *r, struct work *w)
{
    bool page = w->route.kind == ROUTE_STATUS;
    struct buf text = BUF_INIT(STATUS_BYTES_MAX);
    struct status_input in;
    struct status_day day;

    if (r->service.config->status_page == STATUS_PAGE_TOKEN && !endpoint_token_shown(r, w)) {
        answer_no_token(w, PROBLEM_TOKEN);
        return;
    }
    receiver_look(r, &in);
    status_read_day(r->service.state, in.now_us, &day);
    if (page)
        status_render(&in, &day, &text);
    else
        status_render_json(&in, &day, &text);
    (void)answer_page(w, &text, page ? PAGE_TYPE : STATUS_TYPE_JSON);
}
