#include "store/redis_step.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "store/redis_store.h"

#define PREFIX_ROOM (CONFIG_NAME_MAX + 24) /* guichet:{provider}:order: */
#define NUMBER_ROOM 24
#define ARGS_EACH   4 /* of one change */

/* A hash has no order: the names of the fields of a record that is read in order lie in a sorted set besides,
 * order:<key>, all with the same score.
 *
 * KEYS: the hand-off stream, what says that the store is closed, then each record and its set. ARGV: the
 * stream's limit, then for each change the verb, the number of its key (of an event its id), field and
 * value. Redis does not roll back: so what could fail, the types of the keys and the user's rights, is
 * asked for before the first write, and the first write is what a full or read-only server refuses.
 * Returns 0; or the number of the condition that is not met; or -1 when the stream is full. */
static const char script[] =
    "local K, A, call = KEYS, ARGV, redis.call\n"
    "local limit, emits, allowed = tonumber(A[1]), 0, redis.acl_check_cmd\n"
    "if allowed then\n"
    "  local k, o = K[3] or K[1], K[4] or K[1]\n"
    "  if not (allowed('HSET', k, '0', '0') and allowed('HGET', k, '0') and allowed('HDEL', k, "
    "'0')\n"
    "          and allowed('HLEN', k) and allowed('UNLINK', k) and allowed('ZADD', o, '0', '0')\n"
    "          and allowed('ZREM', o, '0') and allowed('ZCARD', o)\n"
    "          and allowed('XADD', K[1], '*', '0', '0')) then\n"
    "    return redis.error_reply('NOPERM the user may not run one of hset, hget, hdel, hlen, '\n"
    "                             .. 'unlink, zadd, zrem, zcard, xadd')\n"
    "  end\n"
    "end\n"
    "local closed = call('GET', K[2])\n"
    "if closed then\n"
    "  return redis.error_reply('CLOSED ' .. closed)\n"
    "end\n"
    "for i = 3, #K, 2 do call('HLEN', K[i]) call('ZCARD', K[i + 1]) end\n"
    "for i = 2, #A, 4 do\n"
    "  local verb = A[i]\n"
    "  if verb == 'R' or verb == 'N' then\n"
    "    local have = call('HGET', K[tonumber(A[i + 1])], A[i + 2])\n"
    "    if verb == 'R' and have ~= A[i + 3] or verb == 'N' and have then\n"
    "      return (i + 2) / 4\n"
    "    end\n"
    "  elseif verb == 'E' then\n"
    "    emits = emits + 1\n"
    "  end\n"
    "end\n"
    "if emits > 0 and call('XLEN', K[1]) + emits > limit and limit > 0 then\n"
    "  return -1\n"
    "end\n"
    "local time = call('TIME')\n"
    "local at = string.format('%.0f', time[1] * 1000000 + time[2])\n"
    "for i = 2, #A, 4 do\n"
    "  local verb, key = A[i], tonumber(A[i + 1])\n"
    "  if verb == 'E' then\n"
    "    call('XADD', K[1], '*', 'id', A[i + 1], 'type', A[i + 2], 'at', at, 'body', A[i + 3])\n"
    "  elseif verb == 'S' or verb == 'P' then\n"
    "    call('HSET', K[key], A[i + 2], A[i + 3])\n"
    "    if verb == 'P' then call('ZADD', K[key + 1], 0, A[i + 2]) end\n"
    "  elseif verb == 'U' then\n"
    "    call('HDEL', K[key], A[i + 2])\n"
    "    call('ZREM', K[key + 1], A[i + 2])\n"
    "  elseif verb == 'D' then\n"
    "    call('UNLINK', K[key], K[key + 1])\n"
    "  end\n"
    "end\n"
    "return 0\n";

static const char *const letter[] = {
    [STEP_REQUIRE] = "R", [STEP_REQUIRE_ABSENT] = "N", [STEP_SET] = "S",  [STEP_PUT] = "P",
    [STEP_UNSET] = "U",   [STEP_DROP] = "D",           [STEP_EMIT] = "E",
};

/* A command as it goes to the server, with lengths: values may be any bytes. */
struct command {
    const char **argv;
    size_t *length;
    size_t argc;
    char *text; /* keys and numbers */
    size_t used;
};

static void add(struct command *c, struct slice s)
{
    c->argv[c->argc] = s.n > 0 ? s.p : "";
    c->length[c->argc++] = s.n;
}

static struct slice number(struct command *c, int64_t v)
{
    char *p = c->text + c->used;
    int n = snprintf(p, NUMBER_ROOM, "%" PRId64, v);

    c->used += NUMBER_ROOM;
    return (struct slice){p, (size_t)n};
}

/* kind: "" or REDIS_ORDER */
static struct slice whole_key(struct command *c, const char *provider, const char *kind,
                              struct slice key)
{
    char *p = c->text + c->used;
    int n = snprintf(p, PREFIX_ROOM, "guichet:{%s}:%s", provider, kind);

    memcpy(p + n, key.p, key.n);
    c->used += (size_t)n + key.n;
    return (struct slice){p, (size_t)n + key.n};
}

/* Changes of one record mostly stand together: only a neighbour's key is used again. */
static bool same_key(const struct step_change *change, size_t i)
{
    return i > 0 && change[i - 1].verb != STEP_EMIT &&
           slice_equal(change[i - 1].key, change[i].key);
}

static bool compose(struct command *c, const struct journal *j, const struct step_change *change,
                    size_t n, int64_t backlog_limit)
{
    size_t argc = 6 + n * (2 + ARGS_EACH), text = NUMBER_ROOM * (n + 2), keys = 2;
    struct slice count;

    for (size_t i = 0; i < n; i++)
        text += 2 * (PREFIX_ROOM + change[i].key.n);
    *c = (struct command){malloc(argc * sizeof *c->argv), malloc(argc * sizeof *c->length), 0,
                          malloc(text + 3 * PREFIX_ROOM), 0};
    if (c->argv == NULL || c->length == NULL || c->text == NULL)
        return false;
    add(c, SLICE_LITERAL("EVAL"));
    add(c, (struct slice){script, sizeof script - 1});
    add(c, SLICE_NONE); /* the number of keys, once it is known */
    add(c, whole_key(c, j->provider, "", SLICE_LITERAL("events")));
    add(c, whole_key(c, j->provider, "", SLICE_LITERAL("closed")));
    for (size_t i = 0; i < n; i++)
        if (change[i].verb != STEP_EMIT && !same_key(change, i)) {
            add(c, whole_key(c, j->provider, "", change[i].key));
            add(c, whole_key(c, j->provider, REDIS_ORDER, change[i].key));
            keys += 2;
        }
    count = number(c, (int64_t)keys);
    c->argv[2] = count.p;
    c->length[2] = count.n;
    add(c, number(c, backlog_limit));
    keys = 1; /* counted from 1: the records are 3, 5 ... */
    for (size_t i = 0; i < n; i++) {
        const struct step_change *s = &change[i];
        bool emits = s->verb == STEP_EMIT;
        keys += !emits && !same_key(change, i) ? 2 : 0;
        add(c, slice_of(letter[s->verb]));
        add(c, emits ? s->key : number(c, (int64_t)keys));
        add(c, s->field);
        add(c, s->value);
    }
    return true;
}

static void drop_command(struct command *c)
{
    free(c->argv);
    free(c->length);
    free(c->text);
}

/* Harmless to repeat, so redis_ask_bytes may. */
static redisReply *call_often(const struct journal *j, struct command *c, struct redis_trouble *t)
{
    struct redis_store *s = (struct redis_store *)j->store;
    int64_t deadline_ms = clock_monotonic_ms(s->route.clock) + j->timeout_ms;

    return redis_ask_bytes(s, j->provider, deadline_ms, c->argc, c->argv, c->length, t);
}

static enum step_outcome redis_step_apply(const struct journal *j, const struct step_change *change,
                                          size_t n, int64_t backlog_limit, struct fail *why)
{
    struct command c = {.argv = NULL};
    struct redis_trouble t;
    enum step_outcome outcome = STEP_AWAY;
    redisReply *reply = NULL;

    if (!compose(&c, j, change, n, backlog_limit)) {
        fail_set(why, "store: no memory for a step");
        goto done;
    }
    reply = call_often(j, &c, &t);
    if (reply == NULL)
        fail_set(why, "store: %s: %s", t.class->word, t.text);
    else if (reply->type != REDIS_REPLY_INTEGER)
        fail_set(why, "store: a step was answered in a form that the script does not use");
    else
        outcome = reply->integer == 0 ? STEP_DONE : reply->integer == -1 ? STEP_FULL : STEP_UNMET;

done:
    if (reply != NULL)
        freeReplyObject(reply);
    drop_command(&c);
    return outcome;
}

static bool redis_step_read(const struct journal *j, struct slice key, const char *const *field,
                            size_t n, struct slice *out, struct fail *why)
{
    const char *argv[STEP_FIELDS_MAX + 2];
    size_t length[STEP_FIELDS_MAX + 2];
    struct command c = {argv, length, 0, malloc(PREFIX_ROOM + key.n), 0};
    struct redis_trouble t;
    redisReply *reply = NULL;
    bool ok = false;

    if (c.text == NULL)
        return fail_set(why, "store: no memory for a question") == 0;
    add(&c, SLICE_LITERAL("HMGET"));
    add(&c, whole_key(&c, j->provider, "", key));
    for (size_t i = 0; i < n; i++)
        add(&c, slice_of(field[i]));
    reply = call_often(j, &c, &t);
    if (reply == NULL)
        fail_set(why, "store: %s: %s", t.class->word, t.text);
    else if (reply->type != REDIS_REPLY_ARRAY || reply->elements != n)
        fail_set(why, "store: HMGET answered in a form that Redis does not use");
    else
        ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const redisReply *r = reply->element[i];
        if (r->type != REDIS_REPLY_STRING)
            continue;
        out[i] = arena_copy(j->arena, (struct slice){r->str, (size_t)r->len});
        if (out[i].p == NULL)
            ok = fail_set(why, "store: no memory for what was read") == 0;
    }
    if (reply != NULL)
        freeReplyObject(reply);
    free(c.text);
    return ok;
}

static bool redis_step_now(const struct journal *j, int64_t *now_us, struct fail *why)
{
    const char *argv[1];
    size_t length[1];
    struct command c = {argv, length, 0, NULL, 0};
    struct redis_trouble t;
    redisReply *reply;
    bool ok;

    add(&c, SLICE_LITERAL("TIME"));
    reply = call_often(j, &c, &t);
    if (reply == NULL)
        return fail_set(why, "store: %s: %s", t.class->word, t.text) == 0;
    ok = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
         reply->element[0]->type == REDIS_REPLY_STRING &&
         reply->element[1]->type == REDIS_REPLY_STRING;
    if (ok)
        *now_us = strtoll(reply->element[0]->str, NULL, 10) * US_PER_S +
                  strtoll(reply->element[1]->str, NULL, 10);
    else
        fail_set(why, "store: TIME answered in a form that Redis does not use");
    freeReplyObject(reply);
    return ok;
}

/* KEYS: a record and its set. ARGV: where to begin, as ZRANGEBYLEX has it, fields, bytes. Returns whether
 * there are more, then names and values in turn. */
static const char list_script[] =
    "local allowed = redis.acl_check_cmd\n"
    "if allowed and not (allowed('ZRANGEBYLEX', KEYS[2], '-', '+') and\n"
    "                    allowed('HGET', KEYS[1], '0')) then\n"
    "  return redis.error_reply('NOPERM the user may not run one of zrangebylex, hget')\n"
    "end\n"
    "local names = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2] + 1)\n"
    "local max, room, used, out = tonumber(ARGV[2]), tonumber(ARGV[3]), 0, {0}\n"
    "for i, name in ipairs(names) do\n"
    "  if i > max or used >= room then\n"
    "    out[1] = 1\n"
    "    break\n"
    "  end\n"
    "  local value = redis.call('HGET', KEYS[1], name)\n"
    "  if value then\n"
    "    out[#out + 1] = name\n"
    "    out[#out + 1] = value\n"
    "    used = used + #name + #value\n"
    "  end\n"
    "end\n"
    "return out\n";

static bool take_page(const struct journal *j, const redisReply *reply, size_t max,
                      struct step_page *out, struct fail *why)
{
    bool sound = reply->type == REDIS_REPLY_ARRAY && reply->elements % 2 == 1 &&
                 reply->elements <= 2 * max + 1 && reply->element[0]->type == REDIS_REPLY_INTEGER;

    for (size_t i = 1; sound && i < reply->elements; i++)
        sound = reply->element[i]->type == REDIS_REPLY_STRING;
    if (!sound)
        return fail_set(why, "store: a page was answered in a form that the script does not use") ==
               0;
    out->more = reply->element[0]->integer != 0;
    for (size_t i = 1; i < reply->elements; i += 2) {
        const redisReply *name = reply->element[i], *value = reply->element[i + 1];
        struct journal_field *f = &out->field[out->n++];
        f->name = arena_copy(j->arena, (struct slice){name->str, (size_t)name->len});
        f->value = arena_copy(j->arena, (struct slice){value->str, (size_t)value->len});
        if (f->name.p == NULL || f->value.p == NULL)
            return fail_set(why, "store: no memory for what was read") == 0;
    }
    return true;
}

static bool redis_step_list(const struct journal *j, struct slice key, struct slice after,
                            size_t max, size_t bytes, struct step_page *out, struct fail *why)
{
    const char *argv[8];
    size_t length[8];
    struct command c = {argv, length, 0,
                        malloc(2 * (PREFIX_ROOM + key.n) + after.n + 1 + 2 * NUMBER_ROOM), 0};
    struct redis_trouble t;
    redisReply *reply = NULL;
    bool ok = false;

    if (c.text == NULL)
        return fail_set(why, "store: no memory for a question") == 0;
    add(&c, SLICE_LITERAL("EVAL"));
    add(&c, (struct slice){list_script, sizeof list_script - 1});
    add(&c, SLICE_LITERAL("2"));
    add(&c, whole_key(&c, j->provider, "", key));
    add(&c, whole_key(&c, j->provider, REDIS_ORDER, key));
    if (after.n > 0) {
        char *from = c.text + c.used;
        from[0] = '(';
        memcpy(from + 1, after.p, after.n);
        c.used += after.n + 1;
        add(&c, (struct slice){from, after.n + 1});
    } else {
        add(&c, SLICE_LITERAL("-"));
    }
    add(&c, number(&c, (int64_t)max));
    add(&c, number(&c, (int64_t)bytes));
    reply = call_often(j, &c, &t);
    if (reply == NULL)
        fail_set(why, "store: %s: %s", t.class->word, t.text);
    else
        ok = take_page(j, reply, max, out, why);
    if (reply != NULL)
        freeReplyObject(reply);
    free(c.text);
    return ok;
}

const struct step_ops redis_step = {redis_step_apply, redis_step_read, redis_step_now,
                                    redis_step_list};
