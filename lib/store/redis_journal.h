/* redis_journal: store/journal.h on Redis; private to lib/store/redis*.c. */
#ifndef GUICHET_STORE_REDIS_JOURNAL_H
#define GUICHET_STORE_REDIS_JOURNAL_H

#include "store/group.h"

/* The lists are streams (guichet:{provider}:events ...), records hashes, histories lists, a lease the
 * string guichet:{provider}:lease:<name>, which expires. Needs Redis 6.2 for XTRIM MINID. */
extern const struct journal_ops redis_journal;
extern const struct group_ops redis_group;
extern const struct transfer_ops redis_transfer;

struct redisReply;

#define REDIS_JOURNAL_KEY_ROOM 1024

/* The key of a list or an object of the provider. False: it is too long. */
bool redis_journal_key(const struct journal *j, const char *name,
                       char out[static REDIS_JOURNAL_KEY_ROOM], struct fail *why);
/* One command to the provider's server; an answer of another type than `type` (or nil) is a failure
 * too. */
struct redisReply *redis_journal_ask(const struct journal *j, const char *const *word, size_t n,
                                     int type, struct fail *why);
bool redis_journal_number(const struct journal *j, const char *const *word, size_t n, int64_t *out,
                          struct fail *why);
/* An entry of a stream, copied to the arena. */
bool redis_journal_entry(const struct journal *j, const struct redisReply *r,
                         struct journal_entry *out, struct fail *why);

#endif
