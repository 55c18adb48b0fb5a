/* post: HTTP requests under way, many at a time. The only user of libcurl.
 *
 * TLS peers are verified, redirects are not followed, only http and https are spoken. Of an answer
 * POST_ANSWER_MAX bytes are kept, and no more are waited for: its status counts then. */
#ifndef GUICHET_OUTBOX_POST_H
#define GUICHET_OUTBOX_POST_H

#include <poll.h>
#include <stdbool.h>
#include "base/fail.h"
#include "base/slice.h"
#include "outbox/schedule.h"

#define POST_TIMEOUT_MS                                                                            \
    10000 /* a whole request, from the look-up of the name to the answer's last byte */
#define POST_ANSWER_MAX  (64u * 1024)
#define POST_HEADERS_MAX 8
#define POST_URL_MAX     2048
#define POST_FDS_MAX     4

/* Whether events may be sent there: -1 with cause and remedy. https, or http to this host itself (or
 * to any with plain_http: API key and event are readable on the way then); no user and no password in it. */
int post_check_url(const char *url, bool plain_http, struct fail *why);

struct post;

/* ca_file: the authorities to trust in place of the system's; NULL: those. NULL with cause and
 * remedy. */
struct post *post_new(const char *ca_file, struct fail *why);
/* Ends what is under way; NULL is legal. */
void post_free(struct post *p);

struct post_header {
    const char *name, *value; /* no line breaks */
};

/* Starts a request. `body` must last until it has ended, the rest is copied. tag: comes back with the result.
 * -1: nothing was started. */
int post_start(struct post *p, const char *url, const struct post_header *header, size_t nheaders,
               struct slice body, void *tag, struct fail *why);

/* Works until a request has ended, a descriptor of `fd` is ready (its revents tell) or timeout_ms have
 * passed. */
void post_wait(struct post *p, struct pollfd *fd, size_t nfds, int timeout_ms);

struct post_result {
    void *tag;
    enum try_end end;
    int status;             /* 0: none came */
    int64_t duration_us;    /* of the whole request */
    int64_t retry_after_us; /* what the answer asks for, see schedule_retry_after; 0: nothing */
    char text[256]; /* for people: what went wrong, in plain text; "" where the status tells all */
    char answer[256]; /* the answer's beginning, NUL-terminated; not printable as it stands */
};
/* The result of a request that has ended. False: none has. now_us: the calendar time, for dates in
 * answers. */
bool post_next(struct post *p, int64_t now_us, struct post_result *out);

#endif
