/* redis_batch: a batch as the command that runs the commit script (commit.lua says with what). */
#ifndef GUICHET_STORE_REDIS_BATCH_H
#define GUICHET_STORE_REDIS_BATCH_H

#include "base/buf.h"
#include "store/store.h"

/* The command in two parts, as they go over the wire. */
struct redis_batch {
    struct buf rest; /* the number of keys, the keys and the arguments */
    struct buf head; /* what comes before: how the script is called */
    size_t words;    /* in rest */
};

/* Bytes of a command; the largest batch with all its changes takes less. */
#define REDIS_BATCH_BYTES_MAX ((size_t)64 << 20)
#define REDIS_BATCH_INIT                                                                           \
    ((struct redis_batch){.rest = BUF_INIT(REDIS_BATCH_BYTES_MAX),                                 \
                          .head = BUF_INIT(REDIS_BATCH_BYTES_MAX)})

/* Composes rest. scope stands behind the provider's prefix in every key: "" or "selftest:". False when
 * memory is short. */
bool redis_batch_compose(struct redis_batch *b, const struct store_batch *batch, const char *scope);
/* Composes head: `EVAL <script>` or `EVALSHA <digest>`. False when memory is short. */
bool redis_batch_call(struct redis_batch *b, const char *command, struct slice script);
void redis_batch_free(struct redis_batch *b);

#endif
