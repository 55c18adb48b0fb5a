#include "http/problem.h"

#include "base/fail.h"

#define ALL_WEBHOOKS (PROBLEM_AT_EVENTS | PROBLEM_AT_PINGS)
#define WITH_SECRETS (ALL_WEBHOOKS | PROBLEM_AT_METRICS | PROBLEM_AT_STATUS | PROBLEM_AT_COPIES)
#define EVERYWHERE   (WITH_SECRETS | PROBLEM_AT_HEALTH | PROBLEM_AT_PAGES)

const struct problem_row problem_table[PROBLEM_COUNT] = {
    [PROBLEM_UNKNOWN_PATH] = {404, OUTCOME_REJECTED, "unknown_path", NULL, 0,
                              .meaning = "Nothing is served at this path."},
    [PROBLEM_RETIRED] = {410, OUTCOME_REJECTED, "retired",
                         "This webhook endpoint is no longer in use.", ALL_WEBHOOKS,
                         .meaning = "The endpoint is no longer in use; stop sending."},
    [PROBLEM_METHOD] = {405,
                        OUTCOME_REJECTED,
                        "method",
                        NULL,
                        EVERYWHERE,
                        {"Allow"},
                        "The path does not have this method."},
    [PROBLEM_PLAIN_HTTP] = {403, OUTCOME_REJECTED, "plain_http",
                            "This endpoint answers over HTTPS only.", WITH_SECRETS,
                            .meaning = "The request came over plain HTTP; what it carried is "
                                       "exposed and should be changed."},
    [PROBLEM_MEDIA_TYPE] = {415, OUTCOME_REJECTED, "media_type",
                            "The Content-Type must be application/json.", ALL_WEBHOOKS,
                            .meaning = "The Content-Type is another; its parameters do not "
                                       "count."},
    [PROBLEM_EMPTY_BODY] = {400, OUTCOME_REJECTED, "empty_body", "The request has no body.",
                            ALL_WEBHOOKS, .meaning = "There is no body."},
    [PROBLEM_TRUNCATED_BODY] = {400, OUTCOME_REJECTED, "truncated_body",
                                "The body is not as long as announced.", ALL_WEBHOOKS,
                                .meaning = "The body is not as long as its Content-Length."},
    [PROBLEM_TOO_LARGE] = {413, OUTCOME_REJECTED, "too_large",
                           "The body is larger than this endpoint takes.", ALL_WEBHOOKS,
                           .meaning = "The body is larger than is taken here."},
    [PROBLEM_NO_LENGTH] = {411, OUTCOME_REJECTED, "no_length",
                           "The request must carry a Content-Length.", ALL_WEBHOOKS,
                           .meaning = "The request has no Content-Length; only where Guichet "
                                      "runs as a plain CGI program."},
    [PROBLEM_UNAUTHORIZED] = {401,
                              OUTCOME_UNAUTHORIZED,
                              "unauthorized",
                              NULL,
                              ALL_WEBHOOKS,
                              {"WWW-Authenticate"},
                              "A key or the signature is missing, malformed, wrong or sent "
                              "twice, or a signed time is stale: the same answer for all."},
    [PROBLEM_INVALID] = {400, OUTCOME_INVALID, "invalid", NULL, ALL_WEBHOOKS,
                         .meaning = "The body is authentic, but not what it must be; it is kept "
                                    "for people to look at. Correct it, and send it again."},
    [PROBLEM_UNKNOWN_TYPE] = {400, OUTCOME_INVALID, "unknown_type",
                              "This event_type is not known here.", PROBLEM_AT_EVENTS,
                              .meaning = "The event's type is not in the table."},
    [PROBLEM_TOO_OLD] = {400, OUTCOME_INVALID, "too_old",
                         "The event is older than this endpoint accepts.", ALL_WEBHOOKS,
                         .meaning = "The event's own timestamp lies too far back."},
    [PROBLEM_OVERFLOW] = {400, OUTCOME_INVALID, "overflow",
                          "The event cannot be applied: a total would pass 9223372036854775807.",
                          PROBLEM_AT_EVENTS, .meaning = "A total would pass the largest number."},
    [PROBLEM_CONFLICT] = {409, OUTCOME_CONFLICT, "conflict",
                          "An event with this id was received before, with another body.",
                          PROBLEM_AT_EVENTS,
                          .meaning = "The id was used for another body; do not retry."},
    [PROBLEM_LIMITED] = {429,
                         OUTCOME_LIMITED,
                         "rate_limit",
                         "Too many events; send this one again later.",
                         PROBLEM_AT_EVENTS,
                         {"Retry-After", "RateLimit-Policy", "RateLimit"},
                         "More events than the window allows; send it again after Retry-After "
                         "seconds."},
    [PROBLEM_UNAVAILABLE] = {503,
                             OUTCOME_UNAVAILABLE,
                             "unavailable",
                             "The event could not be stored now; send it again later.",
                             ALL_WEBHOOKS,
                             {"Retry-After"},
                             "It could not be stored and nothing of it took effect; send it again "
                             "after Retry-After seconds."},
    [PROBLEM_NO_TOKEN] = {403, OUTCOME_REJECTED, "no_token", "Metrics are not enabled here.",
                          PROBLEM_AT_METRICS, .meaning = "No token is configured."},
    [PROBLEM_TOKEN] = {401,
                       OUTCOME_UNAUTHORIZED,
                       "token",
                       NULL,
                       PROBLEM_AT_METRICS | PROBLEM_AT_STATUS,
                       {"WWW-Authenticate"},
                       "The token is missing, wrong or sent twice."},
    [PROBLEM_DOWN] = {503,
                      OUTCOME_UNAVAILABLE,
                      "down",
                      NULL,
                      PROBLEM_AT_HEALTH,
                      {"Retry-After"},
                      "Of /api/health: the store does not answer."},
    [PROBLEM_NO_READING] = {403, OUTCOME_REJECTED, "no_read_token", "Reading is not enabled here.",
                            PROBLEM_AT_COPIES, .meaning = "No token is configured."},
    [PROBLEM_READ_TOKEN] = {401,
                            OUTCOME_UNAUTHORIZED,
                            "read_token",
                            NULL,
                            PROBLEM_AT_COPIES,
                            {"WWW-Authenticate"},
                            "The token is missing, wrong or sent twice."},
    [PROBLEM_QUERY] = {400, OUTCOME_REJECTED, "query", NULL, PROBLEM_AT_COPIES,
                       .meaning = "The query is not one that the path has; the detail says what it "
                                  "may be."},
    [PROBLEM_NOT_COPIED] = {404, OUTCOME_REJECTED, "not_copied",
                            "The copy has no such base, table or record.", PROBLEM_AT_COPIES,
                            .meaning = "The copy has no such base, table or record."},
    [PROBLEM_CURSOR_GONE] = {410, OUTCOME_REJECTED, "cursor_gone",
                             "The copy that this cursor is of has been replaced; begin again "
                             "without a cursor.",
                             PROBLEM_AT_COPIES,
                             .meaning = "The base was copied anew, and the copy that the cursor is "
                                        "of is no more; begin again without a cursor."},
    [PROBLEM_NOT_YET] = {503,
                         OUTCOME_UNAVAILABLE,
                         "not_yet",
                         "The base is not copied yet; ask again later.",
                         PROBLEM_AT_COPIES,
                         {"Retry-After"},
                         "The base's first copy is not complete yet."},
    [PROBLEM_COPY_AWAY] = {503,
                           OUTCOME_UNAVAILABLE,
                           "copy_away",
                           "The copy cannot be read now; ask again later.",
                           PROBLEM_AT_COPIES,
                           {"Retry-After"},
                           "The store does not answer."},
    [PROBLEM_FAULT] = {500, OUTCOME_ERROR, "fault", NULL, EVERYWHERE & ~PROBLEM_AT_HEALTH,
                       .meaning = "A fault of this server's own; nothing of the event took "
                                  "effect. Send it again later."},
};

/* A detail of FAIL_TEXT_MAX bytes in which every one is escaped, and what stands around it. */
#define PROBLEM_MAX ((size_t)6 * FAIL_TEXT_MAX + 256)

void problem(struct response *r, int status, const char *detail, struct arena *arena)
{
    struct buf text = BUF_INIT(PROBLEM_MAX);

    response_init(r, status);
    r->type = PROBLEM_TYPE;
    r->body = SLICE_LITERAL("{\"received\":false}"); /* what can be said when memory is short */

    buf_adds(&text, "{\"type\":\"about:blank\",\"title\":\"");
    buf_adds(&text, response_reason(status));
    buf_adds(&text, "\",\"status\":");
    buf_add_i64(&text, status);
    if (detail != NULL) {
        buf_adds(&text, ",\"detail\":\"");
        buf_add_json(&text, slice_of(detail), FAIL_TEXT_MAX);
        buf_adds(&text, "\"");
    }
    buf_adds(&text, ",\"received\":false}");
    if (!text.overflow) {
        struct slice body = arena_copy(arena, buf_slice(&text));
        if (body.p != NULL)
            r->body = body;
    }
    buf_free(&text);
}
