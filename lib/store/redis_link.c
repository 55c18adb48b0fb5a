#include "store/redis_link.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static bool timed_out(struct redis_link *l, const char *text, struct redis_trouble *t)
{
    redis_trouble_set(t, &redis_timeout, text);
    redis_link_close(l);
    return false;
}

static bool lost(struct redis_link *l, struct redis_trouble *t)
{
    redis_trouble_set(t, &redis_unreachable, l->context->errstr);
    redis_link_close(l);
    return false;
}

/* Waits until the socket is ready for `events`. */
static bool await(struct redis_link *l, short events, int64_t deadline_ms, struct redis_trouble *t)
{
    struct pollfd fd = {l->context->fd, events, 0};

    for (;;) {
        int64_t left = deadline_ms - clock_monotonic_ms(l->clock);
        if (left <= 0)
            return timed_out(l, "no answer in time", t);
        int n = poll(&fd, 1, left > 60000 ? 60000 : (int)left);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return timed_out(l, "poll failed", t);
    }
}

static bool send_all(struct redis_link *l, int64_t deadline_ms, struct redis_trouble *t)
{
    int done = 0;

    while (!done) {
        if (redisBufferWrite(l->context, &done) != REDIS_OK)
            return lost(l, t);
        if (!done && !await(l, POLLOUT, deadline_ms, t))
            return false;
    }
    return true;
}

redisReply *redis_link_call(struct redis_link *l, int64_t deadline_ms, size_t argc,
                            const char **argv, const size_t *length, struct redis_trouble *t)
{
    void *reply = NULL;

    if (redisAppendCommandArgv(l->context, (int)argc, argv, length) != REDIS_OK) {
        (void)lost(l, t);
        return NULL;
    }
    if (!send_all(l, deadline_ms, t))
        return NULL;
    while (reply == NULL) {
        if (!await(l, POLLIN, deadline_ms, t))
            return NULL;
        if (redisBufferRead(l->context) != REDIS_OK ||
            redisGetReplyFromReader(l->context, &reply) != REDIS_OK) {
            (void)lost(l, t);
            return NULL;
        }
    }
    return reply;
}

void redis_link_close(struct redis_link *l)
{
    if (l->context != NULL)
        redisFree(l->context);
    l->context = NULL;
}

/* A command of the greeting; its answer only matters when it is an error. */
static bool greet(struct redis_link *l, int64_t deadline_ms, size_t argc, const char **argv,
                  struct redis_trouble *t)
{
    size_t length[3];
    bool ok;

    for (size_t i = 0; i < argc; i++)
        length[i] = strlen(argv[i]);
    redisReply *reply = redis_link_call(l, deadline_ms, argc, argv, length, t);
    if (reply == NULL)
        return false;
    ok = reply->type != REDIS_REPLY_ERROR;
    if (!ok) {
        redis_trouble_error(t, reply->str);
        redis_link_close(l);
    }
    freeReplyObject(reply);
    return ok;
}

static bool introduce(struct redis_link *l, int64_t deadline_ms, struct redis_trouble *t)
{
    const struct redis_address *a = &l->address;
    const char *auth[3] = {"AUTH", a->user, a->password};
    const char *auth_default[2] = {"AUTH", a->password};
    char db[16];
    const char *select[2] = {"SELECT", db};

    if (a->user[0] != '\0' && !greet(l, deadline_ms, 3, auth, t))
        return false;
    if (a->user[0] == '\0' && a->password[0] != '\0' && !greet(l, deadline_ms, 2, auth_default, t))
        return false;
    (void)snprintf(db, sizeof db, "%d", a->db);
    return a->db == 0 || greet(l, deadline_ms, 2, select, t);
}

bool redis_link_open(struct redis_link *l, int64_t deadline_ms, struct redis_trouble *t)
{
    int64_t left = deadline_ms - clock_monotonic_ms(l->clock);
    struct timeval tv;

    if (l->context != NULL)
        return true;
    if (left <= 0)
        return timed_out(l, "no time left to connect", t);
    if (left > REDIS_CONNECT_MS)
        left = REDIS_CONNECT_MS;
    tv = (struct timeval){.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    if (l->address.path[0] != '\0')
        l->context = redisConnectUnixWithTimeout(l->address.path, tv);
    else
        l->context = redisConnectWithTimeout(l->address.host, l->address.port, tv);
    if (l->context == NULL) {
        redis_trouble_set(t, &redis_unreachable, "no memory for a connection");
        return false;
    }
    if (l->context->err != 0)
        return lost(l, t);
    /* From here on poll keeps the time: the socket does not block, and hiredis is told so. */
    int flags = fcntl(l->context->fd, F_GETFL);
    if (flags < 0 || fcntl(l->context->fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(l->context->fd, F_SETFD, FD_CLOEXEC) != 0)
        return timed_out(l, "the socket does not take its flags", t);
    l->context->flags &= ~REDIS_BLOCK;
    l->dialled++;
    return introduce(l, deadline_ms, t);
}
