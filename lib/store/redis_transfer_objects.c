/* What lies in keys of its own: ids, records, histories, by one walk over the provider's keys. */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "store/redis_transfer.h"

/* Keys that a page looks at, about; and the size up to which an object comes with the page. A larger one
 * waits until it is read by itself, in parts. */
#define SCAN_STEP   "1000"
#define SMALL       64
#define SMALL_TEXT  "64"
#define PART        200
#define PART_TEXT   "200"
#define NUMBER_ROOM 24
#define DIGEST_TEXT 44 /* of an id's record, see commit.lua */
#define NONCE_TEXT  24

/* The cursor, and of each key its name, its type, what it holds (nothing, if it is too large) and, of a
 * string, when it ends (ms since 1970; below 0: never). (Servers before 7.0 only say how much is left.) */
static const char page_script[] =
    "local call, small, exact = redis.call, tonumber(ARGV[4]), true\n"
    "local function end_of(key)\n"
    "  local ends = exact and redis.pcall('PEXPIRETIME', key)\n"
    "  if type(ends) == 'number' then\n"
    "    return ends\n"
    "  end\n"
    "  exact = false\n"
    "  local time, left = call('TIME'), call('PTTL', key)\n"
    "  return left < 0 and left or time[1] * 1000 + math.floor(time[2] / 1000) + left\n"
    "end\n"
    "local page = call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])\n"
    "local out, skip = { page[1] }, #ARGV[2]\n"
    "for _, key in ipairs(page[2]) do\n"
    "  local kind, held, ends = call('TYPE', key).ok, {}, 0\n"
    "  if kind == 'string' then\n"
    "    held, ends = { call('GET', key) or nil }, end_of(key)\n"
    "  elseif kind == 'hash' and call('HLEN', key) <= small then\n"
    "    held = call('HGETALL', key)\n"
    "  elseif kind == 'list' and call('LLEN', key) <= small then\n"
    "    held = call('LRANGE', key, 0, -1)\n"
    "  end\n"
    "  out[#out + 1] = { string.sub(key, skip), kind, held, ends }\n"
    "end\n"
    "return out\n";

/* One key of the page. */
struct found {
    struct slice name;
    const char *type;
    const redisReply *held;
    int64_t ends_ms;
};

static bool no_memory(struct fail *why)
{
    fail_set(why, "store: no memory for what was read");
    return false;
}

static bool damaged(const struct found *f, const char *what, struct fail *why)
{
    fail_set(why, "store: the key \"%.*s\" %s", (int)(f->name.n < 200 ? f->name.n : 200), f->name.p,
             what);
    return false;
}

/* "<digest> <nonce> <at> <entry>" */
static bool take_id(const struct journal *j, const struct found *f, struct transfer_item *item,
                    struct fail *why)
{
    static const char *const name[] = {"body_sha256", "nonce", "at"};
    struct slice record = redis_transfer_text(j, f->held->element[0]), at;
    char *end;

    if (record.p == NULL)
        return no_memory(why);
    if (record.n < DIGEST_TEXT + NONCE_TEXT + 3 || record.p[DIGEST_TEXT] != ' ' ||
        record.p[DIGEST_TEXT + 1 + NONCE_TEXT] != ' ')
        return damaged(f, "is no record of an id", why);
    if (f->ends_ms < 0)
        return damaged(f, "never expires, which Guichet does not write; give it an end (EXPIRE)",
                       why);
    at = slice_from(record, DIGEST_TEXT + NONCE_TEXT + 2);
    (void)strtoll(at.p, &end, 10);
    at.n = (size_t)(end - at.p);
    *item = (struct transfer_item){.part = TRANSFER_IDS,
                                   .key = arena_copy(j->arena, slice_from(f->name, 3)),
                                   .moment_us = f->ends_ms * 1000};
    return (transfer_fields(j->arena, item, name,
                            (struct slice[]){{record.p, DIGEST_TEXT},
                                             {record.p + DIGEST_TEXT + 1, NONCE_TEXT},
                                             at},
                            3) &&
            item->key.p != NULL) ||
           no_memory(why);
}

/* Fields of a record, name and value in turn. */
static bool take_fields(const struct journal *j, struct slice key, const redisReply *list,
                        struct transfer_page *out, struct fail *why)
{
    for (size_t i = 0; i + 1 < list->elements; i += 2) {
        struct transfer_item *item = &out->item[out->n++];
        struct slice name = redis_transfer_text(j, list->element[i]);
        *item = (struct transfer_item){.part = TRANSFER_RECORDS, .key = key};
        if (name.p == NULL ||
            !transfer_fields(j->arena, item, &name.p,
                             (struct slice[]){redis_transfer_text(j, list->element[i + 1])}, 1))
            return no_memory(why);
        item->field[0].name = name; /* its length, for it may hold a NUL */
    }
    return true;
}

static bool take_texts(const struct journal *j, struct slice key, const redisReply *list,
                       int64_t place, struct transfer_page *out, struct fail *why)
{
    static const char *const name[] = {"place", "text"};

    for (size_t i = 0; i < list->elements; i++) {
        struct transfer_item *item = &out->item[out->n++];
        *item = (struct transfer_item){.part = TRANSFER_HISTORIES, .key = key};
        if (!transfer_fields(j->arena, item, name,
                             (struct slice[]){transfer_number(j->arena, place + (int64_t)i),
                                              redis_transfer_text(j, list->element[i])},
                             2))
            return no_memory(why);
    }
    return true;
}

/* A record or a history; a large one waits, as its letter and its name. */
static bool take_object(const struct journal *j, const struct found *f, struct transfer_place *p,
                        struct transfer_page *out, struct fail *why)
{
    bool record = strcmp(f->type, "hash") == 0;
    struct slice key = arena_copy(j->arena, f->name);

    if (!record && strcmp(f->type, "list") != 0)
        return damaged(f, "is of a type that Guichet does not write there", why);
    if (key.p == NULL)
        return no_memory(why);
    if (f->held->elements == 0)
        return (buf_add(&p->waiting, record ? "h" : "l", 1) &&
                buf_add(&p->waiting, key.p, key.n + 1)) ||
               no_memory(why);
    return record ? take_fields(j, key, f->held, out, why)
                  : take_texts(j, key, f->held, 0, out, why);
}

static bool take_key(const struct journal *j, const redisReply *r, struct transfer_place *p,
                     struct transfer_page *out, struct fail *why)
{
    struct found f;

    if (!redis_transfer_shape(r, "$$*:", why))
        return false;
    f = (struct found){{r->element[0]->str, r->element[0]->len},
                       r->element[1]->str,
                       r->element[2],
                       r->element[3]->integer};
    if (strcmp(f.type, "none") == 0)
        return true; /* it expired just now */
    switch (redis_transfer_key(f.name)) {
    case REDIS_KEY_ID:
        if (strcmp(f.type, "string") != 0)
            return damaged(&f, "is no record of an id", why);
        return f.held->elements == 0 || take_id(j, &f, &out->item[out->n++], why);
    case REDIS_KEY_OBJECT:
        return take_object(j, &f, p, out, why);
    case REDIS_KEY_LIST:
    case REDIS_KEY_PASSING:
        break;
    }
    return true;
}

static bool read_keys(const struct journal *j, struct transfer_place *p, struct transfer_page *out,
                      struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM], pattern[REDIS_JOURNAL_KEY_ROOM], cursor[NUMBER_ROOM];
    const char *const word[8] = {"EVAL", page_script, "1",       key,
                                 cursor, pattern,     SCAN_STEP, SMALL_TEXT};
    redisReply *reply;
    bool ok;

    (void)snprintf(cursor, sizeof cursor, "%" PRIu64, p->cursor);
    if (!redis_journal_key(j, "closed", key, why) || !redis_transfer_pattern(j, pattern, why))
        return false;
    reply = redis_journal_ask(j, word, 8, REDIS_REPLY_ARRAY, why);
    ok = reply != NULL && reply->elements > 0;
    if (ok) {
        out->item = arena_alloc(j->arena, reply->elements * SMALL * sizeof *out->item);
        ok = out->item != NULL || no_memory(why);
    }
    for (size_t i = 1; ok && i < reply->elements; i++)
        ok = take_key(j, reply->element[i], p, out, why);
    if (ok)
        p->cursor = strtoull(reply->element[0]->str, NULL, 10);
    p->begun = true;
    freeReplyObject(reply);
    return ok;
}

/* A part of the object whose name is the first that waits (behind place->number). */
static bool read_large(const struct journal *j, struct transfer_place *p, struct transfer_page *out,
                       struct fail *why)
{
    char kind = p->waiting.p[p->number];
    struct slice name = slice_of(p->waiting.p + p->number + 1), copy = arena_copy(j->arena, name);
    char key[REDIS_JOURNAL_KEY_ROOM], from[NUMBER_ROOM], to[NUMBER_ROOM];
    const char *const scan[5] = {"HSCAN", key, from, "COUNT", PART_TEXT};
    const char *const range[4] = {"LRANGE", key, from, to};
    const redisReply *list;
    redisReply *reply;
    bool ok;

    (void)snprintf(from, sizeof from, "%" PRIu64, p->inner);
    (void)snprintf(to, sizeof to, "%" PRIu64, p->inner + PART - 1);
    if (!redis_journal_key(j, name.p, key, why))
        return false;
    reply = kind == 'h' ? redis_journal_ask(j, scan, 5, REDIS_REPLY_ARRAY, why)
                        : redis_journal_ask(j, range, 4, REDIS_REPLY_ARRAY, why);
    ok = reply != NULL && (kind != 'h' || redis_transfer_shape(reply, "$*", why));
    list = ok && kind == 'h' ? reply->element[1] : reply;
    if (ok) {
        out->item = arena_alloc(j->arena, (list->elements + 1) * sizeof *out->item);
        ok = (out->item != NULL && copy.p != NULL) || no_memory(why);
    }
    if (ok && kind == 'h') {
        ok = take_fields(j, copy, list, out, why);
        p->inner = strtoull(reply->element[0]->str, NULL, 10);
    } else if (ok) {
        ok = take_texts(j, copy, list, (int64_t)p->inner, out, why);
        p->inner = list->elements == PART ? p->inner + PART : 0;
    }
    if (p->inner == 0)
        p->number += (int64_t)name.n + 2;
    freeReplyObject(reply);
    return ok;
}

bool redis_transfer_objects(const struct journal *j, struct transfer_place *place,
                            struct transfer_page *out, struct fail *why)
{
    bool large = (size_t)place->number < place->waiting.n;

    if (large ? !read_large(j, place, out, why) : !read_keys(j, place, out, why))
        return false;
    if ((size_t)place->number >= place->waiting.n) {
        buf_reset(&place->waiting);
        place->number = 0;
        place->over = place->cursor == 0;
    }
    return true;
}
