/* users forget: takes a user out of the store: its state, its payments, and what lists hold of it. */
#include <stdio.h>
#include <string.h>
#include "base/buf.h"
#include "events/peek.h"
#include "tool/entries.h"
#include "tool/users.h"

/* Entries to take out, a handful at a time. */
struct pile {
    struct users_who *w;
    enum journal_list list;
    char id[JOURNAL_IDS_MAX][ENTRIES_ID_ROOM];
    size_t n;
    struct buf quoted; /* the id as a JSON text */
};

/* A body in quarantine may be no JSON, or lack the field: there the id as a text anywhere counts. */
static bool concerns(const struct pile *p, const struct journal_entry *e)
{
    struct slice body = journal_value(e, "body"), user;

    if (peek_text(body, "user_id", p->w->h.arena, &user) && slice_is(user, p->w->id))
        return true;
    return p->list == JOURNAL_QUARANTINE && body.n > 0 &&
           memmem(body.p, body.n, p->quoted.p, p->quoted.n) != NULL;
}

static bool pile_up(void *ctx, const struct journal_entry *e)
{
    struct pile *p = ctx;

    if (concerns(p, e))
        (void)snprintf(p->id[p->n++], ENTRIES_ID_ROOM, "%s", e->id);
    return p->n < JOURNAL_IDS_MAX;
}

/* All entries of a list that concern the user. */
static enum verdict forget_entries(struct users_who *w, enum journal_list list, int64_t *total)
{
    struct pile p = {.w = w, .list = list, .quoted = BUF_INIT(8 * EVENT_ID_MAX)};
    char seen[ENTRIES_ID_ROOM] = "", after[ENTRIES_ID_ROOM];
    const char *id[JOURNAL_IDS_MAX];
    struct fail why = {""};
    enum verdict v;
    int64_t removed;

    buf_adds(&p.quoted, "\"");
    buf_add_json(&p.quoted, slice_of(w->id), SIZE_MAX);
    buf_adds(&p.quoted, "\"");
    do {
        p.n = 0;
        (void)snprintf(after, sizeof after, "%s", seen);
        v = entries_walk(w->c, &w->h, w->provider,
                         &(struct entries_walk){.list = list,
                                                .after = after[0] != '\0' ? after : NULL,
                                                .visit = pile_up,
                                                .ctx = &p,
                                                .seen = seen});
        struct journal j = host_journal(&w->h, w->provider);
        for (size_t i = 0; i < p.n; i++)
            id[i] = p.id[i];
        if (v == VERDICT_DONE && !journal_remove(&j, list, id, p.n, &removed, &why))
            v = call_end(w->c, VERDICT_AWAY, "%s", why.text);
        else if (v == VERDICT_DONE)
            *total += removed;
    } while (v == VERDICT_DONE && p.n == JOURNAL_IDS_MAX);
    buf_free(&p.quoted);
    return v;
}

/* The records payment:received:<hash> and payment:sent:<hash> of the user. */
static enum verdict forget_payments(struct users_who *w, int64_t *total)
{
    struct fail why = {""};
    uint64_t cursor = 0;
    struct slice *key;
    size_t n;

    do {
        struct journal j = host_journal(&w->h, w->provider);
        if (!journal_keys(&j, "payment:", &cursor, &key, &n, &why))
            return call_end(w->c, VERDICT_AWAY, "%s", why.text);
        for (size_t i = 0; i < n; i++) {
            struct journal_entry record;
            int64_t removed;
            if (!journal_record(&j, key[i].p, &record, &why))
                return call_end(w->c, VERDICT_AWAY, "%s", why.text);
            if (!slice_is(journal_value(&record, "user_id"), w->id))
                continue;
            if (!journal_forget(&j, &key[i].p, 1, &removed, &why))
                return call_end(w->c, VERDICT_AWAY, "%s", why.text);
            *total += removed;
        }
    } while (cursor != 0);
    return VERDICT_DONE;
}

static enum verdict forget(struct call *c)
{
    int64_t state = 0, payments = 0, events = 0, quarantine = 0, dead = 0;
    struct fail why = {""};
    struct users_who w;
    enum verdict v = users_begin(c, &w);

    if (v == VERDICT_DONE && call_option(c, "yes") == NULL)
        v = call_end(c, VERDICT_USAGE,
                     "this takes away state, hand-off and quarantine of user \"%s\" for good, and "
                     "entries that no consumer has read yet; say --yes",
                     w.id);
    if (v == VERDICT_DONE) {
        const char *const key[3] = {w.user, w.payments, w.levels};
        struct journal j = host_journal(&w.h, w.provider);
        if (!journal_forget(&j, key, 3, &state, &why))
            v = call_end(c, VERDICT_AWAY, "%s", why.text);
    }
    if (v == VERDICT_DONE)
        v = forget_payments(&w, &payments);
    if (v == VERDICT_DONE)
        v = forget_entries(&w, JOURNAL_EVENTS, &events);
    if (v == VERDICT_DONE)
        v = forget_entries(&w, JOURNAL_QUARANTINE, &quarantine);
    if (v == VERDICT_DONE)
        v = forget_entries(&w, JOURNAL_DEAD, &dead);
    if (v == VERDICT_DONE) {
        out_form(c->out, OUT_FACTS);
        out_text(c->out, "user_id", slice_of(w.id));
        out_number(c->out, "objects", state);
        out_number(c->out, "payments", payments);
        out_number(c->out, "events", events);
        out_number(c->out, "quarantine", quarantine);
        out_number(c->out, "dead_letters", dead);
        out_end(c->out);
    }
    host_close(&w.h);
    return v;
}

static const struct option_row forget_options[] = {
    HOST_PROVIDER_OPTION, {"yes", NULL, "yes, for good", false}, {0}};

const struct verb verb_users_forget = {
    "users forget", "ID", "takes away all that is stored of a user, but ids in the audit",
    forget_options, 1,    1,
    forget};
