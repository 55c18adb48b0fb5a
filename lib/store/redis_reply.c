#include "store/redis_reply.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#define SECOND US_PER_S

const struct redis_class redis_timeout = {"", "store_timeout", STORE_UNAVAILABLE, REDIS_AGAIN,
                                          2 * SECOND};
const struct redis_class redis_unreachable = {"", "store_unreachable", STORE_UNAVAILABLE,
                                              REDIS_AGAIN, 2 * SECOND};
const struct redis_class redis_confused = {"", "bad_reply", STORE_FAULT, REDIS_GIVE_UP, 0};

const struct redis_class redis_few_replicas = {"", "store_replicas", STORE_UNAVAILABLE,
                                               REDIS_GIVE_UP, 2 * SECOND};

static const struct redis_class unknown_error = {"", "script_error", STORE_FAULT, REDIS_GIVE_UP, 0};

static const struct redis_class classes[] = {
    {"NOSCRIPT", "store_config", STORE_UNAVAILABLE, REDIS_BY_EVAL, 0},
    {"LOADING", "store_loading", STORE_UNAVAILABLE, REDIS_AGAIN, 5 * SECOND},
    {"MASTERDOWN", "store_read_only", STORE_UNAVAILABLE, REDIS_PATIENCE, 2 * SECOND},
    {"CLUSTERDOWN", "store_unreachable", STORE_UNAVAILABLE, REDIS_AGAIN, 2 * SECOND},
    {"TRYAGAIN", "store_moving", STORE_UNAVAILABLE, REDIS_LINGER, 2 * SECOND},
    {"ASK ", "store_moving", STORE_UNAVAILABLE, REDIS_LINGER, 2 * SECOND},
    {"MOVED", "store_unreachable", STORE_UNAVAILABLE, REDIS_MOVED, 2 * SECOND},
    {"READONLY", "store_read_only", STORE_UNAVAILABLE, REDIS_PATIENCE, 2 * SECOND},
    {"ERR WAIT cannot be used with replica", "store_read_only", STORE_UNAVAILABLE, REDIS_PATIENCE,
     2 * SECOND},
    {"OOM", "store_full", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"MISCONF", "store_disk", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"CLOSED", "store_closed", STORE_UNAVAILABLE, REDIS_GIVE_UP, 5 * SECOND},
    {"NOREPLICAS", "store_replicas", STORE_UNAVAILABLE, REDIS_GIVE_UP, 10 * SECOND},
    {"BUSY", "store_busy", STORE_UNAVAILABLE, REDIS_AGAIN, 5 * SECOND},
    {"ERR max number of clients", "store_busy", STORE_UNAVAILABLE, REDIS_AGAIN, 5 * SECOND},
    {"NOAUTH", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"WRONGPASS", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"NOPERM", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"DENIED", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"ERR AUTH", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"ERR invalid password", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"ERR DB index", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    {"ERR SELECT is not allowed", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
    /* What NOAUTH reads like from 11 arguments on. */
    {"ERR Protocol error: unauthenticated", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP,
     30 * SECOND},
    /* What NOPERM reads like inside a script. */
    {"ERR The user executing the script", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP,
     30 * SECOND},
    {"ERR unknown command", "store_config", STORE_UNAVAILABLE, REDIS_GIVE_UP, 30 * SECOND},
};

/* Words of the script that are no error of Redis. */
static const struct {
    const char *word;
    int64_t retry_after_us;
} own_words[] = {
    {"backlog_full", 5 * SECOND},
    {"quarantine_full", 30 * SECOND},
    {"overflow", 0},
    {"bad_number", 0},
    {"conflict", 0},
    {"wrong_type", 0},
    {"bad_record", 0},
};

void redis_trouble_set(struct redis_trouble *t, const struct redis_class *class, const char *text)
{
    t->class = class;
    (void)snprintf(t->text, sizeof t->text, "%s", text);
}

void redis_trouble_error(struct redis_trouble *t, const char *text)
{
    const struct redis_class *class = &unknown_error;

    if (*text == '-') /* before 7.0, errors inside a script came as on the wire */
        text++;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strncmp(text, classes[i].begins, strlen(classes[i].begins)) == 0) {
            class = &classes[i];
            break;
        }
    }
    redis_trouble_set(t, class, text);
    t->text[strcspn(t->text, "\r\n")] = '\0';
    if (strstr(text, "unauthenticated") != NULL || strncmp(text, "NOAUTH", 6) == 0)
        redis_trouble_set(t, class,
                          "NOAUTH: the server wants a password: write user:password@ into the "
                          "store's address");
}

void redis_trouble_result(const struct redis_trouble *t, struct store_result *result)
{
    *result = (struct store_result){
        .code = t->class->code, .retry_after_us = t->class->retry_after_us, .word = t->class->word};
    memcpy(result->reason, t->text, sizeof result->reason);
}

/* The word of a member: one of ours, or an error of Redis. */
static void read_word(const char *text, struct store_result *result, struct redis_trouble *t)
{
    unsigned flags = result->flags;

    if (result->code == STORE_ACCEPTED) /* a note: its own reason, which the caller knows */
        return;
    for (size_t i = 0; i < sizeof own_words / sizeof *own_words; i++) {
        if (strcmp(text, own_words[i].word) == 0) {
            result->word = own_words[i].word;
            result->retry_after_us = own_words[i].retry_after_us;
            (void)snprintf(result->reason, sizeof result->reason, "%s", text);
            return;
        }
    }
    redis_trouble_error(t, text);
    redis_trouble_result(t, result);
    result->flags = flags;
}

static bool read_member(redisReply *const part[], struct store_result *result,
                        struct redis_trouble *t)
{
    *result = (struct store_result){0};
    for (size_t i = 0; i < 3; i++) {
        if (part[i]->type != REDIS_REPLY_INTEGER || part[i]->integer < 0)
            return false;
    }
    if (part[0]->integer > STORE_FAULT)
        return false;
    result->code = (enum store_code)part[0]->integer;
    result->flags = (unsigned)part[1]->integer;
    if (result->code == STORE_LIMITED)
        result->retry_after_us = part[2]->integer;
    else
        result->at_us = part[2]->integer;
    result->word = store_flag_word(result->flags);
    if (part[3]->type == REDIS_REPLY_STRING)
        read_word(part[3]->str, result, t);
    return true;
}

bool redis_reply_results(const redisReply *reply, size_t n, struct store_result *result,
                         struct redis_trouble *t)
{
    size_t waiting = 0;

    if (reply->type == REDIS_REPLY_ERROR) {
        redis_trouble_error(t, reply->str);
        return false;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4 * n) {
        redis_trouble_set(t, &redis_confused, "not the shape of the commit script's answer");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        t->class = NULL;
        if (!read_member(reply->element + 4 * i, &result[i], t)) {
            redis_trouble_set(t, &redis_confused, "not the shape of the commit script's answer");
            return false;
        }
        waiting += t->class != NULL && t->class->next != REDIS_GIVE_UP;
    }
    return n == 0 || waiting < n;
}
