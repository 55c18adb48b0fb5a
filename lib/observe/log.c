#include "observe/log_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

/* Every byte of the text written as \xNN, and what stands before it. */
#define LINE_MAX_BYTES ((size_t)4 * LOG_TEXT_MAX + 128)

static const char *const level_name[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info",
};

/* What is said before any log is open needs one as well, and its keys a memory. */
static struct log stderr_log = {
    .target = {.kind = LOG_TO_STDERR, .fd = -1, .clock = &clock_system},
};

struct log *log_or_stderr(struct log *l)
{
    return l != NULL ? l : &stderr_log;
}

struct log *log_open(const char *target, const struct clock *clock, struct fail *why)
{
    struct log *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        fail_set(why, "no memory to open the log %s; give the process more", target);
        return NULL;
    }
    if (log_target_open(&l->target, target, clock, why) != 0) {
        free(l);
        return NULL;
    }
    return l;
}

void log_close(struct log *l)
{
    if (l == NULL)
        return;
    log_target_close(&l->target);
    free(l);
}

static void add_escaped(struct buf *line, struct slice text)
{
    while (text.n > 0) {
        size_t n = utf8_length(text);
        struct slice character = {text.p, n > 0 ? n : 1};
        if (slice_is(character, "\\"))
            buf_adds(line, "\\\\");
        else if (text_is_plain(character, 1, character.n))
            buf_add_slice(line, character);
        else
            for (size_t i = 0; i < character.n; i++)
                buf_addf(line, "\\x%02x", (unsigned)(unsigned char)character.p[i]);
        text = slice_from(text, character.n);
    }
}

/* Formats into LOG_TEXT_MAX bytes; what is cut off shows as "...". */
static struct slice format_text(char out[static LOG_TEXT_MAX + 1], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static struct slice format_text(char out[static LOG_TEXT_MAX + 1], const char *format, va_list args)
{
    int n = vsnprintf(out, LOG_TEXT_MAX + 1, format, args);

    if (n < 0)
        return SLICE_LITERAL("(a text that cannot be formatted)");
    if (n > LOG_TEXT_MAX) {
        n = LOG_TEXT_MAX;
        memset(out + n - 3, '.', 3);
    }
    return (struct slice){out, (size_t)n};
}

static void say(struct log *l, enum log_level level, struct slice text, uint64_t held)
{
    struct buf line = BUF_INIT(LINE_MAX_BYTES);
    char time[RFC3339_ROOM];

    if (l->target.kind == LOG_TO_NOTHING)
        return;
    rfc3339_format(clock_now_us(l->target.clock), time);
    buf_addf(&line, "%s guichet[%ld] ", time, (long)getpid());
    size_t stamp = line.n;
    buf_addf(&line, "%s: ", level_name[level]);
    add_escaped(&line, text);
    if (held > 0)
        buf_addf(&line, " (held back %" PRIu64 " times before)", held);
    buf_adds(&line, "\n");
    if (line.overflow)
        dprintf(STDERR_FILENO, "guichet: no memory for a line of the log\n");
    else
        log_target_write(&l->target, level, buf_slice(&line), stamp);
    buf_free(&line);
}

void log_say(struct log *l, enum log_level level, const char *format, ...)
{
    char text[LOG_TEXT_MAX + 1];
    va_list args;

    va_start(args, format);
    struct slice formatted = format_text(text, format, args);
    va_end(args);
    say(log_or_stderr(l), level, formatted, 0);
}

void log_line(struct log *l, struct slice json)
{
    struct buf line = BUF_INIT(json.n + 1);

    if (buf_add_slice(&line, json) && buf_adds(&line, "\n"))
        log_target_write(&log_or_stderr(l)->target, LOG_LEVEL_INFO, buf_slice(&line), 0);
    buf_free(&line);
}

/* The row of the key, compared as text, for the compiler may keep a literal twice. */
static struct log_key *find_key(struct log *l, const char *key)
{
    for (size_t i = 0; i < LOG_KEYS_MAX - 1; i++) {
        const char *there = NULL;
        if (atomic_compare_exchange_strong(&l->rarely[i].key, &there, key) ||
            strcmp(there, key) == 0)
            return &l->rarely[i];
    }
    return &l->rarely[LOG_KEYS_MAX - 1];
}

void log_rarely(struct log *l, enum log_level level, const char *key, int64_t every_us,
                const char *format, ...)
{
    struct log *to = log_or_stderr(l);
    struct log_key *row = find_key(to, key);
    int64_t now_us = clock_monotonic_us(to->target.clock);
    int64_t due_us = atomic_load(&row->due_us);

    if (now_us < due_us ||
        !atomic_compare_exchange_strong(&row->due_us, &due_us, now_us + every_us)) {
        atomic_fetch_add(&row->held, 1);
        return;
    }

    char text[LOG_TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    struct slice formatted = format_text(text, format, args);
    va_end(args);
    say(to, level, formatted, atomic_exchange(&row->held, 0));
}
