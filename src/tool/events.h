/* events: the hand-off as people look at it. */
#ifndef GUICHET_TOOL_EVENTS_H
#define GUICHET_TOOL_EVENTS_H

#include "tool/verb.h"

extern const struct verb verb_events_list;
extern const struct verb verb_events_show;
extern const struct verb verb_events_tail;
extern const struct verb verb_events_export;
extern const struct verb verb_events_trim;

#endif
