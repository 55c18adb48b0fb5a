#include "server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "fastcgi.h"
#include "worker.h"

struct server {
    struct program *program;
    struct listener *listener;
    struct worker **worker;
    size_t nworkers; /* that were made */
    size_t nstarted;
    int stop;
    sigset_t signals;
};

static void say(const struct server *s, enum log_level level, const char *text)
{
    log_say(s->program->log, level, "%s", text);
}

static int make_workers(struct server *s, struct fail *why)
{
    size_t n = (size_t)s->program->config->workers;
    struct worker_options options = {
        .service = &s->program->service,
        .listener = s->listener->fd,
        .stop = s->stop,
        .inherited = s->listener->inherited,
    };

    s->worker = calloc(n, sizeof(struct worker *));
    if (s->worker == NULL)
        return fail_set(why, "out of memory");
    for (; s->nworkers < n; s->nworkers++) {
        struct receiver *r = program_receiver(s->program, why);
        if (r == NULL)
            return -1;
        if (s->nworkers == 0)
            receiver_start(r);
        s->worker[s->nworkers] = worker_new(&options, r, why);
        if (s->worker[s->nworkers] == NULL)
            return -1;
    }
    return 0;
}

static int start_workers(struct server *s, struct fail *why)
{
    for (; s->nstarted < s->nworkers; s->nstarted++) {
        int e = worker_start(s->worker[s->nstarted]);
        if (e != 0)
            return fail_set(why, "cannot start a thread: %s", strerror(e));
    }
    return 0;
}

/* True when all workers have ended in time. */
static bool stop_workers(struct server *s)
{
    struct timespec until;
    bool all = true;

    if (eventfd_write(s->stop, 1) != 0)
        return false;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SERVER_DRAIN_S;
    for (size_t i = 0; i < s->nstarted; i++)
        all = worker_join(s->worker[i], &until) == 0 && all;
    return all;
}

static void free_workers(struct server *s)
{
    for (size_t i = 0; i < s->nworkers; i++)
        worker_free(s->worker[i]);
    free(s->worker);
}

/* Waits for the signal to stop; returns true when the program is to be executed anew. */
static bool wait_for_end(struct server *s, const char *config_file)
{
    for (;;) {
        int signal_number = 0;
        struct fail why;

        if (sigwait(&s->signals, &signal_number) != 0)
            continue;
        if (signal_number != SIGHUP)
            return false;
        if (s->program->path[0] == '\0' || access(s->program->path, X_OK) != 0) {
            say(s, LOG_LEVEL_ERROR,
                "the configuration is not read again: the program file is gone; restart instead");
            continue;
        }
        if (program_rehearse(s->program, config_file, &why) == 0)
            return true;
        log_say(s->program->log, LOG_LEVEL_ERROR,
                "the new configuration is not taken, the old one stays: %s", why.text);
    }
}

static void execute_anew(struct server *s, char *const argv[])
{
    if (!listener_hand_on(s->listener)) {
        say(s, LOG_LEVEL_ERROR, "the socket cannot be handed on");
        return;
    }
    say(s, LOG_LEVEL_NOTICE, "starting anew with the new configuration");
    /* The signals stay blocked: one that came meanwhile is the next program's, which waits for it. */
    execv(s->program->path, argv);
    log_say(s->program->log, LOG_LEVEL_ERROR, "cannot execute %s: %s", s->program->path,
            strerror(errno));
}

void server_block_signals(sigset_t *out)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (out != NULL)
        *out = signals;
}

int server_run(struct program *p, struct listener *l, const char *config_file, char *const argv[])
{
    struct server s = {.program = p, .listener = l, .stop = -1};
    struct fail why;
    bool again = false, ok = false;

    server_block_signals(&s.signals);
    s.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s.stop < 0 || !fastcgi_start()) {
        say(&s, LOG_LEVEL_ERROR, "cannot start: no event descriptor, or libfcgi failed");
        goto done;
    }
    if (make_workers(&s, &why) != 0 || start_workers(&s, &why) != 0) {
        log_say(p->log, LOG_LEVEL_ERROR, "cannot start: %s", why.text);
        (void)stop_workers(&s);
        goto done;
    }
    log_say(p->log, LOG_LEVEL_NOTICE, "guichet %s serves with %zu worker%s%s%s", GUICHET_VERSION,
            s.nworkers, s.nworkers == 1 ? "" : "s", l->path != NULL ? " on " : "",
            l->path != NULL ? l->path : "");
    again = wait_for_end(&s, config_file);
    if (again)
        l->inherited = true;
    if (!stop_workers(&s)) {
        say(&s, LOG_LEVEL_WARNING, "requests were still running when the time to stop was over");
        if (!again)
            _exit(EXIT_FAILURE); /* threads still use what would be freed */
    }
    if (again) {
        execute_anew(&s, argv);
        _exit(EXIT_FAILURE);
    }
    ok = true;
    say(&s, LOG_LEVEL_NOTICE, "ended");

done:
    free_workers(&s);
    if (s.stop >= 0)
        close(s.stop);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
