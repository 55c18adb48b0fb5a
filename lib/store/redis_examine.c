/* What start-up finds out: a self-test commit, permissions, durability, eviction. */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/codec.h"
#include "base/text.h"
#include "store/redis_store.h"

#define SCOPE "selftest:"

/* Every command the store needs. Servers since 7.0 can say which of them the user lacks. */
#define COMMANDS                                                                                   \
    "evalsha", "script|load", "time", "get", "set", "del", "lindex", "lset", "rpush", "rpushx",    \
        "ltrim", "llen", "xadd", "xlen", "xrange", "hset", "hget", "hlen", "info"

/* Enough arguments for all of them: Redis looks for keys without counting what it was given. */
static const char permissions_script[] =
    "local missing = {}\n"
    "for _, name in ipairs(redis.acl_check_cmd and ARGV or {}) do\n"
    "  local command, sub = string.match(name, '^(.*)|(.*)$')\n"
    "  if not redis.acl_check_cmd(command or name, sub or KEYS[1], KEYS[1], KEYS[1]) then\n"
    "    missing[#missing + 1] = '+' .. name\n"
    "  end\n"
    "end\n"
    "return table.concat(missing, ' ')\n";

static void explain(const struct redis_trouble *t, struct fail *out)
{
    fail_set(out, "%s: %s", t->class->word, t->text);
}

/* False when a command is denied, named in *out, or the question failed. */
static bool may_run_all(struct redis_store *s, const struct store_provider *p, int64_t deadline_ms,
                        struct fail *out)
{
    static const char *const always[] = {COMMANDS};
    char key[128] = "guichet:{selftest}:probe";
    const char *words[REDIS_WORDS_MAX] = {"EVAL", permissions_script, "1", key};
    size_t n = 4;
    struct redis_trouble t;
    bool ok;

    static_assert(4 + sizeof always / sizeof *always + 3 <= REDIS_WORDS_MAX, "room for all words");
    memcpy(&words[n], always, sizeof always);
    n += sizeof always / sizeof *always;
    if (p != NULL && p->min_replicas > 0) {
        words[n++] = "wait";
        words[n++] = "expire";
    }
    if (s->route.sentinels.n > 0)
        words[n++] = "role";
    if (p != NULL)
        (void)snprintf(key, sizeof key, "guichet:{%s}:" SCOPE "probe", p->name);
    redisReply *reply = redis_ask(s, p != NULL ? p->name : NULL, deadline_ms, words, n, &t);

    if (reply == NULL) {
        explain(&t, out);
        return false;
    }
    ok = reply->type == REDIS_REPLY_STRING && reply->len == 0;
    if (!ok)
        fail_set(out,
                 "store_config: the Redis user may not run all that is needed; give it %s with "
                 "ACL SETUSER",
                 reply->type == REDIS_REPLY_STRING ? reply->str : "its commands");
    freeReplyObject(reply);
    return ok;
}

/* Every verb, and after it a duplicate, a conflict, a mark and a note. */
struct trial {
    struct change change[7];
    struct change_field field;
    struct store_member member[5];
    char id[2 * STORE_NONCE_BYTES + 1];
};

static bool make_trial(struct trial *t)
{
    static const enum store_kind kind[5] = {STORE_EVENT, STORE_EVENT, STORE_EVENT, STORE_MARK,
                                            STORE_NOTE};
    struct slice record = SLICE_LITERAL("record:1"), one = SLICE_LITERAL("1");

    *t = (struct trial){.field = {SLICE_LITERAL("name"), one}};
    t->change[0] = (struct change){CHANGE_SET, record, SLICE_LITERAL("set"), one, 0, 0, 0, NULL};
    t->change[1] =
        (struct change){CHANGE_SET_IF_NEWER, record, SLICE_LITERAL("newer.1"), one, 2, 0, 0, NULL};
    t->change[2] =
        (struct change){CHANGE_SET_EARLIEST, record, SLICE_LITERAL("earliest"), one, 0, 0, 0, NULL};
    t->change[3] = (struct change){CHANGE_ADD, record, SLICE_LITERAL("sum"), one, 0, 0, 0, NULL};
    t->change[4] =
        (struct change){CHANGE_APPEND, SLICE_LITERAL("list:1"), SLICE_NONE, one, 0, 0, 0, NULL};
    t->change[5] = t->change[4];
    /* Last, for what stands behind it would not happen where a trial before was cut off. */
    t->change[6] = (struct change){
        CHANGE_CREATE_ONCE, SLICE_LITERAL("once:1"), SLICE_NONE, SLICE_NONE, 0, 1, 1, &t->field};
    for (size_t i = 0; i < 5; i++) {
        struct store_member *m = &t->member[i];
        *m = (struct store_member){.kind = kind[i],
                                   .type = SLICE_LITERAL("selftest"),
                                   .changes = t->change,
                                   .nchanges = 7,
                                   .reason = i == 4 ? SLICE_LITERAL("selftest") : SLICE_NONE};
        if (!random_bytes(m->nonce, sizeof m->nonce))
            return false;
    }
    hex_encode(t->member[0].nonce, STORE_NONCE_BYTES, t->id);
    for (size_t i = 0; i < 5; i++)
        t->member[i].id = slice_of(t->id);
    t->member[2].body_sha256[0] = 1;
    return true;
}

/* The scratch keys go again; what is left after a process was killed here is overwritten next time.
 */
static bool clean_up(struct redis_store *s, const struct store_provider *p, const char *id,
                     int64_t deadline_ms, struct redis_trouble *t)
{
    static const char *const own[] = {"rate",       "events",          "audit",
                                      "quarantine", "quarantine:seen", "dirty",
                                      "record:1",   "list:1",          "once:1"};
    char key[10][192];
    const char *words[11] = {"DEL"};

    for (size_t i = 0; i < 9; i++)
        (void)snprintf(key[i], sizeof key[i], "guichet:{%s}:" SCOPE "%s", p->name, own[i]);
    (void)snprintf(key[9], sizeof key[9], "guichet:{%s}:" SCOPE "id:%s", p->name, id);
    for (size_t i = 0; i < 10; i++)
        words[i + 1] = key[i];
    redisReply *reply = redis_ask(s, p->name, deadline_ms, words, 11, t);
    if (reply != NULL)
        freeReplyObject(reply);
    return reply != NULL;
}

/* 1: passed; 0: failed; -1: the store takes no writes now, which says nothing of what is tested. */
static int self_test(struct redis_store *s, const struct store_provider *real, int64_t deadline_ms,
                     struct fail *out)
{
    static const enum store_code want[5] = {STORE_ACCEPTED, STORE_DUPLICATE, STORE_CONFLICT,
                                            STORE_ACCEPTED, STORE_ACCEPTED};
    struct store_provider p = {.name = real->name,
                               .rate_count = 1000000,
                               .rate_window_us = 1,
                               .keep_ids_us = 60 * US_PER_S,
                               .audit_limit = 10,
                               .history_limit = 1,
                               .min_replicas = real->min_replicas};
    struct trial trial;
    struct store_result result[5];
    struct store_batch batch = {&p, trial.member, 5, deadline_ms};
    struct redis_trouble t;

    if (!make_trial(&trial)) {
        fail_set(out, "store_config: no random bytes to be had");
        return 0;
    }
    /* Too few replicas are said of each commit; here they would hide what else is wrong. */
    redis_commit_scoped(s, &batch, SCOPE, 0, result);
    for (size_t i = 0; i < 5; i++) {
        if (result[i].code != want[i]) {
            fail_set(out, "%s: the self-test of provider %s, step %zu of 5: %s",
                     result[i].word != NULL ? result[i].word : "fault", p.name, i + 1,
                     result[i].reason[0] != '\0' ? result[i].reason : "an unexpected answer");
            return result[i].code == STORE_UNAVAILABLE &&
                           strcmp(result[i].word, "store_config") != 0
                       ? -1
                       : 0;
        }
    }
    if (!clean_up(s, &p, trial.id, deadline_ms, &t)) {
        explain(&t, out);
        return 0;
    }
    return 1;
}

/* CONFIG GET of one name; "" when it cannot be had. */
static void config_get(struct redis_store *s, const char *provider, int64_t deadline_ms,
                       const char *name, char *out, size_t room)
{
    const char *const words[3] = {"CONFIG", "GET", name};
    struct redis_trouble t;
    redisReply *reply = redis_ask(s, provider, deadline_ms, words, 3, &t);

    out[0] = '\0';
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        reply->element[1]->type == REDIS_REPLY_STRING)
        (void)snprintf(out, room, "%s", reply->element[1]->str);
    freeReplyObject(reply);
}

/* What INFO tells where CONFIG is closed to us. */
static void look_at_info(struct redis_store *s, const char *provider, int64_t deadline_ms,
                         struct store_findings *out)
{
    const char *const persistence[2] = {"INFO", "persistence"}, *const memory[2] = {"INFO",
                                                                                    "memory"};
    struct redis_trouble t;
    redisReply *reply = redis_ask(s, provider, deadline_ms, persistence, 2, &t);

    if (reply != NULL && slice_is(redis_info_field(reply, "aof_enabled"), "0")) {
        out->durable = 0;
        fail_set(&out->durability,
                 "appendonly is no: what was acknowledged is lost with the power; "
                 "set appendonly yes and appendfsync always");
    }
    if (reply != NULL)
        freeReplyObject(reply);
    reply = redis_ask(s, provider, deadline_ms, memory, 2, &t);
    if (reply == NULL)
        return;
    struct slice most = redis_info_field(reply, "maxmemory");
    struct slice policy = redis_info_field(reply, "maxmemory_policy");
    if (most.n > 0 && policy.n > 0)
        out->evicting = !slice_is(most, "0") && !slice_is(policy, "noeviction");
    freeReplyObject(reply);
}

static void look_at_config(struct redis_store *s, const char *provider, int64_t deadline_ms,
                           struct store_findings *out)
{
    char append[16], sync[16], rewrite[16], most[32], policy[32];

    config_get(s, provider, deadline_ms, "appendonly", append, sizeof append);
    config_get(s, provider, deadline_ms, "appendfsync", sync, sizeof sync);
    config_get(s, provider, deadline_ms, "no-appendfsync-on-rewrite", rewrite, sizeof rewrite);
    config_get(s, provider, deadline_ms, "maxmemory", most, sizeof most);
    config_get(s, provider, deadline_ms, "maxmemory-policy", policy, sizeof policy);
    if (append[0] == '\0' || sync[0] == '\0' || rewrite[0] == '\0') {
        fail_set(&out->durability,
                 "it cannot be seen, for CONFIG GET is closed to this user; allow +config|get, and "
                 "see to appendonly yes, appendfsync always and no-appendfsync-on-rewrite no");
        look_at_info(s, provider, deadline_ms, out);
        return;
    }
    if (most[0] != '\0' && policy[0] != '\0')
        out->evicting = strcmp(most, "0") != 0 && strcmp(policy, "noeviction") != 0;
    /* During a rewrite that does not flush, half a minute can be lost whatever appendfsync says. */
    bool logged = strcmp(append, "yes") == 0 && strcmp(rewrite, "no") == 0;
    out->durable = !logged                         ? 0
                   : strcmp(sync, "always") == 0   ? 2
                   : strcmp(sync, "everysec") == 0 ? 1
                                                   : 0;
    fail_set(&out->durability, "appendonly is %s, appendfsync %s, no-appendfsync-on-rewrite %s%s",
             append, sync, rewrite,
             out->durable == 2
                 ? ""
                 : "; only yes, always and no keep all that was acknowledged when the "
                   "power fails");
}

/* Of several servers the weakest counts. */
static void look_at_server(struct redis_store *s, const char *provider, bool first,
                           int64_t deadline_ms, struct store_findings *out)
{
    static const int rank[] = {2, 0, 1, 3}; /* of cannot be seen, less, everysec, always */
    struct store_findings f = {.durable = -1, .evicting = -1};

    look_at_config(s, provider, deadline_ms, &f);
    if (first || rank[f.durable + 1] < rank[out->durable + 1]) {
        out->durable = f.durable;
        out->durability = f.durability;
    }
    if (first || f.evicting == 1)
        out->evicting = f.evicting;
}

void redis_examine(struct store *base, const struct store_provider *p, size_t n,
                   int64_t deadline_ms, struct store_findings *out)
{
    struct redis_store *s = (struct redis_store *)base;
    struct fail why;

    if (!redis_run_id(base, deadline_ms, out->run_id, &why)) {
        out->problem = why;
        return;
    }
    out->self_test = 1;
    for (size_t i = 0; (i == 0 || i < n) && out->self_test == 1; i++) {
        const struct store_provider *one = i < n ? &p[i] : NULL;
        const char *name = one != NULL ? one->name : NULL;
        /* One server looks the same from every provider, nodes of a Cluster may not. */
        if (i == 0 || s->route.nnodes > 1)
            out->self_test = may_run_all(s, one, deadline_ms, &out->problem);
        if (out->self_test == 1 && one != NULL)
            out->self_test = self_test(s, one, deadline_ms, &out->problem);
        if (i == 0 || s->route.nnodes > 1)
            look_at_server(s, name, i == 0, deadline_ms, out);
    }
}
