/* What a Redis server says of itself to an operator. */
#include <hiredis/hiredis.h>
#include <stdio.h>

#include "base/text.h"
#include "store/redis_store.h"

/* A string key of 120 bytes with an expiry, all in all, measured on Redis 7.0 with 100 000 of them. */
#define ID_BYTES 280

static redisReply *ask(struct store *base, const char *provider, int64_t deadline_ms,
                       const char *const *word, size_t n)
{
    struct redis_trouble t;

    return redis_ask((struct redis_store *)base, provider, deadline_ms, word, n, &t);
}

static int64_t number(const redisReply *info, const char *name)
{
    int64_t n;

    return text_to_i64(redis_info_field(info, name), &n) ? n : -1;
}

static int64_t time_of(const redisReply *reply)
{
    int64_t part[2];

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return 0;
    for (size_t i = 0; i < 2; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING ||
            !text_to_i64((struct slice){reply->element[i]->str, reply->element[i]->len}, &part[i]))
            return 0;
    return part[0] * US_PER_S + part[1];
}

bool redis_facts(struct store *base, const char *provider, int64_t deadline_ms,
                 struct store_facts *out)
{
    static const char *const server[] = {"INFO", "server"}, *const memory[] = {"INFO", "memory"},
                             *const now[] = {"TIME"};
    redisReply *reply = ask(base, provider, deadline_ms, server, 2);
    struct slice version, run_id;

    if (reply == NULL)
        return false;
    version = redis_info_field(reply, "redis_version");
    (void)snprintf(out->version, sizeof out->version, "%.*s", (int)version.n,
                   version.n > 0 ? version.p : "");
    run_id = redis_info_field(reply, "run_id");
    (void)snprintf(out->run_id, sizeof out->run_id, "%.*s", (int)run_id.n,
                   run_id.n > 0 ? run_id.p : "");
    freeReplyObject(reply);
    out->id_bytes = ID_BYTES;
    reply = ask(base, provider, deadline_ms, memory, 2);
    if (reply != NULL) {
        out->memory_used = number(reply, "used_memory");
        out->memory_max = number(reply, "maxmemory");
        freeReplyObject(reply);
    }
    reply = ask(base, provider, deadline_ms, now, 1);
    out->clock_us = time_of(reply);
    if (reply != NULL)
        freeReplyObject(reply);
    return true;
}
