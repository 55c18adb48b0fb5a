#include "store/sqlite_journal.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_ROOM 512
/* Entries that a trim removes before it lets commits through. */
#define TRIM_STEP 1000

/* By enum journal_list; the columns are named as the fields of the list's entries. */
static const struct {
    const char *table, *columns;
} lists[] = {
    [JOURNAL_EVENTS] = {"events", "entry, id, type, at, body"},
    [JOURNAL_AUDIT] = {"audit", "entry, outcome, id, type, sid, reason, flags"},
    [JOURNAL_QUARANTINE] = {"quarantine", "entry, digest, reason, id, type, at, detail, body"},
    [JOURNAL_SEALS] = {"seals", "entry, name, value"},
    [JOURNAL_DEAD] = {"dead",
                      "entry, name AS \"group\", of AS entry, reason, deliveries, id, type, "
                      "at, body"},
};

static struct sqlite_store *store_of(const struct journal *j)
{
    return (struct sqlite_store *)j->store;
}

static struct sqlite3 *db_of(const struct journal *j)
{
    return store_of(j)->link.db;
}

static bool tell(const struct sqlite_trouble *t, struct fail *why)
{
    fail_set(why, "store: %s: %s", t->word, t->text);
    return false;
}

int64_t sqlite_journal_now_us(const struct journal *j)
{
    return clock_now_us(store_of(j)->link.clock);
}

static int64_t deadline(const struct journal *j)
{
    return clock_monotonic_ms(store_of(j)->link.clock) + j->timeout_ms;
}

bool sqlite_journal_open(const struct journal *j, struct fail *why)
{
    struct sqlite_trouble t;

    return sqlite_store_open(store_of(j), deadline(j), &t) || tell(&t, why);
}

bool sqlite_journal_begin(const struct journal *j, struct fail *why)
{
    struct sqlite_trouble t;

    return sqlite_link_begin(&store_of(j)->link, &t) || tell(&t, why);
}

bool sqlite_journal_judge(const struct journal *j, int rc, struct fail *why)
{
    struct sqlite_trouble t;

    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
        return true;
    sqlite_trouble_of(&t, rc, db_of(j));
    return tell(&t, why);
}

bool sqlite_journal_end(const struct journal *j, int rc, struct fail *why)
{
    struct sqlite_trouble t;

    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        (void)sqlite_journal_judge(j, rc, why);
        sqlite_link_rollback(&store_of(j)->link);
        return false;
    }
    return sqlite_link_commit(&store_of(j)->link, &t) || tell(&t, why);
}

int sqlite_journal_query(const struct journal *j, const char *sql, const struct sqlite_value *value,
                         size_t n, struct sqlite3_stmt **out)
{
    return sqlite_sql_prepare(db_of(j), sql, value, n, out);
}

int sqlite_journal_run(const struct journal *j, const char *sql, const struct sqlite_value *value,
                       size_t n, int64_t *changed)
{
    struct sqlite3_stmt *s = NULL;
    int rc = sqlite_sql_prepare(db_of(j), sql, value, n, &s);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    (void)sqlite3_finalize(s);
    if (changed != NULL)
        *changed = sqlite3_changes64(db_of(j));
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int sqlite_journal_number(const struct journal *j, const char *sql,
                          const struct sqlite_value *value, size_t n, int64_t none, int64_t *out)
{
    struct sqlite3_stmt *s = NULL;
    int rc = sqlite_sql_prepare(db_of(j), sql, value, n, &s);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : none;
    (void)sqlite3_finalize(s);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

struct slice sqlite_journal_column(const struct journal *j, struct sqlite3_stmt *row, int column)
{
    return arena_copy(j->arena, sqlite_sql_bytes(row, column));
}

static const char *sid_of(const struct journal *j, int64_t entry)
{
    char *sid = arena_alloc(j->arena, SQLITE_SID_ROOM);

    if (sid != NULL)
        sqlite_entry_sid(entry, sid);
    return sid;
}

int sqlite_journal_entry(const struct journal *j, struct sqlite3_stmt *row,
                         struct journal_entry *out)
{
    int columns = sqlite3_column_count(row);

    out->nfields = 0;
    out->id = sid_of(j, sqlite3_column_int64(row, 0));
    out->field = arena_alloc(j->arena, (size_t)columns * sizeof *out->field);
    if (out->id == NULL || out->field == NULL)
        return SQLITE_NOMEM;
    for (int i = 1; i < columns; i++) {
        struct journal_field *f = &out->field[out->nfields];
        if (sqlite3_column_type(row, i) == SQLITE_NULL)
            continue;
        f->name = arena_copy(j->arena, slice_of(sqlite3_column_name(row, i)));
        f->value = sqlite_journal_column(j, row, i);
        if (f->name.p == NULL || f->value.p == NULL)
            return SQLITE_NOMEM;
        out->nfields++;
    }
    return SQLITE_OK;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* A seal's next field, which may be the first of another seal. */
static int add_seal_field(const struct journal *j, struct sqlite3_stmt *row,
                          struct journal_page *out)
{
    const char *sid = sid_of(j, sqlite3_column_int64(row, 0));
    struct journal_entry *e = out->n > 0 ? &out->entry[out->n - 1] : NULL;
    struct journal_field field = {sqlite_journal_column(j, row, 1),
                                  sqlite_journal_column(j, row, 2)};

    if (sid == NULL || field.name.p == NULL || field.value.p == NULL)
        return SQLITE_NOMEM;
    if (e == NULL || strcmp(e->id, sid) != 0) {
        e = &out->entry[out->n++];
        *e = (struct journal_entry){
            .id = sid, .field = arena_alloc(j->arena, JOURNAL_FIELDS_MAX * sizeof *e->field)};
    }
    if (e->field == NULL)
        return SQLITE_NOMEM;
    if (e->nfields < JOURNAL_FIELDS_MAX)
        e->field[e->nfields++] = field;
    return SQLITE_OK;
}

static bool read_list(const struct journal *j, enum journal_list list,
                      const struct journal_range *range, struct journal_page *out, struct fail *why)
{
    const char *order = range->backwards ? "DESC" : "ASC";
    struct sqlite3_stmt *row = NULL;
    char sql[SQL_ROOM];
    int rc;

    if (!sqlite_journal_open(j, why))
        return false;
    /* The limit is one of entries; of seals, which have several rows, by the subquery. */
    (void)snprintf(sql, sizeof sql,
                   list == JOURNAL_SEALS
                       ? "SELECT %s FROM %s WHERE provider = ?1 AND entry IN (SELECT entry FROM "
                         "seals WHERE provider = ?1 AND entry > ?2 AND entry <= ?3 AND n = 0 "
                         "ORDER BY entry %s LIMIT ?4) ORDER BY entry %s, n"
                       : "SELECT %s FROM %s AS t WHERE provider = ?1 AND t.entry > ?2 AND "
                         "t.entry <= ?3 ORDER BY t.entry %s LIMIT ?4",
                   lists[list].columns, lists[list].table, order, order);
    out->entry = arena_alloc(j->arena, range->max * sizeof *out->entry);
    rc = out->entry == NULL
             ? SQLITE_NOMEM
             : sqlite_journal_query(
                   j, sql,
                   SQLITE_VALUES(
                       sqlite_journal_provider(j),
                       sqlite_int(range->after[0] != '\0' ? sqlite_entry_of(range->after, NULL)
                                                          : -1),
                       sqlite_int(range->until[0] != '\0' ? sqlite_entry_of(range->until, NULL)
                                                          : INT64_MAX),
                       sqlite_int((int64_t)range->max)),
                   &row);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW)
        rc = list == JOURNAL_SEALS ? add_seal_field(j, row, out)
                                   : sqlite_journal_entry(j, row, &out->entry[out->n++]);
    (void)sqlite3_finalize(row);
    return sqlite_journal_judge(j, rc, why);
}

/* Of seals, which have several rows, too. */
static int count_entries(const struct journal *j, enum journal_list list, int64_t *out)
{
    return sqlite_journal_number(
        j, "SELECT entries FROM lists WHERE provider = ?1 AND name = ?2",
        SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(slice_of(lists[list].table))), 0,
        out);
}

static bool count_list(const struct journal *j, enum journal_list list, int64_t *out,
                       struct fail *why)
{
    return sqlite_journal_open(j, why) && sqlite_journal_judge(j, count_entries(j, list, out), why);
}

static bool remove_entries(const struct journal *j, enum journal_list list, const char *const *id,
                           size_t n, int64_t *removed, struct fail *why)
{
    int64_t before = 0, after = 0;
    char sql[SQL_ROOM];
    int rc;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    rc = count_entries(j, list, &before);
    (void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE provider = ?1 AND entry = ?2",
                   lists[list].table);
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
        bool exact;
        int64_t entry = sqlite_entry_of(id[i], &exact);
        if (exact)
            rc = sqlite_journal_run(
                j, sql, SQLITE_VALUES(sqlite_journal_provider(j), sqlite_int(entry)), NULL);
    }
    if (rc == SQLITE_OK)
        rc = count_entries(j, list, &after);
    store_of(j)->link.forget = true;
    if (!sqlite_journal_end(j, rc, why))
        return false;
    *removed = before - after;
    return true;
}

/* In steps, so that webhooks are not kept waiting; what one step removed stays removed. */
static bool trim_list(const struct journal *j, enum journal_list list, const char *id,
                      int64_t *removed, struct fail *why)
{
    int64_t before = 0, after = 0, changed = 1, end;
    char sql[SQL_ROOM];
    bool exact, ok = true;

    end = sqlite_entry_of(id, &exact);
    if (!exact && end < INT64_MAX)
        end++; /* the id comes after this entry */

    (void)snprintf(sql, sizeof sql,
                   "DELETE FROM %s WHERE provider = ?1 AND entry IN (SELECT entry FROM %s WHERE "
                   "provider = ?1 AND entry < ?2 ORDER BY entry LIMIT ?3)",
                   lists[list].table, lists[list].table);
    while (ok && changed > 0) {
        if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
            return false;
        int rc = count_entries(j, list, &before);
        if (rc == SQLITE_OK)
            rc = sqlite_journal_run(
                j, sql,
                SQLITE_VALUES(sqlite_journal_provider(j), sqlite_int(end), sqlite_int(TRIM_STEP)),
                &changed);
        if (rc == SQLITE_OK)
            rc = count_entries(j, list, &after);
        ok = sqlite_journal_end(j, rc, why);
        *removed += ok ? before - after : 0;
    }
    return ok;
}

static bool seal(const struct journal *j, const char *newest, const struct journal_field *field,
                 size_t n, bool *done, struct fail *why)
{
    int64_t last = 0, ever = 0;
    int rc;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    rc = sqlite_journal_number(j, "SELECT max(entry) FROM seals WHERE provider = ?1",
                               SQLITE_VALUES(sqlite_journal_provider(j)), 0, &last);
    if (rc == SQLITE_OK)
        rc = sqlite_journal_number(j,
                                   "SELECT last FROM lists WHERE provider = ?1 AND name = 'seals'",
                                   SQLITE_VALUES(sqlite_journal_provider(j)), 0, &ever);
    *done = last == (newest[0] != '\0' ? sqlite_entry_of(newest, NULL) : 0);
    ever = sqlite_entry_next(ever, sqlite_journal_now_us(j));
    for (size_t i = 0; *done && rc == SQLITE_OK && i < n; i++)
        rc = sqlite_journal_run(
            j, "INSERT INTO seals (provider, entry, n, name, value) VALUES (?1, ?2, ?3, ?4, ?5)",
            SQLITE_VALUES(sqlite_journal_provider(j), sqlite_int(ever), sqlite_int((int64_t)i),
                          sqlite_text(field[i].name), sqlite_text(field[i].value)),
            NULL);
    if (sqlite_journal_end(j, rc, why))
        return true;
    *done = false;
    return false;
}

/* --- leases ----------------------------------------------------------------------------------- */

static bool lease(const struct journal *j, const char *name, const char *holder, int64_t hold_ms,
                  bool *held, struct fail *why)
{
    int64_t changed = 0, now_us;
    int rc;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    now_us = sqlite_journal_now_us(j);
    rc = sqlite_journal_run(
        j,
        "INSERT INTO leases (provider, name, holder, until) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (provider, name) DO UPDATE SET holder = ?3, until = ?4 "
        "WHERE holder = ?3 OR until <= ?5",
        SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(slice_of(name)),
                      sqlite_text(slice_of(holder)), sqlite_int(now_us + hold_ms * 1000),
                      sqlite_int(now_us)),
        &changed);
    if (!sqlite_journal_end(j, rc, why))
        return false;
    *held = changed > 0;
    return true;
}

static bool release(const struct journal *j, const char *name, const char *holder, struct fail *why)
{
    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    return sqlite_journal_end(
        j,
        sqlite_journal_run(j,
                           "DELETE FROM leases WHERE provider = ?1 AND name = ?2 AND holder = ?3",
                           SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(slice_of(name)),
                                         sqlite_text(slice_of(holder))),
                           NULL),
        why);
}

const struct journal_ops sqlite_journal = {
    .read = read_list,
    .count = count_list,
    .remove = remove_entries,
    .trim = trim_list,
    .seal = seal,
    .record = sqlite_object_record,
    .history = sqlite_object_history,
    .keys = sqlite_object_keys,
    .forget = sqlite_object_forget,
    .lease = lease,
    .release = release,
    .group = &sqlite_group,
};
