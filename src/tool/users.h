/* users: what is stored of a user, and taking it away. */
#ifndef GUICHET_TOOL_USERS_H
#define GUICHET_TOOL_USERS_H

#include "events/event.h"
#include "tool/host.h"

extern const struct verb verb_users_show, verb_users_forget;

#define USERS_KEY_ROOM (EVENT_ID_MAX + 64)

/* The user that the operand names, and the keys of what is stored of it. */
struct users_who {
    struct call *c;
    struct host h;
    const struct config_provider *provider;
    const char *id;
    char user[USERS_KEY_ROOM], payments[USERS_KEY_ROOM], levels[USERS_KEY_ROOM];
};

/* Opens the store. VERDICT_DONE, else said why; w->h is the caller's to close in either case. */
enum verdict users_begin(struct call *c, struct users_who *w);

#endif
