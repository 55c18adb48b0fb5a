/* send: one event, or some, to a receiver or into an outbox. */
#ifndef GUICHET_TOOL_SEND_H
#define GUICHET_TOOL_SEND_H

#include "tool/verb.h"

extern const struct verb verb_send;

#endif
