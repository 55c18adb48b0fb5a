#include "config/ini.h"

#include <ini.h>

#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"

/* What libinih keeps of a section's and a key's name (its MAX_SECTION and MAX_NAME are 50, private
 * to its ini.c); what is longer it cuts. */
#define INI_NAME_MAX 49

enum line_kind { LINE_NOTHING, LINE_SECTION, LINE_PAIR, LINE_CONTINUATION };

struct lines {
    struct slice rest;
    unsigned line;
    const struct ini_sink *to;
    struct fail *why;
    bool failed;
    bool has_key;   /* a key stood in this section: a line with white space in front continues it */
    bool continues; /* the line that libinih has is such a line */
    bool pending;   /* libinih has a pair that it has not yet handed to handle_pair */
};

/* Takes the next line off r->rest, without its end (LF, or CRLF). */
static struct slice take_line(struct lines *r)
{
    const char *end = memchr(r->rest.p, '\n', r->rest.n);
    struct slice line = {r->rest.p, end != NULL ? (size_t)(end - r->rest.p) : r->rest.n};

    r->rest = slice_from(r->rest, end != NULL ? line.n + 1 : line.n);
    r->line++;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* UTF-8 without control characters; tabs are white space. */
static bool is_text_line(struct slice line)
{
    for (size_t at = 0; at < line.n;) {
        struct slice rest = slice_from(line, at);
        size_t n = utf8_length(rest);
        if (n == 0 || (line.p[at] != '\t' && !text_is_plain((struct slice){rest.p, n}, 1, n)))
            return false;
        at += n;
    }
    return true;
}

/* Where libinih would see the beginning of a comment and cut. */
static bool has_comment_behind(struct slice line)
{
    for (size_t i = 1; i < line.n; i++)
        if (line.p[i] == ';' && is_blank(line.p[i - 1]))
            return true;
    return false;
}

/* "name = value" rather than a value with a = in it: base64 ends in =, without a space before. */
static bool looks_like_pair(struct slice text)
{
    const char *equals = memchr(text.p, '=', text.n);
    if (equals == NULL)
        return false;

    struct slice before = {text.p, (size_t)(equals - text.p)};
    struct slice name = text_trim(before);
    struct slice value = slice_from(text, before.n + 1);
    for (size_t i = 0; i < name.n; i++)
        if ((name.p[i] < 'a' || name.p[i] > 'z') && name.p[i] != '_')
            return keys_is_name(name);
    return name.n < before.n || (value.n > 0 && value.p[0] != '=');
}

static enum line_kind classify(const struct lines *r, struct slice line)
{
    struct slice text = text_trim(line);

    if (text.n == 0 || text.p[0] == ';' || text.p[0] == '#')
        return LINE_NOTHING;
    if (r->has_key && is_blank(line.p[0]))
        return LINE_CONTINUATION;
    return text.p[0] == '[' ? LINE_SECTION : LINE_PAIR;
}

static int check_section(struct slice text, struct fail *why)
{
    const char *end = memchr(text.p, ']', text.n);

    if (end == NULL)
        return fail_set(why, "the section has no `]`; write it as in [server]");
    if (end != text.p + text.n - 1)
        return fail_set(why, "something follows the `]`; move it to a line of its own");
    if (text.n - 2 > INI_NAME_MAX)
        return fail_set(why, "the section's name is longer than %d bytes; shorten it",
                        INI_NAME_MAX);
    return 0;
}

static int check_pair(struct slice text, struct fail *why)
{
    size_t n = 0;

    while (n < text.n && text.p[n] != '=' && text.p[n] != ':')
        n++;
    if (n == text.n)
        return fail_set(why, "the line has no `=`; write `key = value`, or put ; before a comment");
    if (text.p[n] == ':')
        return fail_set(why, "a `:` stands before the `=`; write `key = value`");
    struct slice name = text_trim((struct slice){text.p, n});
    if (name.n == 0)
        return fail_set(why, "nothing stands before the `=`; write `key = value`");
    if (name.n > INI_NAME_MAX)
        return fail_set(why, "the key is longer than %d bytes; no key is", INI_NAME_MAX);
    return 0;
}

static int check_continuation(struct slice text, struct fail *why)
{
    if (text.p[0] == '[' || looks_like_pair(text))
        return fail_set(why, "white space before a line makes it a part of the line above; remove "
                             "it if this is a section or a key of its own");
    return 0;
}

/* Judges a line by what libinih would make of it. */
static int check_line(struct lines *r, struct slice line, enum line_kind kind)
{
    if (r->line > CONFIG_LINES_MAX)
        return fail_set(r->why, "the file has more than %d lines; shorten it", CONFIG_LINES_MAX);
    if (line.n > CONFIG_LINE_MAX)
        return fail_set(
            r->why,
            "the line is longer than %d bytes; put a long secret into a file of its own "
            "and name it by file:/PATH",
            CONFIG_LINE_MAX);
    if (!is_text_line(line))
        return fail_set(r->why, "the line holds a control character or bytes that are not UTF-8; "
                                "save the file as UTF-8 text");
    if (kind == LINE_NOTHING)
        return 0;
    if (has_comment_behind(line))
        return fail_set(r->why, "a `;` after white space would begin a comment and cut the line; "
                                "put the comment on a line of its own, or the value into a file or "
                                "a variable (file:/PATH, env:NAME)");
    return kind == LINE_SECTION        ? check_section(text_trim(line), r->why)
           : kind == LINE_CONTINUATION ? check_continuation(text_trim(line), r->why)
                                       : check_pair(text_trim(line), r->why);
}

static int tell_section(struct lines *r, struct slice line)
{
    struct slice text = text_trim(line);
    struct slice name = {text.p + 1, text.n - 2};

    return r->to->section(r->to->ctx, name, r->line, r->why);
}

/* The next line that libinih shall have; false at the end or after a failure. */
static bool next_line(struct lines *r, struct slice *out)
{
    while (r->rest.n > 0) {
        struct slice line = take_line(r);
        enum line_kind kind = classify(r, line);
        if (check_line(r, line, kind) != 0 ||
            (kind == LINE_SECTION && tell_section(r, line) != 0)) {
            r->failed = true;
            return false;
        }
        if (kind == LINE_NOTHING)
            continue;
        r->has_key = kind != LINE_SECTION;
        r->pending = kind != LINE_SECTION;
        r->continues = kind == LINE_CONTINUATION;
        *out = line;
        return true;
    }
    return false;
}

/* What libinih reads from: one line a call, with a newline, into room bytes. */
static char *hand_line(char *out, int room, void *stream)
{
    struct lines *r = stream;
    struct slice line;

    if (r->failed)
        return NULL;
    if (r->pending) {
        r->failed = true;
        fail_set(r->why, "the line was not understood; write `key = value`");
        return NULL;
    }
    if (!next_line(r, &line))
        return NULL;
    if (room < 2 || line.n > (size_t)room - 2) {
        r->failed = true;
        fail_set(r->why, "this libinih takes no line of %zu bytes; shorten it", line.n);
        return NULL;
    }
    memcpy(out, line.p, line.n);
    out[line.n] = '\n';
    out[line.n + 1] = '\0';
    return out;
}

static int handle_pair(void *ctx, const char *section, const char *key, const char *value)
{
    struct lines *r = ctx;

    (void)section; /* known from the line itself: libinih is silent about a section without keys */
    r->pending = false;
    if (!r->failed)
        r->failed = r->to->pair(r->to->ctx, slice_of(key), slice_of(value), r->line, r->continues,
                                r->why) != 0;
    return r->failed ? 0 : 1;
}

int ini_read(struct slice text, const struct ini_sink *to, unsigned *line, struct fail *why)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    struct lines r = {.rest = text, .to = to, .why = why};

    if (slice_begins(text, byte_order_mark))
        r.rest = slice_from(text, sizeof(byte_order_mark) - 1);
    int result = ini_parse_stream(hand_line, &r, handle_pair, &r);
    *line = r.line;
    if (r.failed)
        return -1;
    if (r.pending || result != 0)
        return fail_set(why, "the line was not understood; write `key = value`");
    return 0;
}
