/* dead: events that a consumer group gave up. */
#ifndef GUICHET_TOOL_DEAD_H
#define GUICHET_TOOL_DEAD_H

#include "tool/verb.h"

extern const struct verb verb_dead_list;
extern const struct verb verb_dead_retry;
extern const struct verb verb_dead_drop;

#endif
