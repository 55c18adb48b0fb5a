/* runner_private: what the runner's files share. */
#ifndef GUICHET_OUTBOX_RUNNER_PRIVATE_H
#define GUICHET_OUTBOX_RUNNER_PRIVATE_H

#include <sys/types.h>
#include "outbox/attempt.h"
#include "outbox/queue.h"
#include "outbox/report.h"
#include "outbox/runner.h"

/* The alert that is under way: for the first of the alarms. */
struct runner_alert {
    pid_t pid;       /* 0: no command runs */
    int64_t kill_us; /* when it is killed */
    bool active, posting, failed;
    struct buf body;            /* of the webhook */
    char url[POST_URL_MAX + 1]; /* "": none */
    int64_t due_us;             /* not before this */
};

struct runner {
    struct runner_options o;
    struct outbox *outbox;
    struct queue *queue;
    struct post *post;
    int running, watch, signals; /* descriptors */
    struct report report;
    struct outbox_list alarms; /* failed, not told yet; from `told` on */
    size_t told;
    struct runner_alert alert;
    int64_t metrics_us; /* when they are written next */
    bool dirty;         /* a rename or an addition is not synced yet */
    bool again;         /* the folder is to be listed */
    bool incomplete;    /* there is more in it than the queue takes */
    bool stopping;
};

/* --- runner_try.c --------------------------------------------------------------------------------- */

/* Starts what is due, as far as there is room. */
void runner_try_start(struct runner *r);
/* A try has ended. */
void runner_try_end(struct runner *r, struct post_result *result);
/* Whether anybody is to be told of failures. */
bool runner_alerts(const struct runner *r);

/* --- runner_alert.c ------------------------------------------------------------------------------- */

/* Reads where alerts go. -1 with cause and remedy. */
int runner_alert_read_url(struct runner *r, struct fail *why);
/* One more that failed. */
void runner_alert_add(struct runner *r, const struct entry_item *i);
/* Begins, looks after or ends the alert at hand. */
void runner_alert_step(struct runner *r);
/* The webhook was answered, or not. */
void runner_alert_posted(struct runner *r, const struct post_result *result);
/* Whether alerts still are to be sent, and the last one did not fail. */
bool runner_alert_waits(const struct runner *r);
void runner_alert_free(struct runner *r);

#endif
