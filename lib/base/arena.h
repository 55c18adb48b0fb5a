/* arena: memory that lives as long as one request and is given back all at once.
 *
 * An arena grows in blocks up to a named maximum and keeps the first one for the next request, so
 * that the steady state allocates nothing. It belongs to one thread. What is handed out counts
 * rounded up to the strictest alignment (16 bytes on usual machines), the maximum too. */
#ifndef GUICHET_BASE_ARENA_H
#define GUICHET_BASE_ARENA_H

#include <stddef.h>
#include "base/slice.h"

struct arena;

/* A new arena that hands out at most max bytes between two resets; NULL when memory is short. */
struct arena *arena_new(size_t max);

/* Frees the arena and all it handed out. NULL is legal. */
void arena_free(struct arena *a);

/* n bytes, zeroed, aligned for any type, valid until the next arena_reset. NULL when the maximum
 * would be passed or memory is short. n == 0 gives a valid, unusable pointer. */
void *arena_alloc(struct arena *a, size_t n);

/* As arena_alloc, but not zeroed: for buffers that are filled at once. */
void *arena_raw(struct arena *a, size_t n);

/* Takes back all but the first `kept` bytes of p, which was handed out last. Nothing may have been written
 * to those taken back, for arena_reset does not overwrite them. */
void arena_shrink(struct arena *a, void *p, size_t kept);

/* A copy of s with a NUL behind it (not counted in its length); p == NULL when there is no room. */
struct slice arena_copy(struct arena *a, struct slice s);

/* Takes everything back. Bytes handed out are overwritten with zeros first, so that no body and no
 * secret survives its request; blocks beyond the first are freed. */
void arena_reset(struct arena *a);

/* Bytes handed out since the last reset, rounded as above. */
size_t arena_used(const struct arena *a);

#endif
