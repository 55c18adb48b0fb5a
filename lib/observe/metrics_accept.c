#include "observe/metrics.h"

#include "base/text.h"

#define Q_ONE 1000 /* q in thousandths */

/* Takes what stands before the next separator off the list, double quotes (RFC 9110 section 5.6.4)
 * respected, and trims it. False when nothing is left. */
static bool next_part(struct slice *list, char separator, struct slice *part)
{
    size_t n = 0;
    bool quoted = false;

    if (list->p == NULL)
        return false;
    for (; n < list->n && (quoted || list->p[n] != separator); n++) {
        if (list->p[n] == '"')
            quoted = !quoted;
        else if (quoted && list->p[n] == '\\' && n + 1 < list->n)
            n++;
    }
    *part = text_trim((struct slice){list->p, n});
    *list = n < list->n ? slice_from(*list, n + 1) : SLICE_NONE;
    return true;
}

/* qvalue = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3("0") ], in thousandths; anything else is 0: a range that
 * cannot be read asks for nothing. */
static int read_q(struct slice text)
{
    int q = 0;
    int worth = Q_ONE;

    if (text.n == 0 || text.n > 5 || (text.n > 1 && text.p[1] != '.'))
        return 0;
    for (size_t i = 0; i < text.n; i++) {
        if (i == 1)
            continue;
        if (text.p[i] < '0' || text.p[i] > '9')
            return 0;
        q += (text.p[i] - '0') * worth;
        worth /= 10;
    }
    return q <= Q_ONE ? q : 0;
}

static struct slice unquoted(struct slice s)
{
    bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';

    return quoted ? (struct slice){s.p + 1, s.n - 2} : s;
}

/* One media range. */
struct range {
    struct slice type;
    struct slice version; /* p == NULL: none */
    int q;
};

static struct range read_range(struct slice text)
{
    struct range r = {SLICE_NONE, SLICE_NONE, Q_ONE};
    struct slice part;

    next_part(&text, ';', &r.type);
    while (next_part(&text, ';', &part)) {
        const char *equals = part.n > 0 ? memchr(part.p, '=', part.n) : NULL;
        if (equals == NULL)
            continue;
        size_t n = (size_t)(equals - part.p);
        struct slice name = {part.p, n};
        struct slice value = unquoted(slice_from(part, n + 1));
        if (text_equal_nocase(name, SLICE_LITERAL("q")))
            r.q = read_q(value);
        else if (text_equal_nocase(name, SLICE_LITERAL("version")))
            r.version = value;
    }
    return r;
}

bool metrics_wants_openmetrics(struct slice accept)
{
    /* What speaks of plain text, from general to precise; the most precise one counts. */
    static const char *const plain[] = {"*/*", "text/*", "text/plain"};
    int plain_rank = -1;
    int plain_q = 0;
    int open_q = 0;
    struct slice part;

    for (int n = 0; n < METRICS_RANGES_MAX && next_part(&accept, ',', &part); n++) {
        struct range r = read_range(part);
        if (text_equal_nocase(r.type, SLICE_LITERAL("application/openmetrics-text"))) {
            if ((r.version.p == NULL || slice_is(r.version, "1.0.0")) && r.q > open_q)
                open_q = r.q;
            continue;
        }
        for (int rank = 0; rank < 3; rank++) {
            if (!text_equal_nocase(r.type, slice_of(plain[rank])) || rank < plain_rank)
                continue;
            plain_q = rank > plain_rank || r.q > plain_q ? r.q : plain_q;
            plain_rank = rank;
        }
    }
    return open_q > 0 && open_q >= plain_q;
}
