/* hooks: what is known of hooks, here and at Airtable. Private to lib/airtable. */
#ifndef GUICHET_AIRTABLE_HOOKS_H
#define GUICHET_AIRTABLE_HOOKS_H

#include "airtable/base.h"

#define HOOK_LOST "LOST" /* as the error of one that Airtable does not know any more */

/* The field that says that a hook is none of this base. */
void hooks_foreign(const struct airtable *a, char out[static AIRTABLE_KEY_MAX]);

/* Those that are known here: of which a ping was received, or that were made here, for this base. */
bool hooks_known(struct airtable *a, struct airtable_hook out[static AIRTABLE_HOOKS_MAX], size_t *n,
                 struct fail *why);
/* Those and what the API lists. */
enum airtable_outcome hooks_read(struct airtable *a,
                                 struct airtable_hook out[static AIRTABLE_HOOKS_MAX], size_t *n,
                                 struct fail *why);

/* Notes when the first of the hooks ends (keys.h, expiry). With dead ones alone what was noted last stays,
 * so that an alert goes on; without any there is nothing to tell. */
bool hooks_note_expiry(struct airtable *a, const struct airtable_hook *hook, size_t n,
                       struct fail *why);

#endif
