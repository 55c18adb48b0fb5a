#include "store/sqlite_transfer.h"

#include <sqlite3.h>
#include <stdio.h>

#define SQL_ROOM 128

/* All that holds a provider's part. Those that count the lists go last: triggers keep them. */
static const char *const tables[] = {"ids",   "rate",   "fields",          "histories",
                                     "taken", "events", "audit",           "quarantine",
                                     "seals", "dead",   "consumer_groups", "lists"};
#define TABLES (sizeof tables / sizeof *tables)

/* Without making the file: 1 there, 0 not there, -1 trouble. */
static int look(const struct journal *j, struct fail *why)
{
    struct sqlite_trouble t;
    int there = sqlite_file_look(&((struct sqlite_store *)j->store)->link.file, &t);

    if (there < 0)
        fail_set(why, "store: %s: %s", t.word, t.text);
    return there;
}

static bool possible(const struct journal *j, struct fail *why)
{
    const struct sqlite_store *s = (const struct sqlite_store *)j->store;
    int there = look(j, why);

    if (there == 1)
        return sqlite_journal_open(j, why);
    if (there == 0)
        fail_set(why, "there is no store at %s", s->link.file.path);
    return false;
}

static bool mark(const struct journal *j, char *out, struct fail *why)
{
    struct sqlite3_stmt *row = NULL;
    int rc, there = look(j, why);

    if (there != 1 || !sqlite_journal_open(j, why))
        return there == 0;
    rc = sqlite_journal_query(j, "SELECT value FROM store WHERE name = 'closed:' || ?1",
                              SQLITE_VALUES(sqlite_journal_provider(j)), &row);
    if (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct slice text = sqlite_sql_bytes(row, 0);
        (void)snprintf(out, TRANSFER_MARK_MAX, "%.*s", (int)text.n, text.p);
    }
    (void)sqlite3_finalize(row);
    return sqlite_journal_judge(j, rc, why);
}

static bool close_it(const struct journal *j, const char *text, struct fail *why)
{
    int rc;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    if (text[0] != '\0')
        rc = sqlite_journal_run(
            j, "INSERT OR REPLACE INTO store (name, value) VALUES ('closed:' || ?1, ?2)",
            SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(slice_of(text))), NULL);
    else
        rc = sqlite_journal_run(j, "DELETE FROM store WHERE name = 'closed:' || ?1",
                                SQLITE_VALUES(sqlite_journal_provider(j)), NULL);
    return sqlite_journal_end(j, rc, why);
}

static bool empty(const struct journal *j, bool *out, struct fail *why)
{
    char sql[SQL_ROOM];
    int64_t any = 0;
    int rc = SQLITE_OK, there = look(j, why);

    *out = true;
    if (there != 1 || !sqlite_journal_open(j, why))
        return there == 0;
    for (size_t i = 0; i < TABLES && rc == SQLITE_OK && any == 0; i++) {
        (void)snprintf(sql, sizeof sql, "SELECT EXISTS (SELECT 1 FROM %s WHERE provider = ?1)",
                       tables[i]);
        rc = sqlite_journal_number(j, sql, SQLITE_VALUES(sqlite_journal_provider(j)), 0, &any);
    }
    *out = any == 0;
    return sqlite_journal_judge(j, rc, why);
}

static bool clear(const struct journal *j, struct fail *why)
{
    char sql[SQL_ROOM];
    int rc = SQLITE_OK;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    for (size_t i = 0; i < TABLES && rc == SQLITE_OK; i++) {
        (void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE provider = ?1", tables[i]);
        rc = sqlite_journal_run(j, sql, SQLITE_VALUES(sqlite_journal_provider(j)), NULL);
    }
    return sqlite_journal_end(j, rc, why);
}

static bool counts(const struct journal *j, int64_t horizon_us, int64_t *out, struct fail *why)
{
    static const struct {
        enum transfer_part part;
        const char *sql;
    } query[] = {
        {TRANSFER_RATE, "SELECT count(*) FROM rate WHERE provider = ?1 AND ?2 > 0"},
        {TRANSFER_IDS, "SELECT count(*) FROM ids WHERE provider = ?1 AND expires > ?2"},
        {TRANSFER_RECORDS, "SELECT count(*) FROM fields WHERE provider = ?1 AND ?2 > 0"},
        {TRANSFER_HISTORIES, "SELECT count(*) FROM histories WHERE provider = ?1 AND ?2 > 0"},
    };
    int rc = SQLITE_OK;

    for (size_t i = 0; i < sizeof query / sizeof *query && rc == SQLITE_OK; i++)
        rc = sqlite_journal_number(
            j, query[i].sql, SQLITE_VALUES(sqlite_journal_provider(j), sqlite_int(horizon_us)), -1,
            &out[query[i].part]);
    return sqlite_journal_judge(j, rc, why);
}

static bool providers(const struct journal *j, struct transfer_names *out, struct fail *why)
{
    struct sqlite3_stmt *row = NULL;
    struct buf sql = BUF_INIT(4096);
    int rc;

    if (!sqlite_journal_open(j, why))
        return false;
    for (size_t i = 0; i < TABLES; i++)
        buf_addf(&sql, "SELECT DISTINCT provider FROM %s UNION ", tables[i]);
    buf_adds(&sql, "SELECT substr(name, 8) FROM store WHERE name GLOB 'closed:?*'");
    rc = sqlite_journal_query(j, sql.p, NULL, 0, &row);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        (void)transfer_name(out, sqlite_sql_bytes(row, 0));
        rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(row);
    buf_free(&sql);
    return sqlite_journal_judge(j, rc, why);
}

const struct transfer_ops sqlite_transfer = {
    .possible = possible,
    .read = sqlite_transfer_read,
    .counters = sqlite_transfer_counters,
    .write = sqlite_transfer_write,
    .mark = mark,
    .close = close_it,
    .empty = empty,
    .clear = clear,
    .counts = counts,
    .providers = providers,
};
