/* sending: where the verbs of the sending side send to, and what they share. */
#ifndef GUICHET_TOOL_SENDING_H
#define GUICHET_TOOL_SENDING_H

#include "outbox/compose.h"
#include "outbox/outbox.h"
#include "outbox/schedule.h"
#include "tool/verb.h"

#define SENDING_URL     "T4G_WEBHOOK_URL"
#define SENDING_API_KEY "env:T4G_API_KEY"
#define SENDING_SECRET  "env:T4G_WEBHOOK_SECRET"
#define SENDING_OUTBOX  "GUICHET_OUTBOX"

/* The row of --outbox, for the tables of verbs. */
#define SENDING_OUTBOX_OPTION                                                                      \
    {                                                                                              \
        "outbox", "DIR", "the outbox; else $" SENDING_OUTBOX, false                                \
    }

/* The outbox that --outbox or the environment names. NULL: said why, in *v. */
struct outbox *sending_open_outbox(struct call *c, bool make, enum verdict *v);

/* A field that may be empty, which is shown as none. */
void sending_field(struct out *o, const char *name, struct slice text);

/* What goes to one URL. */
struct sending {
    struct entry_content to; /* url, api_key and secret */
    const char *ca_file;
    unsigned tries;
};

/* Sends the events now, one after the other, and waits for each. The first that was not delivered gives
 * the verdict; one that nobody answered ends it. */
struct sender;
/* NULL: said why. */
struct sender *sender_new(struct call *c, const struct sending *s);
void sender_free(struct sender *s);
enum verdict sender_send(struct sender *s, const struct composed *event);

#endif
