#include "observe/log_private.h"

#include "base/buf.h"

/* Bytes of a text that are taken. */
#define ID_MAX     256
#define DETAIL_MAX FAIL_TEXT_MAX
#define REMOTE_MAX 45
#define WORD_MAX   64
/* All of them escaped, six bytes for one, and what stands around them. */
#define LINE_MAX_BYTES ((size_t)6 * (2 * ID_MAX + DETAIL_MAX + REMOTE_MAX + 2 * WORD_MAX) + 512)
/* A buffer that is not written yet has room for two more. */
_Static_assert(2 * LINE_MAX_BYTES <= AUDIT_BYTES_MAX / 2, "an audit line must fit");

/* A second that lies this little before the one that is counted is a slower process's; one that lies
 * further back shows that the clock was set back. */
#define LATE_S 2

static bool is_refused(enum outcome o)
{
    return o == OUTCOME_UNAUTHORIZED || o == OUTCOME_REJECTED || o == OUTCOME_INVALID ||
           o == OUTCOME_LIMITED;
}

/* A member's name with what stands around it. */
#define KEY(name) SLICE_LITERAL(",\"" name "\":")

static void add_text(struct buf *out, struct slice key, struct slice text, size_t max_bytes)
{
    buf_add_slice(out, key);
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
    buf_adds(out, "{\"time\":\"");
    buf_adds(out, time);
    buf_adds(out, "\"");
    add_text(out, KEY("provider"), slice_of(provider), WORD_MAX);
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
    int ms_part = (int)(us % 1000);
    const char part[4] = {'.', (char)('0' + ms_part / 100), (char)('0' + ms_part / 10 % 10),
                          (char)('0' + ms_part % 10)};

    add_start(out, line->at_us, line->provider);
    add_text(out, KEY("id"), line->id, ID_MAX);
    add_text(out, KEY("event_type"), line->event_type, ID_MAX);
    add_text(out, KEY("outcome"), slice_of(state_outcome_name(line->outcome)), WORD_MAX);
    add_text(out, KEY("reason"), slice_of(line->reason), WORD_MAX);
    add_text(out, KEY("detail"), line->detail, DETAIL_MAX);
    add_text(out, KEY("remote"), line->remote, REMOTE_MAX);
    buf_add_slice(out, KEY("status"));
    buf_add_i64(out, line->status);
    buf_add_slice(out, KEY("duration_ms"));
    buf_add_i64(out, us / 1000);
    buf_add(out, part, sizeof part);
    buf_add_slice(out, KEY("bytes"));
    buf_add_u64(out, line->bytes);
    buf_add_slice(out, KEY("secret"));
    if (line->secret >= 0)
        buf_add_i64(out, line->secret);
    else
        buf_adds(out, "null");
}

/* A line is whole or not there. */
static void end_line(struct log *l, struct buf *lines, size_t before)
{
    buf_adds(lines, "}\n");
    if (lines->overflow) {
        log_rarely(NULL, LOG_LEVEL_ERROR, "audit", US_PER_S, "no memory for an audit line");
        lines->overflow = false;
        lines->n = before;
        if (lines->p != NULL)
            lines->p[before] = '\0';
    }
    if (lines->n > AUDIT_BYTES_MAX / 2)
        log_audit_write(l, lines);
}

void log_audit(struct log *l, const struct audit_line *line, struct state_provider *row,
               struct buf *lines)
{
    struct log *to = log_or_stderr(l);
    _Atomic int64_t *second = row != NULL ? &row->refused_second : &to->refused_second;
    _Atomic uint64_t *held = row != NULL ? &row->refused_lines : &to->refused_lines;
    size_t before = lines->n;

    if (to->target.kind == LOG_TO_NOTHING)
        return;
    int64_t now_us = clock_now_us(to->target.clock);
    uint64_t suppressed = begin_second(second, held, now_us / US_PER_S);
    if (suppressed > 0) {
        add_start(lines, now_us, line->provider);
        buf_adds(lines, ",\"outcome\":\"suppressed\",\"count\":");
        buf_add_u64(lines, suppressed);
        end_line(to, lines, before);
    }
    if (!is_refused(line->outcome) || atomic_fetch_add(held, 1) < AUDIT_REFUSED_PER_S) {
        before = lines->n;
        add_line(lines, line);
        end_line(to, lines, before);
    }
}

void log_audit_write(struct log *l, struct buf *lines)
{
    struct log *to = log_or_stderr(l);

    if (lines->n > 0)
        log_target_write_lines(&to->target, LOG_LEVEL_INFO, buf_slice(lines));
    buf_reset(lines);
}
