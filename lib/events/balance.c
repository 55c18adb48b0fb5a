/* The user's balance. */
#include "events/table.h"

void balance_updated(const struct facts *f, struct change_list *out)
{
    change_list_set_newer(out, change_list_join(out, "user:", facts_value(f, "user_id")),
                          SLICE_LITERAL("balance"), facts_value(f, "new_balance"), 0);
}
