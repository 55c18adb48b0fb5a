#include <sqlite3.h>
#include <stdio.h>
#include "base/codec.h"
#include "base/text.h"
#include "store/sqlite_transfer.h"

#define NONCE_AND_MORE (SHA256_BYTES + 8)
#define SQL_ROOM       512
#define COLUMNS_MAX    12

/* The columns of a list, by the names of its fields. */
struct column {
    const char *field, *name;
    bool bytes; /* a BLOB; SQLite makes numbers of the text of the others where they are such */
};

static const struct {
    const char *table;
    struct column column[COLUMNS_MAX];
} lists[TRANSFER_LISTS] = {
    [TRANSFER_EVENTS] = {"events",
                         {{"id", "id", false},
                          {"type", "type", false},
                          {"at", "at", false},
                          {"body", "body", true}}},
    [TRANSFER_AUDIT] = {"audit",
                        {{"outcome", "outcome", false},
                         {"id", "id", false},
                         {"type", "type", false},
                         {"sid", "sid", false},
                         {"reason", "reason", false},
                         {"flags", "flags", false}}},
    [TRANSFER_QUARANTINE] = {"quarantine",
                             {{"digest", "digest", false},
                              {"reason", "reason", false},
                              {"id", "id", false},
                              {"type", "type", false},
                              {"at", "at", false},
                              {"detail", "detail", false},
                              {"body", "body", true},
                              {"count", "count", false},
                              {"last_at", "last_at", false}}},
    [TRANSFER_SEALS] = {"seals", {{NULL, NULL, false}}}, /* rows of its own */
    [TRANSFER_DEAD] = {"dead",
                       {{"group", "name", false},
                        {"entry", "of", false},
                        {"reason", "reason", false},
                        {"deliveries", "deliveries", false},
                        {"id", "id", false},
                        {"type", "type", false},
                        {"at", "at", false},
                        {"body", "body", true}}},
};

/* What cannot be held, and why. SQLITE_MISMATCH, by which the transaction is lost. */
static int cannot_hold(const struct transfer_item *item, const char *what, struct fail *why)
{
    fail_set(why, "%s \"%.*s\" cannot be kept in a file: %s", transfer_part_names[item->part],
             (int)(item->key.n < 100 ? item->key.n : 100), item->key.p, what);
    return SQLITE_MISMATCH;
}

/* The entry of an id, which may be too large for the layout. */
static int entry_of(const struct transfer_item *item, const char *sid, int64_t *out,
                    struct fail *why)
{
    bool exact = sid != NULL;

    *out = sid != NULL ? sqlite_entry_of(sid, &exact) : 0;
    return exact ? SQLITE_OK : cannot_hold(item, "the id of the entry is none that fits", why);
}

static int column_of(const struct transfer_item *item, struct slice field)
{
    for (int i = 0; i < COLUMNS_MAX && lists[item->part].column[i].field != NULL; i++)
        if (slice_is(field, lists[item->part].column[i].field))
            return i;
    return -1;
}

/* ?1 is the provider, ?2 the entry, the others are the fields that there are. */
static int write_entry(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    struct sqlite_value value[2 + COLUMNS_MAX] = {sqlite_journal_provider(j)};
    char names[SQL_ROOM] = "", marks[SQL_ROOM] = "", sql[3 * SQL_ROOM];
    size_t a = 0, b = 0, n = 2;
    int64_t entry;
    int rc = entry_of(item, item->key.p, &entry, why);

    value[1] = sqlite_int(entry);
    for (size_t i = 0; i < item->nfields && rc == SQLITE_OK; i++) {
        const struct journal_field *f = &item->field[i];
        int at = column_of(item, f->name);
        if (at < 0 || n == 2 + COLUMNS_MAX)
            return cannot_hold(item, "it has a field that Guichet does not write", why);
        value[n++] =
            lists[item->part].column[at].bytes ? sqlite_blob(f->value) : sqlite_text(f->value);
        a += (size_t)snprintf(names + a, sizeof names - a, ", %s",
                              lists[item->part].column[at].name);
        b += (size_t)snprintf(marks + b, sizeof marks - b, ", ?%zu", n);
    }
    (void)snprintf(sql, sizeof sql, "INSERT INTO %s (provider, entry%s) VALUES (?1, ?2%s)",
                   lists[item->part].table, names, marks);
    if (rc == SQLITE_OK)
        rc = sqlite_journal_run(j, sql, value, n, NULL);
    if ((rc & 0xff) == SQLITE_CONSTRAINT)
        return cannot_hold(item,
                           item->part == TRANSFER_QUARANTINE
                               ? "its fields are not whole, or another entry holds the same body "
                                 "under the same reason; drop one (guichet quarantine drop)"
                               : "its fields are not whole",
                           why);
    return rc;
}

static int write_seal(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    int64_t entry;
    int rc = entry_of(item, item->key.p, &entry, why);

    for (size_t i = 0; i < item->nfields && rc == SQLITE_OK; i++)
        rc = sqlite_journal_run(
            j, "INSERT INTO seals (provider, entry, n, name, value) VALUES (?1, ?2, ?3, ?4, ?5)",
            SQLITE_VALUES(sqlite_journal_provider(j), sqlite_int(entry), sqlite_int((int64_t)i),
                          sqlite_text(item->field[i].name), sqlite_text(item->field[i].value)),
            NULL);
    return rc;
}

static int write_newest(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    struct slice list =
        slice_is(item->key, journal_list_names[JOURNAL_SEALS]) ? SLICE_LITERAL("seals") : item->key;
    int64_t entry;
    int rc = entry_of(item, transfer_value(item, "entry").p, &entry, why);

    return rc != SQLITE_OK
               ? rc
               : sqlite_journal_run(
                     j,
                     "INSERT INTO lists (provider, name, last, entries) VALUES (?1, ?2, ?3, 0) "
                     "ON CONFLICT (provider, name) DO UPDATE SET last = max(last, ?3)",
                     SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(list),
                                   sqlite_int(entry)),
                     NULL);
}

static int write_group(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    int64_t entry;
    int rc = entry_of(item, transfer_value(item, "read").p, &entry, why);

    return rc != SQLITE_OK
               ? rc
               : sqlite_journal_run(j,
                                    "INSERT OR REPLACE INTO consumer_groups (provider, name, read) "
                                    "VALUES (?1, ?2, ?3)",
                                    SQLITE_VALUES(sqlite_journal_provider(j),
                                                  sqlite_text(item->key), sqlite_int(entry)),
                                    NULL);
}

static int write_taken(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    int64_t entry;
    int rc = entry_of(item, transfer_value(item, "entry").p, &entry, why);

    return rc != SQLITE_OK
               ? rc
               : sqlite_journal_run(
                     j,
                     "INSERT OR REPLACE INTO taken (provider, name, entry, consumer, at, "
                     "deliveries) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                     SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(item->key),
                                   sqlite_int(entry), sqlite_text(transfer_value(item, "consumer")),
                                   sqlite_int(item->moment_us),
                                   sqlite_text(transfer_value(item, "deliveries"))),
                     NULL);
}

static int write_stamp(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    int64_t place = 0;

    if (!text_to_i64(item->key, &place))
        return cannot_hold(item, "its place is no number", why);
    return sqlite_journal_run(j,
                              "INSERT OR REPLACE INTO rate (provider, n, at) VALUES (?1, ?2, ?3)",
                              SQLITE_VALUES(sqlite_journal_provider(j), sqlite_int(place + 1),
                                            sqlite_text(transfer_value(item, "at"))),
                              NULL);
}

static int write_id(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    uint8_t digest[NONCE_AND_MORE], nonce[NONCE_AND_MORE];
    ssize_t d = base64_decode(transfer_value(item, "body_sha256"), digest, sizeof digest);
    ssize_t n = base64_decode(transfer_value(item, "nonce"), nonce, sizeof nonce);

    if (d != SHA256_BYTES || n != STORE_NONCE_BYTES)
        return cannot_hold(item, "its record is not whole", why);
    return sqlite_journal_run(
        j,
        "INSERT OR REPLACE INTO ids (provider, id, body_sha256, nonce, at, expires) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(item->key),
                      sqlite_blob((struct slice){(const char *)digest, (size_t)d}),
                      sqlite_blob((struct slice){(const char *)nonce, (size_t)n}),
                      sqlite_text(transfer_value(item, "at")), sqlite_int(item->moment_us)),
        NULL);
}

static int write_field(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    (void)why;
    return sqlite_journal_run(
        j, "INSERT OR REPLACE INTO fields (provider, key, name, value) VALUES (?1, ?2, ?3, ?4)",
        SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(item->key),
                      sqlite_text(item->field[0].name), sqlite_text(item->field[0].value)),
        NULL);
}

static int write_text(const struct journal *j, const struct transfer_item *item, struct fail *why)
{
    int64_t place = 0;

    if (!text_to_i64(transfer_value(item, "place"), &place))
        return cannot_hold(item, "its place is no number", why);
    return sqlite_journal_run(
        j, "INSERT OR REPLACE INTO histories (provider, key, n, value) VALUES (?1, ?2, ?3, ?4)",
        SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(item->key), sqlite_int(place + 1),
                      sqlite_text(transfer_value(item, "text"))),
        NULL);
}

static int (*const writers[TRANSFER_PARTS])(const struct journal *j,
                                            const struct transfer_item *item, struct fail *why) = {
    [TRANSFER_EVENTS] = write_entry,     [TRANSFER_AUDIT] = write_entry,
    [TRANSFER_QUARANTINE] = write_entry, [TRANSFER_SEALS] = write_seal,
    [TRANSFER_DEAD] = write_entry,       [TRANSFER_NEWEST] = write_newest,
    [TRANSFER_GROUPS] = write_group,     [TRANSFER_TAKEN] = write_taken,
    [TRANSFER_RATE] = write_stamp,       [TRANSFER_IDS] = write_id,
    [TRANSFER_RECORDS] = write_field,    [TRANSFER_HISTORIES] = write_text,
};

bool sqlite_transfer_write(const struct journal *j, const struct transfer_item *item, size_t n,
                           struct fail *why)
{
    struct fail own = {""}, sqlites;
    int rc = SQLITE_OK;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc = writers[item[i].part](j, &item[i], &own);
    if (sqlite_journal_end(j, rc, &sqlites))
        return true;
    *why = own.text[0] != '\0' ? own : sqlites;
    return false;
}
