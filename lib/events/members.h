/* members: the raw bytes of each value of a JSON object, exactly as they were sent.
 *
 * A parser that gives decoded values has lost what a sender wrote: 9223372036854775807 as a double, 1.0
 * or "5" for 1 or 5. This walker finds the bytes; it does not judge them. It is for a body that a parser
 * has accepted; of any other it gives nonsense, but never reads beyond the body and always ends. */
#ifndef GUICHET_EVENTS_MEMBERS_H
#define GUICHET_EVENTS_MEMBERS_H

#include <stdbool.h>
#include "base/slice.h"

struct members {
    struct slice rest; /* not walked yet */
};

/* The walk over the members of the object that the body is. */
struct members members_of(struct slice body);

/* The next member's value, without the white space around it. False at the end of the object. */
bool members_next(struct members *m, struct slice *value);

#endif
