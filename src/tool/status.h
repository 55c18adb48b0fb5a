/* status: how a host is. */
#ifndef GUICHET_TOOL_STATUS_H
#define GUICHET_TOOL_STATUS_H

#include "tool/verb.h"

extern const struct verb verb_status;

#endif
