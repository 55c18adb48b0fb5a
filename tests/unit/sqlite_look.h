/* sqlite_look: how tests look into a store in a file, beside it. */
#ifndef GUICHET_TESTS_SQLITE_LOOK_H
#define GUICHET_TESTS_SQLITE_LOOK_H

#include "unit/store_conformance.h"

/* Of the file at `path`; opened when it is first asked. */
struct sqlite_look {
    char path[512];
    struct sqlite3 *db;
};

void sqlite_look_close(struct sqlite_look *l);

/* What one query finds in its first row and column, as text or number; -1: nothing. `p1` and `p2` may
 * be NULL. */
bool sqlite_look_text(struct sqlite_look *l, struct buf *out, const char *sql, const char *p1,
                      const char *p2);
int64_t sqlite_look_number(struct sqlite_look *l, const char *sql, const char *p1, const char *p2);

/* Runs what has no result. */
void sqlite_look_run(struct sqlite_look *l, const char *sql);

/* For struct store_look; ctx is a struct sqlite_look. */
bool sqlite_look_field(void *ctx, const char *provider, const char *key, const char *field,
                       struct buf *out);
bool sqlite_look_history(void *ctx, const char *provider, const char *key, size_t n,
                         struct buf *out);
bool sqlite_look_entry(void *ctx, const char *provider, const char *list, size_t n,
                       const char *field, struct buf *out);
size_t sqlite_look_count(void *ctx, const char *provider, const char *list);
long sqlite_look_repeats(void *ctx, const char *provider, const char *reason,
                         const uint8_t *body_sha256);

#endif
