/* Consumers that share the hand-off: store/group.h. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include "store/sqlite_journal.h"

/* What was taken and belongs to an event that is still there. */
static const char due_events[] =
    "SELECT t.entry, e.id, e.type, e.at, e.body, t.deliveries + 1 AS deliveries FROM taken t "
    "JOIN events e ON e.provider = t.provider AND e.entry = t.entry "
    "WHERE t.provider = ?1 AND t.name = ?2 AND t.at <= ?3 ORDER BY t.entry LIMIT ?4";
static const char new_events[] =
    "SELECT entry, id, type, at, body, 1 AS deliveries FROM events "
    "WHERE provider = ?1 AND entry > ?3 AND ?2 IS NOT NULL ORDER BY entry LIMIT ?4";

static struct sqlite_value text(const char *s)
{
    return sqlite_text(slice_of(s));
}

/* How far the group has read; false: there is no such group, or the store gave no answer. */
static bool look_up(const struct journal *j, const char *group, int64_t *read, struct fail *why)
{
    int rc = sqlite_journal_number(
        j, "SELECT read FROM consumer_groups WHERE provider = ?1 AND name = ?2",
        SQLITE_VALUES(sqlite_journal_provider(j), text(group)), -1, read);

    if (!sqlite_journal_judge(j, rc, why))
        return false;
    if (*read < 0)
        fail_set(why, "there is no group \"%s\"", group);
    return *read >= 0;
}

static bool open_group(const struct journal *j, const char *group, int64_t *read, struct fail *why)
{
    return sqlite_journal_open(j, why) && look_up(j, group, read, why);
}

/* The same within a transaction, for writing. */
static bool begin_group(const struct journal *j, const char *group, int64_t *read, struct fail *why)
{
    struct fail unused;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    if (look_up(j, group, read, why))
        return true;
    (void)sqlite_journal_end(j, SQLITE_OK, &unused);
    return false;
}

static bool make(const struct journal *j, const char *group, bool from_now, struct fail *why)
{
    int64_t last = 0, groups = 0;
    int rc;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    rc = sqlite_journal_number(j, "SELECT count(*) FROM consumer_groups WHERE provider = ?1",
                               SQLITE_VALUES(sqlite_journal_provider(j)), 0, &groups);
    if (rc == SQLITE_OK && from_now)
        rc = sqlite_journal_number(j,
                                   "SELECT last FROM lists WHERE provider = ?1 AND name = 'events'",
                                   SQLITE_VALUES(sqlite_journal_provider(j)), 0, &last);
    if (rc == SQLITE_OK && groups < GROUPS_MAX)
        rc = sqlite_journal_run(
            j, "INSERT OR IGNORE INTO consumer_groups (provider, name, read) VALUES (?1, ?2, ?3)",
            SQLITE_VALUES(sqlite_journal_provider(j), text(group), sqlite_int(last)), NULL);
    if (!sqlite_journal_end(j, rc, why))
        return false;
    if (groups < GROUPS_MAX)
        return true;
    return look_up(j, group, &last, why) ||
           (fail_set(why, "a provider has at most %d consumer groups; drop one", GROUPS_MAX),
            false);
}

static bool drop(const struct journal *j, const char *group, bool *dropped, struct fail *why)
{
    const struct sqlite_value of[] = {sqlite_journal_provider(j), text(group)};
    int64_t changed = 0;
    int rc;

    if (!sqlite_journal_open(j, why) || !sqlite_journal_begin(j, why))
        return false;
    rc = sqlite_journal_run(j, "DELETE FROM taken WHERE provider = ?1 AND name = ?2", of, 2, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite_journal_run(j, "DELETE FROM consumer_groups WHERE provider = ?1 AND name = ?2",
                                of, 2, &changed);
    if (!sqlite_journal_end(j, rc, why))
        return false;
    *dropped = changed > 0;
    return true;
}

static bool list(const struct journal *j, struct group_state *out, size_t *n, struct fail *why)
{
    struct sqlite3_stmt *row = NULL;
    int rc;

    if (!sqlite_journal_open(j, why))
        return false;
    rc = sqlite_journal_query(
        j,
        "SELECT g.name, count(DISTINCT t.consumer), count(t.entry), "
        "coalesce(min(t.entry), g.read + 1) FROM consumer_groups g LEFT JOIN taken t "
        "ON t.provider = g.provider AND t.name = g.name WHERE g.provider = ?1 "
        "GROUP BY g.name ORDER BY g.name",
        SQLITE_VALUES(sqlite_journal_provider(j)), &row);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW && *n < GROUPS_MAX) {
        struct group_state *g = &out[(*n)++];
        (void)snprintf(g->name, sizeof g->name, "%s", (const char *)sqlite3_column_text(row, 0));
        g->consumers = sqlite3_column_int64(row, 1);
        g->pending = sqlite3_column_int64(row, 2);
        sqlite_entry_sid(sqlite3_column_int64(row, 3), g->needed);
        rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(row);
    return sqlite_journal_judge(j, rc, why);
}

/* --- taking ----------------------------------------------------------------------------------- */

struct taking {
    const struct journal *j;
    const char *group, *consumer;
    size_t max;
    int64_t now_us, idle_us;
    struct group_entry *out;
    size_t n;
};

/* Adds what the query finds, written down as taken by the consumer. */
static int collect(struct taking *t, const char *sql, int64_t bound, int64_t *last)
{
    struct sqlite3_stmt *row = NULL;
    int rc =
        sqlite_journal_query(t->j, sql,
                             SQLITE_VALUES(sqlite_journal_provider(t->j), text(t->group),
                                           sqlite_int(bound), sqlite_int((int64_t)(t->max - t->n))),
                             &row);
    size_t first = t->n;

    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW && t->n < t->max) {
        struct group_entry *e = &t->out[t->n++];
        rc = sqlite_journal_entry(t->j, row, &e->entry);
        e->deliveries = sqlite3_column_int64(row, 5);
        if (rc == SQLITE_OK)
            e->entry.nfields--; /* the deliveries are no field */
    }
    (void)sqlite3_finalize(row);
    if (rc == SQLITE_DONE)
        rc = SQLITE_OK;
    for (size_t i = first; i < t->n && rc == SQLITE_OK; i++) {
        *last = sqlite_entry_of(t->out[i].entry.id, NULL);
        rc = sqlite_journal_run(
            t->j,
            "INSERT OR REPLACE INTO taken (provider, name, entry, consumer, at, deliveries) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            SQLITE_VALUES(sqlite_journal_provider(t->j), text(t->group), sqlite_int(*last),
                          text(t->consumer), sqlite_int(t->now_us),
                          sqlite_int(t->out[i].deliveries)),
            NULL);
    }
    return rc;
}

static int take_all(struct taking *t, int64_t read)
{
    const struct sqlite_value provider = sqlite_journal_provider(t->j), group = text(t->group);
    int64_t last = read;
    /* Stamps that lie ahead are of a clock that stepped back. */
    int rc = sqlite_journal_run(
        t->j, "UPDATE taken SET at = ?3 WHERE provider = ?1 AND name = ?2 AND at > ?3",
        SQLITE_VALUES(provider, group, sqlite_int(t->now_us)), NULL);

    /* Entries that somebody removed are done. */
    if (rc == SQLITE_OK)
        rc = sqlite_journal_run(
            t->j,
            "DELETE FROM taken WHERE provider = ?1 AND name = ?2 AND at <= ?3 AND NOT EXISTS "
            "(SELECT 1 FROM events e WHERE e.provider = ?1 AND e.entry = taken.entry)",
            SQLITE_VALUES(provider, group, sqlite_int(t->now_us - t->idle_us)), NULL);
    if (rc == SQLITE_OK)
        rc = collect(t, due_events, t->now_us - t->idle_us, &last);
    last = read;
    if (rc == SQLITE_OK && t->n < t->max)
        rc = collect(t, new_events, read, &last);
    if (rc == SQLITE_OK && last > read)
        rc = sqlite_journal_run(
            t->j, "UPDATE consumer_groups SET read = ?3 WHERE provider = ?1 AND name = ?2",
            SQLITE_VALUES(provider, group, sqlite_int(last)), NULL);
    return rc;
}

/* Whether there is anything to take: consumers that wait do not lock the file each time they ask. */
static int look(const struct taking *t, int64_t read, int64_t *any)
{
    return sqlite_journal_number(
        t->j,
        "SELECT EXISTS (SELECT 1 FROM events WHERE provider = ?1 AND entry > ?3) OR EXISTS "
        "(SELECT 1 FROM taken WHERE provider = ?1 AND name = ?2 AND (at <= ?4 OR at > ?5))",
        SQLITE_VALUES(sqlite_journal_provider(t->j), text(t->group), sqlite_int(read),
                      sqlite_int(t->now_us - t->idle_us), sqlite_int(t->now_us)),
        0, any);
}

static bool take(const struct journal *j, const char *group, const char *consumer, size_t max,
                 int64_t idle_ms, struct group_entry **out, size_t *n, struct fail *why)
{
    struct taking t = {.j = j,
                       .group = group,
                       .consumer = consumer,
                       .max = max,
                       .now_us = sqlite_journal_now_us(j),
                       .idle_us = idle_ms * 1000};
    int64_t read, any = 0;

    if (!open_group(j, group, &read, why) || !sqlite_journal_judge(j, look(&t, read, &any), why))
        return false;
    t.out = *out = arena_alloc(j->arena, max * sizeof **out);
    if (t.out == NULL)
        return sqlite_journal_judge(j, SQLITE_NOMEM, why);
    if (any == 0)
        return true;
    if (!begin_group(j, group, &read, why))
        return false;
    t.now_us = sqlite_journal_now_us(j);
    if (!sqlite_journal_end(j, take_all(&t, read), why))
        return false;
    *n = t.n;
    return true;
}

/* --- what was taken --------------------------------------------------------------------------- */

static bool hold(const struct journal *j, const char *group, const char *consumer, const char *id,
                 bool *held, struct fail *why)
{
    int64_t read, changed = 0;
    int rc;

    if (!begin_group(j, group, &read, why))
        return false;
    rc = sqlite_journal_run(
        j,
        "UPDATE taken SET at = ?5 WHERE provider = ?1 AND name = ?2 AND entry = ?3 AND "
        "consumer = ?4",
        SQLITE_VALUES(sqlite_journal_provider(j), text(group),
                      sqlite_int(sqlite_entry_of(id, NULL)), text(consumer),
                      sqlite_int(sqlite_journal_now_us(j))),
        &changed);
    if (!sqlite_journal_end(j, rc, why))
        return false;
    *held = changed > 0;
    return true;
}

static int forget(const struct journal *j, const char *group, const char *id, int64_t *changed)
{
    return sqlite_journal_run(j,
                              "DELETE FROM taken WHERE provider = ?1 AND name = ?2 AND entry = ?3",
                              SQLITE_VALUES(sqlite_journal_provider(j), text(group),
                                            sqlite_int(sqlite_entry_of(id, NULL))),
                              changed);
}

static bool done(const struct journal *j, const char *group, const char *id, struct fail *why)
{
    int64_t read;

    return begin_group(j, group, &read, why) &&
           sqlite_journal_end(j, forget(j, group, id, NULL), why);
}

static bool bury(const struct journal *j, const char *group, const struct group_entry *e,
                 const char *reason, struct fail *why)
{
    int64_t read, changed = 0, last = 0;
    int rc;

    if (!begin_group(j, group, &read, why))
        return false;
    rc = forget(j, group, e->entry.id, &changed);
    if (rc == SQLITE_OK && changed > 0)
        rc =
            sqlite_journal_number(j, "SELECT last FROM lists WHERE provider = ?1 AND name = 'dead'",
                                  SQLITE_VALUES(sqlite_journal_provider(j)), 0, &last);
    if (rc == SQLITE_OK && changed > 0)
        rc = sqlite_journal_run(
            j,
            "INSERT INTO dead (provider, entry, name, of, reason, deliveries, id, type, at, body) "
            "SELECT ?1, ?2, ?3, ?4, ?5, ?6, e.id, e.type, e.at, e.body FROM (SELECT 1) LEFT JOIN "
            "events e ON e.provider = ?1 AND e.entry = ?7",
            SQLITE_VALUES(sqlite_journal_provider(j),
                          sqlite_int(sqlite_entry_next(last, sqlite_journal_now_us(j))),
                          text(group), text(e->entry.id), text(reason), sqlite_int(e->deliveries),
                          sqlite_int(sqlite_entry_of(e->entry.id, NULL))),
            NULL);
    return sqlite_journal_end(j, rc, why);
}

const struct group_ops sqlite_group = {
    .make = make,
    .drop = drop,
    .list = list,
    .take = take,
    .hold = hold,
    .done = done,
    .bury = bury,
};
