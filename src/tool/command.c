#include "tool/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"

#define TICK_MS       1000
#define VARIABLES_MAX 32

static int signals = -1; /* what tells of SIGCHLD and of the end */
static sigset_t before;
static bool stopped;

void command_prepare(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, &before);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Reads what signals came. */
static void take_signals(void)
{
    struct signalfd_siginfo info;

    while (signals >= 0 && read(signals, &info, sizeof info) == (ssize_t)sizeof info)
        stopped = stopped || info.ssi_signo != SIGCHLD;
}

bool command_stopped(void)
{
    take_signals();
    return stopped;
}

void command_pause(int64_t ms)
{
    int64_t end = clock_monotonic_ms(&clock_system) + ms, left = ms;
    struct pollfd p = {.fd = signals, .events = POLLIN};

    while (left > 0 && !command_stopped()) {
        (void)poll(&p, 1, (int)left);
        left = end - clock_monotonic_ms(&clock_system);
    }
}

/* Our environment with the variables before it: the first of a name counts. */
static char **environment_with(const char *const variables[])
{
    size_t n = 0, mine = 0;
    char **out;

    while (environ[n] != NULL)
        n++;
    while (mine < VARIABLES_MAX && variables[mine] != NULL)
        mine++;
    out = calloc(n + mine + 1, sizeof *out);
    for (size_t i = 0; out != NULL && i < mine; i++)
        out[i] = (char *)(uintptr_t)variables[i];
    for (size_t i = 0, k = mine; out != NULL && i < n; i++) {
        size_t name = strcspn(environ[i], "=") + 1;
        bool given = false;
        for (size_t v = 0; v < mine; v++)
            given = given || strncmp(variables[v], environ[i], name) == 0;
        if (!given)
            out[k++] = environ[i];
    }
    return out;
}

/* Starts it; its standard input is the pipe's reading end. 0 or an errno. */
static int spawn(const char *const argv[], const char *const variables[], int input, pid_t *pid)
{
    char **environment = environment_with(variables);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t defaults;
    int error = ENOMEM;

    if (environment == NULL)
        return error;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawnattr_setsigmask(&how, &before);
    posix_spawnattr_setsigdefault(&how, &defaults);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETPGROUP);
    error = posix_spawnp(pid, argv[0], &files, &how, (char *const *)(uintptr_t)argv, environment);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    free(environment);
    return error;
}

/* Writes what the pipe takes; closes it when all is written or nobody reads. */
static void feed(int *pipe, struct slice *input)
{
    while (*pipe >= 0) {
        ssize_t n = input->n > 0 ? write(*pipe, input->p, input->n) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n > 0)
            *input = slice_from(*input, (size_t)n);
        if (n < 0 || input->n == 0) {
            close(*pipe);
            *pipe = -1;
        }
    }
}

static struct command_result result_of(int status)
{
    if (WIFEXITED(status))
        return (struct command_result){COMMAND_EXITED, WEXITSTATUS(status)};
    return (struct command_result){COMMAND_KILLED, WTERMSIG(status)};
}

/* Feeds it and waits until it has ended. */
static struct command_result attend(pid_t pid, int pipe, struct slice input, int64_t timeout_ms,
                                    command_tick *tick, void *ctx)
{
    int64_t now = clock_monotonic_ms(&clock_system), end = now + timeout_ms;
    int64_t next_tick = now + TICK_MS;
    struct command_result result = {COMMAND_TIMED_OUT, 0};
    int status;

    for (;;) {
        struct pollfd p[2] = {{.fd = signals, .events = POLLIN}, {.fd = pipe, .events = POLLOUT}};
        pid_t ended;
        feed(&pipe, &input);
        take_signals();
        ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR)) {
            result = ended == pid ? result_of(status) : result;
            break;
        }
        now = clock_monotonic_ms(&clock_system);
        if (now >= end) {
            (void)kill(-pid, SIGKILL);
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                continue;
            break;
        }
        if (now >= next_tick) {
            if (tick != NULL)
                tick(ctx);
            next_tick = now + TICK_MS;
        }
        p[1].fd = pipe;
        (void)poll(p, pipe >= 0 ? 2 : 1, (int)(end - now < TICK_MS ? end - now : TICK_MS));
    }
    if (pipe >= 0)
        close(pipe);
    return result;
}

struct command_result command_run(const char *const argv[], const char *const variables[],
                                  struct slice input, int64_t timeout_ms, command_tick *tick,
                                  void *ctx, struct fail *why)
{
    int pipes[2], error;
    pid_t pid = -1;

    if (pipe2(pipes, O_CLOEXEC) != 0) {
        fail_set(why, "no pipe: %s", strerror(errno));
        return (struct command_result){COMMAND_NOT_STARTED, 0};
    }
    error = spawn(argv, variables, pipes[0], &pid);
    close(pipes[0]);
    if (error != 0) {
        close(pipes[1]);
        fail_set(why, "%s cannot be started: %s", argv[0], strerror(error));
        return (struct command_result){COMMAND_NOT_STARTED, 0};
    }
    (void)fcntl(pipes[1], F_SETFL, O_NONBLOCK);
    return attend(pid, pipes[1], input, timeout_ms, tick, ctx);
}
