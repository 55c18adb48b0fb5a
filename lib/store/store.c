#include "store/store.h"

#include <string.h>
#include "base/text.h"
#include "store/redis.h"
#include "store/sqlite.h"

struct store *store_open(const char *url, const struct clock *clock, struct fail *why)
{
    struct slice address = slice_of(url);

    if (slice_begins(address, "unix://") || slice_begins(address, "redis://") ||
        slice_begins(address, "sentinel://"))
        return redis_open(url, clock, why);
    if (slice_begins(address, "sqlite://"))
        return sqlite_open(url, clock, why);
    if (slice_begins(address, "rediss://"))
        fail_set(why,
                 "store: TLS (rediss://) is not spoken here; put stunnel or haproxy in front of "
                 "Redis and name its local address");
    else
        fail_set(why, "store: the address must be unix://[user:password@]/path[?db=N], "
                      "redis://[user:password@]host[:port][/db], "
                      "sentinel://[user:password@]host:port,host:port/name[?db=N] or "
                      "sqlite:///path");
    return NULL;
}

void store_free(struct store *s)
{
    if (s != NULL)
        s->ops->free(s);
}

/* The store's own keys are names without a colon and those below these words, so an entity's key has
 * a colon and begins otherwise. */
static bool key_sound(struct slice key)
{
    const struct slice own[] = {SLICE_LITERAL("id"),       SLICE_LITERAL("quarantine"),
                                SLICE_LITERAL("selftest"), SLICE_LITERAL("audit"),
                                SLICE_LITERAL("lease"),    SLICE_LITERAL("order")};
    const char *colon = key.n > 0 ? memchr(key.p, ':', key.n) : NULL;
    struct slice word = {key.p, colon != NULL ? (size_t)(colon - key.p) : 0};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (slice_equal(word, own[i]))
            return false;
    return word.n > 0;
}

static bool change_sound(const struct change *c)
{
    int64_t number;

    if (!key_sound(c->key))
        return false;
    switch (c->verb) {
    case CHANGE_SET:
    case CHANGE_SET_IF_NEWER:
    case CHANGE_SET_EARLIEST:
        return c->field.n > 0;
    case CHANGE_ADD:
        return c->field.n > 0 && text_to_i64(c->value, &number);
    case CHANGE_CREATE_ONCE:
        return c->nfields > 0 && c->nfields <= CHANGE_FIELDS_MAX && c->compare <= c->nfields;
    case CHANGE_APPEND:
        return true;
    }
    return false;
}

static bool member_sound(const struct store_member *m)
{
    if (m->kind == STORE_NOTE)
        return m->reason.n > 0;
    if (m->id.n == 0)
        return false;
    if (m->kind == STORE_MARK)
        return true;
    if (m->kind != STORE_EVENT || m->nchanges > CHANGES_MAX)
        return false;
    for (size_t i = 0; i < m->nchanges; i++) {
        if (!change_sound(&m->changes[i]))
            return false;
    }
    return true;
}

static void fault(struct store_result *result, const char *text)
{
    struct fail reason;

    fail_set(&reason, "%s", text);
    *result = (struct store_result){.code = STORE_FAULT, .word = "bad_change"};
    memcpy(result->reason, reason.text, sizeof result->reason - 1);
}

/* A batch with unsound members: commits the others as a batch of their own. */
static void commit_sound(struct store *s, const struct store_batch *batch,
                         struct store_result *result)
{
    struct store_member member[STORE_BATCH_MAX];
    struct store_result part[STORE_BATCH_MAX];
    size_t place[STORE_BATCH_MAX] = {0};
    struct store_batch sound = *batch;

    sound.member = member;
    sound.n = 0;
    for (size_t i = 0; i < batch->n; i++) {
        if (member_sound(&batch->member[i])) {
            place[sound.n] = i;
            member[sound.n++] = batch->member[i];
        } else {
            fault(&result[i], "the member breaks the contract of store.h");
        }
    }
    if (sound.n > 0)
        s->ops->commit(s, &sound, part);
    for (size_t i = 0; i < sound.n; i++)
        result[place[i]] = part[i];
}

const char *store_flag_word(unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {{STORE_MISMATCH, "mismatch"}, {STORE_NO_EFFECT, "no_effect"},
                 {STORE_FUTURE, "future"},     {STORE_STALE, "stale"},
                 {STORE_CAPPED, "capped"},     {STORE_CLOCK_BACK, "clock_back"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (flags & words[i].flag)
            return words[i].word;
    }
    return NULL;
}

void store_commit(struct store *s, const struct store_batch *batch, struct store_result *result)
{
    size_t sound = 0;

    if (batch->n > STORE_BATCH_MAX) {
        for (size_t i = 0; i < batch->n; i++)
            fault(&result[i], "the batch is larger than STORE_BATCH_MAX");
        return;
    }
    while (sound < batch->n && member_sound(&batch->member[sound]))
        sound++;
    if (sound < batch->n)
        commit_sound(s, batch, result);
    else if (batch->n > 0)
        s->ops->commit(s, batch, result);
}

bool store_probe(struct store *s, int64_t timeout_ms, struct fail *why)
{
    return s->ops->probe(s, timeout_ms, why);
}

bool store_read_gauges(struct store *s, const struct store_provider *p, int64_t deadline_ms,
                       struct store_gauges *out)
{
    *out = (struct store_gauges){-1, -1, -1};
    return s->ops->gauges(s, p, deadline_ms, out);
}

bool store_run_id(struct store *s, int64_t deadline_ms, char out[static 48], struct fail *why)
{
    out[0] = '\0';
    return s->ops->run_id(s, deadline_ms, out, why);
}

void store_examine(struct store *s, const struct store_provider *p, size_t n, int64_t deadline_ms,
                   struct store_findings *out)
{
    *out = (struct store_findings){.durable = -1, .evicting = -1};
    s->ops->examine(s, p, n, deadline_ms, out);
}

bool store_read_facts(struct store *s, const char *provider, int64_t deadline_ms,
                      struct store_facts *out)
{
    *out = (struct store_facts){.memory_used = -1, .memory_max = -1};
    return s->ops->facts != NULL && s->ops->facts(s, provider, deadline_ms, out);
}

void store_address(const char *url, char *out, size_t room)
{
    const char *scheme = strstr(url, "://");
    const char *rest = scheme != NULL ? scheme + 3 : url;
    /* The last '@', for a password may hold one that nobody encoded. */
    const char *at = *rest == '/' ? NULL : strrchr(rest, '@');
    const char *part[2] = {url, at != NULL ? at + 1 : rest};
    size_t length[2] = {(size_t)(rest - url), strlen(part[1])}, n = 0;

    if (room == 0)
        return;
    for (size_t i = 0; i < 2; i++) {
        size_t take = length[i] < room - 1 - n ? length[i] : room - 1 - n;
        memcpy(out + n, part[i], take);
        n += take;
    }
    out[n] = '\0';
}
