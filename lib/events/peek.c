#include "events/peek.h"

#include "events/document.h"

bool peek_text(struct slice body, const char *path, struct arena *arena, struct slice *out)
{
    struct document *d = NULL;
    struct event ignored = {.id = SLICE_NONE};
    struct slice text;
    bool there = false;

    if (document_read(body, arena, &d, &ignored) != EVENT_OK)
        return false;
    if (document_text(d, path, &text) == DOCUMENT_TEXT) {
        *out = arena_copy(arena, text);
        there = out->p != NULL;
    }
    document_free(d);
    return there;
}
