/* Records and histories, as the operator's tool sees them. */
#include <sqlite3.h>
#include <stdlib.h>
#include "base/buf.h"
#include "store/sqlite_journal.h"

static bool no_memory(const struct journal *j, struct fail *why)
{
    return sqlite_journal_judge(j, SQLITE_NOMEM, why);
}

bool sqlite_object_record(const struct journal *j, const char *key, struct journal_entry *out,
                          struct fail *why)
{
    const struct sqlite_value of[] = {sqlite_journal_provider(j), sqlite_text(slice_of(key))};
    struct sqlite3_stmt *row = NULL;
    int64_t fields;
    size_t room;
    int rc;

    if (!sqlite_journal_open(j, why))
        return false;
    rc = sqlite_journal_number(j, "SELECT count(*) FROM fields WHERE provider = ?1 AND key = ?2",
                               of, 2, 0, &fields);
    if (!sqlite_journal_judge(j, rc, why) || fields == 0)
        return rc == SQLITE_OK;
    room = (size_t)fields;
    out->field = arena_alloc(j->arena, room * sizeof *out->field);
    if (out->field == NULL)
        return no_memory(j, why);
    rc = sqlite_journal_query(
        j, "SELECT name, value FROM fields WHERE provider = ?1 AND key = ?2 ORDER BY name", of, 2,
        &row);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW && out->nfields < room) {
        struct journal_field *f = &out->field[out->nfields++];
        f->name = sqlite_journal_column(j, row, 0);
        f->value = sqlite_journal_column(j, row, 1);
        rc = f->name.p != NULL && f->value.p != NULL ? SQLITE_OK : SQLITE_NOMEM;
    }
    (void)sqlite3_finalize(row);
    return sqlite_journal_judge(j, rc, why);
}

/* Texts of one column, at most `room`. */
static bool take_texts(const struct journal *j, const char *sql, const struct sqlite_value *value,
                       size_t nvalues, size_t room, struct slice **text, size_t *n,
                       struct fail *why)
{
    struct sqlite3_stmt *row = NULL;
    int rc;

    *text = arena_alloc(j->arena, room * sizeof **text);
    if (*text == NULL)
        return no_memory(j, why);
    rc = sqlite_journal_query(j, sql, value, nvalues, &row);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW && *n < room) {
        struct slice *t = &(*text)[(*n)++];
        *t = sqlite_journal_column(j, row, 0);
        rc = t->p != NULL ? SQLITE_OK : SQLITE_NOMEM;
    }
    (void)sqlite3_finalize(row);
    return sqlite_journal_judge(j, rc, why);
}

bool sqlite_object_history(const struct journal *j, const char *key, struct slice **text, size_t *n,
                           struct fail *why)
{
    return sqlite_journal_open(j, why) &&
           take_texts(j,
                      "SELECT value FROM (SELECT n, value FROM histories WHERE provider = ?1 AND "
                      "key = ?2 ORDER BY n DESC LIMIT ?3) ORDER BY n",
                      SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(slice_of(key)),
                                    sqlite_int(JOURNAL_PAGE_MAX)),
                      JOURNAL_PAGE_MAX, text, n, why);
}

/* --- the walk over keys ----------------------------------------------------------------------- */

/* The key behind which a walk goes on, "" at its beginning; NULL: the walk is not known. */
static const char *walk_position(struct sqlite_store *s, uint64_t cursor)
{
    if (cursor == 0)
        return "";
    return s->walk[cursor % SQLITE_WALKS_MAX].cursor == cursor
               ? s->walk[cursor % SQLITE_WALKS_MAX].after
               : NULL;
}

/* The cursor from which a walk goes on behind that key; 0: no memory. */
static uint64_t walk_on(struct sqlite_store *s, uint64_t cursor, struct slice after)
{
    /* A walk keeps its place. */
    uint64_t next = cursor != 0 ? cursor + SQLITE_WALKS_MAX : ++s->walked;
    char *copy = strndup(after.p, after.n);

    if (copy == NULL)
        return 0;
    free(s->walk[next % SQLITE_WALKS_MAX].after);
    s->walk[next % SQLITE_WALKS_MAX].after = copy;
    s->walk[next % SQLITE_WALKS_MAX].cursor = next;
    return next;
}

bool sqlite_object_keys(const struct journal *j, const char *prefix, uint64_t *cursor,
                        struct slice **key, size_t *n, struct fail *why)
{
    struct sqlite_store *s = (struct sqlite_store *)j->store;
    const char *after = walk_position(s, *cursor);
    struct buf end = BUF_INIT(1024);
    bool ok;

    if (after == NULL) {
        fail_set(why, "store: too many walks over the keys at once; begin anew");
        return false;
    }
    /* No text has a byte 0xff: this is behind all that begin with the prefix. */
    if (!buf_adds(&end, prefix) || !buf_adds(&end, "\xff")) {
        buf_free(&end);
        return no_memory(j, why);
    }
    ok =
        sqlite_journal_open(j, why) &&
        take_texts(j,
                   "SELECT DISTINCT key FROM fields WHERE provider = ?1 AND key > ?2 AND key >= ?3 "
                   "AND key < ?4 UNION SELECT DISTINCT key FROM histories WHERE provider = ?1 AND "
                   "key > ?2 AND key >= ?3 AND key < ?4 ORDER BY key LIMIT ?5",
                   SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(slice_of(after)),
                                 sqlite_text(slice_of(prefix)), sqlite_text(buf_slice(&end)),
                                 sqlite_int(JOURNAL_PAGE_MAX)),
                   JOURNAL_PAGE_MAX, key, n, why);
    buf_free(&end);
    if (!ok)
        return false;
    if (*key == NULL || *n < JOURNAL_PAGE_MAX) {
        *cursor = 0;
        return true;
    }
    *cursor = walk_on(s, *cursor, (*key)[*n - 1]);
    return *cursor != 0 || no_memory(j, why);
}

bool sqlite_object_forget(const struct journal *j, const char *const *key, size_t n,
                          int64_t *removed, struct fail *why)
{
    int rc = SQLITE_OK;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
        const struct sqlite_value of[] = {sqlite_journal_provider(j),
                                          sqlite_text(slice_of(key[i]))};
        int64_t fields = 0, texts = 0;
        rc = sqlite_journal_run(j, "DELETE FROM fields WHERE provider = ?1 AND key = ?2", of, 2,
                                &fields);
        if (rc == SQLITE_OK)
            rc = sqlite_journal_run(j, "DELETE FROM histories WHERE provider = ?1 AND key = ?2", of,
                                    2, &texts);
        *removed += fields + texts > 0;
    }
    ((struct sqlite_store *)j->store)->link.forget = true;
    if (sqlite_journal_end(j, rc, why))
        return true;
    *removed = 0;
    return false;
}
