/* What lies in streams and in the window: newest entries, groups, what they took, stamps. */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/text.h"
#include "store/redis_transfer.h"

#define PAGE        500
#define PAGE_TEXT   "500"
#define NUMBER_ROOM 24

static bool no_memory(struct fail *why)
{
    fail_set(why, "store: no memory for what was read");
    return false;
}

static bool make_room(const struct journal *j, struct transfer_page *out, size_t n,
                      struct fail *why)
{
    out->item = arena_alloc(j->arena, (n + 1) * sizeof *out->item);
    return out->item != NULL || no_memory(why);
}

/* An EVAL on one of the provider's keys, whose answer is a row. */
static redisReply *eval(const struct journal *j, const char *script, const char *name,
                        const char *const *arg, size_t n, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *word[12] = {"EVAL", script, "1", key};

    for (size_t i = 0; i < n && 4 + i < sizeof word / sizeof *word; i++)
        word[4 + i] = arg[i];
    return redis_journal_key(j, name, key, why)
               ? redis_journal_ask(j, word, 4 + n, REDIS_REPLY_ARRAY, why)
               : NULL;
}

/* --- newest entries --------------------------------------------------------------------------- */

static const char newest_script[] = "if redis.call('EXISTS', KEYS[1]) == 0 then\n"
                                    "  return {}\n"
                                    "end\n"
                                    "local info = redis.call('XINFO', 'STREAM', KEYS[1])\n"
                                    "for i = 1, #info, 2 do\n"
                                    "  if info[i] == 'last-generated-id' then\n"
                                    "    return { info[i + 1] }\n"
                                    "  end\n"
                                    "end\n"
                                    "return {}\n";

static bool read_newest(const struct journal *j, struct transfer_place *p,
                        struct transfer_page *out, struct fail *why)
{
    static const char *const name[] = {"entry"};

    p->over = true;
    if (!make_room(j, out, TRANSFER_LISTS, why))
        return false;
    for (int i = 0; i < TRANSFER_LISTS; i++) {
        redisReply *reply = eval(j, newest_script, journal_list_names[i], NULL, 0, why);
        struct transfer_item *item = &out->item[out->n];
        bool ok = reply != NULL && (reply->elements == 0 || redis_transfer_shape(reply, "$", why));
        if (ok && reply->elements == 1 && strcmp(reply->element[0]->str, "0-0") != 0) {
            *item = (struct transfer_item){.part = TRANSFER_NEWEST,
                                           .key = slice_of(journal_list_names[i])};
            ok = transfer_fields(j->arena, item, name,
                                 (struct slice[]){redis_transfer_text(j, reply->element[0])}, 1) ||
                 no_memory(why);
            out->n++;
        }
        freeReplyObject(reply);
        if (!ok)
            return false;
    }
    return true;
}

/* --- groups ----------------------------------------------------------------------------------- */

static const char groups_script[] =
    "local out = {}\n"
    "if redis.call('EXISTS', KEYS[1]) == 1 then\n"
    "  for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do\n"
    "    local g = {}\n"
    "    for i = 1, #info, 2 do\n"
    "      g[info[i]] = info[i + 1]\n"
    "    end\n"
    "    out[#out + 1] = { g.name, g['last-delivered-id'] }\n"
    "  end\n"
    "end\n"
    "return out\n";

/* All of them; those that have taken something are looked at later. */
static bool read_groups(const struct journal *j, struct transfer_place *p,
                        struct transfer_page *out, struct fail *why)
{
    static const char *const name[] = {"read"};
    redisReply *reply = eval(j, groups_script, journal_list_names[JOURNAL_EVENTS], NULL, 0, why);
    bool ok = reply != NULL && make_room(j, out, reply->elements, why);

    for (size_t i = 0; ok && i < reply->elements; i++) {
        struct transfer_item *item = &out->item[out->n++];
        ok = redis_transfer_shape(reply->element[i], "$$", why);
        if (!ok)
            break;
        *item = (struct transfer_item){
            .part = TRANSFER_GROUPS, .key = redis_transfer_text(j, reply->element[i]->element[0])};
        ok = (transfer_fields(
                  j->arena, item, name,
                  (struct slice[]){redis_transfer_text(j, reply->element[i]->element[1])}, 1) &&
              item->key.p != NULL && buf_add(&p->waiting, item->key.p, item->key.n + 1)) ||
             no_memory(why);
    }
    freeReplyObject(reply);
    p->begun = true;
    p->over = p->waiting.n == 0;
    return ok;
}

/* What the group took behind an entry, and is still there: id, consumer, when (ms), deliveries. First
 * where the next page goes on, or "". */
static const char taken_script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "local all = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], '+', ARGV[3])\n"
    "local out = { #all == tonumber(ARGV[3]) and '(' .. all[#all][1] or '' }\n"
    "for _, p in ipairs(all) do\n"
    "  if #redis.call('XRANGE', KEYS[1], p[1], p[1]) > 0 then\n"
    "    out[#out + 1] = { p[1], p[2], now - p[3], p[4] }\n"
    "  end\n"
    "end\n"
    "return out\n";

static bool take_taken(const struct journal *j, struct slice group, const redisReply *r,
                       struct transfer_item *item, struct fail *why)
{
    static const char *const name[] = {"entry", "consumer", "deliveries"};

    if (!redis_transfer_shape(r, "$$::", why))
        return false;
    *item = (struct transfer_item){.part = TRANSFER_TAKEN,
                                   .key = arena_copy(j->arena, group),
                                   .moment_us = r->element[2]->integer * 1000};
    return (transfer_fields(j->arena, item, name,
                            (struct slice[]){redis_transfer_text(j, r->element[0]),
                                             redis_transfer_text(j, r->element[1]),
                                             transfer_number(j->arena, r->element[3]->integer)},
                            3) &&
            item->key.p != NULL) ||
           no_memory(why);
}

/* A page of the group whose name is the first that waits. */
static bool read_taken(const struct journal *j, struct transfer_place *p, struct transfer_page *out,
                       struct fail *why)
{
    struct slice group = slice_of(p->waiting.p + p->number);
    const char *const arg[] = {group.p, p->name.n > 0 ? p->name.p : "-", PAGE_TEXT};
    redisReply *reply = eval(j, taken_script, journal_list_names[JOURNAL_EVENTS], arg, 3, why);
    bool ok = reply != NULL && reply->elements > 0 && make_room(j, out, reply->elements, why);

    for (size_t i = 1; ok && i < reply->elements; i++)
        ok = take_taken(j, group, reply->element[i], &out->item[out->n++], why);
    buf_reset(&p->name);
    if (ok && reply->element[0]->len > 0)
        ok = buf_adds(&p->name, reply->element[0]->str) || no_memory(why);
    else if (ok)
        p->number += (int64_t)group.n + 1;
    p->over = ok && (size_t)p->number >= p->waiting.n;
    freeReplyObject(reply);
    return ok;
}

/* --- the window ------------------------------------------------------------------------------- */

static bool read_stamps(const struct journal *j, struct transfer_place *p,
                        struct transfer_page *out, struct fail *why)
{
    static const char *const name[] = {"at"};
    char key[REDIS_JOURNAL_KEY_ROOM], from[NUMBER_ROOM], to[NUMBER_ROOM];
    const char *const word[4] = {"LRANGE", key, from, to};
    redisReply *reply;
    bool ok;

    (void)snprintf(from, sizeof from, "%" PRId64, p->number);
    (void)snprintf(to, sizeof to, "%" PRId64, p->number + PAGE - 1);
    if (!redis_journal_key(j, "rate", key, why))
        return false;
    reply = redis_journal_ask(j, word, 4, REDIS_REPLY_ARRAY, why);
    ok = reply != NULL && make_room(j, out, reply->elements, why);
    for (size_t i = 0; ok && i < reply->elements; i++) {
        struct transfer_item *item = &out->item[out->n++];
        *item = (struct transfer_item){.part = TRANSFER_RATE,
                                       .key = transfer_number(j->arena, p->number++)};
        ok = transfer_fields(j->arena, item, name,
                             (struct slice[]){redis_transfer_text(j, reply->element[i])}, 1) ||
             no_memory(why);
    }
    p->over = ok && out->n < PAGE;
    freeReplyObject(reply);
    return ok;
}

bool redis_transfer_read(const struct journal *j, struct transfer_place *place,
                         struct transfer_page *out, struct fail *why)
{
    switch ((enum transfer_stage)place->stage) {
    case STAGE_NEWEST:
        return read_newest(j, place, out, why);
    case STAGE_GROUPS:
        return place->begun ? read_taken(j, place, out, why) : read_groups(j, place, out, why);
    case STAGE_RATE:
        return read_stamps(j, place, out, why);
    case STAGE_OBJECTS:
        return redis_transfer_objects(j, place, out, why);
    case STAGE_LISTS:
    case STAGES:
        break;
    }
    place->over = true;
    return true;
}

/* --- the counters of evidence ----------------------------------------------------------------- */

/* What the index holds for the evidence, and whether the entry that it names is there. */
static const char seen_script[] =
    "local seen = redis.call('HGET', KEYS[1], ARGV[1])\n"
    "local sid = seen and string.match(seen, '^(%d+%-%d+) ')\n"
    "local there = sid and #redis.call('XRANGE', KEYS[2], sid, sid) > 0\n"
    "return { seen or '', there and 1 or 0 }\n";

static redisReply *ask_index(const struct journal *j, const struct transfer_item *item,
                             struct fail *why)
{
    struct buf evidence = BUF_INIT(1024);
    char seen[REDIS_JOURNAL_KEY_ROOM], list[REDIS_JOURNAL_KEY_ROOM];
    const char *word[6] = {"EVAL", seen_script, "2", seen, list, ""};
    redisReply *reply = NULL;

    buf_add_slice(&evidence, transfer_value(item, "reason"));
    buf_adds(&evidence, " ");
    buf_add_slice(&evidence, transfer_value(item, "digest"));
    word[5] = evidence.n > 0 ? evidence.p : "";
    if (redis_journal_key(j, "quarantine:seen", seen, why) &&
        redis_journal_key(j, "quarantine", list, why))
        reply = redis_journal_ask(j, word, 6, REDIS_REPLY_ARRAY, why);
    buf_free(&evidence);
    return reply;
}

/* "<entry> <count> <last us>"; what an index that was lost does not say counts as kept once. */
static bool count_of(const struct journal *j, struct transfer_item *item, const redisReply *r,
                     bool *superseded, struct fail *why)
{
    struct slice seen = redis_transfer_text(j, r->element[0]), count = SLICE_LITERAL("1");
    struct slice last = transfer_value(item, "at");
    struct journal_field *f = &item->field[item->nfields];
    char *space = seen.p != NULL ? memchr(seen.p, ' ', seen.n) : NULL;
    char *second = space != NULL ? strchr(space + 1, ' ') : NULL;

    if (seen.p == NULL)
        return no_memory(why);
    *superseded = false;
    if (second != NULL) {
        struct slice entry = {seen.p, (size_t)(space - seen.p)};
        bool own = slice_equal(entry, item->key);
        *superseded = !own && r->element[1]->integer == 1;
        if (own) {
            count = (struct slice){space + 1, (size_t)(second - space - 1)};
            last = slice_of(second + 1);
        }
    }
    f[0] = (struct journal_field){SLICE_LITERAL("count"), count};
    f[1] = (struct journal_field){SLICE_LITERAL("last_at"), last};
    item->nfields += 2;
    return true;
}

bool redis_transfer_counters(const struct journal *j, struct transfer_item *item, bool *superseded,
                             struct fail *why)
{
    redisReply *reply = ask_index(j, item, why);
    bool ok = reply != NULL && redis_transfer_shape(reply, "$:", why) &&
              count_of(j, item, reply, superseded, why);

    freeReplyObject(reply);
    return ok;
}
