#include "store/sqlite.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include "store/sqlite_store.h"

/* Expired ids that a batch removes beside twice as many as it may add. */
#define EXPIRE_MORE 8

bool sqlite_store_open(struct sqlite_store *s, int64_t deadline_ms, struct sqlite_trouble *t)
{
    bool ok = sqlite_link_open(&s->link, deadline_ms, t);

    s->base.connections = s->link.opened;
    return ok;
}

/* --- commit ----------------------------------------------------------------------------------- */

/* In small steps, so that no commit pays for all that expires at once. */
static int forget_ids(struct sqlite_task *t, size_t members)
{
    return sqlite_sql_do(
        t->link->db, &t->link->sql, SQL_IDS_EXPIRE,
        SQLITE_VALUES(sqlite_int(t->now_us), sqlite_int((int64_t)(2 * members + EXPIRE_MORE))));
}

int sqlite_store_closed(struct sqlite_store *s, const char *provider, struct sqlite_trouble *t,
                        bool *closed)
{
    struct sqlite3_stmt *row;
    int rc = sqlite_sql_row(s->link.db, &s->link.sql, SQL_CLOSED,
                            SQLITE_VALUES(sqlite_text(slice_of(provider))), &row);

    *closed = rc == SQLITE_ROW;
    if (*closed) {
        struct slice mark = sqlite_sql_bytes(row, 0);
        (void)sqlite_trouble_set(t, "store_closed", "%.*s", (int)mark.n, mark.p);
    }
    sqlite_sql_done(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

bool sqlite_store_batch(struct sqlite_store *s, const struct store_batch *batch, bool keep,
                        struct store_result *result, struct sqlite_trouble *trouble)
{
    struct sqlite_task t = {.link = &s->link, .provider = batch->provider};
    bool closed = false;
    int rc = SQLITE_OK;

    if (!sqlite_link_begin(&s->link, trouble))
        return false;
    if (keep) /* a trial shows that it works, closed or not */
        rc = sqlite_store_closed(s, batch->provider->name, trouble, &closed);
    if (closed) {
        sqlite_link_rollback(&s->link);
        return false;
    }
    /* Only now, so that the order of the times is that of the commits. */
    t.now_us = clock_now_us(s->link.clock);
    for (size_t i = 0; i < batch->n && rc == SQLITE_OK; i++)
        rc = sqlite_task_member(&t, &batch->member[i], &result[i]);
    if (rc == SQLITE_OK)
        rc = forget_ids(&t, batch->n);
    if (rc == SQLITE_OK && keep)
        return sqlite_link_commit(&s->link, trouble);
    if (rc != SQLITE_OK)
        sqlite_trouble_of(trouble, rc, s->link.db);
    sqlite_link_rollback(&s->link);
    return rc == SQLITE_OK;
}

/* What can be answered without writing: duplicates, and that the window is full. */
static void answer_frozen(struct sqlite_store *s, const struct store_batch *batch,
                          const struct sqlite_trouble *trouble, struct store_result *result)
{
    struct sqlite_task t = {.link = &s->link,
                            .provider = batch->provider,
                            .now_us = clock_now_us(s->link.clock),
                            .frozen = trouble};

    for (size_t i = 0; i < batch->n; i++) {
        if (s->link.db == NULL ||
            sqlite_task_member(&t, &batch->member[i], &result[i]) != SQLITE_OK)
            sqlite_trouble_result(trouble, &result[i]);
    }
}

static void sqlite_commit(struct store *base, const struct store_batch *batch,
                          struct store_result *result)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    struct sqlite_trouble trouble;

    if (sqlite_store_open(s, batch->deadline_ms, &trouble) &&
        sqlite_store_batch(s, batch, true, result, &trouble))
        return;
    if (trouble.code != STORE_FAULT || batch->n == 1) {
        answer_frozen(s, batch, &trouble, result);
        /* After an error of the disk, nothing that was held in memory is trusted. */
        if (trouble.code == STORE_FAULT || strcmp(trouble.word, "store_disk") == 0)
            sqlite_link_close(&s->link);
        return;
    }
    /* Damage that one member meets is not the others' fault. */
    for (size_t i = 0; i < batch->n; i++) {
        struct store_batch one = *batch;
        one.member = &batch->member[i];
        one.n = 1;
        sqlite_commit(base, &one, &result[i]);
    }
}

/* --- the other operations --------------------------------------------------------------------- */

static bool sqlite_probe(struct store *base, int64_t timeout_ms, struct fail *why)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    struct sqlite_trouble trouble;
    int64_t deadline_ms = clock_monotonic_ms(s->link.clock) + timeout_ms;

    if (sqlite_store_open(s, deadline_ms, &trouble) && sqlite_link_begin(&s->link, &trouble)) {
        sqlite_link_rollback(&s->link);
        return true;
    }
    sqlite_trouble_explain(&trouble, why);
    return false;
}

/* The file is the server: its own id, and which file it is, for a copy is another one. */
bool sqlite_run_id(struct store *base, int64_t deadline_ms, char out[static 48], struct fail *why)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    struct sqlite_trouble trouble;
    char id[33];
    int rc;

    if (sqlite_store_open(s, deadline_ms, &trouble)) {
        rc =
            sqlite_ask_text(s->link.db, "SELECT value FROM store WHERE name = 'id'", id, sizeof id);
        if (rc == SQLITE_ROW) {
            (void)snprintf(out, 48, "%.24s-%" PRIx64, id, (uint64_t)s->link.ino);
            return true;
        }
        sqlite_trouble_of(&trouble, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc, s->link.db);
    }
    sqlite_trouble_explain(&trouble, why);
    return false;
}

static int read_gauges(struct sqlite_task *t, struct store_gauges *out)
{
    const struct store_provider *p = t->provider;
    struct sqlite3_stmt *row;
    int64_t last;
    int rc = sqlite_task_row(t, &row, SQL_RATE_USED, sqlite_int(p->rate_count),
                             sqlite_int(t->now_us - p->rate_window_us));

    if (rc == SQLITE_ROW)
        out->rate_used = sqlite3_column_int64(row, 0);
    sqlite_sql_done(row);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    rc = sqlite_list_look(t, "events", &last, &out->backlog_entries);
    return rc == SQLITE_OK ? sqlite_list_look(t, "quarantine", &last, &out->quarantine_entries)
                           : rc;
}

static bool sqlite_gauges(struct store *base, const struct store_provider *p, int64_t deadline_ms,
                          struct store_gauges *out)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    struct sqlite_task t = {.link = &s->link, .provider = p, .now_us = clock_now_us(s->link.clock)};
    struct sqlite_trouble trouble;

    return sqlite_store_open(s, deadline_ms, &trouble) && read_gauges(&t, out) == SQLITE_OK;
}

static void sqlite_free(struct store *base)
{
    struct sqlite_store *s = (struct sqlite_store *)base;

    sqlite_link_close(&s->link);
    sqlite_file_close(&s->link.file);
    for (size_t i = 0; i < SQLITE_WALKS_MAX; i++)
        free(s->walk[i].after);
    free(s);
}

struct store *sqlite_open(const char *url, const struct clock *clock, struct fail *why)
{
    static const struct store_ops ops = {.commit = sqlite_commit,
                                         .probe = sqlite_probe,
                                         .gauges = sqlite_gauges,
                                         .run_id = sqlite_run_id,
                                         .examine = sqlite_examine,
                                         .free = sqlite_free};
    struct sqlite_store *s = calloc(1, sizeof *s);

    if (s == NULL) {
        fail_set(why, "out of memory");
        return NULL;
    }
    s->base.ops = &ops;
    s->base.journal = &sqlite_journal;
    s->base.step = &sqlite_step;
    s->base.transfer = &sqlite_transfer;
    s->link.clock = clock;
    if (sqlite_file_parse(url, &s->link.file, why))
        return &s->base;
    free(s);
    return NULL;
}
