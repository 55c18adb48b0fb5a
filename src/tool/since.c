#include "tool/since.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/value.h"

bool since_read(const struct call *c, int64_t *out)
{
    const char *text = call_option(c, "since");
    int64_t ago_us;

    *out = INT64_MIN;
    if (text == NULL || rfc3339_parse(slice_of(text), out))
        return true;
    if (!value_duration(slice_of(text), &ago_us)) {
        (void)call_end(c, VERDICT_USAGE,
                       "--since must be a time, as 2025-10-15T10:30:00Z, or so long ago, as 2h");
        return false;
    }
    *out = clock_now_us(&clock_system) - ago_us;
    return true;
}

int64_t since_at(const struct journal_entry *e)
{
    int64_t at_us;

    if (text_to_i64(journal_value(e, "at"), &at_us))
        return at_us;
    return (int64_t)(strtoull(e->id, NULL, 10) % (INT64_MAX / 1000)) * 1000;
}
