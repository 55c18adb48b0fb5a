#include "unit/redis_server.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/codec.h"

#define START_TRIES 500
#define PAUSE_US    10000

static void sleep_us(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};

    (void)nanosleep(&t, NULL);
}

static bool answers(struct redis_server *s)
{
    redisReply *r;
    bool ready;

    s->context = redisConnectUnix(s->socket);
    if (s->context == NULL || s->context->err != 0)
        return false;
    r = redisCommand(s->context, "PING");
    ready = r != NULL && r->type == REDIS_REPLY_STATUS;
    if (r != NULL)
        freeReplyObject(r);
    return ready;
}

static void disconnect(struct redis_server *s)
{
    if (s->context != NULL)
        redisFree(s->context);
    s->context = NULL;
}

bool redis_server_restart(struct redis_server *s)
{
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", s->socket, "--dir",
               s->dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
               "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < START_TRIES; i++) {
        if (answers(s))
            return true;
        disconnect(s);
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            return false;
        }
        sleep_us(PAUSE_US);
    }
    return false;
}

bool redis_server_start(struct redis_server *s)
{
    *s = (struct redis_server){.dir = ""};
    temp_dir_pattern("redis", s->dir, sizeof s->dir);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_non_null(mkdtemp(s->dir));
    (void)snprintf(s->socket, sizeof s->socket, "%s/s", s->dir);
    (void)snprintf(s->url, sizeof s->url, "unix://%s", s->socket);
    return redis_server_restart(s);
}

void redis_server_kill(struct redis_server *s, int signal_number)
{
    disconnect(s);
    if (s->pid <= 0)
        return;
    (void)kill(s->pid, signal_number);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void redis_server_stop(struct redis_server *s)
{
    char command[256];

    redis_server_kill(s, SIGKILL);
    if (s->dir[0] == '\0')
        return;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
    (void)!system(command);
}

redisReply *redis_server_ask(struct redis_server *s, const char *format, ...)
{
    va_list args;
    redisReply *r;

    if (s->context == NULL || s->context->err != 0) {
        disconnect(s);
        assert_true(answers(s));
    }
    va_start(args, format);
    r = redisvCommand(s->context, format, args);
    va_end(args);
    if (r == NULL)
        print_error("%s: %s\n", format, s->context->errstr);
    assert_non_null(r);
    return r;
}

void redis_server_tell(struct redis_server *s, const char *format, ...)
{
    va_list args;
    redisReply *r;

    va_start(args, format);
    r = redisvCommand(s->context, format, args);
    va_end(args);
    assert_non_null(r);
    if (r->type == REDIS_REPLY_ERROR)
        print_error("%s: %s\n", format, r->str);
    assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
}

void redis_server_digest(struct redis_server *s, char out[static 41])
{
    redisReply *r = redis_server_ask(s, "DEBUG DIGEST");

    assert_int_equal(r->type, REDIS_REPLY_STATUS);
    (void)snprintf(out, 41, "%s", r->str);
    freeReplyObject(r);
}

/* --- looking into it -------------------------------------------------------------------------- */

static bool take(redisReply *r, struct buf *out)
{
    bool there = r->type == REDIS_REPLY_STRING && buf_add(out, r->str, (size_t)r->len);

    freeReplyObject(r);
    return there;
}

static bool look_field(void *ctx, const char *provider, const char *key, const char *field,
                       struct buf *out)
{
    return take(redis_server_ask(ctx, "HGET guichet:{%s}:%s %s", provider, key, field), out);
}

static bool look_history(void *ctx, const char *provider, const char *key, size_t n,
                         struct buf *out)
{
    return take(
        redis_server_ask(ctx, "LINDEX guichet:{%s}:%s %lu", provider, key, (unsigned long)n), out);
}

static bool look_entry(void *ctx, const char *provider, const char *list, size_t n,
                       const char *field, struct buf *out)
{
    redisReply *r = redis_server_ask(ctx, "XRANGE guichet:{%s}:%s - +", provider, list);
    bool there = false;

    if (r->type == REDIS_REPLY_ARRAY && n < r->elements) {
        const redisReply *pairs = r->element[n]->element[1];
        for (size_t i = 0; i + 1 < pairs->elements && !there; i += 2) {
            if (strcmp(pairs->element[i]->str, field) == 0)
                there =
                    buf_add(out, pairs->element[i + 1]->str, (size_t)pairs->element[i + 1]->len);
        }
    }
    freeReplyObject(r);
    return there;
}

static size_t look_count(void *ctx, const char *provider, const char *list)
{
    redisReply *r = redis_server_ask(ctx, "XLEN guichet:{%s}:%s", provider, list);
    size_t n = r->type == REDIS_REPLY_INTEGER ? (size_t)r->integer : 0;

    freeReplyObject(r);
    return n;
}

static long look_repeats(void *ctx, const char *provider, const char *reason, const uint8_t *sha256)
{
    char digest[BASE64_ROOM(SHA256_BYTES)];
    long count = 0;

    base64_encode(sha256, SHA256_BYTES, digest);
    redisReply *r = redis_server_ask(ctx, "HGETALL guichet:{%s}:quarantine:seen", provider);
    for (size_t i = 0; i + 1 < r->elements; i += 2) {
        const char *mark = r->element[i]->str;
        size_t n = strlen(reason);
        if (strncmp(mark, reason, n) == 0 && mark[n] == ' ' && strcmp(mark + n + 1, digest) == 0)
            (void)sscanf(r->element[i + 1]->str, "%*s %ld", &count);
    }
    freeReplyObject(r);
    return count;
}

static void pass_window(void *ctx, const char *provider, int64_t us)
{
    redisReply *r = redis_server_ask(ctx, "LRANGE guichet:{%s}:rate 0 -1", provider);

    for (size_t i = 0; i < r->elements; i++)
        redis_server_tell(ctx, "LSET guichet:{%s}:rate %lu %lld", provider, (unsigned long)i,
                          strtoll(r->element[i]->str, NULL, 10) - (long long)us);
    freeReplyObject(r);
}

static void pass(void *ctx, int64_t us)
{
    (void)ctx;
    sleep_us(us);
}

const struct store_look redis_server_look = {look_field,   look_history, look_entry, look_count,
                                             look_repeats, pass_window,  pass};
