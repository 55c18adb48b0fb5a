#include "receive_work.h"

#include "base/buf.h"
#include "base/text.h"
#include "observe/metrics.h"
#include "store/journal.h"

/* Bytes of one exposition: 32 providers with every series in use take less than half of it. */
#define METRICS_BYTES_MAX (4u << 20)
#define NOTED_MS          200

bool endpoint_token_digest(const struct work *w, uint8_t out[static SHA256_BYTES])
{
    const struct request *q = &w->x->request;
    unsigned bearer_times, key_times;
    struct slice bearer = request_header(q, "authorization", &bearer_times);
    struct slice shown = request_header(q, "x-api-key", &key_times);

    if (bearer_times > 1 || key_times > 1)
        return false;
    if (bearer.n > 7 && text_equal_nocase((struct slice){bearer.p, 7}, slice_of("Bearer ")))
        shown = text_trim(slice_from(bearer, 7));
    return shown.n > 0 && sha256(&shown, 1, out);
}

/* Digests are compared, so that the time taken tells nothing of the length either. */
bool endpoint_token_shown(const struct receiver *r, const struct work *w)
{
    struct slice token = {r->token.text, r->token.n};
    uint8_t want[SHA256_BYTES], have[SHA256_BYTES];

    return r->has_token && endpoint_token_digest(w, have) && sha256(&token, 1, want) &&
           equal_constant_time(want, have, sizeof want);
}

/* What the worker has noted of its bases (airtable/keys.h, expiry and as_of): the first time, s; -1: nothing,
 * or not known. */
static int64_t first_noted(struct receiver *r, const struct mount *m, const char *record,
                           struct arena *arena)
{
    struct store *store = strcmp(m->config->scheme, "airtable") == 0 ? guard_store(r->guard) : NULL;
    struct journal j = {store, m->config->name, arena, NOTED_MS};
    struct journal_entry noted;
    struct fail why;
    int64_t first_us = -1, us;

    if (store == NULL || !journal_record(&j, record, &noted, &why))
        return -1;
    for (size_t i = 0; i < noted.nfields; i++)
        if (text_to_i64(noted.field[i].value, &us) && (first_us < 0 || us < first_us))
            first_us = us;
    return first_us < 0 ? -1 : first_us / US_PER_S;
}

static void look_into_spool(struct receiver *r, struct metrics_input *in)
{
    struct spool_list list;
    int64_t now_us = clock_now_us(r->service.clock);

    if (r->service.spool == NULL || !spool_list(r->service.spool, &list))
        return;
    in->spool = true;
    in->spool_entries = list.n;
    for (size_t i = 0; i < list.n; i++)
        if (now_us - list.item[i].received_us > in->spool_oldest_us)
            in->spool_oldest_us = now_us - list.item[i].received_us;
    spool_list_free(&list);
}

void endpoint_metrics(struct receiver *r, struct work *w)
{
    const struct config *c = r->service.config;
    struct exchange *x = w->x;
    struct metrics_provider provider[CONFIG_PROVIDERS_MAX];
    struct metrics_input in = {
        .provider = provider,
        .store_durable = -1,
        .version = GUICHET_VERSION,
        .openmetrics = metrics_wants_openmetrics(request_header(&x->request, "accept", NULL)),
    };
    struct buf text = BUF_INIT(METRICS_BYTES_MAX);
    bool told;

    if (!r->has_token) {
        log_rarely(r->service.log, LOG_LEVEL_WARNING, "token", 3600 * US_PER_S,
                   "/api/metrics answers 403: no token is configured; set GUICHET_METRICS_TOKEN or "
                   "[metrics] token");
        answer_problem(w, PROBLEM_NO_TOKEN, NULL, NULL);
        return;
    }
    if (!endpoint_token_shown(r, w)) {
        answer_no_token(w, PROBLEM_TOKEN);
        return;
    }
    in.store_up = guard_up(r->guard);
    told = in.store_up != 0;
    for (size_t i = 0; i < c->nproviders; i++) {
        struct store_gauges g = {-1, -1, -1};
        const struct mount *m = &r->mount[i];
        /* After one miss no other is waited for: webhooks may stand behind this scrape. */
        if (told && m->verifier != NULL)
            told = guard_gauges(r->guard, &m->store, &g);
        if (!told)
            g = (struct store_gauges){-1, -1, -1};
        provider[in.nproviders++] = (struct metrics_provider){
            .name = m->config->name,
            .rate_limit = m->config->rate_count,
            .rate_used = m->config->rate_count > 0 ? g.rate_used : -1,
            .backlog_entries = g.backlog_entries,
            .quarantine_entries = g.quarantine_entries,
            .unsealed_entries = told ? seal_gauge(r, m, x->arena) : -1,
            .hook_expiry_s = told ? first_noted(r, m, "expiry", x->arena) : -1,
            .copy_s = told ? first_noted(r, m, "as_of", x->arena) : -1,
        };
    }
    in.store_durable = guard_durable(r->guard);
    look_into_spool(r, &in);
    metrics_render(r->service.state, &in, &text);
    response_init(&x->response, 200);
    x->response.type = in.openmetrics ? METRICS_TYPE_OPENMETRICS : METRICS_TYPE_TEXT;
    x->response.body = arena_copy(x->arena, buf_slice(&text));
    if (text.overflow || x->response.body.p == NULL)
        answer_problem(w, PROBLEM_FAULT, "metrics", NULL);
    buf_free(&text);
}

void endpoint_health(struct receiver *r, struct work *w)
{
    struct response *s = &w->x->response;

    if (guard_up(r->guard)) {
        response_init(s, 200);
        s->type = "application/json";
        s->body = SLICE_LITERAL("{\"status\":\"ok\"}");
        return;
    }
    answer_problem(w, PROBLEM_DOWN, NULL, NULL);
    response_header(s, "Retry-After", "1");
}
