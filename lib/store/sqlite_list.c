/* The lists that are read like streams: audit and quarantine here, and what they have in common with
 * the hand-off. */
#include <sqlite3.h>
#include <stdio.h>
#include "base/codec.h"
#include "store/sqlite_task.h"

#define QUARANTINE_RETRY_US (30 * US_PER_S)
/* The audit list shrinks to its limit, where that was lowered, so much faster than it grows. */
#define AUDIT_TRIM 4
#define FLAGS_MAX  96

int sqlite_list_look(struct sqlite_task *t, const char *list, int64_t *last, int64_t *entries)
{
    struct sqlite3_stmt *row;
    int rc = sqlite_task_row(t, &row, SQL_LIST, sqlite_text(slice_of(list)));

    *last = *entries = 0;
    if (rc == SQLITE_ROW) {
        *last = sqlite3_column_int64(row, 0);
        *entries = sqlite3_column_int64(row, 1);
        sqlite_sql_done(row);
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* "no_effect,future" */
static void name_flags(unsigned flags, char out[static FLAGS_MAX])
{
    size_t n = 0;

    out[0] = '\0';
    for (unsigned flag = 1; flag <= STORE_CLOCK_BACK; flag <<= 1) {
        if ((flags & flag) == 0)
            continue;
        n += (size_t)snprintf(out + n, FLAGS_MAX - n, "%s%s", n > 0 ? "," : "",
                              store_flag_word(flag));
    }
}

int sqlite_list_audit(struct sqlite_task *t, const char *outcome, int64_t sid, struct slice reason)
{
    char sid_text[SQLITE_SID_ROOM] = "", flags[FLAGS_MAX];
    int64_t last, entries, limit = t->provider->audit_limit;
    int rc;

    if (limit <= 0 || t->frozen != NULL)
        return SQLITE_OK;
    rc = sqlite_list_look(t, "audit", &last, &entries);
    if (rc != SQLITE_OK)
        return rc;
    if (sid > 0)
        sqlite_entry_sid(sid, sid_text);
    name_flags(t->flags, flags);
    rc = sqlite_task_do(t, SQL_AUDIT_ADD, sqlite_int(sqlite_entry_next(last, t->now_us)),
                        sqlite_text(slice_of(outcome)), sqlite_text(t->member->id),
                        sqlite_text(t->member->type),
                        sid > 0 ? sqlite_text(slice_of(sid_text)) : sqlite_null(),
                        reason.n > 0 ? sqlite_text(reason) : sqlite_null(),
                        t->flags != 0 ? sqlite_text(slice_of(flags)) : sqlite_null());
    if (rc == SQLITE_OK && entries >= limit)
        rc = sqlite_task_do(
            t, SQL_AUDIT_TRIM,
            sqlite_int(entries + 1 - limit < AUDIT_TRIM ? entries + 1 - limit : AUDIT_TRIM));
    return rc;
}

/* *sid becomes 0 when the quarantine is full. */
static int add_evidence(struct sqlite_task *t, const char *digest, struct slice reason,
                        struct slice detail, int64_t *sid)
{
    int64_t last, entries, limit = t->provider->quarantine_limit;
    int rc = sqlite_list_look(t, "quarantine", &last, &entries);

    *sid = 0;
    if (rc != SQLITE_OK || (limit > 0 && entries >= limit))
        return rc;
    *sid = sqlite_entry_next(last, t->now_us);
    return sqlite_task_do(t, SQL_QUARANTINE_ADD, sqlite_int(*sid), sqlite_text(slice_of(digest)),
                          sqlite_text(reason), sqlite_text(t->member->id),
                          sqlite_text(t->member->type), sqlite_int(t->now_us), sqlite_text(detail),
                          sqlite_blob(t->member->body));
}

int sqlite_list_quarantine(struct sqlite_task *t, enum store_code code, const char *outcome,
                           struct slice reason, struct slice detail)
{
    char digest[BASE64_ROOM(SHA256_BYTES)];
    struct sqlite3_stmt *row;
    int64_t sid = 0;
    int rc;

    if (t->frozen != NULL) {
        sqlite_trouble_result(t->frozen, t->result);
        return SQLITE_OK;
    }
    base64_encode(t->member->body_sha256, SHA256_BYTES, digest);
    rc = sqlite_task_row(t, &row, SQL_QUARANTINE_GET, sqlite_text(reason),
                         sqlite_text(slice_of(digest)));
    if (rc == SQLITE_ROW) {
        sid = sqlite3_column_int64(row, 0);
        sqlite_sql_done(row);
        rc = sqlite_task_do(t, SQL_QUARANTINE_REPEAT, sqlite_int(sid), sqlite_int(t->now_us));
    } else if (rc == SQLITE_DONE) {
        rc = add_evidence(t, digest, reason, detail, &sid);
    }
    if (rc != SQLITE_OK)
        return rc;
    if (sid == 0) {
        sqlite_task_refuse(t, STORE_UNAVAILABLE, "quarantine_full", QUARANTINE_RETRY_US);
        return SQLITE_OK;
    }
    t->result->code = code;
    t->result->at_us = t->now_us;
    return sqlite_list_audit(t, outcome, sid, reason);
}
