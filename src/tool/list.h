/* list: the rule that all lists of what came in follow: the oldest first, as in a log, or with --newest
 * the newest; all of it, or with --max so many. When something came is its field `at`. A list of
 * nothing prints nothing; a terminal is told so. */
#ifndef GUICHET_TOOL_LIST_H
#define GUICHET_TOOL_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include "tool/verb.h"

/* The options for a verb's table. */
#define LIST_ORDER_OPTIONS                                                                         \
    {"newest", NULL, "the newest first", false},                                                   \
    {                                                                                              \
        "max", "N", "at most so many; 0, or if it is not given: all", false                        \
    }

struct list_order {
    bool newest;
    size_t max; /* 0: all */
};

/* False: said why. */
bool list_order_read(const struct call *c, struct list_order *out);
/* Where the k-th one to be shown stands among n that lie there by age; n: there is none any more. */
size_t list_place(const struct list_order *o, size_t k, size_t n);
/* The list is whole: tells a terminal when it is of nothing. Returns the verdict. */
enum verdict list_end(const struct call *c, enum verdict v);

#endif
