#include "store/memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "store/memory_store.h"

#define RETRY_FULL_US (5 * US_PER_S)

static size_t count(struct memory *m, const char *provider, const char *key)
{
    struct object *o = objects_find(&m->all, provider, slice_of(key));

    return o != NULL ? o->n : 0;
}

/* --- members ---------------------------------------------------------------------------------- */

static void add_entry(struct memory *m, const char *provider, const char *list,
                      const struct field *field, size_t n, int64_t limit)
{
    struct object *o = objects_make(&m->all, provider, slice_of(list), true);
    struct row *r = object_add_row(o);

    for (size_t i = 0; i < n; i++)
        row_put(r, field[i].name, field[i].value);
    while (limit > 0 && o->n > (size_t)limit)
        object_remove_row(o, 0);
}

static void audit(struct memory *m, const struct store_provider *p, const struct store_member *e,
                  const char *outcome, struct slice reason)
{
    const struct field entry[] = {{SLICE_LITERAL("outcome"), slice_of(outcome)},
                                  {SLICE_LITERAL("id"), e->id},
                                  {SLICE_LITERAL("type"), e->type},
                                  {SLICE_LITERAL("reason"), reason}};

    if (p->audit_limit > 0)
        add_entry(m, p->name, "audit", entry, reason.n > 0 ? 4 : 3, p->audit_limit);
}

static void fail_member(struct store_result *r, enum store_code code, const char *word)
{
    r->code = code;
    r->word = word;
    (void)snprintf(r->reason, sizeof r->reason, "%s", word);
}

/* Keeps the body in quarantine, once for each (reason, body). */
static void keep(struct memory *m, const struct store_provider *p, const struct store_member *e,
                 enum store_code code, const char *outcome, struct slice reason,
                 struct slice detail, struct store_result *r)
{
    char digest[BASE64_ROOM(SHA256_BYTES)], repeats[24], at[24];
    struct object *o = objects_make(&m->all, p->name, SLICE_LITERAL("quarantine"), true);

    base64_encode(e->body_sha256, SHA256_BYTES, digest);
    (void)snprintf(at, sizeof at, "%lld", (long long)clock_now_us(m->clock));
    for (size_t i = 0; i < o->n; i++) {
        struct row *row = &o->row[i];
        if (!slice_is(row_get(row, SLICE_LITERAL("digest")), digest) ||
            !slice_equal(row_get(row, SLICE_LITERAL("reason")), reason))
            continue;
        (void)snprintf(repeats, sizeof repeats, "%lld",
                       (long long)number_of(row_get(row, SLICE_LITERAL("count"))) + 1);
        row_put(row, SLICE_LITERAL("count"), slice_of(repeats));
        goto kept;
    }
    if (p->quarantine_limit > 0 && o->n >= (size_t)p->quarantine_limit) {
        fail_member(r, STORE_UNAVAILABLE, "quarantine_full");
        r->retry_after_us = RETRY_FULL_US;
        return;
    }
    const struct field entry[] = {{SLICE_LITERAL("digest"), slice_of(digest)},
                                  {SLICE_LITERAL("reason"), reason},
                                  {SLICE_LITERAL("id"), e->id},
                                  {SLICE_LITERAL("type"), e->type},
                                  {SLICE_LITERAL("at"), slice_of(at)},
                                  {SLICE_LITERAL("detail"), detail},
                                  {SLICE_LITERAL("body"), e->body},
                                  {SLICE_LITERAL("count"), SLICE_LITERAL("1")}};
    add_entry(m, p->name, "quarantine", entry, sizeof entry / sizeof entry[0], 0);

kept:
    audit(m, p, e, outcome, reason);
    r->code = code;
}

/* Known id? Then the result is set and true returned. */
static bool known(struct memory *m, const struct store_provider *p, const struct store_member *e,
                  struct slice key, struct store_result *r)
{
    struct slice body = objects_field(&m->all, p->name, key, SLICE_LITERAL("body"));
    struct slice nonce = objects_field(&m->all, p->name, key, SLICE_LITERAL("nonce"));

    if (body.p == NULL)
        return false;
    r->at_us = number_of(objects_field(&m->all, p->name, key, SLICE_LITERAL("at")));
    if (memcmp(body.p, e->body_sha256, SHA256_BYTES) != 0) {
        r->word = "conflict";
        keep(m, p, e, STORE_CONFLICT, "conflict", SLICE_LITERAL("conflict"), SLICE_NONE, r);
    } else if (memcmp(nonce.p, e->nonce, STORE_NONCE_BYTES) == 0) {
        r->code = STORE_ACCEPTED;
    } else {
        audit(m, p, e, "duplicate", SLICE_NONE);
        r->code = STORE_DUPLICATE;
    }
    return true;
}

/* Whether the window is full; stamps that lie ahead of a clock that stepped back count as now. */
static bool limited(struct memory *m, const struct store_provider *p, int64_t now_us,
                    struct store_result *r)
{
    struct object *o = objects_make(&m->all, p->name, SLICE_LITERAL("rate"), true);
    char text[24];
    int64_t oldest_us;

    (void)snprintf(text, sizeof text, "%lld", (long long)now_us);
    for (size_t i = 0; i < o->n; i++)
        if (number_of(row_get(&o->row[i], SLICE_LITERAL("at"))) > now_us) {
            row_put(&o->row[i], SLICE_LITERAL("at"), slice_of(text));
            m->applier.flags |= STORE_CLOCK_BACK;
        }
    if (p->rate_count <= 0 || o->n < (size_t)p->rate_count)
        return false;
    oldest_us = number_of(row_get(&o->row[o->n - (size_t)p->rate_count], SLICE_LITERAL("at")));
    r->retry_after_us = oldest_us + p->rate_window_us - now_us;
    return r->retry_after_us > 0;
}

static void remember(struct memory *m, const struct store_provider *p, const struct store_member *e,
                     struct slice key, int64_t now_us)
{
    char at[24];
    struct row *r = objects_record(&m->all, p->name, key);
    const struct slice body = {(const char *)e->body_sha256, SHA256_BYTES};
    const struct slice nonce = {(const char *)e->nonce, STORE_NONCE_BYTES};

    (void)snprintf(at, sizeof at, "%lld", (long long)now_us);
    row_put(r, SLICE_LITERAL("body"), body);
    row_put(r, SLICE_LITERAL("nonce"), nonce);
    row_put(r, SLICE_LITERAL("at"), slice_of(at));
    objects_find(&m->all, p->name, key)->expires_us = now_us + p->keep_ids_us;
    const struct field stamp = {SLICE_LITERAL("at"), slice_of(at)};
    if (p->rate_count > 0 && !e->exempt)
        add_entry(m, p->name, "rate", &stamp, 1, p->rate_count);
    const struct field entry[] = {{SLICE_LITERAL("id"), e->id},
                                  {SLICE_LITERAL("type"), e->type},
                                  {SLICE_LITERAL("at"), slice_of(at)},
                                  {SLICE_LITERAL("body"), e->body}};
    add_entry(m, p->name, "events", entry, 4, 0);
}

static void commit_event(struct memory *m, const struct store_provider *p,
                         const struct store_member *e, struct store_result *r)
{
    int64_t now_us = clock_now_us(m->clock), stamp_us = e->stamp_us;
    char key[512];
    const char *word;

    (void)snprintf(key, sizeof key, "id:%.*s", (int)e->id.n, e->id.p);
    r->at_us = now_us;
    if (known(m, p, e, slice_of(key), r))
        return;
    if (!e->exempt && limited(m, p, now_us, r)) {
        r->flags = m->applier.flags;
        audit(m, p, e, "limited", SLICE_NONE);
        r->code = STORE_LIMITED;
        return;
    }
    if (p->backlog_limit > 0 && count(m, p->name, "events") >= (size_t)p->backlog_limit) {
        fail_member(r, STORE_UNAVAILABLE, "backlog_full");
        r->retry_after_us = RETRY_FULL_US;
        return;
    }
    if (stamp_us > now_us) {
        stamp_us = now_us;
        m->applier.flags |= STORE_FUTURE;
    }
    if (stamp_us < STORE_STAMP_MIN_US)
        stamp_us = STORE_STAMP_MIN_US;
    word = apply_changes(&m->applier, p, e, stamp_us);
    if (word != NULL && m->applier.damaged) {
        fail_member(r, STORE_FAULT, word);
        return;
    }
    if (word != NULL) {
        r->word = word;
        keep(m, p, e, STORE_REFUSED, "invalid", slice_of(word), SLICE_NONE, r);
        return;
    }
    remember(m, p, e, slice_of(key), now_us);
    audit(m, p, e, "accepted", e->reason);
    r->code = STORE_ACCEPTED;
    r->flags = m->applier.flags;
    r->word = store_flag_word(m->applier.flags);
}

static void commit_mark(struct memory *m, const struct store_provider *p,
                        const struct store_member *e, struct store_result *r)
{
    char at[24];

    r->at_us = clock_now_us(m->clock);
    (void)snprintf(at, sizeof at, "%lld", (long long)r->at_us);
    row_put(objects_record(&m->all, p->name, SLICE_LITERAL("dirty")), e->id, slice_of(at));
    audit(m, p, e, "accepted", SLICE_NONE);
    r->code = STORE_ACCEPTED;
}

static void memory_commit(struct store *s, const struct store_batch *b, struct store_result *result)
{
    struct memory *m = (struct memory *)s;

    for (size_t i = 0; i < b->n; i++) {
        const struct store_member *e = &b->member[i];
        struct store_result *r = &result[i];
        *r = (struct store_result){.code = STORE_FAULT};
        m->applier.flags = 0;
        if (m->fail_word != NULL)
            fail_member(r, STORE_UNAVAILABLE, m->fail_word);
        else if (e->kind == STORE_EVENT)
            commit_event(m, b->provider, e, r);
        else if (e->kind == STORE_MARK)
            commit_mark(m, b->provider, e, r);
        else
            keep(m, b->provider, e, STORE_ACCEPTED, "invalid", e->reason, e->detail, r);
    }
}

/* --- the other operations, and what tests look at --------------------------------------------- */

static bool memory_probe(struct store *s, int64_t timeout_ms, struct fail *why)
{
    struct memory *m = (struct memory *)s;

    (void)timeout_ms;
    if (m->fail_word != NULL)
        fail_set(why, "%s", m->fail_word);
    return m->fail_word == NULL;
}

static bool memory_gauges(struct store *s, const struct store_provider *p, int64_t deadline_ms,
                          struct store_gauges *out)
{
    struct memory *m = (struct memory *)s;
    struct object *rate = objects_find(&m->all, p->name, SLICE_LITERAL("rate"));
    int64_t from_us = clock_now_us(m->clock) - p->rate_window_us;

    (void)deadline_ms;
    *out = (struct store_gauges){.backlog_entries = (int64_t)count(m, p->name, "events"),
                                 .quarantine_entries = (int64_t)count(m, p->name, "quarantine")};
    for (size_t i = 0; rate != NULL && i < rate->n; i++)
        out->rate_used += number_of(row_get(&rate->row[i], SLICE_LITERAL("at"))) > from_us;
    return m->fail_word == NULL;
}

static bool memory_run_id(struct store *s, int64_t deadline_ms, char out[static 48],
                          struct fail *why)
{
    (void)deadline_ms;
    (void)snprintf(out, 48, "memory");
    return memory_probe(s, 0, why);
}

static void memory_examine(struct store *s, const struct store_provider *p, size_t n,
                           int64_t deadline_ms, struct store_findings *out)
{
    struct memory *m = (struct memory *)s;

    (void)p;
    (void)n;
    (void)deadline_ms;
    *out = (struct store_findings){.self_test = m->fail_word == NULL, .run_id = "memory"};
    fail_set(&out->durability, "this store lives in memory alone");
    if (m->fail_word != NULL)
        fail_set(&out->problem, "%s", m->fail_word);
}

/* Without a server there is nothing that could be old, full or out of step. */
static bool memory_facts(struct store *s, const char *provider, int64_t deadline_ms,
                         struct store_facts *out)
{
    struct memory *m = (struct memory *)s;

    (void)provider;
    (void)deadline_ms;
    out->clock_us = clock_now_us(m->clock);
    return m->fail_word == NULL;
}

static void memory_free(struct store *s)
{
    struct memory *m = (struct memory *)s;

    objects_free(&m->all);
    free(m);
}

struct store *memory_new(const struct clock *clock)
{
    static const struct store_ops ops = {memory_commit,  memory_probe, memory_gauges, memory_run_id,
                                         memory_examine, memory_free,  memory_facts};
    struct memory *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    m->base.ops = &ops;
    m->base.journal = &memory_journal;
    m->base.step = &memory_step;
    m->clock = m->all.clock = clock;
    m->applier.all = &m->all;
    return &m->base;
}

void memory_fail(struct store *s, const char *word)
{
    struct memory *m = (struct memory *)s;

    (void)snprintf(m->fail_room, sizeof m->fail_room, "%s", word);
    m->fail_word = word[0] != '\0' ? m->fail_room : NULL;
}

struct slice memory_field(struct store *s, const char *provider, const char *key, const char *field)
{
    return objects_field(&((struct memory *)s)->all, provider, slice_of(key), slice_of(field));
}

size_t memory_count(struct store *s, const char *provider, const char *list)
{
    return count((struct memory *)s, provider, list);
}

struct slice memory_entry(struct store *s, const char *provider, const char *list, size_t n,
                          const char *field)
{
    struct object *o = objects_find(&((struct memory *)s)->all, provider, slice_of(list));

    return o != NULL && n < o->n ? row_get(&o->row[n], slice_of(field)) : SLICE_NONE;
}

struct slice memory_history(struct store *s, const char *provider, const char *key, size_t n)
{
    return memory_entry(s, provider, key, n, "value");
}
