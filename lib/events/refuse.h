/* refuse: says what is wrong with an event. */
#ifndef GUICHET_EVENTS_REFUSE_H
#define GUICHET_EVENTS_REFUSE_H

#include "events/event.h"

/* Sets reason (a word, a literal) and detail, unless the event was refused already: the first fault is
 * the one to tell. The text is for the sender and the operator's log: names and rules of ours, never
 * a value or a name from the body. Returns EVENT_INVALID. */
__attribute__((format(printf, 3, 4))) enum event_status refuse(struct event *e, const char *reason,
                                                               const char *format, ...);

#endif
