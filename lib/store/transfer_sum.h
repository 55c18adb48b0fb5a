/* transfer_sum: what two walks over a provider's part have in common: of each kind of item how many there
 * are, and a digest that does not depend on their order.
 *
 * The digest of a kind is the sum of the SHA-256 of its items, each over the key and, in the order of
 * their names, the fields. Moments are compared by their sums, for stores keep them to the ms, and some tell
 * them only about. Ids that end before the horizon are only counted: some of them will be gone when
 * the other store is asked. */
#ifndef GUICHET_STORE_TRANSFER_SUM_H
#define GUICHET_STORE_TRANSFER_SUM_H

#include "store/transfer.h"

#define TRANSFER_DIGEST_WORDS 4
#define TRANSFER_DIGEST_ROOM  33         /* as it is shown: the first 16 bytes */
#define TRANSFER_SEEN_MAX     (1u << 28) /* items of a store that gives some twice */

struct transfer_kind_sum {
    int64_t n;
    uint64_t digest[TRANSFER_DIGEST_WORDS];
    uint64_t moments_ms;
};

struct transfer_seen;

struct transfer_sum {
    struct transfer_kind_sum part[TRANSFER_PARTS];
    int64_t expiring; /* ids that end before the horizon */
    int64_t horizon_us;
    struct transfer_seen *seen; /* items so far, of a store that gives some twice; else NULL */
};

/* Walks over all that the provider has; the journal's arena is reset with every page. `stopped` (may be
 * NULL) ends it early, as a failure. *out is freed by transfer_sum_free in any case. */
bool transfer_sum_take(const struct journal *j, int64_t horizon_us, bool (*stopped)(void),
                       struct transfer_sum *out, struct fail *why);
void transfer_sum_free(struct transfer_sum *s);

/* Adds an item; false: no memory. */
bool transfer_sum_add(struct transfer_sum *s, const struct transfer_item *item);

bool transfer_sum_same(const struct transfer_sum *from, const struct transfer_sum *to,
                       enum transfer_part part);
void transfer_sum_show(const struct transfer_sum *s, enum transfer_part part,
                       char out[static TRANSFER_DIGEST_ROOM]);

#endif
