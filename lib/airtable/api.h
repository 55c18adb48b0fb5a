/* api: Airtable's API for one base: https://airtable.com/developers/web/api.
 *
 * Each call waits for its place in the limit of requests, tries again what passes by itself (no answer, a
 * cut or broken one, 5xx, 429) with growing pauses, and says what is wrong with what does not. */
#ifndef GUICHET_AIRTABLE_API_H
#define GUICHET_AIRTABLE_API_H

#include <jansson.h>
#include "airtable/http_client.h"
#include "airtable/limiter.h"

#define API_URL          "https://api.airtable.com"
#define API_PAYLOADS_MAX 50  /* of a page */
#define API_RECORDS_MAX  100 /* of a page */
#define API_TRIES        6
#define API_PAUSE_MS     500 /* before the second try; doubles */

enum api_code {
    API_OK,
    API_AWAY,      /* no sound answer in API_TRIES; later perhaps */
    API_STOPPED,   /* `go_on` said no, or the store cannot be asked for a place in the limit */
    API_DENIED,    /* 401: the token is not known */
    API_FORBIDDEN, /* 403: a scope or the base is missing */
    API_NOT_FOUND, /* 404 */
    API_REFUSED    /* 422 and whatever else says that the request is wrong */
};

struct api {
    struct http_client *http;
    struct limiter limiter;
    const char *base;
    /* Asked before each request and about once a second while one runs or is waited for; false ends the
     * call with API_STOPPED. */
    bool (*go_on)(void *ctx);
    void *ctx;
    int64_t requests; /* made so far */
    long last_status; /* 0: no answer */
};

/* *out is a new reference to the answer's JSON; NULL after an empty answer and unless API_OK. */
enum api_code api_hooks(struct api *a, json_t **out, struct fail *why);
enum api_code api_create(struct api *a, json_t *wish, json_t **out, struct fail *why);
enum api_code api_enable(struct api *a, const char *hook, bool on, struct fail *why);
enum api_code api_refresh(struct api *a, const char *hook, json_t **out, struct fail *why);
enum api_code api_delete(struct api *a, const char *hook, struct fail *why);
enum api_code api_payloads(struct api *a, const char *hook, int64_t cursor, json_t **out,
                           struct fail *why);
enum api_code api_tables(struct api *a, json_t **out, struct fail *why);
/* A page of a table's records, fields by id: of those ids (at most API_RECORDS_MAX; those that are gone are
 * not among them), or of all (ids NULL), from `offset` on (NULL: from the first). */
enum api_code api_records(struct api *a, const char *table, const json_t *ids, const char *offset,
                          json_t **out, struct fail *why);

#endif
