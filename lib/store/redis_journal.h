/* redis_journal: store/journal.h on Redis; private to lib/store/redis*.c. */
#ifndef GUICHET_STORE_REDIS_JOURNAL_H
#define GUICHET_STORE_REDIS_JOURNAL_H

#include "store/journal.h"

/* The lists are streams (guichet:{provider}:events ...), records hashes, histories lists, a lease the
 * string guichet:{provider}:lease:<name>, which expires. Needs Redis 6.2 for XTRIM MINID. */
extern const struct journal_ops redis_journal;

#endif
