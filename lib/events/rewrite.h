/* rewrite: a JSON text as the usual libraries would write it again; what a sender signs by mistake
 * that parses and serialises a body instead of keeping its bytes. */
#ifndef GUICHET_EVENTS_REWRITE_H
#define GUICHET_EVENTS_REWRITE_H

#include <stddef.h>
#include "base/slice.h"

#define REWRITE_MAX 16

struct rewrite {
    const char *what; /* as in "the body <what>" */
    char *text;       /* n bytes, no NUL */
    size_t n;
};

/* Fills out and returns how many there are: those that differ from the body and from each other; 0
 * when the body is no JSON. Numbers may come out otherwise than another library writes them. */
size_t rewrite_all(struct slice body, struct rewrite out[static REWRITE_MAX]);
void rewrite_free(struct rewrite *r, size_t n);

#endif
