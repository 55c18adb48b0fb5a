#include "store/redis_journal.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include "store/redis_store.h"

#define ID_ROOM   48
#define SCAN_STEP "1000"

bool redis_journal_key(const struct journal *j, const char *name,
                       char out[static REDIS_JOURNAL_KEY_ROOM], struct fail *why)
{
    int n = snprintf(out, REDIS_JOURNAL_KEY_ROOM, "guichet:{%s}:%s", j->provider, name);

    if (n < 0 || n >= REDIS_JOURNAL_KEY_ROOM)
        fail_set(why, "a key of the store has at most %d bytes", REDIS_JOURNAL_KEY_ROOM - 1);
    return n >= 0 && n < REDIS_JOURNAL_KEY_ROOM;
}

redisReply *redis_journal_ask(const struct journal *j, const char *const *word, size_t n, int type,
                              struct fail *why)
{
    struct redis_store *s = (struct redis_store *)j->store;
    struct redis_trouble t;
    int64_t deadline = clock_monotonic_ms(s->route.clock) + j->timeout_ms;
    redisReply *reply = redis_ask(s, j->provider, deadline, word, n, &t);

    if (reply == NULL) {
        fail_set(why, "store: %s: %s", t.class->word, t.text);
    } else if (reply->type != type && reply->type != REDIS_REPLY_NIL) {
        freeReplyObject(reply);
        reply = NULL;
        fail_set(why, "store: %s answered in a form that Redis does not use", word[0]);
    }
    return reply;
}

bool redis_journal_number(const struct journal *j, const char *const *word, size_t n, int64_t *out,
                          struct fail *why)
{
    redisReply *reply = redis_journal_ask(j, word, n, REDIS_REPLY_INTEGER, why);

    if (reply == NULL)
        return false;
    *out = reply->integer;
    freeReplyObject(reply);
    return true;
}

static bool no_memory(struct fail *why)
{
    fail_set(why, "store: no memory for what was read");
    return false;
}

/* --- what was read ---------------------------------------------------------------------------- */

static bool take_text(const struct journal *j, const redisReply *r, struct slice *out)
{
    if (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS)
        return false;
    *out = arena_copy(j->arena, (struct slice){r->str, (size_t)r->len});
    return out->p != NULL;
}

static bool take_texts(const struct journal *j, const redisReply *list, struct slice **out,
                       size_t *n, struct fail *why)
{
    *n = 0;
    *out = arena_alloc(j->arena, (list->elements + 1) * sizeof **out);
    if (*out == NULL)
        return no_memory(why);
    for (size_t i = 0; i < list->elements; i++)
        if (!take_text(j, list->element[i], &(*out)[(*n)++]))
            return no_memory(why);
    return true;
}

/* Name and value in turn. */
static bool take_fields(const struct journal *j, const redisReply *list, size_t max,
                        struct journal_entry *out, struct fail *why)
{
    size_t n = list->elements / 2;

    if (n > max)
        n = max;
    out->field = arena_alloc(j->arena, (n + 1) * sizeof *out->field);
    for (size_t i = 0; out->field != NULL && i < n; i++)
        if (!take_text(j, list->element[2 * i], &out->field[i].name) ||
            !take_text(j, list->element[2 * i + 1], &out->field[i].value))
            return no_memory(why);
    out->nfields = n;
    return out->field != NULL || no_memory(why);
}

bool redis_journal_entry(const struct journal *j, const redisReply *r, struct journal_entry *out,
                         struct fail *why)
{
    struct slice id;

    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
        r->element[1]->type != REDIS_REPLY_ARRAY) {
        fail_set(why, "store: an entry of a stream is not as Redis writes it");
        return false;
    }
    if (!take_text(j, r->element[0], &id))
        return no_memory(why);
    out->id = id.p;
    return take_fields(j, r->element[1], JOURNAL_FIELDS_MAX, out, why);
}

/* --- lists ------------------------------------------------------------------------------------ */

/* The smallest id behind that one; streams have no "(" before Redis 6.2. */
static void id_behind(const char *id, char out[static ID_ROOM])
{
    char *dash;
    unsigned long long ms = strtoull(id, &dash, 10), n = strtoull(dash + 1, NULL, 10);

    if (n == UINT64_MAX)
        (void)snprintf(out, ID_ROOM, "%llu-0", ms + 1);
    else
        (void)snprintf(out, ID_ROOM, "%llu-%llu", ms, n + 1);
}

static bool read_list(const struct journal *j, enum journal_list list,
                      const struct journal_range *range, struct journal_page *out, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM], from[ID_ROOM] = "-", max[24];
    const char *to = range->until[0] != '\0' ? range->until : "+";
    redisReply *reply;
    bool ok;

    if (range->after[0] != '\0')
        id_behind(range->after, from);
    (void)snprintf(max, sizeof max, "%zu", range->max);
    if (!redis_journal_key(j, journal_list_names[list], key, why))
        return false;
    const char *const word[6] = {range->backwards ? "XREVRANGE" : "XRANGE",
                                 key,
                                 range->backwards ? to : from,
                                 range->backwards ? from : to,
                                 "COUNT",
                                 max};
    reply = redis_journal_ask(j, word, 6, REDIS_REPLY_ARRAY, why);
    if (reply == NULL)
        return false;
    out->entry = arena_alloc(j->arena, (reply->elements + 1) * sizeof *out->entry);
    ok = out->entry != NULL || no_memory(why);
    for (size_t i = 0; ok && i < reply->elements; i++)
        ok = redis_journal_entry(j, reply->element[i], &out->entry[out->n++], why);
    freeReplyObject(reply);
    return ok;
}

static bool count_list(const struct journal *j, enum journal_list list, int64_t *out,
                       struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[2] = {"XLEN", key};

    return redis_journal_key(j, journal_list_names[list], key, why) &&
           redis_journal_number(j, word, 2, out, why);
}

/* The commit takes a quarantine entry that is not there any more for new, so nothing else needs to
 * go with it. */
static bool remove_entries(const struct journal *j, enum journal_list list, const char *const *id,
                           size_t n, int64_t *removed, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *word[JOURNAL_IDS_MAX + 2] = {"XDEL", key};

    for (size_t i = 0; i < n; i++)
        word[i + 2] = id[i];
    return redis_journal_key(j, journal_list_names[list], key, why) &&
           redis_journal_number(j, word, n + 2, removed, why);
}

static bool trim_list(const struct journal *j, enum journal_list list, const char *id,
                      int64_t *removed, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[4] = {"XTRIM", key, "MINID", id};

    return redis_journal_key(j, journal_list_names[list], key, why) &&
           redis_journal_number(j, word, 4, removed, why);
}

static bool seal(const struct journal *j, const char *newest, const struct journal_field *field,
                 size_t n, bool *done, struct fail *why)
{
    static const char script[] =
        "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]\n"
        "if (last and last[1] or '') ~= ARGV[1] then\n"
        "  return 0\n"
        "end\n"
        "redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))\n"
        "return 1\n";
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *word[5 + 2 * JOURNAL_FIELDS_MAX] = {"EVAL", script, "1", key, newest};
    int64_t number = 0;

    for (size_t i = 0; i < n; i++) {
        struct slice name = arena_copy(j->arena, field[i].name);
        struct slice value = arena_copy(j->arena, field[i].value);
        if (name.p == NULL || value.p == NULL)
            return no_memory(why);
        word[5 + 2 * i] = name.p;
        word[6 + 2 * i] = value.p;
    }
    if (!redis_journal_key(j, journal_list_names[JOURNAL_SEALS], key, why) ||
        !redis_journal_number(j, word, 5 + 2 * n, &number, why))
        return false;
    *done = number == 1;
    return true;
}

/* --- objects ---------------------------------------------------------------------------------- */

static bool read_record(const struct journal *j, const char *name, struct journal_entry *out,
                        struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[2] = {"HGETALL", key};
    redisReply *reply;
    bool ok;

    if (!redis_journal_key(j, name, key, why))
        return false;
    reply = redis_journal_ask(j, word, 2, REDIS_REPLY_ARRAY, why);
    ok = reply != NULL && take_fields(j, reply, SIZE_MAX, out, why);
    freeReplyObject(reply);
    return ok;
}

static bool read_history(const struct journal *j, const char *name, struct slice **text, size_t *n,
                         struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM], from[24];
    const char *const word[4] = {"LRANGE", key, from, "-1"};
    redisReply *reply;
    bool ok;

    (void)snprintf(from, sizeof from, "-%d", JOURNAL_PAGE_MAX);
    if (!redis_journal_key(j, name, key, why))
        return false;
    reply = redis_journal_ask(j, word, 4, REDIS_REPLY_ARRAY, why);
    ok = reply != NULL && take_texts(j, reply, text, n, why);
    freeReplyObject(reply);
    return ok;
}

/* The prefix as a pattern that only it matches, with all that follows. */
static bool pattern_of(const char *prefix, char out[static 2 * REDIS_JOURNAL_KEY_ROOM],
                       struct fail *why)
{
    size_t n = 0;

    for (; *prefix != '\0' && n < 2 * REDIS_JOURNAL_KEY_ROOM - 4; prefix++) {
        if (strchr("*?[]\\^", *prefix) != NULL)
            out[n++] = '\\';
        out[n++] = *prefix;
    }
    out[n++] = '*';
    out[n] = '\0';
    if (*prefix != '\0')
        fail_set(why, "a key of the store has at most %d bytes", REDIS_JOURNAL_KEY_ROOM - 1);
    return *prefix == '\0';
}

static bool keys(const struct journal *j, const char *prefix, uint64_t *cursor, struct slice **key,
                 size_t *n, struct fail *why)
{
    char whole[REDIS_JOURNAL_KEY_ROOM], pattern[2 * REDIS_JOURNAL_KEY_ROOM], from[24];
    const char *const word[6] = {"SCAN", from, "MATCH", pattern, "COUNT", SCAN_STEP};
    redisReply *reply;
    bool ok;

    if (!redis_journal_key(j, prefix, whole, why) || !pattern_of(whole, pattern, why))
        return false;
    (void)snprintf(from, sizeof from, "%llu", (unsigned long long)*cursor);
    reply = redis_journal_ask(j, word, 6, REDIS_REPLY_ARRAY, why);
    if (reply == NULL)
        return false;
    ok = reply->elements == 2 && reply->element[0]->type == REDIS_REPLY_STRING &&
         reply->element[1]->type == REDIS_REPLY_ARRAY;
    if (!ok)
        fail_set(why, "store: SCAN answered in a form that Redis does not use");
    ok = ok && take_texts(j, reply->element[1], key, n, why);
    if (ok)
        *cursor = strtoull(reply->element[0]->str, NULL, 10);
    freeReplyObject(reply);
    for (size_t i = 0; ok && i < *n; i++)
        (*key)[i] = slice_from((*key)[i], strlen(whole) - strlen(prefix));
    return ok;
}

static bool forget(const struct journal *j, const char *const *name, size_t n, int64_t *removed,
                   struct fail *why)
{
    const char *word[JOURNAL_IDS_MAX + 1] = {"DEL"};

    for (size_t i = 0; i < n; i++) {
        char *key = arena_alloc(j->arena, REDIS_JOURNAL_KEY_ROOM);
        if (key == NULL)
            return no_memory(why);
        if (!redis_journal_key(j, name[i], key, why))
            return false;
        word[i + 1] = key;
    }
    return redis_journal_number(j, word, n + 1, removed, why);
}

/* --- leases ----------------------------------------------------------------------------------- */

static bool lease_key(const struct journal *j, const char *name,
                      char out[static REDIS_JOURNAL_KEY_ROOM], struct fail *why)
{
    char own[JOURNAL_NAME_MAX + 8];

    (void)snprintf(own, sizeof own, "lease:%s", name);
    return redis_journal_key(j, own, out, why);
}

static bool lease(const struct journal *j, const char *name, const char *holder, int64_t hold_ms,
                  bool *held, struct fail *why)
{
    static const char script[] = "local now = redis.call('GET', KEYS[1])\n"
                                 "if now and now ~= ARGV[1] then\n"
                                 "  return 0\n"
                                 "end\n"
                                 "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
                                 "return 1\n";
    char key[REDIS_JOURNAL_KEY_ROOM], hold[24];
    const char *const word[6] = {"EVAL", script, "1", key, holder, hold};
    int64_t number = 0;

    (void)snprintf(hold, sizeof hold, "%lld", (long long)hold_ms);
    if (!lease_key(j, name, key, why) || !redis_journal_number(j, word, 6, &number, why))
        return false;
    *held = number == 1;
    return true;
}

static bool release(const struct journal *j, const char *name, const char *holder, struct fail *why)
{
    static const char script[] = "if redis.call('GET', KEYS[1]) == ARGV[1] then\n"
                                 "  redis.call('DEL', KEYS[1])\n"
                                 "end\n"
                                 "return 1\n";
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[5] = {"EVAL", script, "1", key, holder};
    int64_t number;

    return lease_key(j, name, key, why) && redis_journal_number(j, word, 5, &number, why);
}

const struct journal_ops redis_journal = {
    .read = read_list,
    .count = count_list,
    .remove = remove_entries,
    .trim = trim_list,
    .seal = seal,
    .record = read_record,
    .history = read_history,
    .keys = keys,
    .forget = forget,
    .lease = lease,
    .release = release,
    .group = &redis_group,
};
