#include "config/value.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first: value_*_text takes the first that divides the number. */
static const struct unit duration_unit[] = {
    {"d", INT64_C(86400000000)},
    {"h", 3600000000},
    {"m", 60000000},
    {"s", 1000000},
    {"ms", 1000},
    {NULL, 0},
};
static const struct unit size_unit[] = {{"MiB", 1048576}, {"KiB", 1024}, {"", 1}, {NULL, 0}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool quantity(struct slice text, const struct unit *unit, int64_t *out)
{
    int64_t number;
    size_t digits = 0;

    while (digits < text.n && is_digit(text.p[digits]))
        digits++;
    if (!text_to_i64((struct slice){text.p, digits}, &number))
        return false;
    while (unit->name != NULL && !slice_is(slice_from(text, digits), unit->name))
        unit++;
    if (unit->name == NULL || number > INT64_MAX / unit->factor)
        return false;
    *out = number * unit->factor;
    return true;
}

bool value_duration(struct slice text, int64_t *out_us)
{
    return quantity(text, duration_unit, out_us);
}

bool value_size(struct slice text, int64_t *out_bytes)
{
    return quantity(text, size_unit, out_bytes);
}

bool value_rate(struct slice text, int64_t *out_count, int64_t *out_window_us)
{
    int64_t count, window_us;
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
    if (slash == NULL)
        return false;

    size_t before = (size_t)(slash - text.p);
    if (!text_to_i64(text_trim((struct slice){text.p, before}), &count) ||
        !value_duration(text_trim(slice_from(text, before + 1)), &window_us))
        return false;
    *out_count = count;
    *out_window_us = window_us;
    return true;
}

bool value_is_url_path(struct slice text)
{
    if (text.n == 0 || text.p[0] != '/')
        return false;
    for (size_t at = 1; at < text.n;) {
        size_t start = at;
        while (at < text.n && text.p[at] != '/') {
            char c = text.p[at++];
            if (!is_digit(c) && !is_letter(c) &&
                (c == '\0' || strchr("-._~!$&'()*+,;=:@", c) == NULL))
                return false;
        }
        struct slice segment = {text.p + start, at - start};
        if (segment.n == 0 || slice_is(segment, ".") || slice_is(segment, ".."))
            return false;
        at++; /* the slash, or beyond the end */
    }
    return true;
}

/* How much of the text is a host; 0: none. */
static size_t host_length(struct slice text)
{
    bool bracket = text.n > 0 && text.p[0] == '[';
    const char *others = bracket ? ":." : "-.";
    size_t n = bracket ? 1 : 0;

    while (n < text.n && (is_digit(text.p[n]) || is_letter(text.p[n]) ||
                          (text.p[n] != '\0' && strchr(others, text.p[n]) != NULL)))
        n++;
    if (!bracket)
        return n;
    return n > 1 && n < text.n && text.p[n] == ']' ? n + 1 : 0;
}

bool value_is_origin(struct slice text)
{
    size_t scheme = slice_begins(text, "https://") ? 8 : slice_begins(text, "http://") ? 7 : 0;
    size_t host = scheme > 0 ? host_length(slice_from(text, scheme)) : 0;
    int64_t port = 0;

    if (host == 0)
        return false;
    struct slice rest = slice_from(text, scheme + host);
    if (rest.n == 0)
        return true;
    return rest.p[0] == ':' && text_to_i64(slice_from(rest, 1), &port) && port > 0 && port < 65536;
}

bool value_is_name(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!is_digit(c) && (c < 'a' || c > 'z') && c != '-' && c != '_')
            return false;
    }
    return text.n > 0;
}

bool value_is_variable(struct slice text)
{
    if (text.n == 0 || is_digit(text.p[0]))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!is_digit(text.p[i]) && !is_letter(text.p[i]) && text.p[i] != '_')
            return false;
    return true;
}

static void quantity_text(int64_t number, const struct unit *unit, char *out)
{
    while (unit[1].name != NULL && (number == 0 || number % unit->factor != 0))
        unit++;
    (void)snprintf(out, VALUE_TEXT_ROOM, "%" PRId64 "%s", number / unit->factor, unit->name);
}

void value_duration_text(int64_t us, char out[static VALUE_TEXT_ROOM])
{
    quantity_text(us, duration_unit, out);
}

void value_size_text(int64_t bytes, char out[static VALUE_TEXT_ROOM])
{
    quantity_text(bytes, size_unit, out);
}
