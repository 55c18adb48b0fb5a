/* store: moving to another store. */
#ifndef GUICHET_TOOL_STORE_H
#define GUICHET_TOOL_STORE_H

#include "tool/verb.h"

extern const struct verb verb_store_copy;
extern const struct verb verb_store_open;

#endif
