#include "outbox/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define MS        INT64_C(1000)
#define FILE_MODE 0644

static const int64_t bound_us[REPORT_BUCKETS - 1] = {5 * MS,    10 * MS,   25 * MS,   50 * MS,
                                                     100 * MS,  250 * MS,  500 * MS,  1000 * MS,
                                                     2500 * MS, 5000 * MS, 10000 * MS};

void report_try(struct report *r, enum try_end end, int64_t duration_us)
{
    size_t i = 0;

    while (i < REPORT_BUCKETS - 1 && duration_us > bound_us[i])
        i++;
    r->tries[end]++;
    r->bucket[i]++;
    r->duration_us += duration_us;
}

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP guichet_outbox_%s %s\n# TYPE guichet_outbox_%s %s\n", name, help, name,
             type);
}

static void one(struct buf *out, const char *name, const char *type, const char *help,
                uint64_t value)
{
    family(out, name, type, help);
    buf_addf(out, "guichet_outbox_%s %" PRIu64 "\n", name, value);
}

static void durations(const struct report *r, struct buf *out)
{
    uint64_t sum = 0;

    family(out, "try_duration_seconds", "histogram", "How long tries took.");
    for (size_t i = 0; i < REPORT_BUCKETS; i++) {
        sum += r->bucket[i];
        if (i < REPORT_BUCKETS - 1)
            buf_addf(out, "guichet_outbox_try_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                     (double)bound_us[i] / US_PER_S, sum);
    }
    buf_addf(out,
             "guichet_outbox_try_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
             "guichet_outbox_try_duration_seconds_sum %.6f\n"
             "guichet_outbox_try_duration_seconds_count %" PRIu64 "\n",
             sum, (double)r->duration_us / US_PER_S, sum);
}

void report_render(const struct report *r, const struct report_now *now, struct buf *out)
{
    uint64_t tries = 0;

    family(out, "tries_total", "counter", "Tries since the start, by how they ended.");
    for (int i = 0; i < TRY_ENDS; i++) {
        tries += r->tries[i];
        buf_addf(out, "guichet_outbox_tries_total{end=\"%s\"} %" PRIu64 "\n",
                 try_end_name((enum try_end)i), r->tries[i]);
    }
    if (tries > 0) {
        family(out, "success_ratio", "gauge",
               "The part of the tries since the start that delivered.");
        buf_addf(out, "guichet_outbox_success_ratio %.6f\n",
                 (double)r->tries[TRY_DELIVERED] / (double)tries);
    }
    durations(r, out);
    one(out, "delivered_total", "counter", "Events delivered since the start.", r->delivered);
    one(out, "failed_total", "counter", "Events that failed for good since the start.", r->failed);
    one(out, "alerts_total", "counter", "Alerts since the start.", r->alerts);
    one(out, "alerts_failed_total", "counter", "Alerts since the start that reached nobody.",
        r->alerts_failed);
    one(out, "waiting_events", "gauge", "Events that wait to be delivered.", now->waiting);
    one(out, "failed_events", "gauge",
        "Events that failed for good and were neither retried nor dropped.", now->failed);
    family(out, "oldest_seconds", "gauge", "How long the oldest event that waits has waited.");
    buf_addf(out, "guichet_outbox_oldest_seconds %.3f\n", (double)now->oldest_us / US_PER_S);
}

static bool write_file(const char *path, struct slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    bool ok = fd >= 0 && fchmod(fd, FILE_MODE) == 0 && write(fd, text.p, text.n) == (ssize_t)text.n;

    if (fd >= 0 && close(fd) != 0)
        ok = false;
    return ok;
}

int report_write(const struct report *r, const struct report_now *now, const char *path,
                 struct fail *why)
{
    struct buf text = BUF_INIT(REPORT_TEXT_MAX);
    char new_path[PATH_MAX];
    int result = -1, n = snprintf(new_path, sizeof new_path, "%s.new", path);

    report_render(r, now, &text);
    if (n < 0 || n >= (int)sizeof new_path || text.overflow)
        fail_set(why, "cannot write %s: its name is too long, or memory is short", path);
    else if (!write_file(new_path, buf_slice(&text)) || rename(new_path, path) != 0)
        fail_set(why, "cannot write %s: %s", new_path, strerror(errno));
    else
        result = 0;
    buf_free(&text);
    return result;
}
