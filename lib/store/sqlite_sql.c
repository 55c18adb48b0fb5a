#include "store/sqlite_sql.h"

#include <sqlite3.h>

/* Parameters are numbered where one is used twice. The provider is always the first. */
static const char *const text[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVE] = "SAVEPOINT member",
    [SQL_RELEASE] = "RELEASE member",
    [SQL_UNDO] = "ROLLBACK TO member",

    [SQL_CLOSED] = "SELECT value FROM store WHERE name = 'closed:' || ?1",

    [SQL_ID_GET] = "SELECT body_sha256, nonce, at FROM ids "
                   "WHERE provider = ?1 AND id = ?2 AND expires > ?3",
    [SQL_ID_PUT] = "INSERT OR REPLACE INTO ids (provider, id, body_sha256, nonce, at, expires) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_IDS_EXPIRE] = "DELETE FROM ids WHERE (provider, id) IN "
                       "(SELECT provider, id FROM ids INDEXED BY ids_expires WHERE expires <= ?1 "
                       "ORDER BY expires LIMIT ?2)",

    [SQL_RATE_LAST] = "SELECT n, at FROM rate WHERE provider = ?1 ORDER BY n DESC LIMIT 1",
    [SQL_RATE_GET] = "SELECT at FROM rate WHERE provider = ?1 AND n = ?2",
    [SQL_RATE_MEND] = "UPDATE rate SET at = ?3 WHERE provider = ?1 AND n > ?2 AND at > ?3",
    [SQL_RATE_ADD] = "INSERT INTO rate (provider, n, at) VALUES (?1, ?2, ?3)",
    [SQL_RATE_TRIM] = "DELETE FROM rate WHERE provider = ?1 AND n IN "
                      "(SELECT n FROM rate WHERE provider = ?1 AND n <= ?2 ORDER BY n LIMIT ?3)",
    [SQL_RATE_USED] = "SELECT count(*) FROM rate WHERE provider = ?1 AND at > ?3 AND n > "
                      "(SELECT max(n) FROM rate WHERE provider = ?1) - ?2",

    [SQL_LIST] = "SELECT last, entries FROM lists WHERE provider = ?1 AND name = ?2",
    [SQL_EVENT_ADD] = "INSERT INTO events (provider, entry, id, type, at, body) "
                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_AUDIT_ADD] = "INSERT INTO audit (provider, entry, outcome, id, type, sid, reason, flags) "
                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_AUDIT_TRIM] = "DELETE FROM audit WHERE provider = ?1 AND entry IN "
                       "(SELECT entry FROM audit WHERE provider = ?1 ORDER BY entry LIMIT ?2)",
    [SQL_QUARANTINE_GET] = "SELECT entry FROM quarantine INDEXED BY quarantine_seen "
                           "WHERE provider = ?1 AND reason = ?2 AND digest = ?3",
    [SQL_QUARANTINE_ADD] =
        "INSERT INTO quarantine (provider, entry, digest, reason, id, type, at, "
        "detail, body, count, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?7)",
    [SQL_QUARANTINE_REPEAT] = "UPDATE quarantine SET count = count + 1, last_at = ?3 "
                              "WHERE provider = ?1 AND entry = ?2",

    [SQL_KEY_KIND] = "SELECT EXISTS (SELECT 1 FROM fields WHERE provider = ?1 AND key = ?2), "
                     "EXISTS (SELECT 1 FROM histories WHERE provider = ?1 AND key = ?2)",
    [SQL_FIELD_GET] = "SELECT value FROM fields WHERE provider = ?1 AND key = ?2 AND name = ?3",
    [SQL_FIELD_PUT] = "INSERT INTO fields (provider, key, name, value) VALUES (?1, ?2, ?3, ?4) "
                      "ON CONFLICT (provider, key, name) DO UPDATE SET value = excluded.value",
    [SQL_FIELD_DROP] = "DELETE FROM fields WHERE provider = ?1 AND key = ?2 AND name = ?3",
    [SQL_RECORD_DROP] = "DELETE FROM fields WHERE provider = ?1 AND key = ?2",
    [SQL_HISTORY_LAST] = "SELECT max(n) FROM histories WHERE provider = ?1 AND key = ?2",
    [SQL_HISTORY_ADD] = "INSERT INTO histories (provider, key, n, value) VALUES (?1, ?2, ?3, ?4)",
    [SQL_HISTORY_TRIM] = "DELETE FROM histories WHERE provider = ?1 AND key = ?2 AND n <= ?3",
};

static int bind(struct sqlite3_stmt *s, const struct sqlite_value *value, size_t n)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
        const struct sqlite_value *v = &value[i];
        /* A NULL pointer would bind NULL, not an empty text. */
        const char *p = v->bytes.n > 0 ? v->bytes.p : "";
        int at = (int)i + 1;
        switch (v->kind) {
        case SQLITE_VALUE_INT:
            rc = sqlite3_bind_int64(s, at, v->number);
            break;
        case SQLITE_VALUE_TEXT:
            rc = sqlite3_bind_text64(s, at, p, v->bytes.n, SQLITE_STATIC, SQLITE_UTF8);
            break;
        case SQLITE_VALUE_BLOB:
            rc = sqlite3_bind_blob64(s, at, p, v->bytes.n, SQLITE_STATIC);
            break;
        case SQLITE_VALUE_NULL:
            rc = sqlite3_bind_null(s, at);
            break;
        }
    }
    return rc;
}

int sqlite_sql_prepare(struct sqlite3 *db, const char *sql, const struct sqlite_value *value,
                       size_t n, struct sqlite3_stmt **out)
{
    int rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);

    return rc == SQLITE_OK ? bind(*out, value, n) : rc;
}

int sqlite_sql_row(struct sqlite3 *db, struct sqlite_sql_set *set, enum sqlite_sql which,
                   const struct sqlite_value *value, size_t n, struct sqlite3_stmt **row)
{
    struct sqlite3_stmt **s = &set->statement[which];
    int rc = SQLITE_OK;

    *row = NULL;
    if (*s == NULL)
        rc = sqlite3_prepare_v3(db, text[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    if (rc == SQLITE_OK)
        rc = bind(*s, value, n);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(*s);
    if (rc == SQLITE_ROW)
        *row = *s;
    else if (*s != NULL)
        (void)sqlite3_reset(*s);
    return rc;
}

void sqlite_sql_done(struct sqlite3_stmt *row)
{
    if (row != NULL)
        (void)sqlite3_reset(row);
}

int sqlite_sql_do(struct sqlite3 *db, struct sqlite_sql_set *set, enum sqlite_sql which,
                  const struct sqlite_value *value, size_t n)
{
    struct sqlite3_stmt *row;
    int rc = sqlite_sql_row(db, set, which, value, n, &row);

    sqlite_sql_done(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

struct slice sqlite_sql_bytes(struct sqlite3_stmt *row, int column)
{
    const char *p = sqlite3_column_blob(row, column);

    return (struct slice){p, (size_t)sqlite3_column_bytes(row, column)};
}

void sqlite_sql_free(struct sqlite_sql_set *set)
{
    for (size_t i = 0; i < SQL_COUNT; i++)
        (void)sqlite3_finalize(set->statement[i]);
    *set = (struct sqlite_sql_set){{NULL}};
}
