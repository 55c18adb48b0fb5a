#include "http/request.h"

#include "base/codec.h"
#include "base/text.h"

/* The target without scheme and authority (RFC 9112 section 3.2.2); p == NULL when it is neither an
 * origin form nor an absolute one. */
static struct slice origin_form(struct slice target)
{
    static const struct slice scheme[] = {{"http://", 7}, {"https://", 8}};

    if (slice_begins(target, "/"))
        return target;
    for (size_t i = 0; i < sizeof(scheme) / sizeof(scheme[0]); i++) {
        size_t n = scheme[i].n;
        if (target.n <= n || !text_equal_nocase((struct slice){target.p, n}, scheme[i]))
            continue;
        struct slice rest = slice_from(target, n);
        const char *slash = memchr(rest.p, '/', rest.n);
        if (slash == NULL)
            return SLICE_LITERAL("/");
        /* http:///path names no host: nothing a client sends. */
        return slash == rest.p ? SLICE_NONE : slice_from(rest, (size_t)(slash - rest.p));
    }
    return SLICE_NONE;
}

/* The target up to its query or fragment. */
static struct slice before_query(struct slice target)
{
    for (size_t i = 0; i < target.n; i++)
        if (target.p[i] == '?' || target.p[i] == '#')
            return (struct slice){target.p, i};
    return target;
}

/* An encoded slash is no separator, and no path of ours holds one: refusing it here spares everybody
 * who compares paths the question which of the two was meant. */
static bool has_encoded_slash(struct slice path)
{
    for (size_t i = 0; i + 2 < path.n; i++)
        if (path.p[i] == '%' && path.p[i + 1] == '2' && (path.p[i + 2] | 0x20) == 'f')
            return true;
    return false;
}

static bool has_control(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < 0x20 || p[i] == 0x7F)
            return true;
    return false;
}

/* Collapses slashes and dot segments of the n bytes at p, which begin with a slash, in place. Returns
 * the new length, or -1 when dots lead above the root. */
static ssize_t normalise(char *p, size_t n)
{
    size_t out = 0; /* p[0..out) is done and has no slash at its end */
    size_t in = 0;  /* always at a slash */

    while (in < n) {
        size_t start = in + 1;
        size_t end = start;
        while (end < n && p[end] != '/')
            end++;
        size_t length = end - start;
        bool last = end == n;
        bool dot = length == 1 && p[start] == '.';
        bool dots = length == 2 && p[start] == '.' && p[start + 1] == '.';
        if (dots) {
            if (out == 0)
                return -1;
            while (p[--out] != '/')
                ;
        } else if (length > 0 && !dot) {
            p[out++] = '/';
            memmove(p + out, p + start, length);
            out += length;
            last = false;
        }
        if (last) /* "/a/", "/a/." and "/a/b/.." name the folder */
            p[out++] = '/';
        in = end;
    }
    return (ssize_t)out;
}

ssize_t request_path(struct slice target, char *out, size_t room)
{
    struct slice path = origin_form(before_query(target));
    if (path.n == 0 || room == 0 || has_encoded_slash(path))
        return -1;

    ssize_t n = percent_decode(path, out, room - 1);
    if (n < 0 || has_control(out, (size_t)n))
        return -1;
    n = normalise(out, (size_t)n);
    if (n >= 0)
        out[n] = '\0';
    return n;
}
