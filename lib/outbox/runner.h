/* runner: the daemon that works an outbox through.
 *
 * One thread. An event is tried when it is due and first of its lane (queue.h); how a try ended is on
 * the disk, as the entry's new name, before the next one begins; a new entry is synced before its first
 * try. Signals: TERM and INT end it when the tries under way have ended; HUP reads the folder and the place of
 * the alert's URL again. */
#ifndef GUICHET_OUTBOX_RUNNER_H
#define GUICHET_OUTBOX_RUNNER_H

#include "base/clock.h"
#include "observe/log.h"
#include "outbox/outbox.h"

#define RUNNER_TICK_MS         1000 /* no pause is longer, whatever the clock does */
#define RUNNER_CONCURRENCY     16
#define RUNNER_CONCURRENCY_MAX 256
#define RUNNER_METRICS_S       15 /* between two writings of the metrics */
#define RUNNER_ALERT_AGAIN_S   60 /* after an alert that reached nobody */

struct runner_options {
    const struct clock *clock;
    int tick_ms;        /* RUNNER_TICK_MS; less where a test's clock runs faster */
    size_t concurrency; /* tries at a time; half of them, and one more, for one destination */
    bool drain;         /* end when nothing waits any more */
    const char *ca_file;
    const char *alert_command; /* an absolute path; or NULL */
    const char *alert_url;     /* a URL, or env:NAME or file:PATH that holds one; or NULL */
    const char *metrics_file;  /* or NULL */
    struct log *log;           /* for the operator */
    struct log *tries;         /* one JSON line a try */
    char *const *environment;
};

struct runner;

/* Takes the outbox for itself. Blocks TERM, INT and HUP in the calling thread and in those that come after. NULL
 * with cause and remedy: another daemon works on it, a setting is not sound. What it points to must outlive
 * it. */
struct runner *runner_new(struct outbox *o, const struct runner_options *options, struct fail *why);
/* NULL is legal. */
void runner_free(struct runner *r);

/* Works until a signal ends it or, with `drain`, nothing waits. -1: the folder cannot be worked on any more. */
int runner_run(struct runner *r, struct fail *why);

#endif
