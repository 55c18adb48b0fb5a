#include "tool/users.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

enum verdict users_begin(struct call *c, struct users_who *w)
{
    enum verdict v;

    *w = (struct users_who){.c = c, .id = c->operand[0]};
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
    struct users_who w;
    enum verdict v = users_begin(c, &w);

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
