/* peek: one text out of a body that was authentic once, for people who look at events afterwards. */
#ifndef GUICHET_EVENTS_PEEK_H
#define GUICHET_EVENTS_PEEK_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/slice.h"

/* The decoded text at a path of the body ("user_id", "webhook.id"), copied to the arena. False when the body is no
 * JSON object without double names, when there is no text there, or when memory is short. */
bool peek_text(struct slice body, const char *path, struct arena *arena, struct slice *out);

#endif
