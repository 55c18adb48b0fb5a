#include "tool/audit.h"

#include <errno.h>
#include <stdio.h>

#include "store/seal_file.h"
#include "tool/entries.h"

#define SEALS_PAGE 16

/* --- list ----------------------------------------------------------------------------------------- */

static bool list_entry(void *ctx, const struct journal_entry *e)
{
    static const char *const field[] = {"outcome", "type", "id", "reason", "flags", "sid"};
    struct out *o = ctx;

    out_text(o, "entry", slice_of(e->id));
    out_time(o, "at", entries_at(e));
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        struct slice value = journal_value(e, field[i]);
        if (value.n > 0)
            out_text(o, field[i], value);
        else
            out_none(o, field[i]);
    }
    out_end(o);
    return true;
}

static enum verdict list_them(struct call *c, struct host *h, const struct config_provider *p)
{
    static const char *const fields[] = {"outcome", "type", "id", NULL};

    return entries_list(c, h, p, JOURNAL_AUDIT, fields, list_entry, c->out);
}

static enum verdict list(struct call *c)
{
    return host_on_provider(c, list_them);
}

const struct verb verb_audit_list = {
    .name = "audit list",
    .operands = "",
    .help = "lists what happened, the oldest first",
    .option =
        (const struct option_row[]){
            HOST_PROVIDER_OPTION,
            {"outcome", "WORD", "only accepted, duplicate, conflict, limited or invalid", false},
            {"type", "NAME", "only events of that type", false},
            {"id", "ID", "only the event of that id", false},
            ENTRIES_LIST_OPTIONS,
            {0}},
    .run = list,
};

/* --- export --------------------------------------------------------------------------------------- */

static enum verdict copy_list(struct call *c, struct host *h, const struct config_provider *p,
                              struct audit_turn *turn, enum journal_list which)
{
    char last[SEAL_ID_ROOM] = "";
    size_t n = 1;

    /* What cannot be written ends it; main says so. */
    while (n > 0 && out_is_wanted(c->out)) {
        struct journal j = host_journal(h, p);
        struct journal_range range = {
            .after = last, .max = which == JOURNAL_SEALS ? SEALS_PAGE : JOURNAL_PAGE_MAX};
        struct journal_page page;
        struct fail why;
        if (!audit_turn_keep(turn, &why) || !journal_read(&j, which, &range, &page, &why))
            return call_end(c, VERDICT_AWAY, "%s", why.text);
        n = page.n;
        for (size_t i = 0; i < n && seal_file_write(stdout, which, &page.entry[i]); i++)
            ;
        if (n > 0)
            (void)snprintf(last, sizeof last, "%s", page.entry[n - 1].id);
    }
    return VERDICT_DONE;
}

static enum verdict export_all(struct call *c, struct host *h, const struct config_provider *p)
{
    struct audit_turn turn;
    enum verdict v = VERDICT_AWAY;

    if (audit_turn_take(c, h, p, &turn)) {
        (void)seal_file_begin(stdout, p->name);
        v = copy_list(c, h, p, &turn, JOURNAL_SEALS);
        if (v == VERDICT_DONE)
            v = copy_list(c, h, p, &turn, JOURNAL_AUDIT);
    }
    audit_turn_leave(&turn);
    return v;
}

static enum verdict export_it(struct call *c)
{
    return host_on_provider(c, export_all);
}

const struct verb verb_audit_export = {
    .name = "audit export",
    .operands = "",
    .help = "prints the audit and its seals, a JSON object a line, to be verified elsewhere",
    .option = (const struct option_row[]){HOST_PROVIDER_OPTION, {0}},
    .run = export_it,
};
