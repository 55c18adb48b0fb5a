/* events_read: reads an event from a body that ends at a guard page, and writes its changes as text. */
#ifndef GUICHET_TESTS_UNIT_EVENTS_READ_H
#define GUICHET_TESTS_UNIT_EVENTS_READ_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "events/event.h"

#define ARRIVED_US (INT64_C(1760524205) * US_PER_S) /* 2025-10-15T10:30:05Z */
#define STAMP_US   (INT64_C(1760524200) * US_PER_S) /* 2025-10-15T10:30:00Z */
#define BODY_MAX   ((size_t)1 << 20)

/* The four base fields of an event of a type, and an open object. */
#define BASE(type)                                                                                 \
    "{\"id\":\"w1\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"dazno.de\","               \
    "\"event_type\":\"" type "\""

static const struct event_source T4G = {.id_field = "id",
                                        .type_field = "event_type",
                                        .stamp_field = "timestamp",
                                        .arrived_us = ARRIVED_US,
                                        .t4g = true};

/* A body's copy that ends at a page which cannot be read, and the arena of its event. */
struct reader {
    char *page; /* BODY_MAX bytes, then the guard */
    struct arena *arena;
    struct event event;
};

static inline struct reader reader_new(void)
{
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    struct reader r = {.arena = arena_new((size_t)8 << 20)};

    r.page =
        mmap(NULL, BODY_MAX + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r.arena == NULL || r.page == MAP_FAILED ||
        mprotect(r.page + BODY_MAX, guard, PROT_NONE) != 0)
        abort();
    return r;
}

static inline void reader_free(struct reader *r)
{
    munmap(r->page, BODY_MAX + (size_t)sysconf(_SC_PAGESIZE));
    arena_free(r->arena);
}

static inline enum event_status reader_read(struct reader *r, const struct event_source *source,
                                            struct slice body)
{
    char *at = r->page + BODY_MAX - body.n;

    if (body.n > BODY_MAX)
        abort();
    if (body.n > 0)
        memcpy(at, body.p, body.n);
    arena_reset(r->arena);
    return event_read(source, (struct slice){at, body.n}, r->arena, &r->event);
}

/* A line for each change: "verb key field=value". */
static inline void changes_write(const struct event *e, struct buf *out)
{
    static const char *const verbs[] = {"set", "newer", "earliest", "add", "once", "append"};

    for (size_t i = 0; i < e->nchanges; i++) {
        const struct change *c = &e->changes[i];
        buf_adds(out, verbs[c->verb]);
        if (c->group_max > 0)
            buf_addf(out, "<%u", (unsigned)c->group_max);
        if (c->compare > 0)
            buf_addf(out, "/%u", (unsigned)c->compare);
        buf_adds(out, " ");
        buf_add_slice(out, c->key);
        if (c->field.n > 0 || c->value.n > 0)
            buf_adds(out, " ");
        buf_add_slice(out, c->field);
        if (c->value.n > 0)
            buf_adds(out, c->field.n > 0 ? "=" : "");
        buf_add_slice(out, c->value);
        for (size_t k = 0; k < c->nfields; k++) {
            buf_adds(out, " ");
            buf_add_slice(out, c->fields[k].name);
            buf_adds(out, "=");
            buf_add_slice(out, c->fields[k].value);
        }
        buf_adds(out, "\n");
    }
}

#endif
