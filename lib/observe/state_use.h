/* state_use: when secrets verified something, read out of the state files of a folder, whoever they
 * belong to, without changing them. For the operator's tool. */
#ifndef GUICHET_OBSERVE_STATE_USE_H
#define GUICHET_OBSERVE_STATE_USE_H

#include "base/fail.h"
#include "observe/state.h"

struct state_use {
    unsigned files;               /* that were read; 0: nothing was counted yet */
    int64_t created_us;           /* of the oldest of them: nothing is known of the time before */
    struct state_secret_use *use; /* STATE_FINGERPRINTS_MAX for each file */
};

/* `types` as for state_open: files of another layout are passed over. A folder that is not there has
 * no files. 0, or -1 with cause and remedy: a folder or file that may not be read. *out is to be freed
 * in either case. */
int state_use_read(const char *dir, const char *const *types, size_t ntypes, struct state_use *out,
                   struct fail *why);
void state_use_free(struct state_use *u);

/* When the secret with this fingerprint verified something last; 0: never, as far as is known. */
int64_t state_use_last(const struct state_use *u, uint64_t fingerprint);

#endif
