/* log: lines for the operator (log) and one JSON line a webhook (audit).
 *
 * A target is "stderr", "syslog", "off" or an absolute path. A file is opened for appending, 0640, and
 * opened again when the name's inode changes (looked at no more than once a second), so that logrotate
 * needs no signal; whole lines are one write(2), so that lines of many processes never mix. When a line
 * cannot be written it goes to stderr. All functions may be called from any thread.
 *
 * What came from outside is escaped (buf_add_json); a secret, a signature or a body is never a
 * parameter of these functions. */
#ifndef GUICHET_OBSERVE_LOG_H
#define GUICHET_OBSERVE_LOG_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/slice.h"
#include "observe/state.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO };

struct log;

/* NULL when the target cannot be opened, with the cause and remedy. `clock` must outlive the log. */
struct log *log_open(const char *target, const struct clock *clock, struct fail *why);
/* NULL is legal. */
void log_close(struct log *l);

/* A line "2025-10-15T10:30:05Z guichet[123] error: text"; to syslog "error: text". In the formatted text,
 * of which LOG_TEXT_MAX bytes are taken, control characters and bytes that are not UTF-8 become \xNN, and
 * a backslash becomes two. l == NULL writes to stderr. */
#define LOG_TEXT_MAX 2048
__attribute__((format(printf, 3, 4))) void log_say(struct log *l, enum log_level level,
                                                   const char *format, ...);

/* A line that the caller has made, a JSON object without a line break, as it stands. */
void log_line(struct log *l, struct slice json);

/* As log_say, but a text with the same key is said at most once in every_us (and then with the number
 * of times it was held back). key is a string literal; a process tells LOG_KEYS_MAX of them apart, what
 * comes after shares a row. */
#define LOG_KEYS_MAX 32
__attribute__((format(printf, 5, 6))) void log_rarely(struct log *l, enum log_level level,
                                                      const char *key, int64_t every_us,
                                                      const char *format, ...);

/* One request, for the audit line. Slices may be empty; an empty one gives null. */
struct audit_line {
    int64_t at_us;
    const char *provider; /* NULL: the path is no provider's */
    struct slice id;
    struct slice event_type;
    enum outcome outcome;
    const char *reason;  /* a word: missing, mismatch, not_json, store_timeout ...; or NULL */
    struct slice detail; /* for the operator: which field was wrong; never a value from the body */
    struct slice remote; /* address */
    int64_t duration_us;
    uint64_t bytes; /* of the body */
    int status;
    int secret; /* slot that verified, or -1 */
};

/* Adds the line as one JSON object to `lines`, which log_audit_write writes. Refused ones (unauthorized,
 * rejected, invalid, limited) beyond AUDIT_REFUSED_PER_S in one second of one provider are counted
 * instead, over all processes by means of `row` (may be NULL: then in this process alone), and told by
 * one line with their number and the outcome `suppressed` before the first line of a later second.
 * Seconds are those of the log's clock. A buffer that passes half of AUDIT_BYTES_MAX is written at
 * once. */
#define AUDIT_REFUSED_PER_S 100
#define AUDIT_BYTES_MAX     ((size_t)64 * 1024)
void log_audit(struct log *l, const struct audit_line *line, struct state_provider *row,
               struct buf *lines);

/* Writes the lines and empties the buffer, which keeps its memory. */
void log_audit_write(struct log *l, struct buf *lines);

#endif
