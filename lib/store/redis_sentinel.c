#include "store/redis_sentinel.h"

#include <hiredis/hiredis.h>
#include <string.h>
#include "base/text.h"

static const struct redis_class unknown_master = {"", "store_config", STORE_UNAVAILABLE,
                                                  REDIS_GIVE_UP, 30 * US_PER_S};

/* Reads {host, port}. */
static bool read_place(const redisReply *reply, struct redis_address *server)
{
    int64_t port;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return false;
    const redisReply *host = reply->element[0], *number = reply->element[1];
    if (host->len == 0 || (size_t)host->len > REDIS_HOST_MAX ||
        !text_to_i64((struct slice){number->str, (size_t)number->len}, &port) || port < 1 ||
        port > 65535)
        return false;
    memcpy(server->host, host->str, (size_t)host->len + 1);
    server->port = (int)port;
    return true;
}

static bool ask_once(struct redis_link *l, int64_t deadline_ms, const char *master,
                     struct redis_address *server, struct redis_trouble *t)
{
    const char *const words[3] = {"SENTINEL", "get-master-addr-by-name", master};
    redisReply *reply =
        redis_link_open(l, deadline_ms, t) ? redis_link_ask(l, deadline_ms, words, 3, t) : NULL;
    struct fail what;
    bool found;

    if (reply == NULL)
        return false;
    found = read_place(reply, server);
    if (!found) {
        (void)fail_set(&what, "the sentinel at %s:%d knows no master named %s", l->address.host,
                       l->address.port, master);
        redis_trouble_set(t, &unknown_master, what.text);
    }
    freeReplyObject(reply);
    return found;
}

static bool ask(const struct redis_place *place, const char *master, const struct clock *clock,
                int64_t deadline_ms, struct redis_address *server, struct redis_trouble *t)
{
    int64_t end = clock_monotonic_ms(clock) + REDIS_SENTINEL_MS;
    struct redis_link l = {.clock = clock};
    bool found;

    if (end > deadline_ms)
        end = deadline_ms;
    memcpy(l.address.host, place->host, sizeof l.address.host);
    l.address.port = place->port;
    found = ask_once(&l, end, master, server, t);
    if (!found && strncmp(t->text, "NOAUTH", 6) == 0) {
        redis_link_close(&l);
        memcpy(l.address.user, server->user, sizeof l.address.user);
        memcpy(l.address.password, server->password, sizeof l.address.password);
        found = ask_once(&l, end, master, server, t);
    }
    redis_link_close(&l);
    explicit_bzero(&l, sizeof l);
    return found;
}

bool redis_sentinel_find(struct redis_sentinels *s, const struct clock *clock, int64_t deadline_ms,
                         struct redis_address *server, struct redis_trouble *t)
{
    struct redis_trouble one;

    for (size_t i = 0; i < s->n; i++) {
        struct redis_place place = s->place[i];
        if (ask(&place, s->master, clock, deadline_ms, server, &one)) {
            memmove(&s->place[1], &s->place[0], i * sizeof s->place[0]);
            s->place[0] = place;
            return true;
        }
        /* One that could not be asked might know: what may pass outweighs what does not. */
        if (i == 0 || one.class->next != REDIS_GIVE_UP)
            *t = one;
    }
    return false;
}

bool redis_sentinel_confirm(struct redis_link *l, int64_t deadline_ms, struct redis_trouble *t)
{
    static const char *const role[1] = {"ROLE"};
    redisReply *reply = redis_link_ask(l, deadline_ms, role, 1, t);
    struct fail what;
    bool master;

    if (reply == NULL)
        return false;
    master = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
             reply->element[0]->type == REDIS_REPLY_STRING &&
             strcmp(reply->element[0]->str, "master") == 0;
    if (!master) {
        (void)fail_set(&what, "the sentinels name %s:%d, which says that it is no master",
                       l->address.host, l->address.port);
        redis_trouble_set(t, &redis_unreachable, what.text);
    }
    freeReplyObject(reply);
    return master;
}
