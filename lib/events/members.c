#include "events/members.h"

static void skip(struct slice *s, size_t n)
{
    *s = slice_from(*s, n < s->n ? n : s->n);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct slice *s)
{
    while (s->n > 0 && is_space(s->p[0]))
        skip(s, 1);
}

/* Whether an odd number of backslashes stands before p. */
static bool is_escaped(const char *begin, const char *p)
{
    const char *run = p;

    while (run > begin && run[-1] == '\\')
        run--;
    return (p - run) % 2 == 1;
}

/* The string that begins here. */
static void skip_string(struct slice *s)
{
    const char *begin = s->p + 1, *end = s->p + s->n, *at = begin;

    do
        at = memchr(at, '"', (size_t)(end - at));
    while (at != NULL && is_escaped(begin, at++));
    *s = slice_from(*s, (size_t)((at != NULL ? at : end) - s->p));
}

/* The object or array that begins here. Depth is counted, not followed by recursion: brackets are known
 * to match. */
static void skip_nested(struct slice *s)
{
    size_t depth = 0;

    do {
        switch (s->p[0]) {
        case '"':
            skip_string(s);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            break;
        }
        skip(s, 1);
    } while (s->n > 0 && depth > 0);
}

/* The number or word that begins here. */
static void skip_bare(struct slice *s)
{
    size_t n = 0;

    while (n < s->n && s->p[n] != ',' && s->p[n] != '}' && !is_space(s->p[n]))
        n++;
    skip(s, n);
}

static void skip_value(struct slice *s)
{
    if (s->n == 0)
        return;
    if (s->p[0] == '"')
        skip_string(s);
    else if (s->p[0] == '{' || s->p[0] == '[')
        skip_nested(s);
    else
        skip_bare(s);
}

struct members members_of(struct slice body)
{
    struct members m = {body};

    skip_space(&m.rest);
    if (m.rest.n > 0 && m.rest.p[0] == '{')
        skip(&m.rest, 1);
    else
        m.rest = SLICE_NONE;
    return m;
}

bool members_next(struct members *m, struct slice *value)
{
    struct slice start;

    skip_space(&m->rest);
    if (m->rest.n > 0 && m->rest.p[0] == ',') {
        skip(&m->rest, 1);
        skip_space(&m->rest);
    }
    if (m->rest.n == 0 || m->rest.p[0] != '"')
        return false;
    skip_string(&m->rest);
    skip_space(&m->rest);
    skip(&m->rest, 1); /* the colon */
    skip_space(&m->rest);
    start = m->rest;
    skip_value(&m->rest);
    *value = (struct slice){start.p, start.n - m->rest.n};
    return true;
}
