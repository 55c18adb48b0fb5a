#include "tool/quarantine.h"

#include <stdio.h>

#include "tool/entries.h"

/* --- walking -------------------------------------------------------------------------------------- */

static enum verdict away(struct call *c, const struct fail *why)
{
    return call_end(c, VERDICT_AWAY, "%s", why->text);
}

/* The entry of that very id into *out; n == 0: there is none. */
static bool find(const struct journal *j, const char *id, struct journal_page *out,
                 struct fail *why)
{
    struct journal_range range = {.until = id, .backwards = true, .max = 1};

    if (!journal_read(j, JOURNAL_QUARANTINE, &range, out, why))
        return false;
    if (out->n > 0 && journal_compare(out->entry[0].id, id) != 0)
        out->n = 0;
    return true;
}

static enum verdict walk_named(struct call *c, struct host *h, const struct config_provider *p,
                               quarantine_visit *visit, void *ctx)
{
    enum verdict v = VERDICT_DONE;

    if (!entries_operands_read(c))
        return VERDICT_USAGE;
    for (size_t i = 0; i < c->noperands; i++) {
        struct journal j = host_journal(h, p);
        struct journal_page page;
        struct fail why;
        if (!find(&j, c->operand[i], &page, &why))
            return away(c, &why);
        if (page.n == 0)
            v = call_end(c, VERDICT_NO, "there is no entry %s in the quarantine of %s",
                         c->operand[i], p->name);
        else if (!visit(ctx, &j, &page.entry[0]))
            break;
    }
    return v;
}

enum verdict quarantine_walk(struct call *c, struct host *h, const struct config_provider *p,
                             quarantine_visit *visit, void *ctx)
{
    char last[ENTRIES_ID_ROOM] = "";
    bool on = true;

    if (c->noperands > 0)
        return walk_named(c, h, p, visit, ctx);
    while (on) {
        struct journal j = host_journal(h, p);
        struct journal_range range = {.after = last, .max = QUARANTINE_PAGE};
        struct journal_page page;
        struct fail why;
        if (!journal_read(&j, JOURNAL_QUARANTINE, &range, &page, &why))
            return away(c, &why);
        on = page.n > 0;
        for (size_t i = 0; on && i < page.n; i++)
            on = visit(ctx, &j, &page.entry[i]);
        if (page.n > 0)
            (void)snprintf(last, sizeof last, "%s", page.entry[page.n - 1].id);
    }
    return VERDICT_DONE;
}

/* --- list ----------------------------------------------------------------------------------------- */

static bool list_entry(void *ctx, const struct journal_entry *e)
{
    struct out *o = ctx;

    out_text(o, "entry", slice_of(e->id));
    out_time(o, "at", entries_at(e));
    out_text(o, "reason", journal_value(e, "reason"));
    out_text(o, "type", journal_value(e, "type"));
    out_text(o, "id", journal_value(e, "id"));
    out_number(o, "bytes", (int64_t)journal_value(e, "body").n);
    out_text(o, "detail", journal_value(e, "detail"));
    out_end(o);
    return true;
}

static enum verdict list_them(struct call *c, struct host *h, const struct config_provider *p)
{
    static const char *const fields[] = {"reason", "type", "user", NULL};

    return entries_list(c, h, p, JOURNAL_QUARANTINE, fields, list_entry, c->out);
}

static enum verdict list(struct call *c)
{
    return host_on_provider(c, list_them);
}

const struct verb verb_quarantine_list = {
    .name = "quarantine list",
    .operands = "",
    .help = "lists what was authentic but refused, the oldest first",
    .option = (const struct option_row[]){HOST_PROVIDER_OPTION,
                                          {"reason", "REASON",
                                           "only what was refused for it, as missing_field", false},
                                          {"type", "NAME", "only events of that type", false},
                                          {"user", "ID", "only events of that user", false},
                                          ENTRIES_LIST_OPTIONS,
                                          {0}},
    .run = list,
};

/* --- show ----------------------------------------------------------------------------------------- */

struct showing {
    struct call *c;
    bool raw;
};

static bool show_entry(void *ctx, const struct journal *j, const struct journal_entry *e)
{
    struct showing *s = ctx;
    struct out *o = s->c->out;
    struct slice body = journal_value(e, "body");

    (void)j;
    if (s->raw) {
        (void)fwrite(body.p, 1, body.n, stdout);
        return true;
    }
    out_text(o, "entry", slice_of(e->id));
    out_time(o, "at", entries_at(e));
    out_text(o, "reason", journal_value(e, "reason"));
    out_text(o, "detail", journal_value(e, "detail"));
    out_text(o, "id", journal_value(e, "id"));
    out_text(o, "type", journal_value(e, "type"));
    out_text(o, "digest", journal_value(e, "digest"));
    out_text(o, "body", body);
    out_end(o);
    return true;
}

static enum verdict show_it(struct call *c, struct host *h, const struct config_provider *p)
{
    struct showing s = {c, call_option(c, "raw") != NULL};

    out_form(c->out, OUT_FACTS);
    return quarantine_walk(c, h, p, show_entry, &s);
}

static enum verdict show(struct call *c)
{
    return host_on_provider(c, show_it);
}

const struct verb verb_quarantine_show = {
    .name = "quarantine show",
    .operands = "ENTRY",
    .help = "shows an entry of the quarantine with its body",
    .option = (const struct option_row[]){HOST_PROVIDER_OPTION,
                                          {"raw", NULL, "the bytes of the body alone, as they came",
                                           false},
                                          {0}},
    .least = 1,
    .most = 1,
    .run = show,
};

/* --- drop ----------------------------------------------------------------------------------------- */

static enum verdict drop_all(struct call *c, struct host *h, const struct config_provider *p)
{
    size_t missing = 0;

    if (!entries_operands_read(c))
        return VERDICT_USAGE;
    for (size_t i = 0; i < c->noperands; i++) {
        struct journal j = host_journal(h, p);
        int64_t removed;
        struct fail why;
        if (!journal_remove(&j, JOURNAL_QUARANTINE, &c->operand[i], 1, &removed, &why))
            return away(c, &why);
        if (removed == 0) {
            missing++;
            (void)call_end(c, VERDICT_NO, "there is no entry %s in the quarantine of %s",
                           c->operand[i], p->name);
            continue;
        }
        out_text(c->out, "entry", slice_of(c->operand[i]));
        out_text(c->out, "became", SLICE_LITERAL("dropped"));
        out_end(c->out);
    }
    return missing == 0 ? VERDICT_DONE : VERDICT_NO;
}

static enum verdict drop(struct call *c)
{
    return host_on_provider(c, drop_all);
}

const struct verb verb_quarantine_drop = {
    .name = "quarantine drop",
    .operands = "ENTRY...",
    .help = "takes entries out of the quarantine for good",
    .option = (const struct option_row[]){HOST_PROVIDER_OPTION, {0}},
    .least = 1,
    .most = -1,
    .run = drop,
};
