/* base_guard: inputs that end where readable memory ends.
 *
 * A parser that looks one byte beyond its input is killed by the page behind it, where from the
 * heap it would read some byte and pass. */
#ifndef GUICHET_TESTS_UNIT_BASE_GUARD_H
#define GUICHET_TESTS_UNIT_BASE_GUARD_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/slice.h"

#define GUARD_BYTES_MAX ((size_t)4096)

struct guard_page {
    char *start; /* GUARD_BYTES_MAX readable and writable bytes, then an unmapped page */
};

static inline struct guard_page guard_page_new(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, GUARD_BYTES_MAX + page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + GUARD_BYTES_MAX, page, PROT_NONE) != 0)
        abort();
    return (struct guard_page){p};
}

static inline void guard_page_free(struct guard_page g)
{
    munmap(g.start, GUARD_BYTES_MAX + (size_t)sysconf(_SC_PAGESIZE));
}

/* n writable bytes that end at the guard. */
static inline char *guard_page_room(struct guard_page g, size_t n)
{
    if (n > GUARD_BYTES_MAX)
        abort();
    return g.start + GUARD_BYTES_MAX - n;
}

/* A copy of s that ends at the guard; valid until the next call. */
static inline struct slice guard_page_copy(struct guard_page g, struct slice s)
{
    char *p = guard_page_room(g, s.n);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return (struct slice){p, s.n};
}

#endif
