/* users: what is stored of a user, and taking it away. */
#ifndef GUICHET_TOOL_USERS_H
#define GUICHET_TOOL_USERS_H

#include "tool/verb.h"

extern const struct verb verb_users_show;
extern const struct verb verb_users_forget;

#endif
