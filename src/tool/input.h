/* input: what a verb reads whole: a file, or standard input. */
#ifndef GUICHET_TOOL_INPUT_H
#define GUICHET_TOOL_INPUT_H

#include "base/buf.h"
#include "base/fail.h"

#define INPUT_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* Appends the bytes of the file (NULL or "-": of standard input) to `out`. 0, or -1 with cause and
 * remedy. */
int input_read(const char *file, struct buf *out, struct fail *why);

#endif
