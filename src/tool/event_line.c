#include "tool/event_line.h"

#include "tool/entries.h"

/* A JSON text has line breaks only between its parts: within strings they are escaped. */
void event_line_body(struct slice body, struct buf *out)
{
    size_t from = out->n;

    if (!buf_add_slice(out, body))
        return;
    for (size_t i = from; i < out->n; i++)
        if (out->p[i] == '\n' || out->p[i] == '\r')
            out->p[i] = ' ';
}

static void add_text(struct buf *out, const char *name, struct slice text)
{
    buf_adds(out, name);
    buf_add_json(out, text, text.n);
}

void event_line(const struct journal_entry *e, struct buf *out)
{
    char at[RFC3339_US_ROOM];
    struct slice body = entries_value(e, "body");

    rfc3339_format_us(entries_at(e), at);
    add_text(out, "{\"entry\":\"", slice_of(e->id));
    add_text(out, "\",\"id\":\"", entries_value(e, "id"));
    add_text(out, "\",\"type\":\"", entries_value(e, "type"));
    add_text(out, "\",\"at\":\"", slice_of(at));
    buf_adds(out, "\",\"body\":");
    if (body.n > 0)
        event_line_body(body, out);
    else
        buf_adds(out, "null");
    buf_adds(out, "}");
}
