#include "outbox/alert.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define OWN_VARIABLES 6
#define TEXT_MAX      512

/* `name` and the value, on the heap. */
static char *variable(const char *name, struct slice value)
{
    size_t n = strlen(name);
    char *p = malloc(n + value.n + 1);

    if (p == NULL)
        return NULL;
    memcpy(p, name, n);
    if (value.n > 0)
        memcpy(p + n, value.p, value.n);
    p[n + value.n] = '\0';
    return p;
}

/* Ours first, then the inherited ones but for Dazno's secrets, which are no business of the command. The first
 * OWN_VARIABLES are the caller's to free, as is the list. NULL: no memory. */
static char **make_environment(const struct alert_event *e, char *const *inherited)
{
    size_t n = 0, kept = OWN_VARIABLES;
    char tries[16], **out;

    while (inherited != NULL && inherited[n] != NULL)
        n++;
    out = calloc(n + OWN_VARIABLES + 1, sizeof *out);
    if (out == NULL)
        return NULL;
    (void)snprintf(tries, sizeof tries, "%u", e->tries);
    out[0] = variable("GUICHET_EVENT_ID=", e->event->id);
    out[1] = variable("GUICHET_EVENT_TYPE=", e->event->type);
    out[2] = variable("GUICHET_EVENT_URL=", e->event->url);
    out[3] = variable("GUICHET_REASON=", slice_of(e->reason));
    out[4] = variable("GUICHET_TRIES=", slice_of(tries));
    out[5] = variable("GUICHET_OUTBOX=", slice_of(e->outbox));
    for (size_t i = 0; i < n; i++)
        if (strncmp(inherited[i], "T4G_", 4) != 0)
            out[kept++] = inherited[i];
    return out;
}

static bool is_whole(char *const *environment)
{
    for (size_t i = 0; i < OWN_VARIABLES; i++)
        if (environment[i] == NULL)
            return false;
    return true;
}

static void free_environment(char **environment)
{
    for (size_t i = 0; environment != NULL && i < OWN_VARIABLES; i++)
        free(environment[i]);
    free(environment);
}

int alert_run(const char *command, const struct alert_event *e, char *const *environment,
              pid_t *pid, struct fail *why)
{
    char **variables = make_environment(e, environment), *name = strdup(command);
    char *arguments[] = {name, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    int error = ENOMEM;

    sigemptyset(&none);
    sigfillset(&all);
    if (variables != NULL && is_whole(variables) && name != NULL &&
        posix_spawn_file_actions_init(&files) == 0) {
        if (posix_spawnattr_init(&how) == 0) {
            /* Ours are blocked or ignored, which the command must not inherit. */
            posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                               POSIX_SPAWN_SETSIGDEF);
            posix_spawnattr_setpgroup(&how, 0);
            posix_spawnattr_setsigmask(&how, &none);
            posix_spawnattr_setsigdefault(&how, &all);
            error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
            if (error == 0)
                error = posix_spawn(pid, command, &files, &how, arguments, variables);
            posix_spawnattr_destroy(&how);
        }
        posix_spawn_file_actions_destroy(&files);
    }
    free_environment(variables);
    free(name);
    return error == 0 ? 0 : fail_set(why, "cannot run %s: %s", command, strerror(error));
}

enum alert_state alert_look(pid_t pid)
{
    int status;
    pid_t ended = waitpid(pid, &status, WNOHANG);

    if (ended == 0)
        return ALERT_RUNS;
    return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ALERT_DONE
                                                                         : ALERT_FAILED;
}

void alert_kill(pid_t pid)
{
    (void)kill(-pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void add_text(struct buf *b, const char *name, struct slice text)
{
    buf_addf(b, ",\"%s\":\"", name);
    buf_add_json(b, text, TEXT_MAX);
    buf_adds(b, "\"");
}

bool alert_body(const struct alert_event *e, struct buf *out)
{
    buf_adds(out, "{\"event\":\"delivery_failed\"");
    add_text(out, "id", e->event->id);
    add_text(out, "event_type", e->event->type);
    add_text(out, "url", e->event->url);
    buf_addf(out, ",\"tries\":%u", e->tries);
    add_text(out, "reason", slice_of(e->reason));
    buf_adds(out, "}");
    return !out->overflow;
}
