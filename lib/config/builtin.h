/* builtin: the providers that exist without a file, and what the environment says of them. */
#ifndef GUICHET_CONFIG_BUILTIN_H
#define GUICHET_CONFIG_BUILTIN_H

#include "config/config.h"
#include "config/keys.h"

/* The default of a key of a built-in provider, or NULL: then the table's own counts. */
const char *builtin_default(const char *provider, const struct key *k);

/* Mounts each built-in provider that stands in no file and whose variables are all set. Else a
 * notice says why not. 0, or -1 with the cause. */
int builtin_mount(struct config *c, char *const *environment, struct fail *why);

#endif
