/* notice: what the log should say at start although it stops nothing. */
#ifndef GUICHET_CONFIG_NOTICE_H
#define GUICHET_CONFIG_NOTICE_H

#include "config/config.h"

/* Adds a notice. 0, or -1 with the cause: no room or no memory. */
__attribute__((format(printf, 4, 5))) int notice_add(struct config *c, bool is_error,
                                                     struct fail *why, const char *format, ...);

#endif
