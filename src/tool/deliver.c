#include "tool/deliver.h"

#include <stdio.h>
#include "tool/entries.h"
#include "tool/event_line.h"

#define VARIABLE_ROOM 640

enum delivered deliver_event(struct deliver *d, const struct journal_entry *e, long long attempt,
                             struct fail *why)
{
    char room[5][VARIABLE_ROOM];
    const char *variables[6] = {room[0], room[1], room[2], room[3], room[4], NULL};
    struct slice id = journal_value(e, "id"), type = journal_value(e, "type");
    struct command_result r;

    buf_reset(&d->line);
    event_line(e, &d->line);
    buf_adds(&d->line, "\n");
    if (d->line.overflow) { /* a part of it, taken for the whole, would be lost */
        fail_set(why, "no room for the event as a line");
        return DELIVER_FAILED;
    }
    (void)snprintf(room[0], VARIABLE_ROOM, "GUICHET_EVENT_ID=%.*s", (int)id.n, id.p);
    (void)snprintf(room[1], VARIABLE_ROOM, "GUICHET_EVENT_TYPE=%.*s", (int)type.n, type.p);
    (void)snprintf(room[2], VARIABLE_ROOM, "GUICHET_ENTRY=%s", e->id);
    (void)snprintf(room[3], VARIABLE_ROOM, "GUICHET_PROVIDER=%s", d->provider);
    (void)snprintf(room[4], VARIABLE_ROOM, "GUICHET_ATTEMPT=%lld", attempt);
    r = command_run(d->argv, variables, buf_slice(&d->line), d->timeout_ms, d->tick, d->ctx, why);
    switch (r.end) {
    case COMMAND_EXITED:
        fail_set(why, "exit status %d", r.status);
        return r.status == 0                  ? DELIVER_DONE
               : r.status == DELIVER_HOPELESS ? DELIVER_NEVER
                                              : DELIVER_FAILED;
    case COMMAND_KILLED:
        fail_set(why, "killed by signal %d", r.status);
        break;
    case COMMAND_TIMED_OUT:
        fail_set(why, "not done in time, killed");
        break;
    case COMMAND_NOT_STARTED:
        return DELIVER_NOT_TRIED;
    }
    return DELIVER_FAILED;
}
