#include "tool/outbox.h"

#include <stdlib.h>

#include "tool/list.h"
#include "tool/sending.h"

static const char *state_name(enum entry_state s)
{
    return s == ENTRY_WAITING ? "waiting" : "failed";
}

static void show(struct call *c, struct outbox *o, const struct entry_item *i,
                 const struct entry_content *e)
{
    char reason[OUTBOX_REASON_MAX] = "";

    if (i->state != ENTRY_WAITING)
        outbox_why(o, i, reason);
    out_text(c->out, "id", e->id);
    out_time(c->out, "at", (int64_t)i->number);
    sending_field(c->out, "event_type", e->type);
    sending_field(c->out, "timestamp", e->timestamp);
    out_text(c->out, "url", e->url);
    out_text(c->out, "state", slice_of(state_name(i->state)));
    out_number(c->out, "tries", i->tries);
    if (i->due_us > 0)
        out_time(c->out, "due", i->due_us);
    else
        out_none(c->out, "due");
    sending_field(c->out, "reason", slice_of(reason));
    out_end(c->out);
}

/* What is done to an entry; false: it was not there any more. */
typedef bool action(struct outbox *o, const struct entry_item *i);

static bool put_back(struct outbox *o, const struct entry_item *i)
{
    struct entry_item again = *i;

    again.state = ENTRY_WAITING;
    again.tries = 0;
    again.due_us = 0;
    if (!outbox_rename(o, i, &again))
        return false;
    outbox_note_why(o, i, "");
    return true;
}

/* Whether the operands name the entry, or --all means it. */
static bool is_meant(struct call *c, const struct entry_item *i, const struct entry_content *e,
                     bool *found)
{
    bool meant = false;

    if (c->noperands == 0)
        return i->state != ENTRY_WAITING;
    for (size_t k = 0; k < c->noperands; k++)
        if (slice_is(e->id, c->operand[k]))
            found[k] = meant = true;
    return meant;
}

static enum verdict do_to(struct call *c, struct outbox *o, const struct outbox_list *l,
                          action *act, bool *found)
{
    struct entry_content e;
    char *memory;

    for (size_t i = 0; i < l->n; i++) {
        if (outbox_read(o, &l->item[i], &e, &memory) != OUTBOX_READ)
            continue;
        if (is_meant(c, &l->item[i], &e, found) && act(o, &l->item[i])) {
            out_text(c->out, "id", e.id);
            out_text(c->out, "state", slice_of(act == put_back ? "waiting" : "dropped"));
            out_end(c->out);
        }
        free(memory);
    }
    if (!outbox_sync(o))
        return call_end(c, VERDICT_AWAY, "cannot sync %s", outbox_folder(o));
    for (size_t k = 0; k < c->noperands; k++)
        if (!found[k])
            return call_end(c, VERDICT_NO, "there is no event %s in %s", c->operand[k],
                            outbox_folder(o));
    return VERDICT_DONE;
}

static enum verdict change(struct call *c, action *act)
{
    bool all = call_option(c, "all-failed") != NULL, *found = NULL;
    struct outbox_list l = {NULL, 0, 0};
    struct outbox *o = NULL;
    enum verdict v;

    if (all == (c->noperands > 0))
        return call_end(c, VERDICT_USAGE,
                        "name the events by their ids, or all that failed by "
                        "--all-failed");
    o = sending_open_outbox(c, false, &v);
    if (o == NULL)
        return v;
    found = calloc(c->noperands + 1, sizeof *found);
    if (found == NULL || !outbox_list(o, &l))
        v = call_end(c, VERDICT_AWAY, "cannot list %s", outbox_folder(o));
    else
        v = do_to(c, o, &l, act, found);
    free(found);
    outbox_list_free(&l);
    outbox_close(o);
    return v;
}

static enum verdict retry(struct call *c)
{
    return change(c, put_back);
}

static enum verdict drop(struct call *c)
{
    return change(c, outbox_remove);
}

static void show_all(struct call *c, struct outbox *o, const struct outbox_list *l,
                     const struct list_order *order)
{
    bool failed = call_option(c, "failed") != NULL;
    const struct list_order all = {.newest = order->newest};
    struct entry_content e;
    size_t place, shown = 0;
    char *memory;

    for (size_t i = 0; (place = list_place(&all, i, l->n)) < l->n; i++) {
        if (order->max > 0 && shown == order->max)
            break;
        if ((failed && l->item[place].state == ENTRY_WAITING) ||
            outbox_read(o, &l->item[place], &e, &memory) != OUTBOX_READ)
            continue; /* or it has just been delivered */
        show(c, o, &l->item[place], &e);
        shown++;
        free(memory);
    }
}

static enum verdict list(struct call *c)
{
    struct list_order order;
    struct outbox_list l;
    struct outbox *o;
    enum verdict v;

    if (!list_order_read(c, &order))
        return VERDICT_USAGE;
    o = sending_open_outbox(c, false, &v);
    if (o == NULL)
        return v;
    if (outbox_list(o, &l)) {
        v = VERDICT_DONE;
        show_all(c, o, &l, &order);
        outbox_list_free(&l);
    } else {
        v = call_end(c, VERDICT_AWAY, "cannot list %s", outbox_folder(o));
    }
    outbox_close(o);
    return list_end(c, v);
}

static const struct option_row list_options[] = {
    SENDING_OUTBOX_OPTION,
    {"failed", NULL, "only those that failed for good", false},
    LIST_ORDER_OPTIONS,
    {NULL, NULL, NULL, false},
};

static const struct option_row change_options[] = {
    SENDING_OUTBOX_OPTION,
    {"all-failed", NULL, "all that failed for good, in place of ids", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_outbox_list = {
    "outbox list", "", "lists what an outbox holds, the oldest first", list_options, 0, 0, list};
const struct verb verb_outbox_retry = {
    "outbox retry", "[ID...]", "has events tried again, at once and from the start",
    change_options, 0,         -1,
    retry};
const struct verb verb_outbox_drop = {
    "outbox drop", "[ID...]", "takes events out: they are not sent any more", change_options, 0, -1,
    drop};
