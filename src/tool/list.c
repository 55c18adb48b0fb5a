#include "tool/list.h"

#include <stdio.h>
#include <unistd.h>

#define LIST_MAX 1000000000

bool list_order_read(const struct call *c, struct list_order *out)
{
    long long max;

    out->newest = call_option(c, "newest") != NULL;
    if (!call_number(c, "max", 0, LIST_MAX, 0, &max))
        return false;
    out->max = (size_t)max;
    return true;
}

size_t list_place(const struct list_order *o, size_t k, size_t n)
{
    if (k >= n || (o->max > 0 && k >= o->max))
        return n;
    return o->newest ? n - 1 - k : k;
}

enum verdict list_end(const struct call *c, enum verdict v)
{
    if (v == VERDICT_DONE && out_records(c->out) == 0 && isatty(STDERR_FILENO))
        (void)call_end(c, v, "nothing to list");
    return v;
}
