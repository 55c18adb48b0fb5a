/* sqlite_sql: the statements of a commit and of a step, each prepared once a connection. Private to
 * lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_SQL_H
#define GUICHET_STORE_SQLITE_SQL_H

#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

struct sqlite3;
struct sqlite3_stmt;

enum sqlite_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVE,
    SQL_RELEASE,
    SQL_UNDO,
    SQL_CLOSED,
    SQL_ID_GET,
    SQL_ID_PUT,
    SQL_IDS_EXPIRE,
    SQL_RATE_LAST,
    SQL_RATE_GET,
    SQL_RATE_MEND,
    SQL_RATE_ADD,
    SQL_RATE_TRIM,
    SQL_RATE_USED,
    SQL_LIST,
    SQL_EVENT_ADD,
    SQL_AUDIT_ADD,
    SQL_AUDIT_TRIM,
    SQL_QUARANTINE_GET,
    SQL_QUARANTINE_ADD,
    SQL_QUARANTINE_REPEAT,
    SQL_KEY_KIND,
    SQL_FIELD_GET,
    SQL_FIELD_PUT,
    SQL_FIELD_DROP,
    SQL_RECORD_DROP,
    SQL_HISTORY_LAST,
    SQL_HISTORY_ADD,
    SQL_HISTORY_TRIM,
    SQL_COUNT
};

/* What a connection has prepared; all NULL at first. */
struct sqlite_sql_set {
    struct sqlite3_stmt *statement[SQL_COUNT];
};

/* A parameter. The bytes of text and blob must last until the next run of the statement. */
struct sqlite_value {
    enum { SQLITE_VALUE_INT, SQLITE_VALUE_TEXT, SQLITE_VALUE_BLOB, SQLITE_VALUE_NULL } kind;
    int64_t number;
    struct slice bytes;
};

static inline struct sqlite_value sqlite_int(int64_t number)
{
    return (struct sqlite_value){SQLITE_VALUE_INT, number, SLICE_NONE};
}

static inline struct sqlite_value sqlite_text(struct slice s)
{
    return (struct sqlite_value){SQLITE_VALUE_TEXT, 0, s};
}

static inline struct sqlite_value sqlite_blob(struct slice s)
{
    return (struct sqlite_value){SQLITE_VALUE_BLOB, 0, s};
}

static inline struct sqlite_value sqlite_null(void)
{
    return (struct sqlite_value){SQLITE_VALUE_NULL, 0, SLICE_NONE};
}

#define SQLITE_VALUES(...)                                                                         \
    (const struct sqlite_value[]){__VA_ARGS__},                                                    \
        sizeof((const struct sqlite_value[]){__VA_ARGS__}) / sizeof(struct sqlite_value)

/* Prepares a statement that is used once, and binds its parameters; the caller finalizes it. */
int sqlite_sql_prepare(struct sqlite3 *db, const char *sql, const struct sqlite_value *value,
                       size_t n, struct sqlite3_stmt **out);

/* Runs a statement to its end, rows ignored. SQLITE_OK or the error's code. */
int sqlite_sql_do(struct sqlite3 *db, struct sqlite_sql_set *set, enum sqlite_sql which,
                  const struct sqlite_value *value, size_t n);

/* Runs it to its first row: SQLITE_ROW with the statement in *row, whose columns can be read until
 * sqlite_sql_done; SQLITE_DONE: none; or the error's code. */
int sqlite_sql_row(struct sqlite3 *db, struct sqlite_sql_set *set, enum sqlite_sql which,
                   const struct sqlite_value *value, size_t n, struct sqlite3_stmt **row);
void sqlite_sql_done(struct sqlite3_stmt *row);

/* The bytes of a column of text or blob. */
struct slice sqlite_sql_bytes(struct sqlite3_stmt *row, int column);

void sqlite_sql_free(struct sqlite_sql_set *set);

#endif
