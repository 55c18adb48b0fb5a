/* memory: the store in this process's memory, for tests; equal in meaning to the others. */
#ifndef GUICHET_STORE_MEMORY_H
#define GUICHET_STORE_MEMORY_H

#include "store/store.h"

/* NULL when memory is short. The clock is the store's own. */
struct store *memory_new(const struct clock *clock);

/* Makes the next commits fail with this word ("" ends it), as a store that is away does. */
void memory_fail(struct store *s, const char *word);

/* What a test looks at: a field of a record; the n-th entry from the start of a history, the
 * hand-off
 * ("events": id, type or body by `field`) or the quarantine. p == NULL if it is not there. */
struct slice memory_field(struct store *s, const char *provider, const char *key,
                          const char *field);
struct slice memory_history(struct store *s, const char *provider, const char *key, size_t n);
size_t memory_count(struct store *s, const char *provider, const char *list);
struct slice memory_entry(struct store *s, const char *provider, const char *list, size_t n,
                          const char *field);

#endif
