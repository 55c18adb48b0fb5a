/* source: a configuration file as bytes, and who else might read them. */
#ifndef GUICHET_CONFIG_SOURCE_H
#define GUICHET_CONFIG_SOURCE_H

#include <stddef.h>
#include "base/fail.h"

#define SOURCE_BYTES_MAX ((size_t)1024 * 1024)

enum source_exposure {
    SOURCE_PRIVATE,
    SOURCE_BESIDE_PROGRAM, /* the program's folder lies in the docroot of a classic host */
    SOURCE_OPEN_TO_OTHERS  /* by its mode */
};

struct source {
    char *name; /* as it was given */
    char *text; /* n bytes */
    size_t n;
    enum source_exposure exposure;
};

/* Reads a regular file. Returns 0, or -1 with the cause; when there is no such file, 1, and a cause
 * for those to whom that matters. The source is then to be freed in any case. */
int source_read(const char *name, const char *program_dir, struct source *out, struct fail *why);

/* Frees what it owns, overwritten with zeros, and empties it. An empty one is legal. */
void source_free(struct source *s);

#endif
