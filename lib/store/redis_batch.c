#include "store/redis_batch.h"

#include <stdio.h>
#include <string.h>
#include "base/codec.h"
#include "base/text.h"

#define OWN_KEYS    6
#define DIGEST_TEXT 44 /* base64 of SHA256_BYTES */
#define NONCE_TEXT  24 /* base64 of STORE_NONCE_BYTES */
#define RECORD_TEXT (DIGEST_TEXT + 1 + NONCE_TEXT)
#define KEEP_S_MAX                                                                                 \
    INT64_C(3153600000) /* a hundred years: Redis refuses what overflows its clock \
                                         */
#define PREFIX_MAX 128

/* The letters of commit.lua and how many arguments a change has, its fields not counted. */
static const struct {
    const char *letter;
    size_t args;
} verbs[] = {
    [CHANGE_SET] = {"S", 3}, [CHANGE_SET_IF_NEWER] = {"N", 4}, [CHANGE_SET_EARLIEST] = {"E", 2},
    [CHANGE_ADD] = {"A", 3}, [CHANGE_CREATE_ONCE] = {"C", 3},  [CHANGE_APPEND] = {"L", 2},
};

static size_t member_keys(const struct store_member *m)
{
    return m->kind == STORE_EVENT ? 1 + m->nchanges : 0;
}

static size_t member_args(const struct store_member *m)
{
    size_t n = m->kind == STORE_MARK ? 6 : 9;

    for (size_t i = 0; m->kind == STORE_EVENT && i < m->nchanges; i++) {
        const struct change *c = &m->changes[i];
        n += verbs[c->verb].args + (c->verb == CHANGE_CREATE_ONCE ? 2 * (size_t)c->nfields : 0);
    }
    return n;
}

/* Begins a word of n bytes: "$<n>\r\n". Returns where it goes, with room for it and its end, or NULL. */
static char *begin_word(struct buf *out, size_t n)
{
    char *p;

    if (n > REDIS_BATCH_BYTES_MAX || !buf_reserve(out, 1 + TEXT_U64_MAX + 2 + n + 2)) {
        out->overflow = true;
        return NULL;
    }
    p = out->p + out->n;
    *p++ = '$';
    p = text_put_u64(p, n);
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

/* Ends the word whose bytes lie before p. */
static void end_word(struct buf *out, char *p)
{
    memcpy(p, "\r\n", 3);
    out->n = (size_t)(p + 2 - out->p);
}

static char *put(char *p, struct slice s)
{
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static void add_word(struct buf *out, struct slice s)
{
    char *p = begin_word(out, s.n);

    if (p != NULL)
        end_word(out, put(p, s));
}

static void add(struct redis_batch *b, struct slice s)
{
    add_word(&b->rest, s);
    b->words++;
}

static void add_number(struct redis_batch *b, int64_t v)
{
    char text[1 + TEXT_U64_MAX] = "-";
    char *end = text_put_u64(text + 1, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    char *begin = v < 0 ? text : text + 1;

    add(b, (struct slice){begin, (size_t)(end - begin)});
}

static void add_key(struct redis_batch *b, struct slice prefix, const char *kind, struct slice name)
{
    struct slice k = slice_of(kind);
    char *p = begin_word(&b->rest, prefix.n + k.n + name.n);

    if (p != NULL)
        end_word(&b->rest, put(put(put(p, prefix), k), name));
    b->words++;
}

static void add_record(struct redis_batch *b, const struct store_member *m)
{
    char p[RECORD_TEXT + 1];

    base64_encode(m->body_sha256, sizeof m->body_sha256, p);
    p[DIGEST_TEXT] = ' ';
    base64_encode(m->nonce, sizeof m->nonce, p + DIGEST_TEXT + 1);
    add(b, (struct slice){p, RECORD_TEXT});
}

static void add_change(struct redis_batch *b, const struct change *c)
{
    add(b, slice_of(verbs[c->verb].letter));
    switch (c->verb) {
    case CHANGE_SET:
    case CHANGE_ADD:
        add(b, c->field);
        add(b, c->value);
        break;
    case CHANGE_SET_IF_NEWER:
        add(b, c->field);
        add(b, c->value);
        add_number(b, c->group_max);
        break;
    case CHANGE_SET_EARLIEST:
        add(b, c->field);
        break;
    case CHANGE_CREATE_ONCE:
        add_number(b, c->nfields);
        add_number(b, c->compare);
        for (uint32_t i = 0; i < c->nfields; i++) {
            add(b, c->fields[i].name);
            add(b, c->fields[i].value);
        }
        break;
    case CHANGE_APPEND:
        add(b, c->value);
        break;
    }
}

static void add_member(struct redis_batch *b, const struct store_member *m)
{
    static const char *const letter[] = {
        [STORE_EVENT] = "E", [STORE_MARK] = "M", [STORE_NOTE] = "N"};

    add(b, slice_of(m->kind == STORE_EVENT && m->exempt ? "F" : letter[m->kind]));
    add_number(b, (int64_t)member_args(m));
    add_number(b, (int64_t)member_keys(m));
    add_record(b, m);
    add(b, m->id);
    add(b, m->type);
    if (m->kind == STORE_MARK)
        return;
    add(b, m->body);
    if (m->kind == STORE_NOTE) {
        add(b, m->reason);
        add(b, m->detail);
        return;
    }
    add_number(b, m->stamp_us < STORE_STAMP_MIN_US ? STORE_STAMP_MIN_US : m->stamp_us);
    add(b, m->reason);
    for (size_t i = 0; i < m->nchanges; i++)
        add_change(b, &m->changes[i]);
}

static void add_keys(struct redis_batch *b, const struct store_batch *batch, struct slice prefix)
{
    static const char *const own[OWN_KEYS] = {"rate",       "events",          "audit",
                                              "quarantine", "quarantine:seen", "dirty"};

    for (size_t i = 0; i < OWN_KEYS; i++)
        add_key(b, prefix, own[i], SLICE_NONE);
    for (size_t i = 0; i < batch->n; i++) {
        const struct store_member *m = &batch->member[i];
        if (m->kind != STORE_EVENT)
            continue;
        add_key(b, prefix, "id:", m->id);
        for (size_t j = 0; j < m->nchanges; j++)
            add_key(b, prefix, "", m->changes[j].key);
    }
    add_key(b, prefix, "closed", SLICE_NONE);
}

bool redis_batch_compose(struct redis_batch *b, const struct store_batch *batch, const char *scope)
{
    const struct store_provider *p = batch->provider;
    int64_t keep_s = (p->keep_ids_us + US_PER_S - 1) / US_PER_S;
    char name[PREFIX_MAX];
    int n = snprintf(name, sizeof name, "guichet:{%s}:%s", p->name, scope);
    struct slice prefix = {name, (size_t)n};
    size_t keys = OWN_KEYS + 1;

    if (n < 0 || (size_t)n >= sizeof name)
        return false;
    buf_reset(&b->rest);
    b->words = 0;
    for (size_t i = 0; i < batch->n; i++)
        keys += member_keys(&batch->member[i]);
    add_number(b, (int64_t)keys);
    add_keys(b, batch, prefix);
    add_number(b, (int64_t)batch->n);
    add_number(b, p->rate_count);
    add_number(b, p->rate_window_us);
    add_number(b, keep_s < 1 ? 1 : keep_s > KEEP_S_MAX ? KEEP_S_MAX : keep_s);
    add_number(b, p->backlog_limit);
    add_number(b, p->quarantine_limit);
    add_number(b, p->audit_limit);
    add_number(b, p->history_limit);
    add_number(b, p->min_replicas > 0);
    for (size_t i = 0; i < batch->n; i++)
        add_member(b, &batch->member[i]);
    return !b->rest.overflow;
}

bool redis_batch_call(struct redis_batch *b, const char *command, struct slice script)
{
    buf_reset(&b->head);
    buf_adds(&b->head, "*");
    buf_add_u64(&b->head, 2 + b->words);
    buf_adds(&b->head, "\r\n");
    add_word(&b->head, slice_of(command));
    add_word(&b->head, script);
    return !b->head.overflow;
}

void redis_batch_free(struct redis_batch *b)
{
    buf_free(&b->rest);
    buf_free(&b->head);
}
