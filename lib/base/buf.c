#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define BUF_FIRST_ROOM ((size_t)256)

void buf_free(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT(b->max);
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->overflow = false;
    if (b->p != NULL)
        b->p[0] = '\0';
}

bool buf_grow(struct buf *b, size_t n)
{
    if (b->overflow)
        return false;
    if (n > b->max - b->n || b->n + n == SIZE_MAX)
        goto refuse;
    size_t need = b->n + n + 1;
    if (need <= b->room)
        return true;

    size_t room = b->room < BUF_FIRST_ROOM ? BUF_FIRST_ROOM : b->room;
    while (room < need && room <= SIZE_MAX / 2)
        room *= 2;
    if (room > b->max)
        room = b->max < SIZE_MAX ? b->max + 1 : SIZE_MAX;
    if (room < need)
        room = need;
    char *p = realloc(b->p, room);
    if (p == NULL)
        goto refuse;
    b->p = p;
    b->room = room;
    return true;

refuse:
    b->overflow = true;
    return false;
}

bool buf_addf(struct buf *b, const char *format, ...)
{
    if (b->overflow)
        return false;

    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || !buf_reserve(b, (size_t)n)) {
        b->overflow = true;
        return false;
    }

    va_start(args, format);
    vsnprintf(b->p + b->n, (size_t)n + 1, format, args);
    va_end(args);
    b->n += (size_t)n;
    return true;
}

bool buf_add_u64(struct buf *b, uint64_t v)
{
    char digits[TEXT_U64_MAX];

    return buf_add(b, digits, (size_t)(text_put_u64(digits, v) - digits));
}

bool buf_add_i64(struct buf *b, int64_t v)
{
    if (v >= 0)
        return buf_add_u64(b, (uint64_t)v);

    size_t before = b->n;
    /* 0 - v as unsigned: right for -2^63 too, which has no positive counterpart. */
    if (buf_add(b, "-", 1) && buf_add_u64(b, 0 - (uint64_t)v))
        return true;
    b->n = before;
    if (b->p != NULL)
        b->p[before] = '\0';
    return false;
}

/* Appends one character of n bytes (n == 0: the byte is not UTF-8) as JSON wants it. */
static void add_json_character(struct buf *b, const char *p, size_t n)
{
    static const char short_form[128] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
    };
    unsigned char c = (unsigned char)p[0];

    if (n == 0)
        buf_adds(b, "\xEF\xBF\xBD");
    else if (n == 1 && short_form[c] != 0)
        buf_add(b, (const char[]){'\\', short_form[c]}, 2);
    else if (n == 1 && (c < 0x20 || c == 0x7F))
        buf_addf(b, "\\u%04x", (unsigned)c);
    else if (n == 2 && c == 0xC2 && (unsigned char)p[1] < 0xA0) /* C1: terminals obey them */
        buf_addf(b, "\\u%04x", (unsigned)(unsigned char)p[1]);
    else
        buf_add(b, p, n);
}

/* How many of the first bytes stand for themselves: visible ASCII and spaces, the usual text whole. */
static size_t plain_run(struct slice s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] >= ' ' && s.p[n] <= '~' && s.p[n] != '"' && s.p[n] != '\\')
        n++;
    return n;
}

bool buf_add_json(struct buf *b, struct slice s, size_t max_bytes)
{
    size_t before = b->n;
    size_t at = 0;

    if (b->overflow)
        return false;
    while (at < s.n && !b->overflow) {
        size_t run = plain_run(slice_from(s, at));
        if (run > max_bytes - at)
            run = max_bytes - at;
        if (run > 0) {
            buf_add(b, s.p + at, run);
            at += run;
            continue;
        }
        size_t n = utf8_length(slice_from(s, at));
        size_t step = n > 0 ? n : 1;
        if (step > max_bytes - at) {
            buf_adds(b, "...");
            break;
        }
        add_json_character(b, s.p + at, n);
        at += step;
    }
    if (!b->overflow)
        return true;
    b->n = before;
    if (b->p != NULL)
        b->p[before] = '\0';
    return false;
}
