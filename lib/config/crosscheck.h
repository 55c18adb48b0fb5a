/* crosscheck: what must hold between settings that are each sound. */
#ifndef GUICHET_CONFIG_CROSSCHECK_H
#define GUICHET_CONFIG_CROSSCHECK_H

#include "config/config.h"

/* 0, or -1 with where, cause and remedy. */
int crosscheck(const struct config *c, const char *program_dir, struct fail *why);

#endif
