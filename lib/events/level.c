/* The user's level and points, and how they came about. */
#include "events/table.h"

/* Bytes of a history entry: an id of EVENT_ID_MAX, each byte escaped to two, and the rest. */
#define ENTRY_MAX (2 * EVENT_ID_MAX + 256)

static struct slice entry(const struct facts *f, struct change_list *out)
{
    struct buf text = BUF_INIT(ENTRY_MAX);

    buf_adds(&text, "{\"level\":");
    buf_add_slice(&text, facts_value(f, "new_level"));
    buf_adds(&text, ",\"points\":");
    buf_add_slice(&text, facts_value(f, "points"));
    buf_adds(&text, ",\"event_id\":\"");
    buf_add_json(&text, f->id, EVENT_ID_MAX);
    buf_adds(&text, "\",\"at\":\"");
    buf_add_slice(&text, f->at);
    buf_adds(&text, "\"}");
    return change_list_keep(out, &text);
}

void level_up(const struct facts *f, struct change_list *out)
{
    struct slice user_id = facts_value(f, "user_id");
    struct slice user = change_list_join(out, "user:", user_id);

    change_list_set_newer(out, user, SLICE_LITERAL("level"), facts_value(f, "new_level"), 0);
    change_list_set_newer(out, user, SLICE_LITERAL("points"), facts_value(f, "points"), 0);
    change_list_append(out, change_list_join(out, "levels:", user_id), entry(f, out));
}
