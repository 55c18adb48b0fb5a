/* trial: the batch of a self-test: an event with every verb, its duplicate, a conflict with it, a mark
 * and a note. */
#ifndef GUICHET_STORE_TRIAL_H
#define GUICHET_STORE_TRIAL_H

#include "store/store.h"

#define TRIAL_MEMBERS 5
#define TRIAL_CHANGES 7

struct trial {
    struct store_provider provider;
    struct change change[TRIAL_CHANGES];
    struct change_field field;
    struct store_member member[TRIAL_MEMBERS]; /* one batch, in this order */
    char id[2 * STORE_NONCE_BYTES + 1];
};

/* Fills *t for commits of that provider, under limits of the trial's own. *t must not be moved
 * afterwards. False when there are no random bytes to be had. */
bool trial_make(struct trial *t, const struct store_provider *real);

/* Whether the results are those of a sound store; else *failed is the first that is not, and `why`
 * says so. */
bool trial_judge(const struct trial *t, const struct store_result *result, size_t *failed,
                 struct fail *why);

#endif
