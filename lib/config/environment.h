/* environment: variables out of a list of NAME=value strings. */
#ifndef GUICHET_CONFIG_ENVIRONMENT_H
#define GUICHET_CONFIG_ENVIRONMENT_H

/* The value of the first of that name, or NULL. The list may be NULL. */
const char *environment_value(char *const *environment, const char *name);

#endif
