#include "events/refuse.h"

#include <stdarg.h>
#include <stdio.h>

enum event_status refuse(struct event *e, const char *reason, const char *format, ...)
{
    va_list args;

    if (e->reason != NULL)
        return EVENT_INVALID;
    e->reason = reason;
    va_start(args, format);
    (void)vsnprintf(e->detail, sizeof e->detail, format, args);
    va_end(args);
    return EVENT_INVALID;
}
