#include "base/text.h"

size_t utf8_length(struct slice s)
{
    /* What the first byte says: the length, and the range of the second byte, which is where
     * overlong forms, surrogates and code points above U+10FFFF show (Unicode, table 3-7). */
    static const struct {
        uint8_t first_min, first_max, length, second_min, second_max;
    } row[] = {
        {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF}, {0xE1, 0xEC, 3, 0x80, 0xBF},
        {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF}, {0xF0, 0xF0, 4, 0x90, 0xBF},
        {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
    };
    if (s.n == 0)
        return 0;
    if ((uint8_t)s.p[0] < 0x80) /* the usual one */
        return 1;

    uint8_t first = (uint8_t)s.p[0];
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (first < row[i].first_min || first > row[i].first_max)
            continue;
        size_t n = row[i].length;
        if (n > s.n)
            return 0;
        if ((uint8_t)s.p[1] < row[i].second_min || (uint8_t)s.p[1] > row[i].second_max)
            return 0;
        for (size_t k = 2; k < n; k++)
            if (((uint8_t)s.p[k] & 0xC0) != 0x80)
                return 0;
        return n;
    }
    return 0;
}

/* Whether the character of n bytes at p is one of C0, DEL or C1. */
static bool is_control(const char *p, size_t n)
{
    uint8_t first = (uint8_t)p[0];

    if (n == 1)
        return first < 0x20 || first == 0x7F;
    return n == 2 && first == 0xC2 && (uint8_t)p[1] < 0xA0;
}

bool text_is_plain(struct slice s, size_t min, size_t max)
{
    if (s.n < min || s.n > max)
        return false;
    for (size_t at = 0; at < s.n;) {
        if (s.p[at] >= ' ' && s.p[at] <= '~') { /* the usual one */
            at++;
            continue;
        }
        size_t n = utf8_length(slice_from(s, at));
        if (n == 0 || is_control(s.p + at, n))
            return false;
        at += n;
    }
    return true;
}

bool text_to_i64(struct slice s, int64_t *out)
{
    int64_t v = 0;

    if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        int digit = s.p[i] - '0';
        if (v > (INT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

char *text_put_u64(char *out, uint64_t v)
{
    char *end = out + 1;

    for (uint64_t rest = v; rest >= 10; rest /= 10)
        end++;
    out = end;
    do {
        *--out = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    return end;
}

/* Not tolower(): that one follows the locale. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_equal_nocase(struct slice a, struct slice b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

struct slice text_trim(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_from(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}
