/* report: what became of the tries since the daemon started, as a textfile for Prometheus' node
 * exporter. */
#ifndef GUICHET_OUTBOX_REPORT_H
#define GUICHET_OUTBOX_REPORT_H

#include "base/buf.h"
#include "base/fail.h"
#include "outbox/schedule.h"

#define REPORT_BUCKETS 12

struct report {
    uint64_t tries[TRY_ENDS];
    uint64_t bucket[REPORT_BUCKETS]; /* of the durations of tries; the last one has no bound */
    int64_t duration_us;             /* their sum */
    uint64_t delivered, failed;      /* events */
    uint64_t alerts, alerts_failed;
};

/* How the outbox is now. */
struct report_now {
    uint64_t waiting, failed;
    int64_t oldest_us; /* how long the oldest that waits has waited; 0: none does */
};

void report_try(struct report *r, enum try_end end, int64_t duration_us);

#define REPORT_TEXT_MAX 16384
/* The exposition, format 0.0.4. */
void report_render(const struct report *r, const struct report_now *now, struct buf *out);

/* Puts it to `path`, whole or not at all, readable for everybody: as `path`.new, which becomes
 * `path`. */
int report_write(const struct report *r, const struct report_now *now, const char *path,
                 struct fail *why);

#endif
