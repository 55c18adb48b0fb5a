/* sqlite_trouble: why the file could not be used, as the result of a member. Private to
 * lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_TROUBLE_H
#define GUICHET_STORE_SQLITE_TROUBLE_H

#include "store/store.h"

struct sqlite3;

struct sqlite_trouble {
    enum store_code code; /* STORE_UNAVAILABLE or STORE_FAULT */
    const char *word;
    int64_t retry_after_us;
    char text[STORE_REASON_MAX];
};

/* Of a result code of SQLite; db may be NULL, and says more if it is not. */
void sqlite_trouble_of(struct sqlite_trouble *t, int rc, struct sqlite3 *db);

/* Of a path that is not as it must be: STORE_UNAVAILABLE with that word. Returns false. */
__attribute__((format(printf, 3, 4))) bool
sqlite_trouble_set(struct sqlite_trouble *t, const char *word, const char *format, ...);

void sqlite_trouble_result(const struct sqlite_trouble *t, struct store_result *r);
void sqlite_trouble_explain(const struct sqlite_trouble *t, struct fail *out);

#endif
