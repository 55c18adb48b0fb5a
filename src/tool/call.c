#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "tool/verb.h"

/* The row of an option; asking for one that the verb does not have is its own mistake. */
static size_t row_of(const struct call *c, const char *name)
{
    for (size_t i = 0; c->verb->option != NULL && c->verb->option[i].name != NULL; i++)
        if (strcmp(c->verb->option[i].name, name) == 0)
            return i;
    abort();
}

const char *call_option(const struct call *c, const char *name)
{
    size_t row = row_of(c, name), n = c->given[row].n;

    return n > 0 ? c->given[row].text[n - 1] : NULL;
}

const char *call_each(const struct call *c, const char *name, size_t i)
{
    size_t row = row_of(c, name);

    return i < c->given[row].n ? c->given[row].text[i] : NULL;
}

bool call_number(const struct call *c, const char *name, long long least, long long most,
                 long long otherwise, long long *out)
{
    const char *text = call_option(c, name);
    int64_t number;

    *out = otherwise;
    if (text == NULL)
        return true;
    if (!text_to_i64(slice_of(text), &number) || number < least || number > most) {
        (void)call_end(c, VERDICT_USAGE, "--%s must be a number from %lld to %lld", name, least,
                       most);
        return false;
    }
    *out = number;
    return true;
}

enum verdict call_end(const struct call *c, enum verdict v, const char *format, ...)
{
    va_list args;

    out_flush(c->out);
    fprintf(stderr, "guichet %s: ", c->verb->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    putc('\n', stderr);
    return v;
}
