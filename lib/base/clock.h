/* clock: time as an argument, and the text forms of it.
 *
 * Everywhere: µs since 1970-01-01T00:00:00Z in an int64_t for calendar time (name ends in _us), ms
 * of CLOCK_MONOTONIC for deadlines (name ends in _ms). */
#ifndef GUICHET_BASE_CLOCK_H
#define GUICHET_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

#define US_PER_S INT64_C(1000000)

/* What tells the time; tests give their own. */
struct clock {
    int64_t (*now_us)(void *ctx);       /* calendar time */
    int64_t (*monotonic_us)(void *ctx); /* never goes back; only differences mean anything */
    void *ctx;
};

/* The machine's clock. */
extern const struct clock clock_system;

static inline int64_t clock_now_us(const struct clock *c)
{
    return c->now_us(c->ctx);
}

static inline int64_t clock_monotonic_us(const struct clock *c)
{
    return c->monotonic_us(c->ctx);
}

static inline int64_t clock_monotonic_ms(const struct clock *c)
{
    return c->monotonic_us(c->ctx) / 1000;
}

/* Reads an RFC 3339 date-time (section 5.6): upper or lower case T and Z, or an offset; a space for
 * T is accepted as its note allows; any number of fraction digits, those beyond µs cut; a leap
 * second (second 60 in the last minute of an hour of UTC) counts as the first moment of the next
 * minute; years 0000 to 9999, days as the calendar has them. False if s is anything else, *out_us
 * untouched. */
bool rfc3339_parse(struct slice s, int64_t *out_us);

/* "2025-10-15T10:30:05Z" and a NUL: whole seconds, cut, UTC. Years 0000 to 9999; a time outside (an
 * offset can lead there) is written as the nearest one inside. */
#define RFC3339_ROOM 21
void rfc3339_format(int64_t us, char out[static RFC3339_ROOM]);

/* "2025-10-15T10:30:05.123456Z" and a NUL. */
#define RFC3339_US_ROOM 28
void rfc3339_format_us(int64_t us, char out[static RFC3339_US_ROOM]);

#endif
