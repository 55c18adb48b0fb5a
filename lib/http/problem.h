/* problem: errors as application/problem+json (RFC 9457) with "received":false.
 *
 * Every error that is answered is a row of one table: what is sent, what is counted and logged, and what
 * the API's documentation says of it all come from there. */
#ifndef GUICHET_HTTP_PROBLEM_H
#define GUICHET_HTTP_PROBLEM_H

#include "base/arena.h"
#include "http/response.h"
#include "observe/state.h"

#define PROBLEM_TYPE "application/problem+json"

/* In the order of the checks. */
enum problem_id {
    PROBLEM_UNKNOWN_PATH,
    PROBLEM_RETIRED,
    PROBLEM_METHOD,
    PROBLEM_PLAIN_HTTP,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_EMPTY_BODY,
    PROBLEM_TRUNCATED_BODY,
    PROBLEM_TOO_LARGE,
    PROBLEM_NO_LENGTH,
    PROBLEM_UNAUTHORIZED,
    PROBLEM_INVALID, /* reason and detail are the event's (events/event.h) */
    PROBLEM_UNKNOWN_TYPE,
    PROBLEM_TOO_OLD,
    PROBLEM_OVERFLOW,
    PROBLEM_CONFLICT,
    PROBLEM_LIMITED, /* or with the provider's rate_limit_status */
    PROBLEM_UNAVAILABLE,
    PROBLEM_NO_TOKEN,
    PROBLEM_TOKEN,
    PROBLEM_DOWN,
    PROBLEM_NO_READING,
    PROBLEM_READ_TOKEN,
    PROBLEM_QUERY, /* detail is the caller's */
    PROBLEM_NOT_COPIED,
    PROBLEM_CURSOR_GONE,
    PROBLEM_NOT_YET,
    PROBLEM_COPY_AWAY,
    PROBLEM_FAULT,
    PROBLEM_COUNT
};

/* Where a problem can be met. */
#define PROBLEM_AT_EVENTS  1u /* a provider's path */
#define PROBLEM_AT_PINGS   2u /* the path of a provider whose scheme has pings */
#define PROBLEM_AT_METRICS 4u
#define PROBLEM_AT_HEALTH  8u
#define PROBLEM_AT_STATUS  16u /* /status and /status.json while they ask for the token */
#define PROBLEM_AT_PAGES   32u /* all that is for people */

#define PROBLEM_AT_COPIES 64u /* below a read_path */

#define PROBLEM_HEADERS_MAX 3

struct problem_row {
    int status;
    enum outcome outcome;
    const char *reason; /* a word, for audit and log, never for the sender */
    const char *detail; /* for the sender: what is wrong, never what would help a forger; or NULL */
    unsigned where;
    const char *header[PROBLEM_HEADERS_MAX]; /* that the answer has besides; NULL: no more */
    const char *meaning;                     /* for the documentation, one sentence */
};

extern const struct problem_row problem_table[PROBLEM_COUNT];

/* Makes r the answer for the status: {"type":"about:blank","title":...,"status":...,"detail":...,
 * "received":false}. A NULL detail is left out. Headers are the caller's to add, afterwards. When memory
 * is short the body is {"received":false} alone. */
void problem(struct response *r, int status, const char *detail, struct arena *arena);

#endif
