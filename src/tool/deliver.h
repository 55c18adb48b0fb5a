/* deliver: one event to a command: the event as a JSON line (tool/event_line.h) on its standard
 * input, and in its environment GUICHET_EVENT_ID, GUICHET_EVENT_TYPE, GUICHET_ENTRY, GUICHET_PROVIDER
 * and GUICHET_ATTEMPT. */
#ifndef GUICHET_TOOL_DELIVER_H
#define GUICHET_TOOL_DELIVER_H

#include "base/buf.h"
#include "store/journal.h"
#include "tool/command.h"

#define DELIVER_HOPELESS 65 /* EX_DATAERR of sysexits(3): trying again will not help */

/* DELIVER_NOT_TRIED: the command could not be started, which is no fault of the event. */
enum delivered { DELIVER_DONE, DELIVER_FAILED, DELIVER_NEVER, DELIVER_NOT_TRIED };

struct deliver {
    const char *const *argv;
    const char *provider;
    int64_t timeout_ms;
    command_tick *tick; /* or NULL */
    void *ctx;
    struct buf line; /* BUF_INIT(EVENT_LINE_MAX); freed by the owner */
};

/* `why` tells how it failed. */
enum delivered deliver_event(struct deliver *d, const struct journal_entry *e, long long attempt,
                             struct fail *why);

#endif
