/* log_target: where lines go. For log.c and log_audit.c alone; log.h says what a target is. */
#ifndef GUICHET_OBSERVE_LOG_TARGET_H
#define GUICHET_OBSERVE_LOG_TARGET_H

#include "base/clock.h"
#include "base/fail.h"
#include "base/slice.h"
#include "observe/log.h"

enum log_target_kind { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_FILE, LOG_TO_NOTHING };

struct log_target {
    enum log_target_kind kind;
    char *path; /* of LOG_TO_FILE */
    int fd;     /* likewise; the number never changes, so that writers need no lock */
    const struct clock *clock;
    _Atomic int64_t next_look_us; /* monotonic: when the name's inode is looked at again */
};

/* -1 with cause and remedy when the target cannot be opened. */
int log_target_open(struct log_target *t, const char *target, const struct clock *clock,
                    struct fail *why);
void log_target_close(struct log_target *t);

/* Writes the line, which ends with a newline. Syslog stamps lines itself and gets the line without its
 * first `stamp` bytes. */
void log_target_write(struct log_target *t, enum log_level level, struct slice line, size_t stamp);

/* Writes lines that each end with a newline, those of a file in one write(2). */
void log_target_write_lines(struct log_target *t, enum log_level level, struct slice lines);

#endif
