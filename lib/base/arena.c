#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#define ARENA_ALIGN alignof(max_align_t)
/* The first block serves a usual webhook whole (a body of a few KiB and what is made of it). */
#define ARENA_FIRST_BLOCK ((size_t)32 * 1024)
#define ARENA_LATER_BLOCK ((size_t)64 * 1024)

/* Under the address sanitizer what is not handed out is poisoned, so that a read or write past the
 * end of an arena's buffer is found as it is for malloc's. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define arena_poison(p, n)   __asan_poison_memory_region((p), (n))
#define arena_unpoison(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define arena_poison(p, n)   ((void)(p), (void)(n))
#define arena_unpoison(p, n) ((void)(p), (void)(n))
#endif

struct block {
    struct block *next; /* an older one */
    size_t room;
    size_t used;
    alignas(max_align_t) char bytes[];
};

struct arena {
    size_t max;
    size_t used;
    struct block *newest; /* the list ends with the first block, which stays */
};

static struct block *block_new(size_t room, struct block *next)
{
    if (room > SIZE_MAX - sizeof(struct block))
        return NULL;
    /* Zeroed, so that memory of arena_raw never shows what the heap held before. */
    struct block *b = calloc(1, sizeof(*b) + room);
    if (b == NULL)
        return NULL;
    b->next = next;
    b->room = room;
    arena_poison(b->bytes, room);
    return b;
}

/* Zeroed by a call that the compiler may not leave out although the memory is about to be freed. */
static void block_wipe(struct block *b)
{
    arena_unpoison(b->bytes, b->room);
    explicit_bzero(b->bytes, b->used);
    b->used = 0;
}

/* n rounded up to the alignment, or 0 when that does not fit into a size_t. */
static size_t rounded(size_t n)
{
    if (n > SIZE_MAX - (ARENA_ALIGN - 1))
        return 0;
    return (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

struct arena *arena_new(size_t max)
{
    size_t limit = max == 0 ? 0 : rounded(max);
    if (max != 0 && limit == 0)
        return NULL;

    struct arena *a = malloc(sizeof(*a));
    if (a == NULL)
        return NULL;
    a->max = limit;
    a->used = 0;
    a->newest = block_new(limit < ARENA_FIRST_BLOCK ? limit : ARENA_FIRST_BLOCK, NULL);
    if (a->newest == NULL) {
        free(a);
        return NULL;
    }
    return a;
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    arena_reset(a);
    arena_unpoison(a->newest->bytes, a->newest->room);
    free(a->newest);
    free(a);
}

void *arena_raw(struct arena *a, size_t n)
{
    size_t need = rounded(n);
    if (need < n || need > a->max - a->used)
        return NULL;

    struct block *b = a->newest;
    if (need > b->room - b->used) {
        b = block_new(need > ARENA_LATER_BLOCK ? need : ARENA_LATER_BLOCK, a->newest);
        if (b == NULL)
            return NULL;
        a->newest = b;
    }
    char *p = b->bytes + b->used;
    b->used += need;
    a->used += need;
    arena_unpoison(p, n);
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    void *p = arena_raw(a, n);
    if (p != NULL && n > 0)
        memset(p, 0, n);
    return p;
}

void arena_shrink(struct arena *a, void *p, size_t kept)
{
    struct block *b = a->newest;
    size_t used = (size_t)((char *)p - b->bytes) + rounded(kept);

    a->used -= b->used - used;
    b->used = used;
    arena_poison(b->bytes + used, b->room - used);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    if (s.n == SIZE_MAX)
        return SLICE_NONE;
    char *p = arena_raw(a, s.n + 1);
    if (p == NULL)
        return SLICE_NONE;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct slice){p, s.n};
}

void arena_reset(struct arena *a)
{
    struct block *b = a->newest;
    while (b->next != NULL) {
        struct block *older = b->next;
        block_wipe(b);
        free(b);
        b = older;
    }
    block_wipe(b);
    arena_poison(b->bytes, b->room);
    a->newest = b;
    a->used = 0;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
