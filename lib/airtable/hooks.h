/* hooks: what Airtable tells of hooks. Private to lib/airtable. */
#ifndef GUICHET_AIRTABLE_HOOKS_H
#define GUICHET_AIRTABLE_HOOKS_H

#include "airtable/base.h"

/* Those that are known here (airtable/known.h), and what the API lists. */
enum airtable_outcome hooks_read(struct airtable *a,
                                 struct airtable_hook out[static AIRTABLE_HOOKS_MAX], size_t *n,
                                 struct fail *why);

/* Notes when the first of the hooks ends (keys.h, expiry). With dead ones alone what was noted last stays,
 * so that an alert goes on; without any there is nothing to tell. */
bool hooks_note_expiry(struct airtable *a, const struct airtable_hook *hook, size_t n,
                       struct fail *why);

#endif
