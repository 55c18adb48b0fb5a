#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include "store/redis_journal.h"

#define NUMBER_ROOM 24

static bool events_key(const struct journal *j, char out[static REDIS_JOURNAL_KEY_ROOM],
                       struct fail *why)
{
    return redis_journal_key(j, journal_list_names[JOURNAL_EVENTS], out, why);
}

static bool make(const struct journal *j, const char *group, bool from_now, struct fail *why)
{
    static const char script[] =
        "local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'MKSTREAM')\n"
        "if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then\n"
        "  return made\n"
        "end\n"
        "return 1\n";
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[6] = {"EVAL", script, "1", key, group, from_now ? "$" : "0"};
    int64_t number;

    return events_key(j, key, why) && redis_journal_number(j, word, 6, &number, why);
}

static bool drop(const struct journal *j, const char *group, bool *dropped, struct fail *why)
{
    static const char script[] = "if redis.call('EXISTS', KEYS[1]) == 0 then\n"
                                 "  return 0\n"
                                 "end\n"
                                 "return redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])\n";
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[5] = {"EVAL", script, "1", key, group};
    int64_t number = 0;

    if (!events_key(j, key, why) || !redis_journal_number(j, word, 5, &number, why))
        return false;
    *dropped = number == 1;
    return true;
}

/* Of each group its name, consumers, pending entries, what was read last, and the oldest pending
 * entry or "". (XINFO's fields have changed in number, so they are found by name.) */
static const char list_script[] =
    "local out = {}\n"
    "if redis.call('EXISTS', KEYS[1]) == 0 then\n"
    "  return out\n"
    "end\n"
    "for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do\n"
    "  local g = {}\n"
    "  for i = 1, #info, 2 do\n"
    "    g[info[i]] = info[i + 1]\n"
    "  end\n"
    "  local oldest = redis.call('XPENDING', KEYS[1], g.name)[2]\n"
    "  out[#out + 1] = { g.name, g.consumers, g.pending, g['last-delivered-id'], oldest or '' }\n"
    "end\n"
    "return out\n";

static bool take_group(const redisReply *r, struct group_state *out)
{
    static const int type[5] = {REDIS_REPLY_STRING, REDIS_REPLY_INTEGER, REDIS_REPLY_INTEGER,
                                REDIS_REPLY_STRING, REDIS_REPLY_STRING};
    unsigned long long ms, n;
    char *dash;

    if (r->type != REDIS_REPLY_ARRAY || r->elements != 5)
        return false;
    for (int i = 0; i < 5; i++)
        if (r->element[i]->type != type[i])
            return false;
    (void)snprintf(out->name, sizeof out->name, "%s", r->element[0]->str);
    out->consumers = r->element[1]->integer;
    out->pending = r->element[2]->integer;
    (void)snprintf(out->needed, sizeof out->needed, "%s", r->element[4]->str);
    if (out->needed[0] == '\0') { /* what lies behind what was read last */
        ms = strtoull(r->element[3]->str, &dash, 10);
        n = *dash == '-' ? strtoull(dash + 1, NULL, 10) : 0;
        (void)snprintf(out->needed, sizeof out->needed, "%llu-%llu", n == UINT64_MAX ? ms + 1 : ms,
                       n == UINT64_MAX ? 0 : n + 1);
    }
    return true;
}

static bool list(const struct journal *j, struct group_state *out, size_t *n, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[4] = {"EVAL", list_script, "1", key};
    redisReply *reply;
    bool ok = true;

    if (!events_key(j, key, why))
        return false;
    reply = redis_journal_ask(j, word, 4, REDIS_REPLY_ARRAY, why);
    if (reply == NULL)
        return false;
    if (reply->elements > GROUPS_MAX) {
        fail_set(why, "%s has over %d consumer groups", key, GROUPS_MAX);
        ok = false;
    }
    for (size_t i = 0; ok && i < reply->elements; i++) {
        ok = take_group(reply->element[i], &out[(*n)++]);
        if (!ok)
            fail_set(why, "store: XINFO answered in a form that Redis does not use");
    }
    freeReplyObject(reply);
    return ok;
}

/* --- taking ----------------------------------------------------------------------------------- */

/* Entries that were taken long ago, with how often each was delivered; those that are no more in the
 * stream are done. XAUTOCLAIM looks at ten times COUNT entries a call; a hundred calls are enough for
 * what consumers hold at any time. */
static const char claim_script[] =
    "local out, cursor, want = {}, '0-0', tonumber(ARGV[4])\n"
    "for _ = 1, 100 do\n"
    "  local claimed = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], cursor, "
    "'COUNT',\n"
    "                             want - #out)\n"
    "  for _, entry in ipairs(claimed[2]) do\n"
    "    local id = entry and entry[1]\n"
    "    local pending = id and redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)[1]\n"
    "    if pending then\n"
    "      out[#out + 1] = { entry, pending[4] }\n"
    "    end\n"
    "  end\n"
    "  cursor = claimed[1]\n"
    "  if cursor == '0-0' or #out >= want then\n"
    "    break\n"
    "  end\n"
    "end\n"
    "return out\n";

static bool claim(const struct journal *j, const char *key, const char *group, const char *consumer,
                  size_t max, int64_t idle_ms, struct group_entry *out, size_t *n, struct fail *why)
{
    char idle[NUMBER_ROOM], count[NUMBER_ROOM];
    const char *const word[8] = {"EVAL", claim_script, "1", key, group, consumer, idle, count};
    redisReply *reply;
    bool ok = true;

    (void)snprintf(idle, sizeof idle, "%lld", (long long)idle_ms);
    (void)snprintf(count, sizeof count, "%zu", max);
    reply = redis_journal_ask(j, word, 8, REDIS_REPLY_ARRAY, why);
    if (reply == NULL)
        return false;
    for (size_t i = 0; ok && i < reply->elements && *n < max; i++) {
        const redisReply *r = reply->element[i];
        ok = r->type == REDIS_REPLY_ARRAY && r->elements == 2 &&
             r->element[1]->type == REDIS_REPLY_INTEGER;
        if (!ok)
            fail_set(why, "store: XAUTOCLAIM answered in a form that Redis does not use");
        ok = ok && redis_journal_entry(j, r->element[0], &out[*n].entry, why);
        if (ok)
            out[(*n)++].deliveries = r->element[1]->integer;
    }
    freeReplyObject(reply);
    return ok;
}

static bool read_new(const struct journal *j, const char *key, const char *group,
                     const char *consumer, size_t max, struct group_entry *out, size_t *n,
                     struct fail *why)
{
    char count[NUMBER_ROOM];
    const char *const word[9] = {"XREADGROUP", "GROUP",   group, consumer, "COUNT",
                                 count,        "STREAMS", key,   ">"};
    const redisReply *entries = NULL;
    redisReply *reply;
    bool ok = true;

    (void)snprintf(count, sizeof count, "%zu", max - *n);
    reply = redis_journal_ask(j, word, 9, REDIS_REPLY_ARRAY, why);
    if (reply == NULL)
        return false;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
        reply->element[0]->type == REDIS_REPLY_ARRAY && reply->element[0]->elements == 2)
        entries = reply->element[0]->element[1];
    for (size_t i = 0; ok && entries != NULL && i < entries->elements && *n < max; i++) {
        ok = redis_journal_entry(j, entries->element[i], &out[*n].entry, why);
        if (ok)
            out[(*n)++].deliveries = 1;
    }
    freeReplyObject(reply);
    return ok;
}

static bool take(const struct journal *j, const char *group, const char *consumer, size_t max,
                 int64_t idle_ms, struct group_entry **out, size_t *n, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];

    *out = arena_alloc(j->arena, max * sizeof **out);
    if (*out == NULL) {
        fail_set(why, "store: no memory for what was read");
        return false;
    }
    return events_key(j, key, why) && claim(j, key, group, consumer, max, idle_ms, *out, n, why) &&
           (*n == max || read_new(j, key, group, consumer, max, *out, n, why));
}

static bool hold(const struct journal *j, const char *group, const char *consumer, const char *id,
                 bool *held, struct fail *why)
{
    static const char script[] =
        "local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)[1]\n"
        "if not pending or pending[2] ~= ARGV[2] then\n"
        "  return 0\n"
        "end\n"
        "redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')\n"
        "return 1\n";
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[7] = {"EVAL", script, "1", key, group, consumer, id};
    int64_t number = 0;

    if (!events_key(j, key, why) || !redis_journal_number(j, word, 7, &number, why))
        return false;
    *held = number == 1;
    return true;
}

static bool done(const struct journal *j, const char *group, const char *id, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[4] = {"XACK", key, group, id};
    int64_t number;

    return events_key(j, key, why) && redis_journal_number(j, word, 4, &number, why);
}

static bool bury(const struct journal *j, const char *group, const struct group_entry *e,
                 const char *reason, struct fail *why)
{
    static const char script[] =
        "if not redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)[1] then\n"
        "  return 0\n"
        "end\n"
        "local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]\n"
        "redis.call('XADD', KEYS[2], '*', 'group', ARGV[1], 'entry', ARGV[2], 'reason', ARGV[3],\n"
        "           'deliveries', ARGV[4], unpack(entry and entry[2] or {}))\n"
        "return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])\n";
    char key[REDIS_JOURNAL_KEY_ROOM], dead[REDIS_JOURNAL_KEY_ROOM], deliveries[NUMBER_ROOM];
    const char *const word[9] = {"EVAL", script,      "2",    key,       dead,
                                 group,  e->entry.id, reason, deliveries};
    int64_t number;

    (void)snprintf(deliveries, sizeof deliveries, "%lld", (long long)e->deliveries);
    return events_key(j, key, why) &&
           redis_journal_key(j, journal_list_names[JOURNAL_DEAD], dead, why) &&
           redis_journal_number(j, word, 9, &number, why);
}

const struct group_ops redis_group = {
    .make = make,
    .drop = drop,
    .list = list,
    .take = take,
    .hold = hold,
    .done = done,
    .bury = bury,
};
