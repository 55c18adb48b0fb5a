#include "tool/event_line.h"

#include "tool/entries.h"

/* The bytes of a control character at p that a JSON text may hold as it is, 0: it is none. */
static size_t control_length(const char *p, size_t n)
{
    const unsigned char *c = (const unsigned char *)p;

    if (c[0] == 0x7F)
        return 1;
    return n > 1 && c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0 ? 2 : 0;
}

/* A JSON text has line breaks only between its parts and other characters than ASCII only within
 * strings. */
void event_line_body(struct slice body, struct buf *out)
{
    size_t from = 0, control;

    for (size_t i = 0; i < body.n && !out->overflow; i++) {
        bool breaks = body.p[i] == '\n' || body.p[i] == '\r';
        control = control_length(body.p + i, body.n - i);
        if (!breaks && control == 0)
            continue;
        buf_add(out, body.p + from, i - from);
        if (breaks)
            buf_adds(out, " ");
        else
            buf_addf(out, "\\u%04x", (unsigned)(unsigned char)body.p[i + control - 1]);
        i += control > 1;
        from = i + 1;
    }
    buf_add_slice(out, slice_from(body, from));
}

static void add_text(struct buf *out, const char *name, struct slice text)
{
    buf_adds(out, name);
    buf_add_json(out, text, text.n);
}

void event_line(const struct journal_entry *e, struct buf *out)
{
    char at[RFC3339_US_ROOM];
    struct slice body = journal_value(e, "body");

    rfc3339_format_us(entries_at(e), at);
    add_text(out, "{\"entry\":\"", slice_of(e->id));
    add_text(out, "\",\"id\":\"", journal_value(e, "id"));
    add_text(out, "\",\"type\":\"", journal_value(e, "type"));
    add_text(out, "\",\"at\":\"", slice_of(at));
    buf_adds(out, "\",\"body\":");
    if (body.n > 0)
        event_line_body(body, out);
    else
        buf_adds(out, "null");
    buf_adds(out, "}");
}
