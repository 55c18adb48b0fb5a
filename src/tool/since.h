/* since: the option --since of verbs that list what came. */
#ifndef GUICHET_TOOL_SINCE_H
#define GUICHET_TOOL_SINCE_H

#include <stdint.h>
#include "store/journal.h"
#include "tool/verb.h"

#define SINCE_OPTION                                                                               \
    {                                                                                              \
        "since", "TIME", "only from then on, as 2025-10-15T10:30:00Z, or so long ago, as 2h",      \
            false                                                                                  \
    }

/* µs since 1970; INT64_MIN: it was not given. False: said why. */
bool since_read(const struct call *c, int64_t *out);

/* When an entry came: its field `at`, else what its id says. µs since 1970. */
int64_t since_at(const struct journal_entry *e);

#endif
