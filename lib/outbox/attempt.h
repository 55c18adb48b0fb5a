/* attempt: one try of one event: secrets read, body signed, request started. */
#ifndef GUICHET_OUTBOX_ATTEMPT_H
#define GUICHET_OUTBOX_ATTEMPT_H

#include "base/clock.h"
#include "outbox/entry.h"
#include "outbox/post.h"

/* Whether a secret may be named so: `env:NAME` or `file:/PATH`. -1 with cause and remedy; the secret
 * itself is refused, for arguments and the outbox are no place for it. */
int attempt_check_spec(const char *spec, const char *what, struct fail *why);

/* Signs the event as scheme t4g does and starts the request. The secrets are read anew, so that a change
 * of theirs counts from the next try on. The event must last until the request has ended. -1: a secret cannot be
 * read or is not sound, or memory is short. */
int attempt_start(struct post *p, const struct entry_content *e, const struct clock *clock,
                  char *const *environment, void *tag, struct fail *why);

/* One line for people: how the try ended and what follows from it. */
void attempt_reason(const struct post_result *r, char *out, size_t room);

/* The line of the log: a JSON object with the event's id, timestamp and type, the destination, which try
 * it was, how it ended, its status and duration, and what follows. */
#define ATTEMPT_LINE_MAX 8192
struct attempt_line {
    const struct entry_content *event;
    const struct post_result *result;
    unsigned tried;
    int64_t at_us; /* when it ended */
    enum schedule_step next;
    int64_t wait_us; /* of SCHEDULE_AGAIN */
};
bool attempt_describe(const struct attempt_line *l, struct buf *out);

#endif
