/* known: what the store alone tells of a base's hooks. Private to lib/airtable. */
#ifndef GUICHET_AIRTABLE_KNOWN_H
#define GUICHET_AIRTABLE_KNOWN_H

#include "airtable/airtable.h"
#include "airtable/keys.h"

#define HOOK_LOST "LOST" /* as the error of one that Airtable does not know any more */

/* The field that says that a hook is none of this base. */
void known_foreign(const char *base, char out[static AIRTABLE_KEY_MAX]);

/* Those that are known here: of which a ping was received, or that were made here, for this base. */
bool known_hooks(const struct journal *j, const char *base,
                 struct airtable_hook out[static AIRTABLE_HOOKS_MAX], size_t *n, struct fail *why);

/* What the record of h->id says; h->pinged_us is set. A hook of another base is not known. */
bool known_read(const struct journal *j, const char *base, struct airtable_hook *h,
                struct fail *why);

/* The hook of that id among n; NULL: it is no id, or there is no more room. */
struct airtable_hook *known_find_or_add(struct airtable_hook hook[static AIRTABLE_HOOKS_MAX],
                                        size_t *n, struct slice id);

#endif
