#include "airtable/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "airtable/keys.h"

#define PATH_MAX_BYTES 256
#define FORMULA_MAX    8192
#define NAP_MS         500 /* between two questions whether to go on */

/* What a request needs of the token, for the message when it is refused. */
#define SCOPE_HOOKS "webhook:manage"
#define SCOPE_PAYLOADS                                                                             \
    "webhook:manage, data.records:read (for tableData) and schema.bases:read (for tableFields, "   \
    "tableMetadata)"
#define SCOPE_SCHEMA  "schema.bases:read"
#define SCOPE_RECORDS "data.records:read"

struct request_line {
    const char *method, *path, *scopes;
    bool once; /* what is not answered may have been done: not to be repeated but after a 429 */
};

static bool may_go_on(const struct api *a)
{
    return a->go_on == NULL || a->go_on(a->ctx);
}

static bool wait_ms(const struct api *a, int64_t ms)
{
    while (ms > 0) {
        int64_t nap = ms < NAP_MS ? ms : NAP_MS;
        (void)nanosleep(&(struct timespec){nap / 1000, nap % 1000 * 1000000}, NULL);
        ms -= nap;
        if (!may_go_on(a))
            return false;
    }
    return may_go_on(a);
}

/* The words of an error: {"error":"X"}, {"error":{"type","message"}} or {"errors":[{"error","message"}]}. */
static void error_text(const json_t *answer, char *out, size_t room)
{
    const json_t *e = json_object_get(answer, "error");
    const json_t *first = json_array_get(json_object_get(answer, "errors"), 0);
    const char *type = json_string_value(e), *message = NULL;

    if (json_is_object(e)) {
        type = json_string_value(json_object_get(e, "type"));
        message = json_string_value(json_object_get(e, "message"));
    } else if (first != NULL) {
        type = json_string_value(json_object_get(first, "error"));
        message = json_string_value(json_object_get(first, "message"));
    }
    (void)snprintf(out, room, "%s%s%s", type != NULL ? type : "no reason given",
                   message != NULL ? ": " : "", message != NULL ? message : "");
}

static enum api_code judge(const struct api *a, const struct request_line *line, long status,
                           const json_t *answer, struct fail *why)
{
    char text[256];

    error_text(answer, text, sizeof text);
    switch (status) {
    case 401:
        fail_set(why,
                 "the API does not know the token (401 %s); make one at "
                 "airtable.com/create/tokens and set AIRTABLE_PERSONAL_TOKEN",
                 text);
        return API_DENIED;
    case 403:
        fail_set(why,
                 "%s %s is not permitted (403 %s); the token needs the scope %s and access to "
                 "the base %s",
                 line->method, line->path, text, line->scopes, a->base);
        return API_FORBIDDEN;
    case 404:
        fail_set(why, "%s is not there (404 %s)", line->path, text);
        return API_NOT_FOUND;
    default:
        fail_set(why, "%s %s was refused (%ld %s)", line->method, line->path, status, text);
        return API_REFUSED;
    }
}

/* One try. API_AWAY: another may help. */
static enum api_code attempt(struct api *a, const struct request_line *line, struct slice body,
                             json_t **out, struct fail *why)
{
    struct buf answer;
    json_error_t error;
    long status;
    int64_t wait_us;
    enum api_code code = API_AWAY;
    bool sent;

    if (!limiter_take(&a->limiter, &wait_us, why))
        return API_STOPPED;
    if (!wait_ms(a, (wait_us + 999) / 1000)) {
        fail_set(why, "stopped before %s %s", line->method, line->path);
        return API_STOPPED;
    }
    a->requests++;
    sent = http_client_send(a->http, line->method, line->path, body, &status, &answer, why);
    limiter_done(&a->limiter, sent && status == 429);
    a->last_status = status;
    if (!sent)
        return may_go_on(a) ? API_AWAY : API_STOPPED;
    if (answer.n > 0)
        *out = json_loadb(answer.p, answer.n, JSON_REJECT_DUPLICATES, &error);
    if (status == 429 || status >= 500)
        fail_set(why, "the API answered %ld to %s %s", status, line->method, line->path);
    else if (status == 200 && answer.n > 0 && !json_is_object(*out))
        fail_set(why, "the answer to %s %s is not JSON", line->method, line->path);
    else
        code = status == 200 || status == 204 ? API_OK : judge(a, line, status, *out, why);
    buf_free(&answer);
    if (code != API_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return code;
}

static enum api_code call(struct api *a, const struct request_line *line, const json_t *body,
                          json_t **out, struct fail *why)
{
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    json_t *ignored = NULL, **result = out != NULL ? out : &ignored;
    enum api_code code = API_AWAY;
    int64_t pause = API_PAUSE_MS;

    *result = NULL;
    if (body != NULL && text == NULL) {
        fail_set(why, "no memory for a request");
        return API_AWAY;
    }
    for (int i = 0; i < API_TRIES; i++) {
        if (i > 0 && !wait_ms(a, pause)) {
            code = API_STOPPED;
            break;
        }
        pause *= i > 0 ? 2 : 1;
        code = attempt(a, line, slice_of(text), result, why);
        if (code != API_AWAY || (line->once && a->last_status != 429))
            break;
    }
    if (code == API_OK && out != NULL && *out == NULL) {
        fail_set(why, "the answer to %s %s is empty", line->method, line->path);
        code = API_AWAY;
    }
    json_decref(ignored);
    free(text);
    return code;
}

/* Ids come from the store and from answers: none may lead to another path. */
static enum api_code call_hook(struct api *a, const char *method, const char *hook,
                               const char *what, const char *scopes, const json_t *body,
                               json_t **out, struct fail *why)
{
    char path[PATH_MAX_BYTES];

    if (out != NULL)
        *out = NULL;
    if (!airtable_id_is(slice_of(hook), "ach")) {
        fail_set(why, "%.40s is not the id of a hook", hook);
        return API_REFUSED;
    }
    (void)snprintf(path, sizeof path, "/v0/bases/%s/webhooks/%s%s", a->base, hook, what);
    return call(a, &(struct request_line){method, path, scopes, false}, body, out, why);
}

enum api_code api_hooks(struct api *a, json_t **out, struct fail *why)
{
    char path[PATH_MAX_BYTES];

    (void)snprintf(path, sizeof path, "/v0/bases/%s/webhooks", a->base);
    return call(a, &(struct request_line){"GET", path, SCOPE_HOOKS, false}, NULL, out, why);
}

enum api_code api_create(struct api *a, json_t *wish, json_t **out, struct fail *why)
{
    char path[PATH_MAX_BYTES];

    (void)snprintf(path, sizeof path, "/v0/bases/%s/webhooks", a->base);
    return call(a, &(struct request_line){"POST", path, SCOPE_PAYLOADS, true}, wish, out, why);
}

enum api_code api_enable(struct api *a, const char *hook, bool on, struct fail *why)
{
    json_t *body = json_pack("{s:b}", "enable", on);
    enum api_code code =
        call_hook(a, "POST", hook, "/enableNotifications", SCOPE_HOOKS, body, NULL, why);

    json_decref(body);
    return code;
}

enum api_code api_refresh(struct api *a, const char *hook, json_t **out, struct fail *why)
{
    return call_hook(a, "POST", hook, "/refresh", SCOPE_HOOKS, NULL, out, why);
}

enum api_code api_delete(struct api *a, const char *hook, struct fail *why)
{
    return call_hook(a, "DELETE", hook, "", SCOPE_HOOKS, NULL, NULL, why);
}

enum api_code api_payloads(struct api *a, const char *hook, int64_t cursor, json_t **out,
                           struct fail *why)
{
    char what[80];

    (void)snprintf(what, sizeof what, "/payloads?cursor=%lld&limit=%d", (long long)cursor,
                   API_PAYLOADS_MAX);
    return call_hook(a, "GET", hook, what, SCOPE_PAYLOADS, NULL, out, why);
}

enum api_code api_tables(struct api *a, json_t **out, struct fail *why)
{
    char path[PATH_MAX_BYTES];

    (void)snprintf(path, sizeof path, "/v0/meta/bases/%s/tables", a->base);
    return call(a, &(struct request_line){"GET", path, SCOPE_SCHEMA, false}, NULL, out, why);
}

/* OR(RECORD_ID()='rec...',...) */
static bool add_formula(json_t *wish, const json_t *ids)
{
    struct buf formula = BUF_INIT(FORMULA_MAX);
    size_t i;
    json_t *id;
    bool ok;

    buf_adds(&formula, "OR(");
    json_array_foreach(ids, i, id)
        buf_addf(&formula, "%sRECORD_ID()='%s'", i > 0 ? "," : "", json_string_value(id));
    buf_adds(&formula, ")");
    ok = !formula.overflow &&
         json_object_set_new(wish, "filterByFormula", json_stringn(formula.p, formula.n)) == 0;
    buf_free(&formula);
    return ok;
}

/* By POST: a list of a hundred ids does not fit in an address. */
enum api_code api_records(struct api *a, const char *table, const json_t *ids, const char *offset,
                          json_t **out, struct fail *why)
{
    char path[PATH_MAX_BYTES];
    json_t *wish = json_pack("{s:b,s:i}", "returnFieldsByFieldId", 1, "pageSize", API_RECORDS_MAX);
    enum api_code code = API_AWAY;

    *out = NULL;
    if (!airtable_id_is(slice_of(table), "tbl")) {
        fail_set(why, "%.40s is not the id of a table", table);
        code = API_REFUSED;
    } else if (wish == NULL || (ids != NULL && !add_formula(wish, ids)) ||
               (offset != NULL && json_object_set_new(wish, "offset", json_string(offset)) != 0)) {
        fail_set(why, "no memory for a request");
    } else {
        (void)snprintf(path, sizeof path, "/v0/%s/%s/listRecords", a->base, table);
        code = call(a, &(struct request_line){"POST", path, SCOPE_RECORDS, false}, wish, out, why);
    }
    json_decref(wish);
    return code;
}
