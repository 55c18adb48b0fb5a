#include "store/redis_link.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* Redis ends a WAIT up to a tenth of a second late, at the next turn of its clock (hz 10). So it is
 * told to end so much before our deadline, or at half of the time where there is less. */
#define WAIT_MARGIN_MS INT64_C(120)

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

/* Where it was looked for is half of the remedy. */
static bool nobody_there(struct redis_link *l, struct redis_trouble *t)
{
    const struct redis_address *a = &l->address;
    char text[STORE_REASON_MAX];

    if (a->path[0] != '\0')
        (void)snprintf(text, sizeof text, "cannot connect to %.96s: %.40s", a->path,
                       l->context->errstr);
    else
        (void)snprintf(text, sizeof text, "cannot connect to %.80s:%d: %.40s", a->host, a->port,
                       l->context->errstr);
    redis_trouble_set(t, &redis_unreachable, text);
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

static redisReply *receive(struct redis_link *l, int64_t deadline_ms, struct redis_trouble *t)
{
    void *reply = NULL;

    /* What came with the answer before lies in the reader already. */
    if (redisGetReplyFromReader(l->context, &reply) != REDIS_OK) {
        (void)lost(l, t);
        return NULL;
    }
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

redisReply *redis_link_call(struct redis_link *l, int64_t deadline_ms, size_t argc,
                            const char **argv, const size_t *length, struct redis_trouble *t)
{
    if (redisAppendCommandArgv(l->context, (int)argc, argv, length) != REDIS_OK) {
        (void)lost(l, t);
        return NULL;
    }
    return send_all(l, deadline_ms, t) ? receive(l, deadline_ms, t) : NULL;
}

static bool append_wait(struct redis_link *l, int64_t deadline_ms, int64_t replicas)
{
    int64_t left = deadline_ms - clock_monotonic_ms(l->clock);
    int64_t wait_ms = left > 2 * WAIT_MARGIN_MS ? left - WAIT_MARGIN_MS : left / 2;
    char count[24], ms[24];
    const char *wait[3] = {"WAIT", count, ms};

    (void)snprintf(count, sizeof count, "%lld", (long long)replicas);
    /* 0 would be for ever. */
    (void)snprintf(ms, sizeof ms, "%lld", (long long)(wait_ms < 1 ? 1 : wait_ms));
    return redisAppendCommandArgv(l->context, 3, wait, NULL) == REDIS_OK;
}

redisReply *redis_link_send(struct redis_link *l, int64_t deadline_ms, struct slice head,
                            struct slice rest, int64_t replicas, int64_t *acknowledged,
                            struct redis_trouble *t)
{
    redisReply *reply, *waited;

    *acknowledged = 0;
    if (redisAppendFormattedCommand(l->context, head.p, head.n) != REDIS_OK ||
        redisAppendFormattedCommand(l->context, rest.p, rest.n) != REDIS_OK ||
        (replicas != 0 && !append_wait(l, deadline_ms, replicas))) {
        (void)lost(l, t);
        return NULL;
    }
    if (replicas == 0)
        return send_all(l, deadline_ms, t) ? receive(l, deadline_ms, t) : NULL;
    reply = send_all(l, deadline_ms, t) ? receive(l, deadline_ms, t) : NULL;
    if (reply == NULL)
        return NULL;
    waited = receive(l, deadline_ms, t);
    if (waited != NULL && waited->type == REDIS_REPLY_INTEGER) {
        *acknowledged = waited->integer;
    } else if (waited == NULL || reply->type != REDIS_REPLY_ERROR) {
        if (waited != NULL)
            redis_trouble_error(t, waited->type == REDIS_REPLY_ERROR ? waited->str : "WAIT");
        freeReplyObject(reply);
        reply = NULL;
    }
    if (waited != NULL)
        freeReplyObject(waited);
    return reply;
}

redisReply *redis_link_ask(struct redis_link *l, int64_t deadline_ms, const char *const *word,
                           size_t n, struct redis_trouble *t)
{
    const char *argv[REDIS_WORDS_MAX];
    size_t length[REDIS_WORDS_MAX];
    redisReply *reply;

    if (n > REDIS_WORDS_MAX) {
        redis_trouble_set(t, &redis_confused, "more than REDIS_WORDS_MAX words");
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        argv[i] = word[i];
        length[i] = strlen(word[i]);
    }
    reply = redis_link_call(l, deadline_ms, n, argv, length, t);
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        redis_trouble_error(t, reply->str);
        freeReplyObject(reply);
        return NULL;
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
static bool greet(struct redis_link *l, int64_t deadline_ms, size_t argc, const char *const *argv,
                  struct redis_trouble *t)
{
    redisReply *reply = redis_link_ask(l, deadline_ms, argv, argc, t);

    if (reply == NULL) {
        redis_link_close(l);
        return false;
    }
    freeReplyObject(reply);
    return true;
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
        return nobody_there(l, t);
    /* From here on poll keeps the time: the socket does not block, and hiredis is told so. */
    int flags = fcntl(l->context->fd, F_GETFL);
    if (flags < 0 || fcntl(l->context->fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(l->context->fd, F_SETFD, FD_CLOEXEC) != 0)
        return timed_out(l, "the socket does not take its flags", t);
    l->context->flags &= ~REDIS_BLOCK;
    return introduce(l, deadline_ms, t);
}
