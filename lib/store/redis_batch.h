/* redis_batch: a batch as the arguments of the commit script (commit.lua says which). */
#ifndef GUICHET_STORE_REDIS_BATCH_H
#define GUICHET_STORE_REDIS_BATCH_H

#include "store/store.h"

/* Grows to the largest batch it was given and is used again. */
struct redis_batch {
    const char **argv; /* [0] and [1] are left to the caller: EVALSHA and the digest */
    size_t *length;
    size_t argc;
    size_t argv_room;
    char *text; /* what the arguments need that lies nowhere else */
    size_t text_used;
    size_t text_room;
};

#define REDIS_BATCH_INIT ((struct redis_batch){.argv = NULL})

/* scope stands behind the provider's prefix in every key: "" or "selftest:". The arguments are
 * valid as long as the members and until the next call. False when memory is short. */
bool redis_batch_compose(struct redis_batch *b, const struct store_batch *batch, const char *scope);
void redis_batch_free(struct redis_batch *b);

#endif
