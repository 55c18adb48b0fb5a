/* document: a JSON object, checked whole: decoded names and texts, and the raw bytes of values.
 *
 * The only user of Jansson, which judges the syntax (RFC 8259, strict UTF-8, no duplicate names at any
 * depth, at most 2048 levels) and decodes; values whose exact bytes matter come from members.h. That
 * member k of one is member k of the other rests on Jansson keeping the order of insertion (since 2.8). */
#ifndef GUICHET_EVENTS_DOCUMENT_H
#define GUICHET_EVENTS_DOCUMENT_H

#include "base/arena.h"
#include "events/event.h"
#include "events/members.h"

struct document;

/* Reads the body. EVENT_OK: *out is to be freed with document_free before the arena is reset. EVENT_INVALID:
 * e is refused. EVENT_NO_MEMORY. */
enum event_status document_read(struct slice body, struct arena *arena, struct document **out,
                                struct event *e);
void document_free(struct document *d);

/* What a name leads to. */
enum document_kind { DOCUMENT_ABSENT, DOCUMENT_TEXT, DOCUMENT_OTHER };

/* The text at a path ("id", "webhook.id"), decoded; it lives as long as the document. */
enum document_kind document_text(const struct document *d, const char *path, struct slice *text);

/* The raw bytes of a member of the object itself, in the body; p == NULL: absent. */
struct slice document_raw(const struct document *d, const char *name);

/* The members of the object itself, in the order of the body. Names, decoded, live as long as the
 * document. */
struct document_cursor {
    void *member;
    struct members values;
};
struct document_cursor document_begin(const struct document *d);
bool document_next(const struct document *d, struct document_cursor *c, struct slice *name,
                   struct slice *raw);

#endif
