#include "observe/log_private.h"

#include <inttypes.h>

#include "base/buf.h"

/* Bytes of a text that are taken. */
#define ID_MAX     256
#define DETAIL_MAX FAIL_TEXT_MAX
#define REMOTE_MAX 45
#define WORD_MAX   64
/* All of them escaped, six bytes for one, and what stands around them. */
#define LINE_MAX_BYTES ((size_t)6 * (2 * ID_MAX + DETAIL_MAX + REMOTE_MAX + 2 * WORD_MAX) + 512)

/* A second that lies this little before the one that is counted is a slower process's; one that lies
 * further back shows that the clock was set back. */
#define LATE_S 2

static bool is_refused(enum outcome o)
{
    return o == OUTCOME_UNAUTHORIZED || o == OUTCOME_REJECTED || o == OUTCOME_INVALID ||
           o == OUTCOME_LIMITED;
}

static void add_text(struct buf *out, const char *key, struct slice text, size_t max_bytes)
{
    buf_addf(out, ",\"%s\":", key);
    if (text.n == 0) {
        buf_adds(out, "null");
        return;
    }
    buf_adds(out, "\"");
    buf_add_json(out, text, max_bytes);
    buf_adds(out, "\"");
}

static void add_start(struct buf *out, int64_t at_us, const char *provider)
{
    char time[RFC3339_US_ROOM];

    rfc3339_format_us(at_us, time);
    buf_addf(out, "{\"time\":\"%s\"", time);
    add_text(out, "provider", slice_of(provider), WORD_MAX);
}

static void write_out(struct log *l, struct buf *out)
{
    buf_adds(out, "}\n");
    if (out->overflow)
        log_rarely(NULL, LOG_LEVEL_ERROR, "audit", US_PER_S, "no memory for an audit line");
    else
        log_target_write(&l->target, LOG_LEVEL_INFO, buf_slice(out), 0);
    buf_reset(out);
}

/* Begins a new second if now is one. Returns how many lines the one before held back: each of
 * them found the counter at the limit or above, so the number is exact, whoever adds meanwhile. */
static uint64_t begin_second(_Atomic int64_t *second, _Atomic uint64_t *lines, int64_t now_s)
{
    int64_t current = atomic_load(second);

    if (now_s <= current && now_s >= current - LATE_S)
        return 0;
    if (!atomic_compare_exchange_strong(second, &current, now_s))
        return 0;
    uint64_t n = atomic_exchange(lines, 0);
    return n > AUDIT_REFUSED_PER_S ? n - AUDIT_REFUSED_PER_S : 0;
}

static void add_line(struct buf *out, const struct audit_line *line)
{
    int64_t us = line->duration_us > 0 ? line->duration_us : 0;

    add_start(out, line->at_us, line->provider);
    add_text(out, "id", line->id, ID_MAX);
    add_text(out, "event_type", line->event_type, ID_MAX);
    add_text(out, "outcome", slice_of(state_outcome_name(line->outcome)), WORD_MAX);
    add_text(out, "reason", slice_of(line->reason), WORD_MAX);
    add_text(out, "detail", line->detail, DETAIL_MAX);
    add_text(out, "remote", line->remote, REMOTE_MAX);
    buf_addf(out, ",\"status\":%d,\"duration_ms\":%" PRId64 ".%03d,\"bytes\":%" PRIu64,
             line->status, us / 1000, (int)(us % 1000), line->bytes);
    if (line->secret >= 0)
        buf_addf(out, ",\"secret\":%d", line->secret);
    else
        buf_adds(out, ",\"secret\":null");
}

void log_audit(struct log *l, const struct audit_line *line, struct state_provider *row)
{
    struct log *to = log_or_stderr(l);
    _Atomic int64_t *second = row != NULL ? &row->refused_second : &to->refused_second;
    _Atomic uint64_t *lines = row != NULL ? &row->refused_lines : &to->refused_lines;
    struct buf out = BUF_INIT(LINE_MAX_BYTES);

    if (to->target.kind == LOG_TO_NOTHING)
        return;
    int64_t now_us = clock_now_us(to->target.clock);
    uint64_t suppressed = begin_second(second, lines, now_us / US_PER_S);
    if (suppressed > 0) {
        add_start(&out, now_us, line->provider);
        buf_addf(&out, ",\"outcome\":\"suppressed\",\"count\":%" PRIu64, suppressed);
        write_out(to, &out);
    }
    if (!is_refused(line->outcome) || atomic_fetch_add(lines, 1) < AUDIT_REFUSED_PER_S) {
        add_line(&out, line);
        write_out(to, &out);
    }
    buf_free(&out);
}
