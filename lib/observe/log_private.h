/* log_private: what log.c and log_audit.c share. */
#ifndef GUICHET_OBSERVE_LOG_PRIVATE_H
#define GUICHET_OBSERVE_LOG_PRIVATE_H

#include "observe/log.h"
#include "observe/log_target.h"

/* When the text of a key may be said again. */
struct log_key {
    _Atomic(const char *) key; /* NULL: free */
    _Atomic int64_t due_us;    /* monotonic */
    _Atomic uint64_t held;     /* times it was held back since */
};

struct log {
    struct log_target target;
    struct log_key rarely[LOG_KEYS_MAX];
    /* As in struct state_provider, for lines without a row. */
    _Atomic int64_t refused_second;
    _Atomic uint64_t refused_lines;
};

/* l itself, or for NULL the log that writes to stderr. */
struct log *log_or_stderr(struct log *l);

#endif
