#include "config/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int notice_add(struct config *c, bool is_error, struct fail *why, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        return fail_set(why, "out of memory");
    if (c->nnotices == CONFIG_NOTICES_MAX) {
        free(text);
        return fail_set(why, "more than %d notices", CONFIG_NOTICES_MAX);
    }
    c->notice[c->nnotices] = text;
    c->notice_is_error[c->nnotices] = is_error;
    c->nnotices++;
    return 0;
}
