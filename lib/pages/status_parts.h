/* status_parts: the parts of the status page; private to status*.c. */
#ifndef GUICHET_PAGES_STATUS_PARTS_H
#define GUICHET_PAGES_STATUS_PARTS_H

#include "pages/status.h"

/* Outcomes that belong together in the chart. */
#define STATUS_GROUPS 4
struct status_group {
    const char *name, *css_class;
    unsigned outcomes; /* bits */
};
extern const struct status_group status_group[STATUS_GROUPS];

uint64_t status_of_group(const struct state_day_sum *sum, size_t group);

/* status_chart.c: legend, chart and the same as a table. */
void status_chart(const struct status_day *day, struct buf *out);

/* <time>22 Nov 2026, 20:03 UTC</time> */
void status_time(struct buf *out, int64_t us);

#endif
