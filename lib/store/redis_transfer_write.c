#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/text.h"
#include "store/redis_step.h"
#include "store/redis_store.h"
#include "store/redis_transfer.h"

/* Arguments of an item beside its fields, and its key. */
#define ITEM_WORDS  6
#define NUMBER_ROOM 24

/* KEYS: one for each item, and quarantine:seen. ARGV: for each item a letter, how many arguments follow, and
 * these; every command may be repeated. Of a text the list is as long as its place says, or it was written
 * before. A newest entry that is not there (any more) comes and goes, which leaves its id behind. */
static const char script[] =
    "local K, A, call, i = KEYS, ARGV, redis.call, 1\n"
    "for k = 1, #K - 1 do\n"
    "  local key, kind, n = K[k], A[i], tonumber(A[i + 1])\n"
    "  local first, last = i + 2, i + 1 + n\n"
    "  if kind == 'E' or kind == 'Q' then\n"
    "    if #call('XRANGE', key, A[first], A[first]) == 0 then\n"
    "      local q = kind == 'Q'\n"
    "      call('XADD', key, A[first], unpack(A, first + (q and 2 or 1), last - (q and 4 or 0)))\n"
    "    end\n"
    "    if kind == 'Q' then\n"
    "      call('HSET', K[#K], A[first + 1], A[first] .. ' ' .. A[last - 2] .. ' ' .. A[last])\n"
    "    end\n"
    "  elseif kind == 'N' then\n"
    "    local added = redis.pcall('XADD', key, A[first], '0', '0')\n"
    "    if type(added) == 'string' then\n"
    "      call('XDEL', key, A[first])\n"
    "    elseif not string.find(added.err, 'equal or smaller', 1, true) then\n"
    "      return added\n"
    "    end\n"
    "  elseif kind == 'G' then\n"
    "    local made = redis.pcall('XGROUP', 'CREATE', key, A[first], A[first + 1], 'MKSTREAM')\n"
    "    if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then\n"
    "      return made\n"
    "    end\n"
    "  elseif kind == 'T' then\n"
    "    call('XCLAIM', key, A[first], A[first + 1], 0, A[first + 2], 'TIME', A[first + 3],\n"
    "         'RETRYCOUNT', A[first + 4], 'FORCE', 'JUSTID')\n"
    "  elseif kind == 'L' then\n"
    "    local length, place = call('LLEN', key), tonumber(A[first])\n"
    "    if length < place then\n"
    "      return redis.error_reply('ERR a text came before those that stand before it')\n"
    "    elseif length == place then\n"
    "      call('RPUSH', key, A[first + 1])\n"
    "    end\n"
    "  elseif kind == 'I' then\n"
    "    call('SET', key, A[first], 'PXAT', A[first + 1])\n"
    "  elseif kind == 'H' then\n"
    "    call('HSET', key, A[first], A[first + 1])\n"
    "  elseif kind == 'O' then\n"
    "    call('HSET', key, A[first + 1], A[first + 2])\n"
    "    local set = string.gsub(key, '}:', '}:' .. A[first], 1)\n"
    "    call('ZADD', set, 0, A[first + 1])\n"
    "  end\n"
    "  i = last + 1\n"
    "end\n"
    "return 0\n";

/* The command as it grows. */
struct command {
    const struct journal *j;
    const char **word;
    size_t *length;
    size_t n, room;
};

static bool add(struct command *c, struct slice s)
{
    if (c->n == c->room)
        return false;
    c->word[c->n] = s.n > 0 ? s.p : "";
    c->length[c->n++] = s.n;
    return s.n == 0 || s.p != NULL;
}

static bool add_number(struct command *c, int64_t number)
{
    return add(c, transfer_number(c->j->arena, number));
}

static struct slice key_of(const struct journal *j, const char *kind, struct slice name,
                           struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    size_t n;

    if (!redis_journal_key(j, kind, key, why))
        return SLICE_NONE;
    n = strlen(key);
    if (name.n >= sizeof key - n) {
        fail_set(why, "a key of the store has at most %d bytes", REDIS_JOURNAL_KEY_ROOM - 1);
        return SLICE_NONE;
    }
    if (name.n > 0)
        memcpy(key + n, name.p, name.n);
    return arena_copy(j->arena, (struct slice){key, n + name.n});
}

static struct slice key_for(const struct journal *j, const struct transfer_item *item,
                            struct fail *why)
{
    switch (item->part) {
    case TRANSFER_EVENTS:
    case TRANSFER_AUDIT:
    case TRANSFER_QUARANTINE:
    case TRANSFER_SEALS:
    case TRANSFER_DEAD:
        return key_of(j, journal_list_names[item->part], SLICE_NONE, why);
    case TRANSFER_GROUPS:
    case TRANSFER_TAKEN:
        return key_of(j, journal_list_names[JOURNAL_EVENTS], SLICE_NONE, why);
    case TRANSFER_RATE:
        return key_of(j, "rate", SLICE_NONE, why);
    case TRANSFER_IDS:
        return key_of(j, "id:", item->key, why);
    case TRANSFER_NEWEST:
    case TRANSFER_RECORDS:
    case TRANSFER_HISTORIES:
    case TRANSFER_PARTS:
        break;
    }
    return key_of(j, "", item->key, why);
}

/* --- the arguments of each part --------------------------------------------------------------- */

static bool begin(struct command *c, const char *letter, size_t n)
{
    return add(c, slice_of(letter)) && add_number(c, (int64_t)n);
}

static bool add_value(struct command *c, const struct transfer_item *item, const char *name)
{
    return add(c, transfer_value(item, name));
}

static bool add_fields(struct command *c, const struct transfer_item *item, size_t n)
{
    bool ok = true;

    for (size_t i = 0; ok && i < n; i++)
        ok = add(c, item->field[i].name) && add(c, item->field[i].value);
    return ok;
}

/* The index's mark behind the id; count and last_at, which are no fields of the entry, at the end with
 * their names. */
static bool add_evidence(struct command *c, const struct transfer_item *item)
{
    struct buf mark = BUF_INIT(TRANSFER_BYTES_MAX);
    struct slice copy;

    buf_add_slice(&mark, transfer_value(item, "reason"));
    buf_adds(&mark, " ");
    buf_add_slice(&mark, transfer_value(item, "digest"));
    copy = arena_copy(c->j->arena, buf_slice(&mark));
    buf_free(&mark);
    return copy.p != NULL && item->nfields > 2 && begin(c, "Q", 2 + 2 * item->nfields) &&
           add(c, item->key) && add(c, copy) && add_fields(c, item, item->nfields);
}

/* "<digest> <nonce> <at> <entry>": which entry of the hand-off it was is not known of every store, and
 * nobody asks. */
static bool add_id(struct command *c, const struct transfer_item *item)
{
    struct buf record = BUF_INIT(256);
    struct slice copy;

    buf_add_slice(&record, transfer_value(item, "body_sha256"));
    buf_adds(&record, " ");
    buf_add_slice(&record, transfer_value(item, "nonce"));
    buf_adds(&record, " ");
    buf_add_slice(&record, transfer_value(item, "at"));
    buf_adds(&record, " 0-0");
    copy = arena_copy(c->j->arena, buf_slice(&record));
    buf_free(&record);
    return copy.p != NULL && begin(c, "I", 2) && add(c, copy) &&
           add_number(c, (item->moment_us + 999) / 1000);
}

static bool add_item(struct command *c, const struct transfer_item *item)
{
    switch (item->part) {
    case TRANSFER_EVENTS:
    case TRANSFER_AUDIT:
    case TRANSFER_SEALS:
    case TRANSFER_DEAD:
        return begin(c, "E", 1 + 2 * item->nfields) && add(c, item->key) &&
               add_fields(c, item, item->nfields);
    case TRANSFER_QUARANTINE:
        return add_evidence(c, item);
    case TRANSFER_NEWEST:
        return begin(c, "N", 1) && add_value(c, item, "entry");
    case TRANSFER_GROUPS:
        return begin(c, "G", 2) && add(c, item->key) && add_value(c, item, "read");
    case TRANSFER_TAKEN:
        return begin(c, "T", 5) && add(c, item->key) && add_value(c, item, "consumer") &&
               add_value(c, item, "entry") && add_number(c, item->moment_us / 1000) &&
               add_value(c, item, "deliveries");
    case TRANSFER_RATE:
        return begin(c, "L", 2) && add(c, item->key) && add_value(c, item, "at");
    case TRANSFER_HISTORIES:
        return begin(c, "L", 2) && add_value(c, item, "place") && add_value(c, item, "text");
    case TRANSFER_IDS:
        return add_id(c, item);
    case TRANSFER_RECORDS:
        return (slice_begins(item->key, STEP_LISTED)
                    ? begin(c, "O", 3) && add(c, SLICE_LITERAL(REDIS_ORDER))
                    : begin(c, "H", 2)) &&
               add_fields(c, item, 1);
    case TRANSFER_PARTS:
        break;
    }
    return false;
}

static bool compose(struct command *c, const struct transfer_item *item, size_t n, struct fail *why)
{
    struct slice key;
    bool ok = add(c, SLICE_LITERAL("EVAL")) && add(c, (struct slice){script, sizeof script - 1}) &&
              add_number(c, (int64_t)n + 1);

    fail_set(why, "store: no memory for what is written");
    for (size_t i = 0; ok && i < n; i++) {
        key = key_for(c->j, &item[i], why);
        ok = key.p != NULL && add(c, key);
    }
    key = key_of(c->j, "quarantine:seen", SLICE_NONE, why);
    ok = ok && key.p != NULL && add(c, key);
    for (size_t i = 0; ok && i < n; i++)
        ok = add_item(c, &item[i]);
    return ok;
}

bool redis_transfer_write(const struct journal *j, const struct transfer_item *item, size_t n,
                          struct fail *why)
{
    struct redis_store *s = (struct redis_store *)j->store;
    struct command c = {.j = j, .room = 8};
    struct redis_trouble t;
    redisReply *reply;

    for (size_t i = 0; i < n; i++)
        c.room += ITEM_WORDS + 2 + 2 * item[i].nfields;
    c.word = arena_alloc(j->arena, c.room * sizeof *c.word);
    c.length = arena_alloc(j->arena, c.room * sizeof *c.length);
    if (c.word == NULL || c.length == NULL) {
        fail_set(why, "store: no memory for what is written");
        return false;
    }
    if (!compose(&c, item, n, why))
        return false;
    reply = redis_ask_bytes(s, j->provider, clock_monotonic_ms(s->route.clock) + j->timeout_ms, c.n,
                            c.word, c.length, &t);
    if (reply == NULL) {
        fail_set(why, "store: %s: %s", t.class->word, t.text);
        return false;
    }
    freeReplyObject(reply);
    return true;
}
