/* printable: text that steers no terminal. */
#ifndef GUICHET_TOOL_PRINTABLE_H
#define GUICHET_TOOL_PRINTABLE_H

#include "base/buf.h"
#include "base/slice.h"

/* Appends it; control characters (C0, C1), line and direction marks and what is no UTF-8 are shown as
 * numbers, as in \x1b. */
void printable_add(struct buf *out, struct slice s);

#endif
