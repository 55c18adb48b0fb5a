/* redis_transfer: store/transfer.h on Redis. Private to lib/store/redis*.c. */
#ifndef GUICHET_STORE_REDIS_TRANSFER_H
#define GUICHET_STORE_REDIS_TRANSFER_H

#include "store/redis_journal.h"
#include "store/transfer.h"

/* redis_transfer_read.c */
bool redis_transfer_read(const struct journal *j, struct transfer_place *place,
                         struct transfer_page *out, struct fail *why);
bool redis_transfer_counters(const struct journal *j, struct transfer_item *item, bool *superseded,
                             struct fail *why);

/* redis_transfer_objects.c: STAGE_OBJECTS. */
bool redis_transfer_objects(const struct journal *j, struct transfer_place *place,
                            struct transfer_page *out, struct fail *why);

/* redis_transfer_write.c */
bool redis_transfer_write(const struct journal *j, const struct transfer_item *item, size_t n,
                          struct fail *why);

/* What a key is, by its name behind the provider's prefix. */
enum redis_transfer_key {
    REDIS_KEY_OBJECT, /* a record or a history */
    REDIS_KEY_ID,
    REDIS_KEY_LIST, /* a list, its index or the window, which have stages of their own */
    REDIS_KEY_PASSING /* of a lease, of a self-test, the mark, an order (made anew): not transferred */
};
enum redis_transfer_key redis_transfer_key(struct slice name);

/* "guichet:{provider}:*" */
bool redis_transfer_pattern(const struct journal *j, char out[static REDIS_JOURNAL_KEY_ROOM],
                            struct fail *why);

/* Whether an answer has so many parts of these types, and says so if not. '$' a text, ':' a number, '*' a
 * row, ' ' any. */
bool redis_transfer_shape(const struct redisReply *r, const char *types, struct fail *why);
/* A text of an answer in the journal's memory; p == NULL: no memory. */
struct slice redis_transfer_text(const struct journal *j, const struct redisReply *r);

#endif
