/* store/step.h in the file: a step is one transaction, under the same lock as a commit. */
#include <sqlite3.h>
#include <stdio.h>

#include "store/sqlite_journal.h"

/* As found in the transaction, before anything is written. */
enum finding { SOUND, UNMET, FULL, WRONG_TYPE };

struct step {
    struct sqlite_task task;
    const struct step_change *change;
    size_t n;
    int64_t limit;        /* of the hand-off; 0: none */
    int64_t last_entry;   /* of the hand-off */
    enum finding finding; /* other than SOUND: nothing is to be written */
};

/* Changes of one record mostly stand together: its kind is asked for once. */
static bool same_key(const struct step_change *change, size_t i)
{
    return i > 0 && change[i - 1].verb != STEP_EMIT &&
           slice_equal(change[i - 1].key, change[i].key);
}

static int check_kinds(struct step *s)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < s->n && rc == SQLITE_OK && s->finding == SOUND; i++) {
        struct sqlite3_stmt *row;
        if (s->change[i].verb == STEP_EMIT || same_key(s->change, i))
            continue;
        rc = sqlite_task_row(&s->task, &row, SQL_KEY_KIND, sqlite_text(s->change[i].key));
        if (rc != SQLITE_ROW)
            return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
        if (sqlite3_column_int(row, 1) != 0)
            s->finding = WRONG_TYPE;
        sqlite_sql_done(row);
        rc = SQLITE_OK;
    }
    return rc;
}

static int check_conditions(struct step *s)
{
    for (size_t i = 0; i < s->n && s->finding == SOUND; i++) {
        const struct step_change *c = &s->change[i];
        struct sqlite3_stmt *row;
        bool met;
        int rc;
        if (c->verb != STEP_REQUIRE && c->verb != STEP_REQUIRE_ABSENT)
            continue;
        rc = sqlite_task_row(&s->task, &row, SQL_FIELD_GET, sqlite_text(c->key),
                             sqlite_text(c->field));
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            return rc;
        met = c->verb == STEP_REQUIRE_ABSENT
                  ? rc == SQLITE_DONE
                  : rc == SQLITE_ROW && slice_equal(sqlite_sql_bytes(row, 0), c->value);
        sqlite_sql_done(row);
        if (!met)
            s->finding = UNMET;
    }
    return SQLITE_OK;
}

static int check_room(struct step *s)
{
    int64_t entries, emits = 0;
    int rc = sqlite_list_look(&s->task, "events", &s->last_entry, &entries);

    for (size_t i = 0; i < s->n; i++)
        emits += s->change[i].verb == STEP_EMIT;
    if (rc == SQLITE_OK && s->finding == SOUND && s->limit > 0 && emits > 0 &&
        entries + emits > s->limit)
        s->finding = FULL;
    return rc;
}

static int write_change(struct step *s, const struct step_change *c)
{
    struct sqlite_task *t = &s->task;

    switch (c->verb) {
    case STEP_SET:
    case STEP_PUT: /* the table is in that order */
        return sqlite_task_do(t, SQL_FIELD_PUT, sqlite_text(c->key), sqlite_text(c->field),
                              sqlite_text(c->value));
    case STEP_UNSET:
        return sqlite_task_do(t, SQL_FIELD_DROP, sqlite_text(c->key), sqlite_text(c->field));
    case STEP_DROP:
        return sqlite_task_do(t, SQL_RECORD_DROP, sqlite_text(c->key));
    case STEP_EMIT:
        s->last_entry = sqlite_entry_next(s->last_entry, t->now_us);
        return sqlite_task_do(t, SQL_EVENT_ADD, sqlite_int(s->last_entry), sqlite_text(c->key),
                              sqlite_text(c->field), sqlite_int(t->now_us), sqlite_blob(c->value));
    case STEP_REQUIRE:
    case STEP_REQUIRE_ABSENT:
        break;
    }
    return SQLITE_OK;
}

static int run(struct step *s)
{
    int rc = check_kinds(s);

    if (rc == SQLITE_OK)
        rc = check_conditions(s);
    if (rc == SQLITE_OK)
        rc = check_room(s);
    for (size_t i = 0; i < s->n && rc == SQLITE_OK && s->finding == SOUND; i++)
        rc = write_change(s, &s->change[i]);
    return rc;
}

static enum step_outcome sqlite_step_apply(const struct journal *j,
                                           const struct step_change *change, size_t n,
                                           int64_t backlog_limit, struct fail *why)
{
    struct sqlite_store *store = (struct sqlite_store *)j->store;
    const struct store_provider provider = {.name = j->provider};
    struct step s = {.task = {.link = &store->link, .provider = &provider},
                     .change = change,
                     .n = n,
                     .limit = backlog_limit};
    struct sqlite_trouble trouble;
    bool closed;
    int rc;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return STEP_AWAY;
    s.task.now_us = sqlite_journal_now_us(j);
    rc = sqlite_store_closed(store, j->provider, &trouble, &closed);
    if (rc == SQLITE_OK && closed) {
        sqlite_link_rollback(&store->link);
        fail_set(why, "store: %s: %s", trouble.word, trouble.text);
        return STEP_AWAY;
    }
    if (rc == SQLITE_OK)
        rc = run(&s);
    if (rc != SQLITE_OK || s.finding == SOUND)
        return sqlite_journal_end(j, rc, why) ? STEP_DONE : STEP_AWAY;
    sqlite_link_rollback(&store->link);
    if (s.finding == WRONG_TYPE)
        fail_set(why, "store: wrong_type: a history is where a record should be");
    return s.finding == UNMET ? STEP_UNMET : s.finding == FULL ? STEP_FULL : STEP_AWAY;
}

static bool sqlite_step_read(const struct journal *j, struct slice key, const char *const *field,
                             size_t n, struct slice *out, struct fail *why)
{
    /* One statement sees one moment; the parameters that are too many are NULL, which is no name. */
    static const char sql[] =
        "SELECT name, value FROM fields WHERE provider = ?1 AND key = ?2 AND name IN "
        "(?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, "
        "?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34)";
    struct sqlite_value value[STEP_FIELDS_MAX + 2];
    struct sqlite3_stmt *row = NULL;
    int rc;

    _Static_assert(STEP_FIELDS_MAX + 2 == 34, "as many parameters as fields");
    if (!sqlite_journal_open(j, why))
        return false;
    value[0] = sqlite_journal_provider(j);
    value[1] = sqlite_text(key);
    for (size_t i = 0; i < n; i++)
        value[i + 2] = sqlite_text(slice_of(field[i]));
    rc = sqlite_journal_query(j, sql, value, n + 2, &row);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct slice name = sqlite_sql_bytes(row, 0);
        rc = SQLITE_OK;
        for (size_t i = 0; i < n; i++)
            if (slice_equal(name, slice_of(field[i])) &&
                (out[i] = sqlite_journal_column(j, row, 1)).p == NULL)
                rc = SQLITE_NOMEM;
    }
    (void)sqlite3_finalize(row);
    return sqlite_journal_judge(j, rc, why);
}

static bool sqlite_step_now(const struct journal *j, int64_t *now_us, struct fail *why)
{
    (void)why;
    *now_us = sqlite_journal_now_us(j);
    return true;
}

static bool sqlite_step_list(const struct journal *j, struct slice key, struct slice after,
                             size_t max, size_t bytes, struct step_page *out, struct fail *why)
{
    struct sqlite3_stmt *row = NULL;
    size_t used = 0;
    int rc;

    if (!sqlite_journal_open(j, why))
        return false;
    rc = sqlite_journal_query(j,
                              "SELECT name, value FROM fields WHERE provider = ?1 AND key = ?2 AND "
                              "name > ?3 ORDER BY name LIMIT ?4",
                              SQLITE_VALUES(sqlite_journal_provider(j), sqlite_text(key),
                                            sqlite_text(after), sqlite_int((int64_t)max + 1)),
                              &row);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct journal_field *f = &out->field[out->n];
        rc = SQLITE_OK;
        out->more = out->n == max || used >= bytes;
        if (out->more)
            break;
        f->name = sqlite_journal_column(j, row, 0);
        f->value = sqlite_journal_column(j, row, 1);
        used += f->name.n + f->value.n;
        out->n++;
        if (f->name.p == NULL || f->value.p == NULL)
            rc = SQLITE_NOMEM;
    }
    (void)sqlite3_finalize(row);
    return sqlite_journal_judge(j, rc, why);
}

const struct step_ops sqlite_step = {sqlite_step_apply, sqlite_step_read, sqlite_step_now,
                                     sqlite_step_list};
