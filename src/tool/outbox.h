/* outbox: the verbs that work an outbox through and look after it. */
#ifndef GUICHET_TOOL_OUTBOX_H
#define GUICHET_TOOL_OUTBOX_H

#include "tool/verb.h"

extern const struct verb verb_outbox_run, verb_outbox_list, verb_outbox_retry, verb_outbox_drop;

#endif
