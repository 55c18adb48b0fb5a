/* spool: events that wait on the disk for the store. */
#ifndef GUICHET_TOOL_SPOOL_H
#define GUICHET_TOOL_SPOOL_H

#include "tool/verb.h"

extern const struct verb verb_spool_list, verb_spool_drain;

#endif
