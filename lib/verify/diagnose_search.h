/* diagnose_search: which combination of mistakes makes the digest that was shown. For diagnose.c
 * alone. */
#ifndef GUICHET_VERIFY_DIAGNOSE_SEARCH_H
#define GUICHET_VERIFY_DIAGNOSE_SEARCH_H

#include "verify/diagnose.h"
#include "verify/diagnose_digest.h"

/* What the request shows; slices may be empty. */
struct diagnose_shown {
    struct diagnose_digest digest[DIAGNOSE_DIGESTS_MAX];
    size_t ndigests;
    struct slice id, time;
};

/* Adds to *out. Whether a combination fits; its text stays empty where there is no mistake. */
bool diagnose_search(const struct diagnose_case *c, const struct diagnose_shown *shown,
                     struct diagnosis *out);

/* Adds a sentence to the text. */
__attribute__((format(printf, 2, 3))) void diagnose_say(struct diagnosis *out, const char *format,
                                                        ...);

#endif
