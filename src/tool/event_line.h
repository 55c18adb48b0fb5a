/* event_line: an entry of the hand-off as one line of JSON, the form that export and consumers get:
 *
 *     {"entry":"1760524200000-0","id":"evt-1","type":"user.created","at":"2025-10-15T10:30:00.000000Z","body":{...}}
 *
 * The body is the sender's own JSON; line breaks between its parts become spaces, and control
 * characters that JSON leaves as they are (DEL, C1) \u escapes, for they steer terminals. Nothing else
 * changes. */
#ifndef GUICHET_TOOL_EVENT_LINE_H
#define GUICHET_TOOL_EVENT_LINE_H

#include "base/buf.h"
#include "store/journal.h"

/* Room for the largest body (64 MiB), if each of its bytes is DEL, and what stands around it. */
#define EVENT_LINE_MAX ((6 * 64u << 20) + (16u << 10))

/* Appends it, without a newline. What overflowed is a part of it, and must go nowhere. */
void event_line(const struct journal_entry *e, struct buf *out);
/* Appends the body alone. */
void event_line_body(struct slice body, struct buf *out);

#endif
