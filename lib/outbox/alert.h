/* alert: telling somebody that an event failed for good: a command, a webhook, or both. One alert at a
 * time. */
#ifndef GUICHET_OUTBOX_ALERT_H
#define GUICHET_OUTBOX_ALERT_H

#include <sys/types.h>
#include "outbox/entry.h"
#include "outbox/post.h"

#define ALERT_COMMAND_MAX_MS 30000 /* until a command is killed */
#define ALERT_BODY_MAX       8192

struct alert_event {
    const struct entry_content *event;
    const char *reason;
    unsigned tries;
    const char *outbox; /* the folder */
};

/* Starts the command (an absolute path, run without a shell and without arguments) in a process group
 * of its own. Its environment is ours without T4G_..., and GUICHET_EVENT_ID, GUICHET_EVENT_TYPE, GUICHET_EVENT_URL,
 * GUICHET_REASON, GUICHET_TRIES and GUICHET_OUTBOX. Standard input is empty. -1 with the cause. */
int alert_run(const char *command, const struct alert_event *e, char *const *environment,
              pid_t *pid, struct fail *why);

enum alert_state { ALERT_RUNS, ALERT_DONE, ALERT_FAILED /* it ended with another status than 0 */ };
enum alert_state alert_look(pid_t pid);
/* Kills it and what it has started. */
void alert_kill(pid_t pid);

/* The webhook's body: a JSON object with event, id, event_type, url, tries, reason. */
bool alert_body(const struct alert_event *e, struct buf *out);

#endif
