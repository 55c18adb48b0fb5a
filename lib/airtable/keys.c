#include "airtable/keys.h"

#include <stdio.h>

bool airtable_id_is(struct slice id, const char *prefix)
{
    if (id.n <= strlen(prefix) || id.n > AIRTABLE_ID_MAX || !slice_begins(id, prefix))
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

void airtable_key(char out[static AIRTABLE_KEY_MAX], const char *kind, const char *id,
                  const char *generation, const char *table)
{
    (void)snprintf(out, AIRTABLE_KEY_MAX, "%s:%s%s%s%s%s", kind, id, generation != NULL ? ":" : "",
                   generation != NULL ? generation : "", table != NULL ? ":" : "",
                   table != NULL ? table : "");
}
