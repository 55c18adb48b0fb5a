#include "store/sqlite_trouble.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>

/* By primary result code. What is not here is our own error. */
static const struct {
    int rc;
    enum store_code code;
    const char *word;
    int64_t retry_after_us;
} classes[] = {
    {SQLITE_BUSY, STORE_UNAVAILABLE, "store_busy", 2 * US_PER_S},
    {SQLITE_LOCKED, STORE_UNAVAILABLE, "store_busy", 2 * US_PER_S},
    {SQLITE_PROTOCOL, STORE_UNAVAILABLE, "store_busy", 2 * US_PER_S},
    {SQLITE_INTERRUPT, STORE_UNAVAILABLE, "store_timeout", 2 * US_PER_S},
    {SQLITE_FULL, STORE_UNAVAILABLE, "store_full", 30 * US_PER_S},
    {SQLITE_NOMEM, STORE_UNAVAILABLE, "store_full", 5 * US_PER_S},
    {SQLITE_READONLY, STORE_UNAVAILABLE, "store_read_only", 30 * US_PER_S},
    {SQLITE_IOERR, STORE_UNAVAILABLE, "store_disk", 30 * US_PER_S},
    {SQLITE_CANTOPEN, STORE_UNAVAILABLE, "store_unreachable", 5 * US_PER_S},
    {SQLITE_PERM, STORE_UNAVAILABLE, "store_config", 30 * US_PER_S},
    {SQLITE_AUTH, STORE_UNAVAILABLE, "store_config", 30 * US_PER_S},
    {SQLITE_CORRUPT, STORE_FAULT, "store_damaged", 0},
    {SQLITE_NOTADB, STORE_FAULT, "store_damaged", 0},
    /* A value that its column cannot hold: the file is not as this program leaves it. */
    {SQLITE_CONSTRAINT, STORE_FAULT, "bad_record", 0},
    {SQLITE_MISMATCH, STORE_FAULT, "bad_record", 0},
};

void sqlite_trouble_of(struct sqlite_trouble *t, int rc, struct sqlite3 *db)
{
    /* The handle's message belongs to its last call, which need not be the one that failed. */
    const char *text =
        db != NULL && sqlite3_errcode(db) == (rc & 0xff) ? sqlite3_errmsg(db) : sqlite3_errstr(rc);

    *t = (struct sqlite_trouble){.code = STORE_FAULT, .word = "script_error"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (classes[i].rc != (rc & 0xff))
            continue;
        t->code = classes[i].code;
        t->word = classes[i].word;
        t->retry_after_us = classes[i].retry_after_us;
    }
    if ((rc & 0xff) == SQLITE_CANTOPEN && db != NULL && sqlite3_system_errno(db) == EACCES)
        t->word = "store_config"; /* and not that it may come back by itself */
    (void)snprintf(t->text, sizeof t->text, "SQLite says: %s (%d)", text, rc);
}

bool sqlite_trouble_set(struct sqlite_trouble *t, const char *word, const char *format, ...)
{
    va_list args;

    *t = (struct sqlite_trouble){
        .code = STORE_UNAVAILABLE, .word = word, .retry_after_us = 5 * US_PER_S};
    va_start(args, format);
    (void)vsnprintf(t->text, sizeof t->text, format, args);
    va_end(args);
    return false;
}

void sqlite_trouble_result(const struct sqlite_trouble *t, struct store_result *r)
{
    *r = (struct store_result){
        .code = t->code, .word = t->word, .retry_after_us = t->retry_after_us};
    memcpy(r->reason, t->text, sizeof r->reason);
}

void sqlite_trouble_explain(const struct sqlite_trouble *t, struct fail *out)
{
    fail_set(out, "%s: %s", t->word, t->text);
}
