/* buf: a growing text or byte buffer with a named maximum.
 *
 * An append that would pass the maximum, or finds no memory, appends nothing and marks the buffer
 * as overflowed; later appends then do nothing. So a long row of appends needs one check at its
 * end. */
#ifndef GUICHET_BASE_BUF_H
#define GUICHET_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/slice.h"

struct buf {
    char *p;       /* n bytes and a NUL behind them; NULL while nothing was appended */
    size_t n;      /* bytes in use */
    size_t room;   /* bytes allocated */
    size_t max;    /* n never passes this */
    bool overflow; /* an append was refused */
};

#define BUF_INIT(maximum) ((struct buf){NULL, 0, 0, (maximum), false})

/* Frees the memory; the buffer can be used again with the same maximum. */
void buf_free(struct buf *b);

/* Empties the buffer, keeps its memory and clears the overflow mark. */
void buf_reset(struct buf *b);

/* buf_reserve for a buffer that has to grow, or must not. */
bool buf_grow(struct buf *b, size_t n);

/* Makes room for n more bytes and the NUL, or marks the buffer as overflowed and returns false. */
static inline bool buf_reserve(struct buf *b, size_t n)
{
    /* After an overflow, and before the first append, there is no such room: buf_grow sees to both. */
    if (b->overflow || b->n >= b->room || n >= b->room - b->n || n > b->max - b->n)
        return buf_grow(b, n);
    return true;
}

/* The append functions return true when the bytes were appended. (Inline, because an answer, a commit
 * and an audit line are hundreds of short appends, and a literal's length is known where it stands.) */
static inline bool buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (!buf_reserve(b, n))
        return false;
    if (n > 0)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
    b->p[b->n] = '\0';
    return true;
}

static inline bool buf_adds(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

static inline bool buf_add_slice(struct buf *b, struct slice s)
{
    return buf_add(b, s.p, s.n);
}

__attribute__((format(printf, 2, 3))) bool buf_addf(struct buf *b, const char *format, ...);

/* Decimal integers, cheaper than buf_addf. */
bool buf_add_i64(struct buf *b, int64_t v);
bool buf_add_u64(struct buf *b, uint64_t v);

/* s as the inside of a JSON string (RFC 8259 section 7), quotes not included: `"` and `\` and
 * control characters are escaped, DEL too; bytes that are not UTF-8 become U+FFFD. Of s at most
 * max_bytes are taken (cut at a character), and "..." is added where it was cut. */
bool buf_add_json(struct buf *b, struct slice s, size_t max_bytes);

/* The content as a slice. */
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->p, b->n};
}

#endif
