/* complete: from what the file says to a whole configuration. */
#ifndef GUICHET_CONFIG_COMPLETE_H
#define GUICHET_CONFIG_COMPLETE_H

#include "config/config.h"

/* Adds to c, which load_source has filled or left empty, the built-in providers, the environment's
 * store and token, the defaults and the state folder, and checks that it all fits together. 0, or
 * -1 with the cause. */
int complete_config(struct config *c, const struct config_options *options, struct fail *why);

#endif
