#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "outbox/runner_private.h"

#define FDS 2

/* --- the folder -------------------------------------------------------------------------------------- */

/* When an entry is due by the clock that only differences are taken of. A calendar that was set back
 * lengthens no wait beyond the longest. */
static int64_t due_of(const struct runner *r, const struct entry_item *i)
{
    int64_t wait = i->due_us - clock_now_us(r->o.clock);

    if (i->due_us == 0 || wait < 0)
        wait = 0;
    if (wait > SCHEDULE_WAIT_MAX_US)
        wait = SCHEDULE_WAIT_MAX_US;
    return clock_monotonic_us(r->o.clock) + wait;
}

static void take_in(struct runner *r, const struct entry_item *i)
{
    enum queue_verdict verdict;

    if (i->state == ENTRY_ALARM)
        runner_alert_add(r, i);
    if (i->state != ENTRY_WAITING)
        return;
    /* Once one did not fit none does, until the folder is listed again: the order is kept. */
    verdict = r->incomplete ? QUEUE_FULL : queue_put(r->queue, i, due_of(r, i));
    r->incomplete = verdict == QUEUE_FULL;
    r->dirty = r->dirty || verdict == QUEUE_PUT;
}

static void on_change(void *ctx, enum outbox_change change, const struct entry_item *i)
{
    struct runner *r = ctx;

    if (change == OUTBOX_MANY)
        r->again = true;
    else if (change == OUTBOX_CAME)
        take_in(r, i);
    else if (change == OUTBOX_WENT)
        queue_drop(r->queue, i);
}

static int list_again(struct runner *r, struct fail *why)
{
    struct outbox_list l;

    if (!outbox_list(r->outbox, &l))
        return fail_set(why, "cannot list %s: %s", outbox_folder(r->outbox), strerror(errno));
    r->again = r->incomplete = false;
    for (size_t i = 0; i < l.n; i++)
        take_in(r, &l.item[i]);
    outbox_list_free(&l);
    return 0;
}

/* --- metrics ----------------------------------------------------------------------------------------- */

static void write_metrics(struct runner *r)
{
    struct report_now now = {0, 0, 0};
    struct outbox_list l;
    struct fail why = {""};

    if (r->o.metrics_file == NULL)
        return;
    r->metrics_us = clock_monotonic_us(&clock_system) + RUNNER_METRICS_S * US_PER_S;
    if (!outbox_list(r->outbox, &l))
        return;
    for (size_t i = 0; i < l.n; i++) {
        if (l.item[i].state != ENTRY_WAITING)
            now.failed++;
        else if (now.waiting++ == 0) /* the number of the first is about when it came */
            now.oldest_us = clock_now_us(r->o.clock) - (int64_t)l.item[i].number;
    }
    outbox_list_free(&l);
    if (now.oldest_us < 0)
        now.oldest_us = 0;
    if (report_write(&r->report, &now, r->o.metrics_file, &why) != 0)
        log_rarely(r->o.log, LOG_LEVEL_WARNING, "metrics", 600 * US_PER_S, "%s", why.text);
}

/* --- the loop ------------------------------------------------------------------------------------------ */

static void on_signals(struct runner *r)
{
    struct signalfd_siginfo s;
    struct fail why = {""};

    while (read(r->signals, &s, sizeof s) == (ssize_t)sizeof s) {
        if (s.ssi_signo != SIGHUP) {
            r->stopping = true;
            continue;
        }
        r->again = true;
        if (runner_alert_read_url(r, &why) != 0)
            log_say(r->o.log, LOG_LEVEL_ERROR, "%s", why.text);
    }
}

static int pause_ms(const struct runner *r)
{
    int64_t next = queue_next_us(r->queue), wait;

    if (r->stopping || next == INT64_MAX || queue_trying(r->queue) >= r->o.concurrency)
        return r->o.tick_ms;
    wait = (next - clock_monotonic_us(r->o.clock) + 999) / 1000;
    if (wait < 0)
        wait = 0;
    return wait < r->o.tick_ms ? (int)wait : r->o.tick_ms;
}

static bool is_done(const struct runner *r)
{
    if (queue_trying(r->queue) > 0 || r->alert.active)
        return false;
    return r->stopping || (r->o.drain && queue_count(r->queue) == 0 && !r->incomplete &&
                           !r->again && !runner_alert_waits(r));
}

static void wait_and_hear(struct runner *r)
{
    struct pollfd fd[FDS] = {{.fd = r->signals, .events = POLLIN},
                             {.fd = r->watch, .events = POLLIN}};
    struct post_result result;

    post_wait(r->post, fd, FDS, pause_ms(r));
    on_signals(r);
    outbox_changes(r->watch, on_change, r);
    while (post_next(r->post, clock_now_us(r->o.clock), &result)) {
        if (result.tag == r)
            runner_alert_posted(r, &result);
        else
            runner_try_end(r, &result);
    }
}

int runner_run(struct runner *r, struct fail *why)
{
    int result = 0;

    log_say(r->o.log, LOG_LEVEL_NOTICE, "working on %s: %zu events wait", outbox_folder(r->outbox),
            queue_count(r->queue));
    for (;;) {
        if (r->incomplete && queue_count(r->queue) <= QUEUE_EVENTS_MAX / 2)
            r->again = true;
        if (r->again && list_again(r, why) != 0) {
            result = -1;
            break;
        }
        if (r->dirty && !outbox_sync(r->outbox))
            log_rarely(r->o.log, LOG_LEVEL_ERROR, "sync", 60 * US_PER_S, "cannot sync %s: %s",
                       outbox_folder(r->outbox), strerror(errno));
        r->dirty = false;
        runner_try_start(r);
        runner_alert_step(r);
        if (clock_monotonic_us(&clock_system) >= r->metrics_us)
            write_metrics(r);
        if (is_done(r))
            break;
        wait_and_hear(r);
    }
    write_metrics(r);
    log_say(r->o.log, LOG_LEVEL_NOTICE, "ends: %zu events wait", queue_count(r->queue));
    return result;
}

/* --- beginning and end --------------------------------------------------------------------------------- */

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The watch before the listing: what comes between the two is seen twice, not never. */
static int begin(struct runner *r, struct fail *why)
{
    const char *dir = outbox_folder(r->outbox);

    r->running = outbox_begin(r->outbox);
    if (r->running < 0)
        return errno == EWOULDBLOCK
                   ? fail_set(why, "another `guichet outbox run` works on %s", dir)
                   : fail_set(why, "cannot take %s for itself: %s", dir, strerror(errno));
    r->watch = outbox_watch(r->outbox);
    if (r->watch < 0)
        return fail_set(why, "cannot watch %s: %s", dir, strerror(errno));
    r->signals = open_signals();
    if (r->signals < 0)
        return fail_set(why, "cannot wait for signals: %s", strerror(errno));
    if (runner_alert_read_url(r, why) != 0)
        return -1;
    r->post = post_new(r->o.ca_file, why);
    if (r->post == NULL)
        return -1;
    r->queue = queue_new(QUEUE_EVENTS_MAX, r->o.concurrency / 2 + 1);
    if (r->queue == NULL)
        return fail_set(why, "no memory");
    outbox_sweep(r->outbox);
    return list_again(r, why);
}

struct runner *runner_new(struct outbox *o, const struct runner_options *options, struct fail *why)
{
    struct runner *r = calloc(1, sizeof *r);

    if (r == NULL) {
        fail_set(why, "no memory");
        return NULL;
    }
    r->o = *options;
    r->outbox = o;
    r->running = r->watch = r->signals = -1;
    if (begin(r, why) == 0)
        return r;
    runner_free(r);
    return NULL;
}

void runner_free(struct runner *r)
{
    if (r == NULL)
        return;
    post_free(r->post);
    runner_alert_free(r);
    queue_free(r->queue);
    if (r->watch >= 0)
        close(r->watch);
    if (r->signals >= 0)
        close(r->signals);
    outbox_end(r->running);
    free(r);
}
