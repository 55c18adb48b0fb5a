#include "tool/users.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/buf.h"
#include "base/text.h"
#include "events/event.h"
#include "events/peek.h"
#include "tool/entries.h"

#define KEY_ROOM (EVENT_ID_MAX + 64)

struct who {
    struct call *c;
    struct host h;
    const struct config_provider *provider;
    const char *id;
    char user[KEY_ROOM], payments[KEY_ROOM], levels[KEY_ROOM];
};

static enum verdict begin(struct call *c, struct who *w)
{
    enum verdict v;

    *w = (struct who){.c = c, .id = c->operand[0]};
    if (!text_is_plain(slice_of(w->id), 1, EVENT_ID_MAX))
        return call_end(c, VERDICT_USAGE, "a user's id is text of 1 to %d bytes", EVENT_ID_MAX);
    (void)snprintf(w->user, sizeof w->user, "user:%s", w->id);
    (void)snprintf(w->payments, sizeof w->payments, "payments:%s", w->id);
    (void)snprintf(w->levels, sizeof w->levels, "levels:%s", w->id);
    v = host_open_store(c, &w->h);
    if (v == VERDICT_DONE) {
        w->provider = host_provider(c, &w->h, call_option(c, "provider"));
        v = w->provider != NULL ? VERDICT_DONE : VERDICT_USAGE;
    }
    return v;
}

/* --- show ------------------------------------------------------------------------------------- */

/* The order of the fields says nothing in a store; for people it should. */
static int by_name(const void *a, const void *b)
{
    const struct journal_field *x = a, *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = memcmp(x->name.p, y->name.p, n);

    return order != 0 ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

/* Histories hold JSON objects. */
static void array(struct buf *out, const struct slice *text, size_t n)
{
    buf_adds(out, "[");
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i > 0 ? "," : "");
        buf_add_slice(out, text[i]);
    }
    buf_adds(out, "]");
}

static void fields_json(struct buf *out, const struct journal_entry *record)
{
    buf_adds(out, "{");
    for (size_t i = 0; i < record->nfields; i++) {
        const struct journal_field *f = &record->field[i];
        buf_adds(out, i > 0 ? ",\"" : "\"");
        buf_add_json(out, f->name, f->name.n);
        buf_adds(out, "\":\"");
        buf_add_json(out, f->value, f->value.n);
        buf_adds(out, "\"");
    }
    buf_adds(out, "}");
}

/* What one history or record is shown as; b is reused for each. */
static void show_json(struct out *o, const char *name, struct buf *b)
{
    out_json(o, name, buf_slice(b));
    buf_reset(b);
}

/* The stamps by which late events are known are for scripts; other moments are µs since 1970. */
static void print_field(struct out *o, const struct journal_field *f)
{
    bool is_moment = !slice_begins(f->name, "profile.") && f->name.n > 3 &&
                     slice_is(slice_from(f->name, f->name.n - 3), "_at");
    char moment[RFC3339_US_ROOM];
    int64_t us;

    if (slice_begins(f->name, "at."))
        return;
    if (is_moment && text_to_i64(f->value, &us)) {
        rfc3339_format_us(us, moment);
        out_named(o, f->name, slice_of(moment));
    } else {
        out_named(o, f->name, f->value);
    }
}

static void print_history(struct out *o, const char *name, const struct slice *text, size_t n)
{
    struct buf lines = BUF_INIT(64u << 20);

    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        buf_add_slice(&lines, text[i]);
        buf_adds(&lines, "\n");
    }
    out_body(o, name, buf_slice(&lines));
    buf_free(&lines);
}

static enum verdict show(struct call *c)
{
    struct buf b = BUF_INIT(64u << 20);
    struct out *o = c->out;
    struct journal_entry record;
    struct slice *payment, *level;
    size_t payments, levels;
    struct journal j;
    struct fail why = {""};
    struct who w;
    enum verdict v = begin(c, &w);

    if (v != VERDICT_DONE)
        goto done;
    j = host_journal(&w.h, w.provider);
    if (!journal_record(&j, w.user, &record, &why) ||
        !journal_history(&j, w.payments, &payment, &payments, &why) ||
        !journal_history(&j, w.levels, &level, &levels, &why)) {
        v = call_end(c, VERDICT_AWAY, "%s", why.text);
        goto done;
    }
    if (record.nfields + payments + levels == 0) {
        v = call_end(c, VERDICT_NO, "nothing is stored of a user \"%s\"", w.id);
        goto done;
    }
    if (record.nfields > 0)
        qsort(record.field, record.nfields, sizeof *record.field, by_name);
    if (out_is_json(o)) {
        out_text(o, "user_id", slice_of(w.id));
        fields_json(&b, &record);
        show_json(o, "fields", &b);
        array(&b, payment, payments);
        show_json(o, "payments", &b);
        array(&b, level, levels);
        show_json(o, "levels", &b);
        out_end(o);
    } else {
        out_named(o, SLICE_LITERAL("user_id"), slice_of(w.id));
        for (size_t i = 0; i < record.nfields; i++)
            print_field(o, &record.field[i]);
        print_history(o, "\npayments, the newest last:", payment, payments);
        print_history(o, "\nlevels, the newest last:", level, levels);
    }

done:
    buf_free(&b);
    host_close(&w.h);
    return v;
}

static const struct option_row options[] = {HOST_PROVIDER_OPTION, {0}};

const struct verb verb_users_show = {
    "users show", "ID", "shows what is stored of a user", options, 1, 1, show};

/* --- forget ----------------------------------------------------------------------------------- */

/* Entries to take out, a handful at a time. */
struct pile {
    struct who *w;
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
static enum verdict forget_entries(struct who *w, enum journal_list list, int64_t *total)
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
static enum verdict forget_payments(struct who *w, int64_t *total)
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
    struct who w;
    enum verdict v = begin(c, &w);

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
