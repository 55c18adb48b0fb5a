#include "unit/redis_node.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_S    2
#define START_TRIES 500
#define PAUSE_MS    10
#define PORT_TRIES  100
#define PORT_MAX    32000 /* below the ports that connections take by themselves */
#define PORT_MIN    12000

void redis_node_sleep_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

static bool port_is_free(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;

    if (fd >= 0)
        (void)close(fd);
    return is_free;
}

/* Each one later than the one before, so that one program never gives the same twice. */
int redis_node_free_port(void)
{
    static int next;

    if (next == 0)
        next = PORT_MIN + (int)((unsigned)getpid() * 37u % (PORT_MAX - PORT_MIN));
    for (int i = 0; i < PORT_TRIES; i++) {
        next = next < PORT_MAX ? next + 1 : PORT_MIN;
        if (port_is_free(next))
            return next;
    }
    fail_msg("no free port");
    return 0;
}

static redisReply *ask(const struct redis_node *n, const char *format, va_list args)
{
    struct timeval limit = {ANSWER_S, 0};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", n->port, limit);
    redisReply *r = NULL;

    if (c != NULL && c->err == 0 && redisSetTimeout(c, limit) == REDIS_OK) {
        if (n->password[0] != '\0') {
            r = redisCommand(c, "AUTH %s", n->password);
            if (r != NULL)
                freeReplyObject(r);
        }
        r = redisvCommand(c, format, args);
    }
    if (c != NULL)
        redisFree(c);
    return r;
}

redisReply *redis_node_ask(const struct redis_node *n, const char *format, ...)
{
    va_list args;
    redisReply *r;

    va_start(args, format);
    r = ask(n, format, args);
    va_end(args);
    return r;
}

void redis_node_tell(const struct redis_node *n, const char *format, ...)
{
    va_list args;
    redisReply *r;

    va_start(args, format);
    r = ask(n, format, args);
    va_end(args);
    assert_non_null(r);
    if (r->type == REDIS_REPLY_ERROR)
        print_error("%s: %s\n", format, r->str);
    assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
}

long long redis_node_number(const struct redis_node *n, const char *format, ...)
{
    va_list args;
    redisReply *r;
    long long v;

    va_start(args, format);
    r = ask(n, format, args);
    va_end(args);
    assert_non_null(r);
    assert_int_equal(r->type, REDIS_REPLY_INTEGER);
    v = r->integer;
    freeReplyObject(r);
    return v;
}

bool redis_node_await(const struct redis_node *n, const char *text, int seconds,
                      const char *command)
{
    bool found = false;

    for (int i = 0; i < seconds * 1000 / PAUSE_MS && !found; i++) {
        redisReply *r = redis_node_ask(n, command);
        found = r != NULL && (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS) &&
                strstr(r->str, text) != NULL;
        if (r != NULL)
            freeReplyObject(r);
        if (!found)
            redis_node_sleep_ms(PAUSE_MS);
    }
    return found;
}

void redis_node_restart(struct redis_node *n)
{
    char file[80];

    (void)snprintf(file, sizeof file, "%s/conf", n->dir);
    n->pid = fork();
    assert_true(n->pid >= 0);
    if (n->pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", file, n->sentinel ? "--sentinel" : (char *)NULL,
               (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < START_TRIES; i++) {
        redisReply *r = redis_node_ask(n, "PING");
        bool ready = r != NULL && r->type == REDIS_REPLY_STATUS;
        if (r != NULL)
            freeReplyObject(r);
        if (ready)
            return;
        redis_node_sleep_ms(PAUSE_MS);
    }
    fail_msg("redis-server does not start: is it installed?");
}

void redis_node_start(struct redis_node *n, bool sentinel, const char *password, const char *lines)
{
    char file[80];

    *n = (struct redis_node){.dir = "/tmp/guichet-node-XXXXXX", .sentinel = sentinel};
    (void)snprintf(n->password, sizeof n->password, "%s", password);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_non_null(mkdtemp(n->dir));
    n->port = redis_node_free_port();
    (void)snprintf(file, sizeof file, "%s/conf", n->dir);
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    (void)fprintf(f, "bind 127.0.0.1\nport %d\ndir %s\n%s", n->port, n->dir, lines);
    if (!sentinel)
        (void)fputs("save \"\"\nrepl-diskless-sync-delay 0\n", f);
    if (password[0] != '\0')
        (void)fprintf(f, "requirepass %s\n%s%s\n", password, sentinel ? "" : "masterauth ",
                      sentinel ? "" : password);
    assert_int_equal(fclose(f), 0);
    redis_node_restart(n);
}

void redis_node_signal(struct redis_node *n, int signal_number)
{
    assert_int_equal(kill(n->pid, signal_number), 0);
}

void redis_node_kill(struct redis_node *n)
{
    if (n->pid <= 0)
        return;
    (void)kill(n->pid, SIGKILL);
    (void)waitpid(n->pid, NULL, 0);
    n->pid = 0;
}

void redis_node_stop(struct redis_node *n)
{
    char command[128];

    redis_node_kill(n);
    if (n->dir[0] == '\0')
        return;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", n->dir);
    (void)!system(command);
    n->dir[0] = '\0';
}
