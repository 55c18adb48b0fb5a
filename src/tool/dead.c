#include "tool/dead.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/text.h"
#include "tool/deliver.h"
#include "tool/entries.h"
#include "tool/event_line.h"

#define TIMEOUT_S     60
#define TIMEOUT_MAX_S 86400

/* --- list ------------------------------------------------------------------------------------- */

struct listing {
    struct call *c;
    struct buf line;
};

static bool show_row(void *ctx, const struct journal_entry *e)
{
    struct listing *l = ctx;
    struct out *o = l->c->out;
    int64_t deliveries = 0;

    (void)text_to_i64(journal_value(e, "deliveries"), &deliveries);
    out_text(o, "letter", slice_of(e->id));
    out_time(o, "at", entries_at(e));
    out_text(o, "group", journal_value(e, "group"));
    out_text(o, "reason", journal_value(e, "reason"));
    out_number(o, "deliveries", deliveries);
    out_text(o, "type", journal_value(e, "type"));
    out_text(o, "id", journal_value(e, "id"));
    if (out_is_json(o)) {
        buf_reset(&l->line);
        event_line_body(journal_value(e, "body"), &l->line);
        out_json(o, "body", l->line.n > 0 ? buf_slice(&l->line) : SLICE_LITERAL("null"));
    }
    out_end(o);
    return true;
}

static enum verdict list_them(struct call *c, struct host *h, const struct config_provider *p)
{
    static const char *const fields[] = {"group", "type", "user", NULL};
    struct listing l = {c, BUF_INIT(EVENT_LINE_MAX)};
    enum verdict v = entries_list(c, h, p, JOURNAL_DEAD, fields, show_row, &l);

    buf_free(&l.line);
    return v;
}

static enum verdict list(struct call *c)
{
    return host_on_provider(c, list_them);
}

static const struct option_row list_options[] = {
    HOST_PROVIDER_OPTION,
    {"group", "NAME", "only those of that consumer group", false},
    {"type", "NAME", "only events of that type", false},
    {"user", "ID", "only events of that user", false},
    ENTRIES_LIST_OPTIONS,
    {0}};

const struct verb verb_dead_list = {
    "dead list", "",  "lists events that consumers gave up, the oldest first", list_options, 0,
    0,           list};

/* --- retry ------------------------------------------------------------------------------------ */

struct retry {
    struct call *c;
    struct host *h;
    const struct config_provider *p;
    struct deliver deliver;
    const char *letter; /* NULL: all */
    int64_t done, failed;
    bool away;
};

static bool deliver_one(void *ctx, const struct journal_entry *e)
{
    struct retry *r = ctx;
    struct fail why = {""};
    const char *const id[1] = {e->id};
    int64_t deliveries = 0, removed;

    if (r->letter != NULL && strcmp(r->letter, e->id) != 0)
        return true;
    (void)text_to_i64(journal_value(e, "deliveries"), &deliveries);
    if (deliver_event(&r->deliver, e, deliveries + 1, &why) != DELIVER_DONE) {
        r->failed++;
        (void)call_end(r->c, VERDICT_NO, "letter %s: %s; it stays", e->id, why.text);
        return !command_stopped();
    }
    const struct journal j = {r->h->store, r->p->name, r->h->arena, HOST_TIMEOUT_MS};
    if (!journal_remove(&j, JOURNAL_DEAD, id, 1, &removed, &why)) {
        r->away = true;
        (void)call_end(r->c, VERDICT_AWAY, "letter %s was done but stays: %s", e->id, why.text);
        return false;
    }
    r->done++;
    return !command_stopped();
}

static enum verdict retry_them(struct call *c, struct host *h, const struct config_provider *p)
{
    struct retry r = {.c = c, .h = h, .p = p, .letter = call_option(c, "letter")};
    struct entries_walk walk = {.list = JOURNAL_DEAD, .visit = deliver_one, .ctx = &r};
    long long timeout_s;
    enum verdict v;

    if (!call_number(c, "timeout", 1, TIMEOUT_MAX_S, TIMEOUT_S, &timeout_s) ||
        (r.letter != NULL && !entries_is_id(c, r.letter)))
        return VERDICT_USAGE;
    r.deliver = (struct deliver){.argv = c->operand,
                                 .provider = p->name,
                                 .timeout_ms = timeout_s * 1000,
                                 .line = BUF_INIT(EVENT_LINE_MAX)};
    command_prepare();
    v = entries_walk(c, h, p, &walk);
    buf_free(&r.deliver.line);
    if (v == VERDICT_DONE && r.letter != NULL && r.done + r.failed == 0 && !r.away)
        (void)call_end(c, VERDICT_NO, "there is no dead letter %s", r.letter);
    if (v == VERDICT_DONE) {
        out_form(c->out, OUT_FACTS);
        out_number(c->out, "done", r.done);
        out_number(c->out, "failed", r.failed);
        out_end(c->out);
        v = r.away ? VERDICT_AWAY : r.failed > 0 || (r.letter && r.done == 0) ? VERDICT_NO : v;
    }
    return v;
}

static enum verdict retry(struct call *c)
{
    return host_on_provider(c, retry_them);
}

static const struct option_row retry_options[] = {
    HOST_PROVIDER_OPTION,
    {"letter", "LETTER", "that one alone", false},
    {"timeout", "SECONDS", "the command is killed after that; 60", false},
    {0}};

const struct verb verb_dead_retry = {"dead retry",
                                     "-- COMMAND [ARG...]",
                                     "hands each dead letter to a command, once; what is done goes",
                                     retry_options,
                                     1,
                                     -1,
                                     retry};

/* --- drop ------------------------------------------------------------------------------------- */

static enum verdict drop_them(struct call *c, struct host *h, const struct config_provider *p)
{
    struct fail why = {""};
    int64_t removed, total = 0;
    enum verdict v = VERDICT_DONE;

    if (!entries_operands_read(c))
        return VERDICT_USAGE;
    for (size_t i = 0; i < c->noperands; i++) {
        struct journal j = host_journal(h, p);
        if (!journal_remove(&j, JOURNAL_DEAD, &c->operand[i], 1, &removed, &why))
            return call_end(c, VERDICT_AWAY, "%s", why.text);
        if (removed == 0)
            v = call_end(c, VERDICT_NO, "there is no dead letter %s", c->operand[i]);
        total += removed;
    }
    out_form(c->out, OUT_FACTS);
    out_number(c->out, "removed", total);
    out_end(c->out);
    return v;
}

static enum verdict drop(struct call *c)
{
    return host_on_provider(c, drop_them);
}

static const struct option_row drop_options[] = {HOST_PROVIDER_OPTION, {0}};

const struct verb verb_dead_drop = {
    "dead drop", "LETTER...", "takes dead letters away", drop_options, 1, -1, drop};
