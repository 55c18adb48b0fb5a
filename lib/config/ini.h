/* ini: the lines of an INI file, judged before libinih sees them (nothing else includes it). */
#ifndef GUICHET_CONFIG_INI_H
#define GUICHET_CONFIG_INI_H

#include <stdbool.h>
#include "base/fail.h"
#include "base/slice.h"

/* Who is told what was read. A function returns 0, or -1 with the cause, which ends the reading. */
struct ini_sink {
    /* A section begins; name is what stands in the brackets. */
    int (*section)(void *ctx, struct slice name, unsigned line, struct fail *why);
    /* A key and its value, neither with white space at its ends; the value may be empty.
     * `continues`: the line began with white space and so belongs to the key before it. */
    int (*pair)(void *ctx, struct slice key, struct slice value, unsigned line, bool continues,
                struct fail *why);
    void *ctx;
};

/* Reads the text, whole lines in order. Returns 0, or -1 with the cause; *line is then the line
 * (from 1) that is to blame. */
int ini_read(struct slice text, const struct ini_sink *to, unsigned *line, struct fail *why);

#endif
