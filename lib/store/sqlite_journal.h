/* sqlite_journal: questions and transactions of the operator's tool. Private to
 * lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_JOURNAL_H
#define GUICHET_STORE_SQLITE_JOURNAL_H

#include "store/sqlite_store.h"

/* Opens the connection. The functions below are called only after it. */
bool sqlite_journal_open(const struct journal *j, struct fail *why);

/* A transaction. sqlite_journal_end commits it if rc is SQLITE_OK or SQLITE_DONE, else takes it back
 * and says why. */
bool sqlite_journal_begin(const struct journal *j, struct fail *why);
bool sqlite_journal_end(const struct journal *j, int rc, struct fail *why);

/* Without a transaction: whether rc is none of an error. */
bool sqlite_journal_judge(const struct journal *j, int rc, struct fail *why);

/* Runs a statement to its end; *changed, if not NULL, gets how many rows it changed. SQLite's result
 * code, SQLITE_OK if it is sound. */
int sqlite_journal_run(const struct journal *j, const char *sql, const struct sqlite_value *value,
                       size_t n, int64_t *changed);

/* The first number that a query finds; `none` if it finds nothing. */
int sqlite_journal_number(const struct journal *j, const char *sql,
                          const struct sqlite_value *value, size_t n, int64_t none, int64_t *out);

/* Prepares a query; the caller steps and finalizes it. */
int sqlite_journal_query(const struct journal *j, const char *sql, const struct sqlite_value *value,
                         size_t n, struct sqlite3_stmt **out);

/* A column in the journal's memory, numbers as text; p == NULL: no room. */
struct slice sqlite_journal_column(const struct journal *j, struct sqlite3_stmt *row, int column);

/* The row as an entry: column 0 is the entry, the others, which have the names of the fields, are
 * left out where they are NULL. SQLITE_OK, or SQLITE_NOMEM. */
int sqlite_journal_entry(const struct journal *j, struct sqlite3_stmt *row,
                         struct journal_entry *out);

/* sqlite_object.c: of struct journal_ops, what concerns objects. */
bool sqlite_object_record(const struct journal *j, const char *key, struct journal_entry *out,
                          struct fail *why);
bool sqlite_object_history(const struct journal *j, const char *key, struct slice **text, size_t *n,
                           struct fail *why);
bool sqlite_object_keys(const struct journal *j, const char *prefix, uint64_t *cursor,
                        struct slice **key, size_t *n, struct fail *why);
bool sqlite_object_forget(const struct journal *j, const char *const *key, size_t n,
                          int64_t *removed, struct fail *why);

int64_t sqlite_journal_now_us(const struct journal *j);

static inline struct sqlite_value sqlite_journal_provider(const struct journal *j)
{
    return sqlite_text(slice_of(j->provider));
}

#endif
