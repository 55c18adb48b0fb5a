#include "store/sqlite_schema.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

/* A list's count and newest entry, kept by the file itself; which rows of the table count. */
#define COUNTED(list, added, removed)                                                              \
    "CREATE TRIGGER " list "_added AFTER INSERT ON " list " " added " BEGIN "                      \
    "INSERT INTO lists VALUES (new.provider, '" list "', new.entry, 1) "                           \
    "ON CONFLICT (provider, name) DO UPDATE SET last = max(last, excluded.last), "                 \
    "entries = entries + 1; END;"                                                                  \
    "CREATE TRIGGER " list "_removed AFTER DELETE ON " list " " removed " BEGIN "                  \
    "UPDATE lists SET entries = entries - 1 WHERE provider = old.provider AND name = '" list       \
    "'; END;"

#define SID "sid TEXT GENERATED ALWAYS AS ((entry >> 20) || '-' || (entry & 1048575)) VIRTUAL"

static const char *const tables[] = {
    "CREATE TABLE store (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "INSERT INTO store VALUES ('id', lower(hex(randomblob(16))));",
    "CREATE TABLE ids (provider TEXT NOT NULL, id TEXT NOT NULL, "
    "body_sha256 BLOB NOT NULL CHECK (length(body_sha256) = 32), "
    "nonce BLOB NOT NULL CHECK (length(nonce) = 16), at INTEGER NOT NULL, "
    "expires INTEGER NOT NULL, PRIMARY KEY (provider, id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX ids_expires ON ids (expires);",
    "CREATE TABLE rate (provider TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, "
    "PRIMARY KEY (provider, n)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE fields (provider TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, "
    "value TEXT NOT NULL, PRIMARY KEY (provider, key, name)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE histories (provider TEXT NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL, "
    "value TEXT NOT NULL, PRIMARY KEY (provider, key, n)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE events (provider TEXT NOT NULL, entry INTEGER NOT NULL, id TEXT NOT NULL, "
    "type TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, " SID
    ", PRIMARY KEY (provider, entry)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE audit (provider TEXT NOT NULL, entry INTEGER NOT NULL, outcome TEXT NOT NULL, "
    "id TEXT NOT NULL, type TEXT NOT NULL, sid TEXT, reason TEXT, flags TEXT, "
    "PRIMARY KEY (provider, entry)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE quarantine (provider TEXT NOT NULL, entry INTEGER NOT NULL, "
    "digest TEXT NOT NULL, reason TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, "
    "at INTEGER NOT NULL, detail TEXT NOT NULL, body BLOB NOT NULL, count INTEGER NOT NULL, "
    "last_at INTEGER NOT NULL, " SID ", PRIMARY KEY (provider, entry)) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX quarantine_seen ON quarantine (provider, reason, digest);",
    "CREATE TABLE lists (provider TEXT NOT NULL, name TEXT NOT NULL, last INTEGER NOT NULL, "
    "entries INTEGER NOT NULL, PRIMARY KEY (provider, name)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE seals (provider TEXT NOT NULL, entry INTEGER NOT NULL, n INTEGER NOT NULL, "
    "name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (provider, entry, n)) "
    "STRICT, WITHOUT ROWID;",
    "CREATE TABLE dead (provider TEXT NOT NULL, entry INTEGER NOT NULL, name TEXT NOT NULL, "
    "of TEXT NOT NULL, reason TEXT NOT NULL, deliveries INTEGER NOT NULL, id TEXT, type TEXT, "
    "at INTEGER, body BLOB, PRIMARY KEY (provider, entry)) STRICT, WITHOUT ROWID;",
    COUNTED("events", "", "") COUNTED("audit", "", "") COUNTED("quarantine", "", "")
        COUNTED("dead", "", "") COUNTED("seals", "WHEN new.n = 0", "WHEN old.n = 0"),
    "CREATE TABLE consumer_groups (provider TEXT NOT NULL, name TEXT NOT NULL, "
    "read INTEGER NOT NULL, PRIMARY KEY (provider, name)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE taken (provider TEXT NOT NULL, name TEXT NOT NULL, entry INTEGER NOT NULL, "
    "consumer TEXT NOT NULL, at INTEGER NOT NULL, deliveries INTEGER NOT NULL, "
    "PRIMARY KEY (provider, name, entry)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE leases (provider TEXT NOT NULL, name TEXT NOT NULL, holder TEXT NOT NULL, "
    "until INTEGER NOT NULL, PRIMARY KEY (provider, name)) STRICT, WITHOUT ROWID;",
};

/* The value's column stays valid until *statement is finalized, which the caller does. */
static int ask(struct sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
    int rc = sqlite3_prepare_v2(db, sql, -1, statement, NULL);

    return rc == SQLITE_OK ? sqlite3_step(*statement) : rc;
}

int sqlite_ask_number(struct sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = ask(db, sql, &statement);

    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return rc;
}

int sqlite_ask_text(struct sqlite3 *db, const char *sql, char *out, size_t room)
{
    sqlite3_stmt *statement = NULL;
    int rc = ask(db, sql, &statement);
    const unsigned char *text = rc == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;

    (void)snprintf(out, room, "%s", text != NULL ? (const char *)text : "");
    (void)sqlite3_finalize(statement);
    return rc;
}

bool sqlite_schema_check(struct sqlite3 *db, bool *empty, struct sqlite_trouble *t)
{
    int64_t version = 0, application = 0, objects = 0;
    int rc = sqlite_ask_number(db, "PRAGMA user_version", &version);

    *empty = false;
    if (rc == SQLITE_ROW)
        rc = sqlite_ask_number(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_ROW)
        rc = sqlite_ask_number(db, "SELECT count(*) FROM sqlite_schema", &objects);
    if (rc != SQLITE_ROW) {
        sqlite_trouble_of(t, rc, db);
        return false;
    }
    *empty = objects == 0 && version == 0 && application == 0;
    if (*empty)
        return true;
    if (application != SQLITE_APPLICATION_ID)
        return sqlite_trouble_set(t, "store_config",
                                  "the file is the database of another program; name a file of "
                                  "Guichet's own in [server] store");
    if (version != SQLITE_SCHEMA_VERSION)
        return sqlite_trouble_set(t, "store_config",
                                  "the file has layout %" PRId64 ", this program reads layout %d; "
                                  "run the version of Guichet that made it, or name another file",
                                  version, SQLITE_SCHEMA_VERSION);
    return true;
}

bool sqlite_schema_make(struct sqlite3 *db, struct sqlite_trouble *t)
{
    char mode[16], header[128];
    bool empty = false;
    int rc = sqlite_ask_text(db, "PRAGMA journal_mode = WAL", mode, sizeof mode);

    if (rc != SQLITE_ROW || strcmp(mode, "wal") != 0) {
        sqlite_trouble_of(t, rc == SQLITE_ROW ? SQLITE_CANTOPEN : rc, db);
        return false;
    }
    rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    /* Another process may have been first. */
    if (rc == SQLITE_OK && !sqlite_schema_check(db, &empty, t)) {
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    (void)snprintf(header, sizeof header, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                   SQLITE_APPLICATION_ID, SQLITE_SCHEMA_VERSION);
    for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == SQLITE_OK && empty; i++)
        rc = sqlite3_exec(db, tables[i], NULL, NULL, NULL);
    if (rc == SQLITE_OK && empty)
        rc = sqlite3_exec(db, header, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return true;
    sqlite_trouble_of(t, rc, db);
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

int64_t sqlite_entry_of(const char *sid, bool *exact)
{
    const uint64_t most = (UINT64_C(1) << (63 - SQLITE_SEQ_BITS)) - 1;
    const uint64_t last = (UINT64_C(1) << SQLITE_SEQ_BITS) - 1;
    char *dash;
    uint64_t ms = strtoull(sid, &dash, 10), seq = *dash == '-' ? strtoull(dash + 1, NULL, 10) : 0;

    if (exact != NULL)
        *exact = ms <= most && seq <= last;
    if (ms > most)
        return INT64_MAX;
    return (int64_t)(ms << SQLITE_SEQ_BITS | (seq <= last ? seq : last));
}

int64_t sqlite_entry_next(int64_t last, int64_t now_us)
{
    int64_t now = (now_us > 0 ? now_us / 1000 : 0) << SQLITE_SEQ_BITS;

    return now > last ? now : last + 1;
}

void sqlite_entry_sid(int64_t entry, char out[static SQLITE_SID_ROOM])
{
    (void)snprintf(out, SQLITE_SID_ROOM, "%" PRId64 "-%" PRId64, entry >> SQLITE_SEQ_BITS,
                   entry & ((INT64_C(1) << SQLITE_SEQ_BITS) - 1));
}
