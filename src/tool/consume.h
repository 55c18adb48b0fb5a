/* consume: events to a command of the site's own, at least once each. */
#ifndef GUICHET_TOOL_CONSUME_H
#define GUICHET_TOOL_CONSUME_H

#include "tool/verb.h"

extern const struct verb verb_consume;
extern const struct verb verb_groups_list;
extern const struct verb verb_groups_drop;

#endif
