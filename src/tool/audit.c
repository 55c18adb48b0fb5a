#include "tool/audit.h"

#include <errno.h>
#include <stdio.h>

#include "store/seal_file.h"
#include "tool/entries.h"

#define LIST_DEFAULT 100
#define LIST_MAX     1000000000
#define SEALS_PAGE   16

/* --- list ----------------------------------------------------------------------------------------- */

struct listing {
    const char *outcome, *type, *id;
    int64_t since_us;
    long long left;
};

static void list_entry(struct call *c, struct listing *l, const struct journal_entry *e)
{
    static const char *const field[] = {"outcome", "type", "id", "reason", "flags", "sid"};
    struct out *o = c->out;

    if ((l->outcome != NULL && !slice_is(journal_value(e, "outcome"), l->outcome)) ||
        (l->type != NULL && !slice_is(journal_value(e, "type"), l->type)) ||
        (l->id != NULL && !slice_is(journal_value(e, "id"), l->id)) || entries_at(e) < l->since_us)
        return;
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
    l->left--;
}

/* From the newest back; or, behind an entry, onwards. */
static enum verdict list_all(struct call *c, struct host *h, const struct config_provider *p,
                             struct listing *l)
{
    const char *after = call_option(c, "after");
    char last[SEAL_ID_ROOM] = "";
    bool on = true;

    if (after != NULL)
        (void)snprintf(last, sizeof last, "%s", after);
    while (on && l->left > 0) {
        struct journal j = host_journal(h, p);
        struct journal_range range = {.max = JOURNAL_PAGE_MAX, .backwards = after == NULL};
        struct journal_page page;
        struct fail why;
        if (after != NULL)
            range.after = last;
        else
            range.until = last;
        if (!journal_read(&j, JOURNAL_AUDIT, &range, &page, &why))
            return call_end(c, VERDICT_AWAY, "%s", why.text);
        on = page.n == JOURNAL_PAGE_MAX;
        /* Backwards a page begins with the last entry of the one before. */
        for (size_t i = after == NULL && last[0] != '\0'; i < page.n && l->left > 0; i++) {
            list_entry(c, l, &page.entry[i]);
            on = on && (after != NULL || entries_at(&page.entry[i]) >= l->since_us);
        }
        if (page.n > 0)
            (void)snprintf(last, sizeof last, "%s", page.entry[page.n - 1].id);
    }
    return VERDICT_DONE;
}

static enum verdict list(struct call *c)
{
    struct listing l = {
        .outcome = call_option(c, "outcome"),
        .type = call_option(c, "type"),
        .id = call_option(c, "id"),
        .since_us = INT64_MIN,
    };
    const struct config_provider *p;
    struct host h;
    enum verdict v;

    if (!entries_time(c, "since", &l.since_us) ||
        !call_number(c, "max", 1, LIST_MAX, LIST_DEFAULT, &l.left))
        return VERDICT_USAGE;
    v = host_open_store(c, &h);
    if (v == VERDICT_DONE) {
        p = host_provider(c, &h, call_option(c, "provider"));
        v = p != NULL ? list_all(c, &h, p, &l) : VERDICT_USAGE;
    }
    host_close(&h);
    return v;
}

const struct verb verb_audit_list = {
    .name = "audit list",
    .operands = "",
    .help = "lists what happened, the newest first; with --after onwards from there",
    .option =
        (const struct option_row[]){
            HOST_PROVIDER_OPTION,
            {"outcome", "WORD", "only accepted, duplicate, conflict, limited or invalid", false},
            {"type", "TYPE", "only events of that type", false},
            {"id", "ID", "only the event of that id", false},
            ENTRIES_SINCE_OPTION,
            {"after", "ENTRY", "only the entries behind that one, the oldest first", false},
            {"max", "N", "at most so many; default 100", false},
            {0}},
    .run = list,
};

/* --- export --------------------------------------------------------------------------------------- */

static enum verdict copy_list(struct call *c, struct host *h, const struct config_provider *p,
                              struct audit_turn *turn, enum journal_list which)
{
    char last[SEAL_ID_ROOM] = "";
    size_t n = 1;

    while (n > 0) {
        struct journal j = host_journal(h, p);
        struct journal_range range = {
            .after = last, .max = which == JOURNAL_SEALS ? SEALS_PAGE : JOURNAL_PAGE_MAX};
        struct journal_page page;
        struct fail why;
        if (!audit_turn_keep(turn, &why) || !journal_read(&j, which, &range, &page, &why))
            return call_end(c, VERDICT_AWAY, "%s", why.text);
        n = page.n;
        for (size_t i = 0; i < n; i++)
            if (!seal_file_write(stdout, which, &page.entry[i]))
                return call_end(c, VERDICT_AWAY, "cannot write: %s", strerror(errno));
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
        v = seal_file_begin(stdout, p->name)
                ? VERDICT_DONE
                : call_end(c, VERDICT_AWAY, "cannot write: %s", strerror(errno));
        if (v == VERDICT_DONE)
            v = copy_list(c, h, p, &turn, JOURNAL_SEALS);
        if (v == VERDICT_DONE)
            v = copy_list(c, h, p, &turn, JOURNAL_AUDIT);
    }
    audit_turn_leave(&turn);
    return v;
}

static enum verdict export(struct call *c) {
    const struct config_provider *p; struct host h; enum verdict v = host_open_store(c, &h);

    if (v == VERDICT_DONE){p = host_provider(c, &h, call_option(c, "provider"));
                           v = p != NULL ? export_all(c, &h, p) : VERDICT_USAGE;}
host_close(&h);
return v;
}

const struct verb verb_audit_export = {
    .name = "audit export",
    .operands = "",
    .help = "prints the audit and its seals, a JSON object a line, to be verified elsewhere",
    .option = (const struct option_row[]){HOST_PROVIDER_OPTION, {0}},
    .run = export,
};
