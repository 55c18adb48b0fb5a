#include "store/redis.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "store/redis_journal.h"
#include "store/redis_step.h"
#include "store/redis_store.h"

/* One attempt, with what it waits for replicas, gets half of what is left, but no less than this. */
#define ATTEMPT_MIN_MS 250
#define PATIENCE_MS    500
#define IMPATIENT_MS   5000
#define PAUSE_FIRST_MS 5
#define PAUSE_MAX_MS   200

/* A literal longer than the 4095 bytes that C11 promises; every compiler that we build with takes
 * it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char commit_script[] =
#include "commit_lua.h"
    ;
#pragma GCC diagnostic pop
static const struct slice script = {commit_script, sizeof commit_script - 1};

/* SHA-1 of the same text, by which Redis knows it. */
static const char script_sha1[] =
#include "commit_sha1.h"
    ;

/* By its digest: Redis has the script from the process before, as a rule, and one that does not is sent
 * it (run_script). For a CGI process that is one round trip, and Redis need not hash the text again. From
 * the second run of a process on the script is loaded, for newer servers may drop what EVAL brought. */
static bool call_script(struct redis_store *s, struct redis_link *link, int64_t deadline_ms,
                        struct redis_trouble *t)
{
    const char *const load[3] = {"SCRIPT", "LOAD", commit_script};
    redisReply *reply;

    if (s->ran && !s->loaded) {
        reply = redis_link_ask(link, deadline_ms, load, 3, t);
        if (reply == NULL)
            return false;
        freeReplyObject(reply);
        s->loaded = true;
    }
    if (!redis_batch_call(&s->batch, "EVALSHA", slice_of(script_sha1))) {
        redis_trouble_set(t, &redis_confused, "no memory for the batch");
        return false;
    }
    return true;
}

static redisReply *run_script(struct redis_store *s, struct redis_link *link, int64_t deadline_ms,
                              int64_t replicas, int64_t *acknowledged, struct redis_trouble *t)
{
    struct redis_batch *b = &s->batch;
    redisReply *reply = redis_link_send(link, deadline_ms, buf_slice(&b->head), buf_slice(&b->rest),
                                        replicas, acknowledged, t);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR &&
        strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        freeReplyObject(reply);
        if (!redis_batch_call(b, "EVAL", script)) {
            redis_trouble_set(t, &redis_confused, "no memory for the batch");
            return NULL;
        }
        reply = redis_link_send(link, deadline_ms, buf_slice(&b->head), buf_slice(&b->rest),
                                replicas, acknowledged, t);
    }
    s->ran = s->ran || reply != NULL;
    return reply;
}

/* The server has done it, but too few replicas have: what would be a promise is none. The sender's
 * retry meets its own record, and waits again. */
static void withdraw(size_t n, int64_t replicas, int64_t acknowledged, struct store_result *result)
{
    struct redis_trouble t;

    redis_trouble_set(&t, &redis_few_replicas, "");
    (void)snprintf(t.text, sizeof t.text, "%lld of %lld replicas have it", (long long)acknowledged,
                   (long long)replicas);
    for (size_t i = 0; i < n; i++) {
        enum store_code code = result[i].code;
        if (code == STORE_ACCEPTED || code == STORE_DUPLICATE || code == STORE_CONFLICT ||
            code == STORE_REFUSED)
            redis_trouble_result(&t, &result[i]);
    }
}

/* One try. False with the trouble when there are no results, or none that may stand. */
static bool attempt(struct redis_store *s, const struct store_batch *batch, int64_t deadline_ms,
                    int64_t replicas, struct store_result *result, struct redis_trouble *t)
{
    struct redis_link *link = redis_route_open(&s->route, batch->provider->name, deadline_ms, t);
    int64_t acknowledged;
    redisReply *reply;
    bool ok;

    if (link == NULL || !call_script(s, link, deadline_ms, t))
        return false;
    reply = run_script(s, link, deadline_ms, replicas, &acknowledged, t);
    if (reply == NULL)
        return false;
    ok = redis_reply_results(reply, batch->n, result, t);
    freeReplyObject(reply);
    if (ok && acknowledged < replicas)
        withdraw(batch->n, replicas, acknowledged, result);
    return ok;
}

/* Sees to it that the next try goes where it should. False: there should be none. */
static bool turn(struct redis_store *s, const char *provider, const struct redis_trouble *t,
                 bool patient)
{
    switch (t->class->next) {
    case REDIS_GIVE_UP:
    case REDIS_BY_EVAL:
        break;
    case REDIS_LINGER:
        return patient;
    case REDIS_MOVED:
        return redis_route_moved(&s->route, provider, t->text);
    case REDIS_PATIENCE:
    case REDIS_AGAIN:
        /* Another server may stand behind the address by now. */
        redis_route_lost(&s->route, provider);
        return patient || t->class->next == REDIS_AGAIN;
    }
    return false;
}

/* Whether to try again, after the pause that this takes. */
static bool again(struct redis_store *s, const char *provider, const struct redis_trouble *t,
                  int64_t began_ms, int64_t deadline_ms, int64_t *pause_ms)
{
    int64_t now = clock_monotonic_ms(s->route.clock);
    struct timespec pause = {0, *pause_ms * 1000000};
    bool patient = now - began_ms <= PATIENCE_MS;

    /* A read-only server is waited for once in an outage: the batches that wait behind this one must
     * not each wait as long. */
    if (t->class->next == REDIS_PATIENCE && (!patient || now < s->impatient_until_ms)) {
        s->impatient_until_ms = now + IMPATIENT_MS;
        patient = false;
    }
    if (!turn(s, provider, t, patient) || now + *pause_ms >= deadline_ms)
        return false;
    if (*pause_ms > 0)
        (void)nanosleep(&pause, NULL);
    *pause_ms = *pause_ms == 0 ? PAUSE_FIRST_MS : *pause_ms * 2;
    if (*pause_ms > PAUSE_MAX_MS)
        *pause_ms = PAUSE_MAX_MS;
    return true;
}

void redis_commit_scoped(struct redis_store *s, const struct store_batch *batch, const char *scope,
                         int64_t replicas, struct store_result *result)
{
    int64_t began = clock_monotonic_ms(s->route.clock), pause = 0;
    struct redis_trouble t = {.class = NULL};
    bool done = false;

    if (!redis_batch_compose(&s->batch, batch, scope)) {
        redis_trouble_set(&t, &redis_confused, "no memory for the batch");
    } else {
        do {
            int64_t now = clock_monotonic_ms(s->route.clock);
            int64_t half = (batch->deadline_ms - now) / 2;
            int64_t end = now + (half < ATTEMPT_MIN_MS ? ATTEMPT_MIN_MS : half);
            if (end > batch->deadline_ms)
                end = batch->deadline_ms;
            done = attempt(s, batch, end, replicas, result, &t);
        } while (!done && again(s, batch->provider->name, &t, began, batch->deadline_ms, &pause));
    }
    s->base.connections = s->route.dialled;
    for (size_t i = 0; !done && i < batch->n; i++)
        redis_trouble_result(&t, &result[i]);
}

static void commit(struct store *base, const struct store_batch *batch, struct store_result *result)
{
    redis_commit_scoped((struct redis_store *)base, batch, "", batch->provider->min_replicas,
                        result);
}

static void free_store(struct store *base)
{
    struct redis_store *s = (struct redis_store *)base;

    redis_route_free(&s->route);
    redis_batch_free(&s->batch);
    free(s);
}

static const struct store_ops ops = {.commit = commit,
                                     .probe = redis_probe,
                                     .gauges = redis_gauges,
                                     .run_id = redis_run_id,
                                     .examine = redis_examine,
                                     .facts = redis_facts,
                                     .free = free_store};

struct store *redis_open(const char *url, const struct clock *clock, struct fail *why)
{
    struct redis_store *s = calloc(1, sizeof *s);

    if (s == NULL) {
        fail_set(why, "store: no memory");
        return NULL;
    }
    s->base.ops = &ops;
    s->base.journal = &redis_journal;
    s->base.step = &redis_step;
    s->base.transfer = &redis_transfer;
    s->batch = REDIS_BATCH_INIT;
    if (!redis_route_init(&s->route, url, clock, why)) {
        free_store(&s->base);
        return NULL;
    }
    return &s->base;
}
