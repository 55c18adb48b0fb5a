/* seal_make: sealing what came since the newest seal, and trimming what is sealed. */
#ifndef GUICHET_STORE_SEAL_MAKE_H
#define GUICHET_STORE_SEAL_MAKE_H

#include "store/seal.h"

enum seal_made {
    SEAL_MADE_NONE, /* there is nothing to seal */
    SEAL_MADE_ONE,
    SEAL_MADE_FULL,  /* and there may be more to seal at once */
    SEAL_MADE_RACED, /* another one was faster: to be tried again */
    SEAL_MADE_FAILED /* why */
};

/* What tells a seal: enough to be noted elsewhere. Where there was nothing to seal, the newest one;
 * number 0: there is none. */
struct seal_note {
    int64_t number, count, trimmed;
    char mac[SEAL_MAC_ROOM];
};

/* Makes one seal. With more than `limit` entries under seals (0: no limit) the oldest seals and their
 * entries are trimmed, whole seals only and as long as `limit` are left: after the new seal has said
 * so. Killed in between, the next one does it. The newest seal must be authentic, or nothing is done.
 * Any number may do this at once. */
enum seal_made seal_make(const struct journal *j, const struct seal_ring *r, int64_t limit,
                         int64_t now_us, struct seal_note *out, struct fail *why);

/* How long ago the newest seal was made, as it says; INT64_MAX: there is none. */
bool seal_make_age(const struct journal *j, int64_t now_us, int64_t *age_us, struct fail *why);

#endif
