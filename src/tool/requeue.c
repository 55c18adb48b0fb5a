#include <inttypes.h>

#include "tool/quarantine.h"

struct requeueing {
    struct call *c;
    struct receiver *receiver;
    const char *reason; /* NULL: any */
    bool dry_run;
    size_t tried, stay;
    struct fail away; /* the store gave no answer */
};

static void tell(struct requeueing *q, const struct journal_entry *e, const struct requeued *r)
{
    static const char *const became[] = {
        [REQUEUE_DONE] = "accepted",
        [REQUEUE_KNOWN] = "known",
        [REQUEUE_STAYS] = "stays",
        [REQUEUE_AWAY] = "stays",
    };
    struct out *o = q->c->out;
    const char *what = r->code == REQUEUE_DONE && q->dry_run ? "would pass" : became[r->code];

    out_text(o, "entry", slice_of(e->id));
    out_text(o, "became", slice_of(what));
    out_text(o, "type", journal_value(e, "type"));
    out_text(o, "id", journal_value(e, "id"));
    if (r->reason[0] != '\0')
        out_text(o, "reason", slice_of(r->reason));
    else
        out_none(o, "reason");
    out_text(o, "detail",
             slice_of(r->by_another ? "another one let it in at the same time" : r->detail));
    out_end(o);
}

static bool requeue_entry(void *ctx, const struct journal *j, const struct journal_entry *e)
{
    struct requeueing *q = ctx;
    struct requeued r;

    if (q->reason != NULL && !slice_is(journal_value(e, "reason"), q->reason))
        return true;
    q->tried++;
    if (!receiver_requeue(q->receiver, j, e, q->dry_run, &r, &q->away)) {
        tell(q, e, &r);
        return false;
    }
    q->stay += r.code == REQUEUE_STAYS;
    tell(q, e, &r);
    return true;
}

static enum verdict requeue_all(struct call *c, struct host *h, struct requeueing *q)
{
    const struct config_provider *p = host_provider(c, h, call_option(c, "provider"));
    struct fail why = {""};
    enum verdict v;

    if (p == NULL)
        return VERDICT_USAGE;
    if (p->retired)
        return call_end(c, VERDICT_USAGE, "%s is retired; nothing of it is applied any more",
                        p->name);
    q->receiver = program_receiver(&h->program, &why);
    if (q->receiver == NULL)
        return call_end(c, VERDICT_USAGE, "%s", why.text);
    v = quarantine_walk(c, h, p, requeue_entry, q);
    receiver_free(q->receiver);
    if (v == VERDICT_USAGE)
        return v;
    if (q->away.text[0] != '\0')
        return call_end(c, VERDICT_AWAY,
                        "%s; what was not reached stays in quarantine, run it again", q->away.text);
    out_say(c->out, "%zu tried, %zu %s, %zu stay", q->tried, q->tried - q->stay,
            q->dry_run ? "would pass" : "let in", q->stay);
    return v == VERDICT_DONE && q->stay > 0 ? VERDICT_NO : v;
}

static enum verdict requeue(struct call *c)
{
    struct requeueing q = {
        .c = c,
        .reason = call_option(c, "reason"),
        .dry_run = call_option(c, "dry-run") != NULL,
    };
    bool all = call_option(c, "all") != NULL;
    struct host h;
    enum verdict v;

    if ((c->noperands > 0) + all + (q.reason != NULL) != 1)
        return call_end(c, VERDICT_USAGE, "say which: entries by their ids, --reason, or --all");
    v = host_open_store(c, &h);
    if (v == VERDICT_DONE)
        v = requeue_all(c, &h, &q);
    host_close(&h);
    return v;
}

const struct verb verb_quarantine_requeue = {
    .name = "quarantine requeue",
    .operands = "[ENTRY...]",
    .help = "lets in again what passes now, each at most once",
    .option =
        (const struct option_row[]){HOST_PROVIDER_OPTION,
                                    {"all", NULL, "all entries, the oldest first", false},
                                    {"reason", "REASON", "all that were refused for it", false},
                                    {"dry-run", NULL, "judge them, commit nothing", false},
                                    {0}},
    .least = 0,
    .most = -1,
    .run = requeue,
};
