#include "store/redis_transfer.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include "store/redis_step.h"
#include "store/redis_store.h"

#define SCAN_STEP   "500"
#define CURSOR_ROOM 24

enum redis_transfer_key redis_transfer_key(struct slice name)
{
    static const struct {
        const char *text;
        bool whole; /* or how it begins */
        enum redis_transfer_key key;
    } own[] = {
        {"id:", false, REDIS_KEY_ID},          {"rate", true, REDIS_KEY_LIST},
        {"events", true, REDIS_KEY_LIST},      {"audit", true, REDIS_KEY_LIST},
        {"audit:seals", true, REDIS_KEY_LIST}, {"dead", true, REDIS_KEY_LIST},
        {"quarantine", true, REDIS_KEY_LIST},  {"quarantine:seen", true, REDIS_KEY_LIST},
        {"lease:", false, REDIS_KEY_PASSING},  {"selftest:", false, REDIS_KEY_PASSING},
        {"closed", true, REDIS_KEY_PASSING},   {REDIS_ORDER, false, REDIS_KEY_PASSING},
    };

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].whole ? slice_is(name, own[i].text) : slice_begins(name, own[i].text))
            return own[i].key;
    return REDIS_KEY_OBJECT;
}

bool redis_transfer_pattern(const struct journal *j, char out[static REDIS_JOURNAL_KEY_ROOM],
                            struct fail *why)
{
    return redis_journal_key(j, "*", out, why); /* no provider's name has a character of patterns */
}

bool redis_transfer_shape(const redisReply *r, const char *types, struct fail *why)
{
    bool ok = r->type == REDIS_REPLY_ARRAY && r->elements == strlen(types);

    for (size_t i = 0; ok && types[i] != '\0'; i++) {
        int type = r->element[i]->type;
        ok = types[i] == '$'   ? type == REDIS_REPLY_STRING || type == REDIS_REPLY_STATUS
             : types[i] == ':' ? type == REDIS_REPLY_INTEGER
             : types[i] == '*' ? type == REDIS_REPLY_ARRAY
                               : true;
    }
    if (!ok)
        fail_set(why, "store: what was read for a transfer is not of the form that it asked for");
    return ok;
}

struct slice redis_transfer_text(const struct journal *j, const redisReply *r)
{
    return arena_copy(j->arena, (struct slice){r->str, r->len});
}

static bool closed_key(const struct journal *j, char out[static REDIS_JOURNAL_KEY_ROOM],
                       struct fail *why)
{
    return redis_journal_key(j, "closed", out, why);
}

static bool possible(const struct journal *j, struct fail *why)
{
    static const char *const ping[1] = {"PING"};
    redisReply *reply = redis_journal_ask(j, ping, 1, REDIS_REPLY_STATUS, why);

    if (reply == NULL)
        return false;
    freeReplyObject(reply);
    return true;
}

static bool mark(const struct journal *j, char *out, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[2] = {"GET", key};
    redisReply *reply =
        closed_key(j, key, why) ? redis_journal_ask(j, word, 2, REDIS_REPLY_STRING, why) : NULL;

    if (reply == NULL)
        return false;
    if (reply->type == REDIS_REPLY_STRING)
        (void)snprintf(out, TRANSFER_MARK_MAX, "%s", reply->str);
    freeReplyObject(reply);
    return true;
}

static bool close_it(const struct journal *j, const char *text, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const set[3] = {"SET", key, text}, *const del[2] = {"DEL", key};
    redisReply *reply;

    if (!closed_key(j, key, why))
        return false;
    reply = text[0] != '\0' ? redis_journal_ask(j, set, 3, REDIS_REPLY_STATUS, why)
                            : redis_journal_ask(j, del, 2, REDIS_REPLY_INTEGER, why);
    if (reply == NULL)
        return false;
    freeReplyObject(reply);
    return true;
}

/* A step of a walk over all keys that would be transferred: how many were found, and taken away if that is
 * asked for. */
static const char keys_script[] =
    "local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])\n"
    "local found, skip = 0, #ARGV[2]\n"
    "for _, key in ipairs(page[2]) do\n"
    "  local name = string.sub(key, skip)\n"
    "  if name ~= 'closed' and string.sub(name, 1, 6) ~= 'lease:'\n"
    "     and string.sub(name, 1, 9) ~= 'selftest:' then\n"
    "    found = found + 1\n"
    "    if ARGV[4] == '1' then\n"
    "      redis.call('UNLINK', key)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return { page[1], found }\n";

static bool walk(const struct journal *j, bool take_away, int64_t *found, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM], pattern[REDIS_JOURNAL_KEY_ROOM], cursor[CURSOR_ROOM] = "0";
    const char *const word[8] = {"EVAL", keys_script, "1",       key,
                                 cursor, pattern,     SCAN_STEP, take_away ? "1" : "0"};

    *found = 0;
    if (!closed_key(j, key, why) || !redis_transfer_pattern(j, pattern, why))
        return false;
    do {
        redisReply *reply = redis_journal_ask(j, word, 8, REDIS_REPLY_ARRAY, why);
        bool ok = reply != NULL && redis_transfer_shape(reply, "$:", why);
        if (ok) {
            (void)snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
            *found += reply->element[1]->integer;
        }
        freeReplyObject(reply);
        if (!ok)
            return false;
    } while (strcmp(cursor, "0") != 0 && (take_away || *found == 0));
    return true;
}

static bool empty(const struct journal *j, bool *out, struct fail *why)
{
    int64_t found;
    bool ok = walk(j, false, &found, why);

    *out = ok && found == 0;
    return ok;
}

static bool clear(const struct journal *j, struct fail *why)
{
    int64_t found;

    return walk(j, true, &found, why);
}

/* Evidence that another entry holds too is not read. What lies in keys of its own is counted by nothing but
 * a walk. */
static bool counts(const struct journal *j, int64_t horizon_us, int64_t *out, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM];
    const char *const word[2] = {"LLEN", key};

    (void)horizon_us;
    out[TRANSFER_QUARANTINE] = -1;
    return redis_journal_key(j, "rate", key, why) &&
           redis_journal_number(j, word, 2, &out[TRANSFER_RATE], why);
}

/* A step of a walk over all keys of Guichet: of whom they are, each name once. (Of a Cluster it sees one
 * node.) */
static const char providers_script[] =
    "local page = redis.call('SCAN', ARGV[1], 'MATCH', 'guichet:{*}:*', 'COUNT', ARGV[2])\n"
    "local out, seen = { page[1] }, {}\n"
    "for _, key in ipairs(page[2]) do\n"
    "  local name, rest = string.match(key, '^guichet:{([^}]+)}:(.*)$')\n"
    "  if name and not seen[name] and string.sub(rest, 1, 9) ~= 'selftest:'\n"
    "     and name ~= 'selftest' then\n"
    "    seen[name] = true\n"
    "    out[#out + 1] = name\n"
    "  end\n"
    "end\n"
    "return out\n";

static bool providers(const struct journal *j, struct transfer_names *out, struct fail *why)
{
    char key[REDIS_JOURNAL_KEY_ROOM], cursor[CURSOR_ROOM] = "0";
    const char *const word[6] = {"EVAL", providers_script, "1", key, cursor, SCAN_STEP};

    if (!closed_key(j, key, why))
        return false;
    do {
        redisReply *reply = redis_journal_ask(j, word, 6, REDIS_REPLY_ARRAY, why);
        if (reply == NULL)
            return false;
        for (size_t i = 0; i < reply->elements; i++) {
            const redisReply *r = reply->element[i];
            if (i == 0)
                (void)snprintf(cursor, sizeof cursor, "%s", r->str);
            else
                (void)transfer_name(out, (struct slice){r->str, r->len});
        }
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0);
    return true;
}

const struct transfer_ops redis_transfer = {
    .possible = possible,
    .read = redis_transfer_read,
    .counters = redis_transfer_counters,
    .write = redis_transfer_write,
    .mark = mark,
    .close = close_it,
    .empty = empty,
    .clear = clear,
    .counts = counts,
    .providers = providers,
    .repeats = true,
};
