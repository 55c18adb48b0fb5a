/* What the runner does about one try: begins it, and writes down how it ended. */
#include <stdio.h>
#include <stdlib.h>

#include "outbox/runner_private.h"

#define UNREADABLE_AGAIN_US US_PER_S

struct attempt {
    uint64_t number;
    struct entry_content event;
    char *memory; /* of the event */
};

static void attempt_free(struct attempt *a)
{
    if (a == NULL)
        return;
    free(a->memory);
    free(a);
}

/* The entry cannot be tried now. */
static void leave(struct runner *r, const struct entry_item *i, enum outbox_reading why)
{
    char name[ENTRY_NAME_ROOM];

    entry_name(i, name);
    if (why == OUTBOX_DAMAGED) {
        outbox_set_aside(r->outbox, i);
        log_say(r->o.log, LOG_LEVEL_ERROR,
                "%s/%s is damaged: it is set aside as bad-%s, and its event is not sent",
                outbox_folder(r->outbox), name, name);
    }
    if (why != OUTBOX_UNREADABLE) {
        queue_end(r->queue, i->number, NULL, 0);
        return;
    }
    log_rarely(r->o.log, LOG_LEVEL_ERROR, "unreadable", 60 * US_PER_S, "%s/%s cannot be read",
               outbox_folder(r->outbox), name);
    queue_end(r->queue, i->number, i, clock_monotonic_us(r->o.clock) + UNREADABLE_AGAIN_US);
}

static void start_one(struct runner *r, const struct entry_item *i)
{
    struct attempt *a = calloc(1, sizeof *a);
    struct fail why = {""};
    enum outbox_reading read = OUTBOX_UNREADABLE;

    if (a != NULL)
        read = outbox_read(r->outbox, i, &a->event, &a->memory);
    if (read != OUTBOX_READ) {
        attempt_free(a);
        leave(r, i, read);
        return;
    }
    a->number = i->number;
    if (attempt_start(r->post, &a->event, r->o.clock, r->o.environment, a, &why) != 0) {
        struct post_result result = {.tag = a, .end = TRY_SETTINGS};
        (void)snprintf(result.text, sizeof result.text, "%.*s", (int)sizeof result.text - 1,
                       why.text);
        runner_try_end(r, &result);
    }
}

void runner_try_start(struct runner *r)
{
    int64_t now = clock_monotonic_us(r->o.clock);
    struct entry_item i;

    while (!r->stopping && queue_trying(r->queue) < r->o.concurrency &&
           queue_take(r->queue, now, &i))
        start_one(r, &i);
}

static void say_line(struct runner *r, const struct attempt_line *line)
{
    struct buf text = BUF_INIT(ATTEMPT_LINE_MAX);

    if (attempt_describe(line, &text))
        log_line(r->o.tries, buf_slice(&text));
    buf_free(&text);
}

bool runner_alerts(const struct runner *r)
{
    return r->o.alert_command != NULL || r->alert.url[0] != '\0';
}

static void fail_for_good(struct runner *r, const struct entry_item *now, struct entry_item next,
                          const struct attempt *a, const struct post_result *result)
{
    char reason[OUTBOX_REASON_MAX];

    attempt_reason(result, reason, sizeof reason);
    next.state = runner_alerts(r) ? ENTRY_ALARM : ENTRY_FAILED;
    next.due_us = 0;
    outbox_note_why(r->outbox, now, reason);
    r->report.failed++;
    log_say(r->o.log, LOG_LEVEL_ERROR, "event %.*s failed for good, try %u: %s", (int)a->event.id.n,
            a->event.id.p, (unsigned)next.tries, reason);
    if (outbox_rename(r->outbox, now, &next) && next.state == ENTRY_ALARM)
        runner_alert_add(r, &next);
    r->dirty = true;
    queue_end(r->queue, a->number, NULL, 0);
}

static void conclude(struct runner *r, const struct attempt *a, const struct post_result *result,
                     const struct entry_item *now, enum schedule_step step, int64_t due_us,
                     int64_t wait_us)
{
    struct entry_item next = *now;

    next.tries++;
    switch (step) {
    case SCHEDULE_DONE:
        r->report.delivered++;
        (void)outbox_remove(r->outbox, now);
        queue_end(r->queue, a->number, NULL, 0);
        break;
    case SCHEDULE_AGAIN:
        next.due_us = clock_now_us(r->o.clock) + wait_us;
        r->dirty = true;
        queue_end(r->queue, a->number, outbox_rename(r->outbox, now, &next) ? &next : NULL, due_us);
        break;
    case SCHEDULE_FAILED:
        fail_for_good(r, now, next, a, result);
        break;
    }
}

void runner_try_end(struct runner *r, struct post_result *result)
{
    struct attempt *a = result->tag;
    int64_t ended_us = clock_monotonic_us(r->o.clock), due_us = ended_us;
    struct entry_item now;
    bool there = queue_now(r->queue, a->number, &now);
    unsigned tried = there ? now.tries + 1 : SCHEDULE_TRIES;
    enum schedule_step step = schedule_next(tried, SCHEDULE_TRIES, result->end,
                                            result->retry_after_us, ended_us, &due_us);

    report_try(&r->report, result->end, result->duration_us);
    say_line(r, &(struct attempt_line){&a->event, result, tried, clock_now_us(r->o.clock), step,
                                       due_us - ended_us});
    if (there)
        conclude(r, a, result, &now, step, due_us, due_us - ended_us);
    else /* dropped meanwhile */
        queue_end(r->queue, a->number, NULL, 0);
    attempt_free(a);
}
