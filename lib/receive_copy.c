/* The copies of bases that a worker keeps (airtable/reader.h), for readers who show a token. */
#include "receive_work.h"

#include <stdio.h>

#include "airtable/reader.h"
#include "base/text.h"
#include "pages/jsonw.h"
#include "pages/page.h"

#define COPY_TYPE      "application/json"
#define COPY_BYTES_MAX ((size_t)7 << 20) /* of an answer: less than what a transport takes */
#define COPY_READ_MS   500               /* that the store may take for each question */
#define RETRY_COPY_S   "30"
#define RETRY_AWAY_S   "2"

/* What a request asks for. */
struct wish {
    char id[ROUTE_PARTS_MAX][AIRTABLE_ID_MAX + 1]; /* base, table, record */
    char cursor[READER_CURSOR_ROOM];
    size_t limit;
};

/* --- what is asked for ------------------------------------------------------------------------------- */

static bool is_opened(const struct mount *m, const struct work *w)
{
    uint8_t shown[SHA256_BYTES];
    bool opened = false;

    if (!endpoint_token_digest(w, shown))
        return false;
    for (size_t i = 0; i < m->nread_tokens; i++)
        opened = equal_constant_time(m->read_token[i], shown, sizeof shown) || opened;
    return opened;
}

static bool may_read(struct receiver *r, struct work *w)
{
    const struct mount *m = &r->mount[w->route.provider];

    if (m->nread_tokens == 0) {
        log_rarely(r->service.log, LOG_LEVEL_WARNING, "read_token", 3600 * US_PER_S,
                   "%s%s/... answers 403: no token is configured; set [provider %s] read_token",
                   r->service.config->base_path, m->config->read_path, m->config->name);
        answer_problem(w, PROBLEM_NO_READING, NULL, NULL);
        return false;
    }
    if (is_opened(m, w))
        return true;
    answer_no_token(w, PROBLEM_READ_TOKEN);
    return false;
}

static bool read_ids(struct work *w, struct wish *out)
{
    static const char *const prefix[ROUTE_PARTS_MAX] = {"app", "tbl", "rec"};

    for (size_t i = 0; i < w->route.nparts && i < ROUTE_PARTS_MAX; i++) {
        struct slice id = w->route.part[i];
        if (!airtable_id_is(id, prefix[i])) {
            answer_problem(w, PROBLEM_NOT_COPIED, NULL, NULL);
            return false;
        }
        memcpy(out->id[i], id.p, id.n);
        out->id[i][id.n] = '\0';
    }
    return true;
}

static bool refuse_query(struct work *w, const char *detail)
{
    answer_problem(w, PROBLEM_QUERY, NULL, detail);
    return false;
}

/* Only a page has a query. */
static bool read_query(struct work *w, struct wish *out)
{
    struct query_field field[] = {{"limit", SLICE_NONE}, {"cursor", SLICE_NONE}};
    bool page = w->route.nparts == 2;
    int64_t limit = READER_RECORDS_MAX;
    struct slice wrong;

    if (!request_query(&w->x->request, field, page ? 2 : 0, &wrong))
        return refuse_query(w, page ? "The query may have `limit` and `cursor`, each once."
                                    : "This path has no query.");
    if (!page)
        return true;
    if (field[0].value.p != NULL && (!text_to_i64(field[0].value, &limit) || limit < 1))
        return refuse_query(w,
                            "`limit` must be a whole number from 1 on; 100 is the most there is.");
    out->limit = limit < READER_RECORDS_MAX ? (size_t)limit : READER_RECORDS_MAX;
    if (field[1].value.p == NULL)
        return true;
    if (!reader_is_cursor(field[1].value))
        return refuse_query(w, "`cursor` must be what the answer before gave.");
    memcpy(out->cursor, field[1].value.p, field[1].value.n);
    return true;
}

/* --- what is answered ---------------------------------------------------------------------------------- */

static void put_time(struct jsonw *j, const char *key, int64_t us)
{
    char text[RFC3339_ROOM];

    if (us == 0) {
        jsonw_null(j, key);
        return;
    }
    rfc3339_format(us, text);
    jsonw_text(j, key, text);
}

static void put_base(struct jsonw *j, const struct wish *wish, const struct reader_copy *copy,
                     const struct journal_entry *tables)
{
    jsonw_open(j, NULL);
    jsonw_text(j, "base", wish->id[0]);
    jsonw_number(j, "generation", copy->generation);
    put_time(j, "as_of", copy->as_of_us);
    put_time(j, "refreshed", copy->refreshed_us);
    put_time(j, "applied", copy->applied_us);
    jsonw_bool(j, "pending", copy->pending);
    jsonw_bool(j, "refreshing", copy->refreshing);
    if (copy->stale.n > 0)
        jsonw_slice(j, "stale", copy->stale);
    else
        jsonw_null(j, "stale");
    jsonw_open_list(j, "tables");
    for (size_t i = 0; i < tables->nfields; i++)
        jsonw_raw(j, NULL, tables->field[i].value);
    jsonw_close_list(j);
    jsonw_close(j);
}

static void put_page(struct jsonw *j, const struct wish *wish, const struct reader_page *page)
{
    jsonw_open(j, NULL);
    jsonw_text(j, "base", wish->id[0]);
    jsonw_text(j, "table", wish->id[1]);
    jsonw_number(j, "generation", page->copy.generation);
    jsonw_open_list(j, "records");
    for (size_t i = 0; i < page->n; i++)
        jsonw_raw(j, NULL, page->record[i].value);
    jsonw_close_list(j);
    if (page->next[0] != '\0')
        jsonw_text(j, "cursor", page->next);
    else
        jsonw_null(j, "cursor");
    jsonw_close(j);
}

/* How fresh it is stands in headers, so that the content, and its ETag, are the same as long as the records
 * are. */
static void put_freshness(struct response *s, const struct reader_copy *copy, int64_t now_us)
{
    char as_of[RFC3339_ROOM];
    int64_t age_us = now_us - copy->as_of_us;

    rfc3339_format(copy->as_of_us, as_of);
    response_header(s, "Age", "%lld", (long long)(age_us > 0 ? age_us / US_PER_S : 0));
    response_header(
        s, "Guichet-Copy",
        "generation=%lld, as-of=\"%s\", pending=?%d, refreshing=?%d, stale=?%d, old=?%d",
        (long long)copy->generation, as_of, copy->pending, copy->refreshing, copy->stale.n > 0,
        copy->old);
}

static void answer_found(struct receiver *r, struct work *w, const struct reader_copy *copy,
                         struct slice json)
{
    struct response *s = &w->x->response;

    response_init(s, 200);
    s->type = COPY_TYPE;
    s->body = json;
    put_freshness(s, copy, clock_now_us(r->service.clock));
    (void)page_is_known(s, request_header(&w->x->request, "if-none-match", NULL),
                        "private, no-cache");
}

static void answer_missing(struct receiver *r, struct work *w, enum reader_outcome outcome,
                           const struct fail *why)
{
    static const enum problem_id problem[] = {[READER_FOUND] = PROBLEM_FAULT,
                                              [READER_ABSENT] = PROBLEM_NOT_COPIED,
                                              [READER_NOT_YET] = PROBLEM_NOT_YET,
                                              [READER_GONE] = PROBLEM_CURSOR_GONE,
                                              [READER_AWAY] = PROBLEM_COPY_AWAY};

    answer_problem(w, problem[outcome], NULL, NULL);
    if (outcome == READER_AWAY)
        log_rarely(r->service.log, LOG_LEVEL_ERROR, "copy", US_PER_S * 60,
                   "a copy cannot be read: %s", why->text);
    if (outcome == READER_AWAY || outcome == READER_NOT_YET)
        response_header(&w->x->response, "Retry-After", "%s",
                        outcome == READER_AWAY ? RETRY_AWAY_S : RETRY_COPY_S);
}

/* --- each of the paths ------------------------------------------------------------------------------- */

static enum reader_outcome read_wish(const struct journal *j, const struct wish *wish,
                                     size_t nparts, struct reader_copy *copy, struct buf *text,
                                     struct fail *why)
{
    struct jsonw json = {.out = text};
    struct journal_entry tables = {NULL, NULL, 0};
    struct reader_page page = {.n = 0};
    struct slice record = SLICE_NONE;
    enum reader_outcome outcome;

    switch (nparts) {
    case 1:
        outcome = reader_base(j, wish->id[0], copy, &tables, why);
        if (outcome == READER_FOUND)
            put_base(&json, wish, copy, &tables);
        return outcome;
    case 2:
        outcome = reader_page(j, wish->id[0], wish->id[1], wish->cursor, wish->limit, &page, why);
        if (outcome == READER_FOUND)
            put_page(&json, wish, &page);
        *copy = page.copy;
        return outcome;
    default:
        outcome = reader_record(j, wish->id[0], wish->id[1], wish->id[2], copy, &record, why);
        if (outcome == READER_FOUND)
            buf_add_slice(text, record);
        return outcome;
    }
}

void endpoint_copy(struct receiver *r, struct work *w)
{
    struct journal j = {NULL, r->mount[w->route.provider].config->name, w->x->arena, COPY_READ_MS};
    struct buf text = BUF_INIT(COPY_BYTES_MAX);
    struct reader_copy copy = {.generation = 0};
    struct wish wish = {.limit = 0};
    enum reader_outcome outcome = READER_AWAY;
    struct fail why = {"the store is away"};
    struct slice body;

    if (!may_read(r, w) || !read_ids(w, &wish) || !read_query(w, &wish))
        return;
    j.store = guard_store(r->guard);
    if (j.store != NULL)
        outcome = read_wish(&j, &wish, w->route.nparts, &copy, &text, &why);
    body = outcome == READER_FOUND && !text.overflow ? arena_copy(w->x->arena, buf_slice(&text))
                                                     : SLICE_NONE;
    if (outcome != READER_FOUND)
        answer_missing(r, w, outcome, &why);
    else if (body.p == NULL)
        answer_problem(w, PROBLEM_FAULT, "copy", NULL);
    else
        answer_found(r, w, &copy, body);
    buf_free(&text);
}
