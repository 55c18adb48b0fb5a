/* slice: bytes that belong to somebody else.
 *
 * A slice never owns and is never NUL-terminated; it is valid as long as what it points into. An
 * empty slice may have p == NULL. */
#ifndef GUICHET_BASE_SLICE_H
#define GUICHET_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *p;
    size_t n; /* bytes */
};

#define SLICE_NONE ((struct slice){NULL, 0})
/* A slice over a string literal; its NUL is not part of it. */
#define SLICE_LITERAL(s) ((struct slice){(s), sizeof(s) - 1})

/* A slice over the NUL-terminated s; s == NULL gives the empty slice. */
static inline struct slice slice_of(const char *s)
{
    return (struct slice){s, s != NULL ? strlen(s) : 0};
}

/* Not in constant time: never for secrets (verify/mac.h compares those). */
static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

static inline bool slice_begins(struct slice a, const char *prefix)
{
    size_t n = strlen(prefix);
    return a.n >= n && memcmp(a.p, prefix, n) == 0;
}

/* The slice without its first n bytes; n is at most s.n. */
static inline struct slice slice_from(struct slice s, size_t n)
{
    return (struct slice){s.p + n, s.n - n};
}

#endif
