/* Lightning payments: one record for each (direction, payment_hash), the user's totals and history. */
#include "events/table.h"

/* Bytes of a history entry: an id and a hash of EVENT_ID_MAX, each byte escaped to two, and the rest. */
#define ENTRY_MAX (4 * EVENT_ID_MAX + 256)

/* What differs between the two directions. */
struct direction {
    const char *name;
    const char *record; /* prefix of the payment's key */
    struct slice total, count;
};

static struct slice entry(const struct facts *f, const struct direction *d, struct change_list *out)
{
    struct buf text = BUF_INIT(ENTRY_MAX);

    buf_adds(&text, "{\"direction\":\"");
    buf_adds(&text, d->name);
    buf_adds(&text, "\",\"amount_msat\":");
    buf_add_slice(&text, facts_value(f, "amount_msat"));
    buf_adds(&text, ",\"payment_hash\":\"");
    buf_add_json(&text, facts_value(f, "payment_hash"), EVENT_ID_MAX);
    buf_adds(&text, "\",\"event_id\":\"");
    buf_add_json(&text, f->id, EVENT_ID_MAX);
    buf_adds(&text, "\",\"at\":\"");
    buf_add_slice(&text, f->at);
    buf_adds(&text, "\"}");
    return change_list_keep(out, &text);
}

static void pay(const struct facts *f, const struct direction *d, struct change_list *out)
{
    struct slice user_id = facts_value(f, "user_id");
    struct slice amount = facts_value(f, "amount_msat");
    struct slice user = change_list_join(out, "user:", user_id);
    /* The first two tell a repeated payment from another one under the same hash. */
    const struct change_field fields[] = {
        {SLICE_LITERAL("user_id"), user_id},
        {SLICE_LITERAL("amount_msat"), amount},
        {SLICE_LITERAL("event_id"), f->id},
        {SLICE_LITERAL("at"), f->at},
    };

    change_list_create_once(out, change_list_join(out, d->record, facts_value(f, "payment_hash")),
                            fields, 4, 2);
    change_list_add(out, user, d->total, amount);
    change_list_add(out, user, d->count, SLICE_LITERAL("1"));
    change_list_append(out, change_list_join(out, "payments:", user_id), entry(f, d, out));
}

void payment_received(const struct facts *f, struct change_list *out)
{
    const struct direction d = {"received", "payment:received:", SLICE_LITERAL("received_msat"),
                                SLICE_LITERAL("received_count")};

    pay(f, &d, out);
}

void payment_sent(const struct facts *f, struct change_list *out)
{
    const struct direction d = {"sent", "payment:sent:", SLICE_LITERAL("sent_msat"),
                                SLICE_LITERAL("sent_count")};

    pay(f, &d, out);
}
