#include "unit/cut_proxy.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_MS 20

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    return a;
}

/* Passes on what one side says. False when the line is to be cut. */
static bool pass_on(struct cut_proxy *p, int from, int to, bool is_reply)
{
    char bytes[65536];
    ssize_t n = read(from, bytes, sizeof bytes);

    if (n <= 0)
        return false;
    if (is_reply && atomic_load(&p->lose_replies) > 0) {
        atomic_fetch_sub(&p->lose_replies, 1);
        return false;
    }
    if (!is_reply && atomic_load(&p->halve_requests) > 0) {
        atomic_fetch_sub(&p->halve_requests, 1);
        (void)!write(to, bytes, (size_t)n / 2);
        return false;
    }
    return write(to, bytes, (size_t)n) == n;
}

static void serve(struct cut_proxy *p, int client)
{
    struct sockaddr_un a = address(p->target);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    struct pollfd fd[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    bool on = server >= 0 && connect(server, (struct sockaddr *)&a, sizeof a) == 0;

    while (on && !atomic_load(&p->stop)) {
        if (poll(fd, 2, LOOK_MS) < 0)
            break;
        if (fd[0].revents != 0)
            on = pass_on(p, client, server, false);
        if (on && fd[1].revents != 0)
            on = pass_on(p, server, client, true);
    }
    if (server >= 0)
        (void)close(server);
    (void)close(client);
}

static void *run(void *arg)
{
    struct cut_proxy *p = arg;

    while (!atomic_load(&p->stop)) {
        struct pollfd fd = {p->listener, POLLIN, 0};
        if (poll(&fd, 1, LOOK_MS) <= 0)
            continue;
        int client = accept(p->listener, NULL, NULL);
        if (client >= 0)
            serve(p, client);
    }
    return NULL;
}

bool cut_proxy_start(struct cut_proxy *p, const char *target)
{
    memset(p, 0, sizeof *p);
    (void)snprintf(p->target, sizeof p->target, "%s", target);
    (void)snprintf(p->path, sizeof p->path, "%.90s.cut", target);
    struct sockaddr_un a = address(p->path);
    p->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    return p->listener >= 0 && bind(p->listener, (struct sockaddr *)&a, sizeof a) == 0 &&
           listen(p->listener, 16) == 0 && pthread_create(&p->thread, NULL, run, p) == 0;
}

void cut_proxy_stop(struct cut_proxy *p)
{
    atomic_store(&p->stop, true);
    (void)pthread_join(p->thread, NULL);
    (void)close(p->listener);
    (void)unlink(p->path);
}
