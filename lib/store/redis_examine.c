/* What start-up finds out: a self-test commit, permissions, durability, eviction. */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "store/redis_store.h"
#include "store/trial.h"

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
    struct trial trial;
    struct store_result result[TRIAL_MEMBERS];
    struct store_batch batch = {&trial.provider, trial.member, TRIAL_MEMBERS, deadline_ms};
    struct redis_trouble t;
    size_t failed;

    if (!trial_make(&trial, real)) {
        fail_set(out, "store_config: no random bytes to be had");
        return 0;
    }
    /* Too few replicas are said of each commit; here they would hide what else is wrong. */
    redis_commit_scoped(s, &batch, SCOPE, 0, result);
    if (!trial_judge(&trial, result, &failed, out))
        return result[failed].code == STORE_UNAVAILABLE &&
                       strcmp(result[failed].word, "store_config") != 0
                   ? -1
                   : 0;
    if (!clean_up(s, &trial.provider, trial.id, deadline_ms, &t)) {
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
