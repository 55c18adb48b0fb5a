/* load: the sections and keys of configuration text into a struct config. */
#ifndef GUICHET_CONFIG_LOAD_H
#define GUICHET_CONFIG_LOAD_H

#include "config/config.h"
#include "config/source.h"

/* Fills c, which is all zeros, from the text. *include gets the file that it wants to continue with
 * (the caller frees it), or NULL; include == NULL refuses that. 0, or -1 with file, line and
 * cause. */
int load_source(struct config *c, const struct source *s, char **include, struct fail *why);

/* Adds a provider of that name; NULL when there is no room, with the cause. */
struct config_provider *load_add_provider(struct config *c, struct slice name, const char *origin,
                                          struct fail *why);

#endif
