/* Questions to the server that are no commits: is it there, which run is it, how full is it. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include "store/redis_store.h"

#define TRIES 4

redisReply *redis_ask_bytes(struct redis_store *s, const char *provider, int64_t deadline_ms,
                            size_t n, const char **word, const size_t *length,
                            struct redis_trouble *t)
{
    redisReply *reply = NULL;

    for (int i = 0; i < TRIES && reply == NULL; i++) {
        struct redis_link *link = redis_route_open(&s->route, provider, deadline_ms, t);
        if (link != NULL)
            reply = redis_link_call(link, deadline_ms, n, word, length, t);
        if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
            redis_trouble_error(t, reply->str);
            freeReplyObject(reply);
            reply = NULL;
        }
        if (reply != NULL ||
            (t->class->next == REDIS_MOVED && redis_route_moved(&s->route, provider, t->text)))
            continue;
        if (t->class != &redis_unreachable)
            break;
        redis_route_lost(&s->route, provider);
    }
    s->base.connections = s->route.dialled;
    return reply;
}

redisReply *redis_ask(struct redis_store *s, const char *provider, int64_t deadline_ms,
                      const char *const *word, size_t n, struct redis_trouble *t)
{
    const char *argv[REDIS_WORDS_MAX];
    size_t length[REDIS_WORDS_MAX];

    for (size_t i = 0; i < n; i++) {
        argv[i] = word[i];
        length[i] = strlen(word[i]);
    }
    return redis_ask_bytes(s, provider, deadline_ms, n, argv, length, t);
}

struct slice redis_info_field(const redisReply *info, const char *name)
{
    struct slice rest = SLICE_NONE;
    size_t n = strlen(name);

    if (info->type == REDIS_REPLY_STRING)
        rest = (struct slice){info->str, (size_t)info->len};
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        struct slice line = {rest.p, end != NULL ? (size_t)(end - rest.p) : rest.n};
        rest = slice_from(rest, end != NULL ? line.n + 1 : line.n);
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n > n && line.p[n] == ':' && slice_begins(line, name))
            return slice_from(line, n + 1);
    }
    return SLICE_NONE;
}

/* RPUSHX on a list that is never there does nothing, but Redis refuses it in all the states in
 * which it would refuse a commit: loading, busy, full, read-only, disk in error, too few replicas.
 */
bool redis_probe(struct store *base, int64_t timeout_ms, struct fail *why)
{
    static const char *const probe[3] = {"RPUSHX", "guichet:{selftest}:probe", "0"};
    struct redis_store *s = (struct redis_store *)base;
    struct redis_trouble t;
    int64_t deadline = clock_monotonic_ms(s->route.clock) + timeout_ms;
    redisReply *reply = redis_ask(s, "selftest", deadline, probe, 3, &t);

    if (reply == NULL) {
        fail_set(why, "%s: %s", t.class->word, t.text);
        return false;
    }
    freeReplyObject(reply);
    return true;
}

bool redis_run_id(struct store *base, int64_t deadline_ms, char out[static 48], struct fail *why)
{
    static const char *const info[2] = {"INFO", "server"};
    struct redis_store *s = (struct redis_store *)base;
    struct redis_trouble t;
    redisReply *reply = redis_ask(s, NULL, deadline_ms, info, 2, &t);

    if (reply == NULL) {
        /* A user who may not ask is told so by the examination, which names the command. */
        if (redis_route_up(&s->route, NULL) && t.class->next == REDIS_GIVE_UP)
            return true;
        fail_set(why, "%s: %s", t.class->word, t.text);
        return false;
    }
    struct slice id = redis_info_field(reply, "run_id");
    (void)snprintf(out, 48, "%.*s", (int)id.n, id.n > 0 ? id.p : "");
    freeReplyObject(reply);
    return true;
}

/* How many of the newest `count` stamps lie inside the window: a binary search, for they are in
 * order. */
static const char gauges_script[] =
    "local function size(command, key)\n"
    "  local n = redis.pcall(command, key)\n"
    "  return type(n) == 'table' and -1 or n\n"
    "end\n"
    "local used, limit = size('LLEN', KEYS[1]), tonumber(ARGV[1])\n"
    "if used > 0 then\n"
    "  local time = redis.call('TIME')\n"
    "  local since = time[1] * 1000000 + time[2] - ARGV[2]\n"
    "  local low, high = 0, math.min(used, limit)\n"
    "  while low < high do\n"
    "    local middle = math.ceil((low + high) / 2)\n"
    "    if (tonumber(redis.call('LINDEX', KEYS[1], -middle)) or 0) > since then\n"
    "      low = middle\n"
    "    else\n"
    "      high = middle - 1\n"
    "    end\n"
    "  end\n"
    "  used = low\n"
    "end\n"
    "return { used, size('XLEN', KEYS[2]), size('XLEN', KEYS[3]) }\n";

bool redis_gauges(struct store *base, const struct store_provider *p, int64_t deadline_ms,
                  struct store_gauges *out)
{
    struct redis_store *s = (struct redis_store *)base;
    struct redis_trouble t;
    char key[3][128], number[2][24];
    const char *words[8] = {"EVAL", gauges_script, "3",       key[0],
                            key[1], key[2],        number[0], number[1]};
    bool ok;

    (void)snprintf(key[0], sizeof key[0], "guichet:{%s}:rate", p->name);
    (void)snprintf(key[1], sizeof key[1], "guichet:{%s}:events", p->name);
    (void)snprintf(key[2], sizeof key[2], "guichet:{%s}:quarantine", p->name);
    (void)snprintf(number[0], sizeof number[0], "%lld", (long long)p->rate_count);
    (void)snprintf(number[1], sizeof number[1], "%lld", (long long)p->rate_window_us);
    redisReply *reply = redis_ask(s, p->name, deadline_ms, words, 8, &t);
    if (reply == NULL)
        return false;
    ok = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3;
    for (size_t i = 0; ok && i < 3; i++)
        ok = reply->element[i]->type == REDIS_REPLY_INTEGER;
    if (ok)
        *out = (struct store_gauges){reply->element[0]->integer, reply->element[1]->integer,
                                     reply->element[2]->integer};
    freeReplyObject(reply);
    return ok;
}
