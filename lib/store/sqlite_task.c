#include "store/sqlite_task.h"

#include <sqlite3.h>
#include <stdio.h>

#define BACKLOG_RETRY_US (5 * US_PER_S)
/* The window shrinks to its limit, where that was lowered, so much faster than it grows. */
#define RATE_TRIM 4

void sqlite_task_refuse(struct sqlite_task *t, enum store_code code, const char *word,
                        int64_t retry_after_us)
{
    *t->result = (struct store_result){
        .code = code, .word = word, .flags = t->flags, .retry_after_us = retry_after_us};
    (void)snprintf(t->result->reason, sizeof t->result->reason, "%s", word);
}

/* The same event before? Then the result is set and *known true. */
static int look_up(struct sqlite_task *t, bool *known)
{
    const struct store_member *m = t->member;
    const struct slice sha256 = {(const char *)m->body_sha256, SHA256_BYTES};
    const struct slice nonce = {(const char *)m->nonce, STORE_NONCE_BYTES};
    struct sqlite3_stmt *row;
    int rc = sqlite_task_row(t, &row, SQL_ID_GET, sqlite_text(m->id), sqlite_int(t->now_us));
    bool same_body, same_nonce;

    *known = rc == SQLITE_ROW;
    if (!*known)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    same_body = slice_equal(sqlite_sql_bytes(row, 0), sha256);
    same_nonce = slice_equal(sqlite_sql_bytes(row, 1), nonce);
    t->result->at_us = sqlite3_column_int64(row, 2);
    sqlite_sql_done(row);
    if (!same_body) {
        t->result->word = "conflict";
        (void)snprintf(t->result->reason, sizeof t->result->reason, "conflict");
        return sqlite_list_quarantine(t, STORE_CONFLICT, "conflict", SLICE_LITERAL("conflict"),
                                      SLICE_NONE);
    }
    t->result->code = same_nonce ? STORE_ACCEPTED : STORE_DUPLICATE;
    return same_nonce ? SQLITE_OK : sqlite_list_audit(t, "duplicate", 0, SLICE_NONE);
}

/* --- the rate window -------------------------------------------------------------------------- */

struct window {
    int64_t last;      /* the number of the newest stamp, 0: none */
    int64_t newest_us; /* that stamp */
};

static int look_at_window(struct sqlite_task *t, struct window *w)
{
    struct sqlite3_stmt *row;
    int rc = sqlite_sql_row(t->link->db, &t->link->sql, SQL_RATE_LAST,
                            SQLITE_VALUES(sqlite_task_provider(t)), &row);

    *w = (struct window){0};
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    w->last = sqlite3_column_int64(row, 0);
    w->newest_us = sqlite3_column_int64(row, 1);
    sqlite_sql_done(row);
    return SQLITE_OK;
}

/* Sets *until_us to how long the window stays full, at most 0 if it is not. */
static int measure_window(struct sqlite_task *t, const struct window *w, int64_t *until_us)
{
    const struct store_provider *p = t->provider;
    struct sqlite3_stmt *row;
    int64_t oldest_us;
    int rc = SQLITE_OK;

    *until_us = 0;
    /* The clock stepped back: stamps that lie ahead count as now, so that the window refuses no longer
     * than its own length. */
    if (w->last > 0 && w->newest_us > t->now_us) {
        t->flags |= STORE_CLOCK_BACK;
        if (t->frozen == NULL)
            rc = sqlite_task_do(t, SQL_RATE_MEND, sqlite_int(w->last - p->rate_count),
                                sqlite_int(t->now_us));
    }
    if (rc != SQLITE_OK || w->last < p->rate_count)
        return rc;
    rc = sqlite_task_row(t, &row, SQL_RATE_GET, sqlite_int(w->last - p->rate_count + 1));
    if (rc == SQLITE_ROW) { /* else it was trimmed under a smaller limit */
        oldest_us = sqlite3_column_int64(row, 0);
        sqlite_sql_done(row);
        *until_us = (oldest_us < t->now_us ? oldest_us : t->now_us) + p->rate_window_us - t->now_us;
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int take_place(struct sqlite_task *t, const struct window *w)
{
    int rc = sqlite_task_do(t, SQL_RATE_ADD, sqlite_int(w->last + 1), sqlite_int(t->now_us));

    return rc == SQLITE_OK
               ? sqlite_task_do(t, SQL_RATE_TRIM, sqlite_int(w->last + 1 - t->provider->rate_count),
                                sqlite_int(RATE_TRIM))
               : rc;
}

/* --- events ----------------------------------------------------------------------------------- */

static int write_event(struct sqlite_task *t, int64_t entry)
{
    const struct store_member *m = t->member;
    int64_t keep_us = t->provider->keep_ids_us;
    int rc = sqlite_task_do(t, SQL_EVENT_ADD, sqlite_int(entry), sqlite_text(m->id),
                            sqlite_text(m->type), sqlite_int(t->now_us), sqlite_blob(m->body));

    if (keep_us > INT64_MAX - t->now_us)
        keep_us = INT64_MAX - t->now_us;
    if (rc != SQLITE_OK)
        return rc;
    return sqlite_task_do(t, SQL_ID_PUT, sqlite_text(m->id),
                          sqlite_blob((struct slice){(const char *)m->body_sha256, SHA256_BYTES}),
                          sqlite_blob((struct slice){(const char *)m->nonce, STORE_NONCE_BYTES}),
                          sqlite_int(t->now_us), sqlite_int(t->now_us + keep_us));
}

/* The changes and all that goes with an accepted event. */
static int accept(struct sqlite_task *t, const struct window *w, int64_t entry)
{
    bool counts = t->provider->rate_count > 0 && !t->member->exempt;
    int64_t stamp_us = t->member->stamp_us;
    char detail[SQLITE_DETAIL_MAX];
    unsigned flags;
    int rc;

    if (stamp_us > t->now_us) {
        stamp_us = t->now_us;
        t->flags |= STORE_FUTURE;
    }
    if (stamp_us < STORE_STAMP_MIN_US)
        stamp_us = STORE_STAMP_MIN_US;
    flags = t->flags;
    t->result->code = STORE_ACCEPTED;
    rc = sqlite_apply(t, stamp_us, detail);
    if (t->result->code != STORE_ACCEPTED)
        t->flags = t->result->flags = flags;
    if (rc == SQLITE_OK && t->result->code == STORE_REFUSED)
        return sqlite_list_quarantine(t, STORE_REFUSED, "invalid", slice_of(t->result->word),
                                      slice_of(detail));
    if (rc != SQLITE_OK || t->result->code != STORE_ACCEPTED)
        return rc;
    rc = write_event(t, entry);
    if (rc == SQLITE_OK && counts)
        rc = take_place(t, w);
    t->result->at_us = t->now_us;
    t->result->flags = t->flags;
    t->result->word = store_flag_word(t->flags);
    return rc == SQLITE_OK ? sqlite_list_audit(t, "accepted", entry, t->member->reason) : rc;
}

static int commit_event(struct sqlite_task *t)
{
    const struct store_provider *p = t->provider;
    int64_t last, entries, until_us = 0;
    struct window w = {0};
    bool known;
    int rc = look_up(t, &known);

    if (rc != SQLITE_OK || known)
        return rc;
    if (p->rate_count > 0 && !t->member->exempt) {
        rc = look_at_window(t, &w);
        if (rc == SQLITE_OK)
            rc = measure_window(t, &w, &until_us);
    }
    if (rc == SQLITE_OK && until_us > 0) {
        t->result->code = STORE_LIMITED;
        t->result->retry_after_us = until_us;
        t->result->flags = t->flags;
        t->result->word = store_flag_word(t->flags);
        return sqlite_list_audit(t, "limited", 0, SLICE_NONE);
    }
    if (rc == SQLITE_OK)
        rc = sqlite_list_look(t, "events", &last, &entries);
    if (rc != SQLITE_OK)
        return rc;
    if (p->backlog_limit > 0 && entries >= p->backlog_limit) {
        sqlite_task_refuse(t, STORE_UNAVAILABLE, "backlog_full", BACKLOG_RETRY_US);
        return SQLITE_OK;
    }
    if (t->frozen != NULL) {
        sqlite_trouble_result(t->frozen, t->result);
        return SQLITE_OK;
    }
    return accept(t, &w, sqlite_entry_next(last, t->now_us));
}

static int commit_mark(struct sqlite_task *t)
{
    char at[24];
    int n, rc;

    if (t->frozen != NULL) {
        sqlite_trouble_result(t->frozen, t->result);
        return SQLITE_OK;
    }
    n = snprintf(at, sizeof at, "%lld", (long long)t->now_us);
    rc = sqlite_task_do(t, SQL_FIELD_PUT, sqlite_text(SLICE_LITERAL("dirty")),
                        sqlite_text(t->member->id), sqlite_text((struct slice){at, (size_t)n}));
    t->result->code = STORE_ACCEPTED;
    t->result->at_us = t->now_us;
    return rc == SQLITE_OK ? sqlite_list_audit(t, "accepted", 0, SLICE_NONE) : rc;
}

int sqlite_task_member(struct sqlite_task *t, const struct store_member *m, struct store_result *r)
{
    *r = (struct store_result){.code = STORE_FAULT};
    t->member = m;
    t->result = r;
    t->flags = 0;
    switch (m->kind) {
    case STORE_EVENT:
        return commit_event(t);
    case STORE_MARK:
        return commit_mark(t);
    case STORE_NOTE:
        return sqlite_list_quarantine(t, STORE_ACCEPTED, "invalid", m->reason, m->detail);
    }
    return SQLITE_OK;
}
