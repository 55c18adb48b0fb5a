#include "receive_work.h"

#define SAY_AGAIN_US (60 * US_PER_S)
/* Beside three times the largest body: what a batch of entries and their changes may take. */
#define ARENA_SPARE (32u << 20)
/* How long one drain looks behind what cannot be committed. */
#define LOOK_BEHIND_MS 200

/* --- into the spool -------------------------------------------------------------------------------- */

/* Whether it was the store that was missing, rather than room in it. */
static bool is_away(const struct store_result *s)
{
    return s->code == STORE_UNAVAILABLE &&
           (s->word == NULL ||
            (strcmp(s->word, "backlog_full") != 0 && strcmp(s->word, "quarantine_full") != 0));
}

static struct spool_entry entry_of(const struct work *w)
{
    struct spool_entry e = {
        .kind = w->spool_conflicts             ? SPOOL_CONFLICT
                : w->member.kind == STORE_MARK ? SPOOL_MARK
                                               : SPOOL_EVENT,
        .provider = slice_of(w->mount->config->name),
        .key = w->event.id,
        .id = w->source.id,
        .type = w->source.type,
        .body = w->member.body,
        .received_us = w->x->request.received_us,
        .arrived_us = w->source.arrived_us,
    };

    memcpy(e.body_sha256, w->member.body_sha256, sizeof e.body_sha256);
    memcpy(e.nonce, w->member.nonce, sizeof e.nonce);
    return e;
}

/* What the spool found out about a request that is to be answered from it. */
static void take_verdict(struct work *w, enum spool_verdict v)
{
    if (v == SPOOL_NEW || v == SPOOL_SAME) {
        w->spooled = true;
    } else if (v == SPOOL_OTHER) {
        w->member.kind = STORE_EVENT;
        w->result = (struct store_result){.code = STORE_CONFLICT, .word = "conflict"};
    }
}

void spool_answer_known(struct receiver *r, struct work *work, size_t n)
{
    struct spool *s = r->service.spool;
    struct spool_entry entry[RECEIVE_BATCH_MAX];
    enum spool_verdict verdict[RECEIVE_BATCH_MAX];
    struct work *who[RECEIVE_BATCH_MAX];
    size_t asked = 0;

    for (size_t i = 0; s != NULL && i < n; i++)
        if (work[i].commits && work[i].member.kind == STORE_EVENT)
            who[asked++] = &work[i];
    if (asked == 0 || spool_quiet(s))
        return;
    for (size_t i = 0; i < asked; i++)
        entry[i] = entry_of(who[i]);
    spool_find(s, entry, asked, verdict);
    for (size_t i = 0; i < asked; i++) {
        struct work *w = who[i];
        if (verdict[i] == SPOOL_SAME) {
            w->commits = false;
            take_verdict(w, verdict[i]);
            answer_result(w);
        } else if (verdict[i] == SPOOL_OTHER) {
            w->spool_conflicts = true;
            w->member.kind = STORE_NOTE;
            w->member.nchanges = 0;
            w->member.reason = SLICE_LITERAL("conflict");
        }
    }
}

void spool_instead(struct receiver *r, struct work *const who[], size_t n)
{
    const struct service *s = &r->service;
    struct spool_entry entry[STORE_BATCH_MAX];
    enum spool_verdict verdict[STORE_BATCH_MAX];
    struct work *away[STORE_BATCH_MAX];
    struct fail why = {""};
    size_t spooling = 0;

    for (size_t i = 0; i < n; i++) {
        struct work *w = who[i];
        if (!is_away(&w->result))
            continue;
        r->drain_again_ms = clock_monotonic_ms(s->clock) + RECEIVE_IDLE_MS;
        /* An event that is not valid is told so only when it is in quarantine. */
        if (s->spool == NULL || s->config->when_store_down != STORE_DOWN_SPOOL ||
            (w->member.kind == STORE_NOTE && !w->spool_conflicts))
            continue;
        entry[spooling] = entry_of(w);
        away[spooling++] = w;
    }
    if (spooling == 0)
        return;
    spool_add(s->spool, entry, spooling, verdict, &why);
    if (why.text[0] != '\0')
        log_rarely(s->log, LOG_LEVEL_ERROR, "spool", 10 * US_PER_S,
                   "events were not spooled and are answered 503: %s", why.text);
    for (size_t i = 0; i < spooling; i++) {
        if (verdict[i] == SPOOL_NEW)
            log_rarely(s->log, LOG_LEVEL_WARNING, "spooling", SAY_AGAIN_US,
                       "the store is away (%s): events wait in %s and are answered 202",
                       away[i]->result.word, spool_folder(s->spool));
        take_verdict(away[i], verdict[i]);
    }
}

/* --- out of it ------------------------------------------------------------------------------------- */

/* Whether the store took nothing of a provider, not of one event alone. */
enum shut { SHUT_NOT, SHUT_FULL /* its backlog is */, SHUT_AWAY };

/* A batch on its way from the spool to the store. */
struct slice_of_spool {
    const struct mount *mount;
    const struct spool_item *item[STORE_BATCH_MAX];
    struct event event[STORE_BATCH_MAX];
    struct store_member member[STORE_BATCH_MAX];
    struct store_result result[STORE_BATCH_MAX];
    size_t n;
    struct drain_tally *tally;
};

/* The member of an entry. False when memory is short. */
static bool revive(struct receiver *r, const struct mount *m, const struct spool_entry *e,
                   struct event *event, struct store_member *out)
{
    struct again a = {.id = e->id, .type = e->type, .body = e->body, .arrived_us = e->arrived_us};

    memcpy(a.nonce, e->nonce, sizeof a.nonce);
    memcpy(a.body_sha256, e->body_sha256, sizeof a.body_sha256);
    if (again_read(m, &a, r->drain_arena, event, out) == EVENT_NO_MEMORY)
        return false;
    if (e->kind == SPOOL_CONFLICT) {
        out->kind = STORE_NOTE;
        out->nchanges = 0;
        out->reason = SLICE_LITERAL("conflict");
    }
    return true;
}

static void say_of(struct receiver *r, const struct spool_item *item, const char *what)
{
    char name[SPOOL_NAME_ROOM];

    spool_item_name(item, name);
    log_rarely(r->service.log, LOG_LEVEL_ERROR, what, US_PER_S, "spool: %s/%s %s",
               spool_folder(r->service.spool), name, what);
}

/* Reads one entry to the end of the slice. False: the slice is full. */
static bool load(struct receiver *r, struct slice_of_spool *b, const struct spool_item *item)
{
    struct spool_entry e;

    switch (spool_read(r->service.spool, item, r->drain_arena, &e)) {
    case SPOOL_GONE:
        return true;
    case SPOOL_DAMAGED:
        spool_set_aside(r->service.spool, item);
        b->tally->set_aside++;
        say_of(r, item,
               "is damaged (its length or its digest is wrong) and was set aside as bad-...");
        return true;
    case SPOOL_UNREADABLE:
        if (b->n == 0)
            say_of(r, item, "cannot be read now: memory is short, or the disk fails");
        return b->n == 0;
    case SPOOL_READ:
        break;
    }
    if (!slice_is(e.provider, b->mount->config->name))
        return true; /* names with the same tag */
    if (!revive(r, b->mount, &e, &b->event[b->n], &b->member[b->n])) {
        if (b->n == 0)
            say_of(r, item, "cannot be committed now: memory is short");
        return b->n == 0;
    }
    b->item[b->n++] = item;
    return true;
}

/* A fault that lies in what is stored or in the event itself, and will be the same tomorrow. */
static bool is_lasting(const struct store_result *s)
{
    static const char *const lasting[] = {"wrong_type", "bad_number", "bad_record", "bad_change"};

    for (size_t i = 0; s->word != NULL && i < sizeof lasting / sizeof lasting[0]; i++)
        if (strcmp(s->word, lasting[i]) == 0)
            return true;
    return false;
}

/* What was acknowledged and can never be applied goes to quarantine, so that it neither is lost nor
 * blocks the rest. */
static bool quarantine(struct receiver *r, const struct slice_of_spool *b, size_t i)
{
    struct store_member note = b->member[i];
    struct store_result result;

    note.kind = STORE_NOTE;
    note.nchanges = 0;
    note.reason = slice_of(b->result[i].word);
    note.detail = SLICE_LITERAL("acknowledged from the spool, and cannot be applied");
    again_commit(r, b->mount, &note, 1, &result);
    return result.code == STORE_ACCEPTED;
}

/* Removes what is in the store now. */
static void settle(struct receiver *r, const struct slice_of_spool *b, enum shut *shut)
{
    struct drain_tally *t = b->tally;
    const char *put = NULL; /* in quarantine */

    for (size_t i = 0; i < b->n; i++) {
        const struct store_result *s = &b->result[i];
        const char *why = NULL;
        if (s->code == STORE_LIMITED || s->code == STORE_UNAVAILABLE ||
            (s->code == STORE_FAULT && (!is_lasting(s) || !quarantine(r, b, i)))) {
            if (is_away(s))
                *shut = SHUT_AWAY;
            else if (*shut == SHUT_NOT && s->word != NULL && strcmp(s->word, "backlog_full") == 0)
                *shut = SHUT_FULL;
            continue;
        }
        if (b->member[i].kind == STORE_NOTE)
            why = "it had been answered 409, or is not valid any more";
        else if (s->code != STORE_ACCEPTED && s->code != STORE_DUPLICATE)
            why = s->word;
        spool_remove(r->service.spool, b->item[i]);
        if (why != NULL)
            t->quarantined++;
        else
            t->committed++;
        put = why != NULL ? why : put;
    }
    if (put != NULL)
        log_rarely(r->service.log, LOG_LEVEL_WARNING, "spool_quarantine", US_PER_S,
                   "%s: an event that had waited in the spool is in quarantine: %s",
                   b->mount->config->name, put);
}

static size_t moved(const struct drain_tally *t)
{
    return t->committed + t->quarantined + t->set_aside;
}

/* One batch of the entries from *at on, which moves behind those that it looked at. */
static void drain_batch(struct receiver *r, struct slice_of_spool *b, const struct spool_list *list,
                        const uint8_t tag[static SPOOL_TAG_BYTES], size_t *at, enum shut *shut)
{
    size_t bytes = 0;

    b->n = 0;
    for (; *at < list->n && b->n < STORE_BATCH_MAX; ++*at) {
        const struct spool_item *item = &list->item[*at];
        if (memcmp(item->provider, tag, SPOOL_TAG_BYTES) != 0)
            continue;
        if (b->n > 0 && bytes + item->size > STORE_BATCH_BYTES_MAX)
            break;
        bytes += item->size;
        if (!load(r, b, item))
            break;
    }
    if (b->n > 0) {
        again_commit(r, b->mount, b->member, b->n, b->result);
        settle(r, b, shut);
    }
    arena_reset(r->drain_arena);
}

/* One batch of one provider; or, where nothing of it could be committed (conflicts, while the
 * quarantine is full), the first behind it of which something can. */
static void drain_provider(struct receiver *r, const struct mount *m, const struct spool_list *list,
                           struct drain_tally *t, enum shut *shut)
{
    int64_t end_ms = clock_monotonic_ms(r->service.clock) + LOOK_BEHIND_MS;
    uint8_t tag[SPOOL_TAG_BYTES];
    struct slice_of_spool b = {.mount = m, .tally = t};
    size_t before = moved(t), at = 0;

    if (!spool_tag(slice_of(m->config->name), tag))
        return;
    do
        drain_batch(r, &b, list, tag, &at, shut);
    while (moved(t) == before && *shut == SHUT_NOT && at < list->n &&
           clock_monotonic_ms(r->service.clock) < end_ms);
}

/* One slice of each. True: the store is away. */
static bool drain_all(struct receiver *r, const struct spool_list *list, struct drain_tally *t)
{
    const struct config *c = r->service.config;
    enum shut shut = SHUT_NOT;

    if (r->drain_arena == NULL)
        r->drain_arena = arena_new((size_t)c->max_body * 3 + ARENA_SPARE);
    for (size_t i = 0; r->drain_arena != NULL && shut != SHUT_AWAY && i < c->nproviders; i++) {
        shut = SHUT_NOT;
        if (r->mount[i].verifier != NULL)
            drain_provider(r, &r->mount[i], list, t, &shut);
    }
    return shut == SHUT_AWAY;
}

enum drain_state receiver_drain_slice(struct receiver *r, struct drain_tally *t)
{
    struct spool *s = r->service.spool;
    struct spool_list list = {0};
    enum drain_state state = DRAIN_BUSY;
    size_t done;
    int drain;

    *t = (struct drain_tally){0};
    drain = spool_drain_begin(s);
    if (drain < 0)
        return DRAIN_BUSY;
    if (spool_drain_list(s, &list)) {
        bool away = drain_all(r, &list, t);
        done = moved(t);
        t->left = list.n - done;
        state = t->left == 0 ? DRAIN_DONE : away ? DRAIN_AWAY : done > 0 ? DRAIN_MORE : DRAIN_STUCK;
    }
    spool_list_free(&list);
    spool_drain_end(drain);
    return state;
}

bool receiver_drain(struct receiver *r)
{
    struct spool *s = r->service.spool;
    struct drain_tally t;
    enum drain_state state;

    if (s == NULL || clock_monotonic_ms(r->service.clock) < r->drain_again_ms || spool_quiet(s))
        return false;
    state = receiver_drain_slice(r, &t);
    if (state != DRAIN_MORE && state != DRAIN_BUSY)
        r->drain_again_ms = clock_monotonic_ms(r->service.clock) + RECEIVE_IDLE_MS;
    if (state == DRAIN_DONE && t.committed + t.quarantined > 0)
        log_say(r->service.log, LOG_LEVEL_NOTICE, "all that waited in %s is in the store",
                spool_folder(s));
    return state == DRAIN_MORE;
}
