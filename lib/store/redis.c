#include "store/redis.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "store/redis_store.h"

#define ATTEMPT_MIN_MS        250 /* one attempt gets half of what is left, but no less than this */
#define READ_ONLY_PATIENCE_MS 500
#define IMPATIENT_MS          5000
#define PAUSE_FIRST_MS        5
#define PAUSE_MAX_MS          200

/* A literal longer than the 4095 bytes that C11 promises; every compiler that we build with takes
 * it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char commit_script[] =
#include "commit_lua.h"
    ;
#pragma GCC diagnostic pop

/* Which command runs the script. The first run of a process is an EVAL: one round trip, for a CGI
 * process has only that one. From the second on the script is loaded (what EVAL loads may be
 * dropped by newer servers) and called by its digest. */
static bool choose_script(struct redis_store *s, int64_t deadline_ms, struct redis_trouble *t)
{
    const char *load[3] = {"SCRIPT", "LOAD", commit_script};
    redisReply *reply;

    if (s->sha1[0] == '\0' && s->evaluated) {
        reply = redis_ask(s, deadline_ms, load, 3, t);
        if (reply == NULL)
            return false;
        if (reply->type == REDIS_REPLY_STRING && reply->len == REDIS_SHA1_TEXT)
            memcpy(s->sha1, reply->str, REDIS_SHA1_TEXT + 1);
        freeReplyObject(reply);
    }
    bool by_name = s->sha1[0] != '\0';
    s->batch.argv[0] = by_name ? "EVALSHA" : "EVAL";
    s->batch.length[0] = strlen(s->batch.argv[0]);
    s->batch.argv[1] = by_name ? s->sha1 : commit_script;
    s->batch.length[1] = by_name ? REDIS_SHA1_TEXT : sizeof commit_script - 1;
    return true;
}

static redisReply *run_script(struct redis_store *s, int64_t deadline_ms, struct redis_trouble *t)
{
    struct redis_batch *b = &s->batch;
    redisReply *reply = redis_link_call(&s->link, deadline_ms, b->argc, b->argv, b->length, t);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR &&
        strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        freeReplyObject(reply);
        b->argv[0] = "EVAL";
        b->length[0] = 4;
        b->argv[1] = commit_script;
        b->length[1] = sizeof commit_script - 1;
        reply = redis_link_call(&s->link, deadline_ms, b->argc, b->argv, b->length, t);
    }
    s->evaluated = s->evaluated || reply != NULL;
    return reply;
}

/* One try. False with the trouble when there are no results, or none that may stand. */
static bool attempt(struct redis_store *s, size_t n, int64_t deadline_ms,
                    struct store_result *result, struct redis_trouble *t)
{
    redisReply *reply;
    bool ok;

    if (!redis_link_open(&s->link, deadline_ms, t) || !choose_script(s, deadline_ms, t))
        return false;
    reply = run_script(s, deadline_ms, t);
    if (reply == NULL)
        return false;
    ok = redis_reply_results(reply, n, result, t);
    freeReplyObject(reply);
    return ok;
}

/* Whether to try again, after the pause that this takes. */
static bool again(struct redis_store *s, const struct redis_trouble *t, int64_t began_ms,
                  int64_t deadline_ms, int64_t *pause_ms)
{
    int64_t now = clock_monotonic_ms(s->link.clock);
    struct timespec pause = {0, *pause_ms * 1000000};

    if (t->class->next == REDIS_GIVE_UP || t->class->next == REDIS_BY_EVAL)
        return false;
    /* Once in an outage: the batches that wait behind this one must not each wait as long. */
    if (t->class->next == REDIS_PATIENCE &&
        (now < s->impatient_until_ms || now - began_ms > READ_ONLY_PATIENCE_MS)) {
        s->impatient_until_ms = now + IMPATIENT_MS;
        return false;
    }
    /* Another server may stand behind the address by now. */
    redis_link_close(&s->link);
    if (now + *pause_ms >= deadline_ms)
        return false;
    if (*pause_ms > 0)
        (void)nanosleep(&pause, NULL);
    *pause_ms = *pause_ms == 0 ? PAUSE_FIRST_MS : *pause_ms * 2;
    if (*pause_ms > PAUSE_MAX_MS)
        *pause_ms = PAUSE_MAX_MS;
    return true;
}

void redis_commit_scoped(struct redis_store *s, const struct store_batch *batch, const char *scope,
                         struct store_result *result)
{
    int64_t began = clock_monotonic_ms(s->link.clock), pause = 0;
    struct redis_trouble t = {.class = NULL};
    bool done = false;

    if (!redis_batch_compose(&s->batch, batch, scope)) {
        redis_trouble_set(&t, &redis_confused, "no memory for the batch");
    } else {
        do {
            int64_t now = clock_monotonic_ms(s->link.clock), half = (batch->deadline_ms - now) / 2;
            int64_t end = now + (half < ATTEMPT_MIN_MS ? ATTEMPT_MIN_MS : half);
            if (end > batch->deadline_ms)
                end = batch->deadline_ms;
            done = attempt(s, batch->n, end, result, &t);
        } while (!done && again(s, &t, began, batch->deadline_ms, &pause));
    }
    s->base.connections = s->link.dialled;
    for (size_t i = 0; !done && i < batch->n; i++)
        redis_trouble_result(&t, &result[i]);
}

static void commit(struct store *base, const struct store_batch *batch, struct store_result *result)
{
    redis_commit_scoped((struct redis_store *)base, batch, "", result);
}

static void free_store(struct store *base)
{
    struct redis_store *s = (struct redis_store *)base;

    redis_link_close(&s->link);
    redis_batch_free(&s->batch);
    explicit_bzero(&s->link.address, sizeof s->link.address);
    free(s);
}

static const struct store_ops ops = {.commit = commit,
                                     .probe = redis_probe,
                                     .gauges = redis_gauges,
                                     .run_id = redis_run_id,
                                     .examine = redis_examine,
                                     .free = free_store};

struct store *redis_open(const char *url, const struct clock *clock, struct fail *why)
{
    struct redis_store *s = calloc(1, sizeof *s);

    if (s == NULL) {
        fail_set(why, "store: no memory");
        return NULL;
    }
    s->base.ops = &ops;
    s->link.clock = clock;
    s->batch = REDIS_BATCH_INIT;
    if (!redis_url_parse(url, &s->link.address, why)) {
        free_store(&s->base);
        return NULL;
    }
    return &s->base;
}
