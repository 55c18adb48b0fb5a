#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events/event.h"

void program_locate(struct program *p)
{
    ssize_t n = readlink("/proc/self/exe", p->path, sizeof p->path - 1);
    char *slash;

    p->path[n > 0 ? n : 0] = '\0';
    (void)snprintf(p->dir, sizeof p->dir, "%s", p->path);
    slash = strrchr(p->dir, '/');
    if (slash != NULL)
        *slash = '\0';
}

static struct config *load(const struct program *p, const char *config_file, struct fail *why)
{
    struct config_options options = {
        .file = config_file,
        .program_dir = p->dir[0] != '\0' ? p->dir : NULL,
        .environment = environ,
    };

    return config_load(&options, why);
}

/* Also while when_store_down is reject: what was left in it is drained. */
static int open_spool(const struct config *c, struct spool **out, struct fail *why)
{
    *out = NULL;
    if (c->spool_dir == NULL)
        return 0;
    *out = spool_open(c->spool_dir, (struct spool_limits){c->spool_limit, c->spool_size}, why);
    return *out != NULL ? 0 : fail_prefix(why, "[server] spool_dir");
}

/* The folder of another user is his own: a file of ours in it would only be in the way. */
static bool shares_state(const struct config *c)
{
    struct stat st;

    return stat(c->state_dir, &st) == 0 && st.st_uid == geteuid();
}

int program_open(struct program *p, const char *config_file, enum program_use use, struct fail *why)
{
    const struct clock *clock = &clock_system;
    bool serve = use == PROGRAM_SERVE;

    p->config = load(p, config_file, why);
    if (p->config == NULL)
        return -1;
    p->log = log_open(serve ? p->config->log : "stderr", clock, why);
    if (p->log == NULL)
        return fail_prefix(why, "[server] log");
    p->audit = log_open(serve ? p->config->audit_log : "off", clock, why);
    if (p->audit == NULL)
        return fail_prefix(why, "[server] audit_log");
    p->state = serve || (use == PROGRAM_TOOL && shares_state(p->config))
                   ? state_open(p->config->state_dir, event_type_names, event_type_count, why)
                   : state_private(event_type_names, event_type_count);
    if (p->state == NULL)
        return fail_prefix(why, "[server] state_dir");
    p->service = (struct service){
        .config = p->config,
        .environment = environ,
        .state = p->state,
        .log = p->log,
        .audit = p->audit,
        .clock = clock,
    };
    return serve ? program_open_spool(p, why) : 0;
}

int program_open_spool(struct program *p, struct fail *why)
{
    int rc = open_spool(p->config, &p->spool, why);

    p->service.spool = p->spool;
    return rc;
}

void program_close(struct program *p)
{
    spool_close(p->spool);
    state_close(p->state);
    log_close(p->audit);
    log_close(p->log);
    config_free(p->config);
    p->spool = NULL;
    p->state = NULL;
    p->audit = p->log = NULL;
    p->config = NULL;
}

static struct receiver *make_receiver(const struct service *s, struct fail *why)
{
    struct store *store = store_open(s->config->store, s->clock, why);

    if (store == NULL) {
        fail_prefix(why, "%s", s->config->store_origin);
        return NULL;
    }
    return receiver_new(s, store, why);
}

struct receiver *program_receiver(const struct program *p, struct fail *why)
{
    return make_receiver(&p->service, why);
}

int program_rehearse(const struct program *p, const char *config_file, struct fail *why)
{
    struct service s = p->service;
    struct config *c = load(p, config_file, why);
    struct receiver *r = NULL;
    struct log *log = NULL, *audit = NULL;
    struct state *state = NULL;
    struct spool *spool = NULL;
    int rc = -1;

    if (c == NULL)
        return -1;
    s.config = c;
    s.state = state_private(event_type_names, event_type_count); /* its rows are not used up */
    if (s.state == NULL)
        fail_set(why, "out of memory");
    else
        r = make_receiver(&s, why);
    if (r != NULL)
        log = log_open(c->log, s.clock, why);
    if (log != NULL)
        audit = log_open(c->audit_log, s.clock, why);
    if (audit != NULL)
        state = state_open(c->state_dir, event_type_names, event_type_count, why);
    if (state != NULL)
        rc = open_spool(c, &spool, why);
    spool_close(spool);
    state_close(state);
    receiver_free(r);
    state_close(s.state);
    log_close(audit);
    log_close(log);
    config_free(c);
    return rc;
}
