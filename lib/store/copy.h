/* copy: moves providers from one store to another, so that nothing of what was answered is forgotten.
 *
 *  1. Looks: both stores are there and sound, the source holds no half copy, the destination nothing of
 *     these providers, but perhaps a half copy.
 *  2. Closes the source (store/transfer.h). From here on events are answered 503 and sent again by their
 *     senders, and what is known is still answered as it was; nothing can be accepted that would be left
 *     behind.
 *  3. Closes the destination, takes a half copy out of it, and fills it.
 *  4. Reads both anew, and compares them, and each with its own counts.
 *  5. Only if all providers are alike: leaves the source closed for good, and opens the destination.
 *
 * Where that fails, the source is as it was before, and what is in the destination is a half copy, which
 * nobody can write to and the next attempt takes away. A process that is killed leaves the source closed;
 * the next attempt, or copy_open, goes on from there. */
#ifndef GUICHET_STORE_COPY_H
#define GUICHET_STORE_COPY_H

#include "store/transfer_sum.h"

/* How a destination that is being filled is marked. */
#define COPY_HALF "filled from "

enum copy_end {
    COPY_DONE,
    COPY_REFUSED, /* not with these stores as they are: nothing was changed */
    COPY_DIFFERS, /* a provider is not alike in both */
    COPY_FAILED   /* a store gave no answer, cannot hold an item, or it was told to stop */
};

/* What was found of one kind of items. */
struct copy_row {
    const char *provider, *what;
    int64_t from, to;                       /* to -1: not copied */
    char from_digest[TRANSFER_DIGEST_ROOM]; /* "": the kind is only counted */
    char to_digest[TRANSFER_DIGEST_ROOM];
    bool same;
};

struct copy {
    struct store *from, *to;
    const char *from_address, *to_address; /* as messages may show them */
    struct arena *arena;                   /* one page of either store */
    int64_t timeout_ms;                    /* of each operation */
    const struct clock *clock;
    bool only_look; /* steps 1 and 4, of the source alone: nothing is changed */
    bool (*stopped)(void);
    void (*report)(void *ctx, const struct copy_row *row);
    void *ctx;
};

/* Looks through the source; the providers are those that are in `names`, or, if there are none, all that it
 * holds. COPY_REFUSED: it is damaged. */
enum copy_end copy_begin(const struct copy *c, struct transfer_names *names, struct fail *why);

/* Of a source that copy_begin looked through. */
enum copy_end copy_run(const struct copy *c, const struct transfer_names *names, struct fail *why);

/* Opens a provider's part that was closed. *mark gets what it was closed with, "" if it was open.
 * COPY_REFUSED: it holds a half copy. */
enum copy_end copy_open(const struct journal *j, char mark[static TRANSFER_MARK_MAX],
                        struct fail *why);

#endif
