#include "tool/sending.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "outbox/attempt.h"
#include "tool/printable.h"

struct sender {
    struct call *c;
    const struct sending *to;
    struct post *post;
};

struct outbox *sending_open_outbox(struct call *c, bool make, enum verdict *v)
{
    const char *dir = call_option(c, "outbox");
    struct outbox *o = NULL;
    struct fail why = {""};

    if (dir == NULL)
        dir = getenv(SENDING_OUTBOX);
    if (dir == NULL || dir[0] == '\0') {
        *v = call_end(c, VERDICT_USAGE, "say which outbox: --outbox DIR, or $" SENDING_OUTBOX);
        return NULL;
    }
    o = outbox_open(dir, make, &why);
    if (o == NULL)
        *v = call_end(c, VERDICT_USAGE, "%s", why.text);
    return o;
}

void sending_field(struct out *o, const char *name, struct slice text)
{
    if (text.n > 0)
        out_text(o, name, text);
    else
        out_none(o, name);
}

struct sender *sender_new(struct call *c, const struct sending *to)
{
    struct sender *s = calloc(1, sizeof *s);
    struct fail why = {"no memory"};

    if (s != NULL) {
        s->c = c;
        s->to = to;
        s->post = post_new(to->ca_file, &why);
    }
    if (s != NULL && s->post != NULL)
        return s;
    (void)call_end(c, VERDICT_AWAY, "%s", why.text);
    sender_free(s);
    return NULL;
}

void sender_free(struct sender *s)
{
    if (s == NULL)
        return;
    post_free(s->post);
    free(s);
}

static void show(struct sender *s, const struct composed *event, unsigned tried,
                 const struct post_result *r, enum schedule_step next, int64_t wait_us)
{
    static const char *const next_name[] = {
        [SCHEDULE_DONE] = "done", [SCHEDULE_AGAIN] = "again", [SCHEDULE_FAILED] = "failed"};
    struct out *o = s->c->out;

    out_time(o, "time", clock_now_us(&clock_system));
    out_text(o, "id", event->id);
    out_text(o, "timestamp", event->timestamp);
    sending_field(o, "event_type", event->type);
    out_number(o, "try", tried);
    out_text(o, "end", slice_of(try_end_name(r->end)));
    if (r->status > 0)
        out_number(o, "status", r->status);
    else
        out_none(o, "status");
    out_fraction(o, "duration_ms", (double)r->duration_us / 1000);
    out_text(o, "next", slice_of(next_name[next]));
    if (next == SCHEDULE_AGAIN)
        out_fraction(o, "wait_s", (double)wait_us / US_PER_S);
    else
        out_none(o, "wait_s");
    out_end(o);
    out_flush(o);
}

/* Bytes of a receiver, for a terminal. */
static void say_why(struct sender *s, const struct post_result *r)
{
    struct buf answer = BUF_INIT(sizeof r->answer * 8);
    char reason[OUTBOX_REASON_MAX];

    attempt_reason(r, reason, sizeof reason);
    printable_add(&answer, slice_of(r->answer));
    (void)call_end(s->c, VERDICT_NO, "%s%s%s", reason, answer.n > 0 ? ": " : "",
                   answer.n > 0 ? answer.p : "");
    buf_free(&answer);
}

/* One try. False: it could not be begun. */
static bool try_once(struct sender *s, const struct entry_content *e, struct post_result *result)
{
    struct fail why = {""};

    if (attempt_start(s->post, e, &clock_system, environ, s, &why) != 0) {
        (void)call_end(s->c, VERDICT_USAGE, "%s", why.text);
        return false;
    }
    while (!post_next(s->post, clock_now_us(&clock_system), result))
        post_wait(s->post, NULL, 0, POST_TIMEOUT_MS);
    return true;
}

static void wait_until(int64_t due_us)
{
    int64_t left;

    while ((left = due_us - clock_monotonic_us(&clock_system)) > 0)
        nanosleep(&(struct timespec){left / US_PER_S, left % US_PER_S * 1000}, NULL);
}

enum verdict sender_send(struct sender *s, const struct composed *event)
{
    struct entry_content e = s->to->to;
    struct post_result result;
    int64_t ended_us, due_us = 0;
    enum schedule_step step;
    unsigned tried = 0;

    e.id = event->id;
    e.type = event->type;
    e.timestamp = event->timestamp;
    e.body = event->body;
    do {
        wait_until(due_us);
        if (!try_once(s, &e, &result))
            return VERDICT_USAGE;
        ended_us = due_us = clock_monotonic_us(&clock_system);
        step = schedule_next(++tried, s->to->tries, result.end, result.retry_after_us, ended_us,
                             &due_us);
        show(s, event, tried, &result, step, due_us - ended_us);
        if (step != SCHEDULE_DONE)
            say_why(s, &result);
    } while (step == SCHEDULE_AGAIN);
    if (step == SCHEDULE_DONE)
        return VERDICT_DONE;
    return result.end == TRY_REFUSED ? VERDICT_NO : VERDICT_AWAY;
}
