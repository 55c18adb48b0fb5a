#include "unit/sqlite_look.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/codec.h"

#define PATIENCE_MS 5000

static sqlite3_stmt *ask(struct sqlite_look *l, const char *sql, const char *const *p, size_t n)
{
    sqlite3_stmt *s = NULL;

    if (l->db == NULL) {
        assert_int_equal(sqlite3_open_v2(l->path, &l->db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        (void)sqlite3_busy_timeout(l->db, PATIENCE_MS);
    }
    if (sqlite3_prepare_v2(l->db, sql, -1, &s, NULL) != SQLITE_OK) {
        print_error("%s: %s\n", sql, sqlite3_errmsg(l->db));
        fail();
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] != NULL)
            (void)sqlite3_bind_text(s, (int)i + 1, p[i], -1, SQLITE_STATIC);
    }
    return s;
}

static bool take(sqlite3_stmt *s, struct buf *out)
{
    bool there = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL;

    if (there) {
        const void *p = sqlite3_column_blob(s, 0);
        assert_true(buf_add(out, p != NULL ? p : "", (size_t)sqlite3_column_bytes(s, 0)));
    }
    (void)sqlite3_finalize(s);
    return there;
}

void sqlite_look_close(struct sqlite_look *l)
{
    (void)sqlite3_close(l->db);
    l->db = NULL;
}

bool sqlite_look_text(struct sqlite_look *l, struct buf *out, const char *sql, const char *p1,
                      const char *p2)
{
    return take(ask(l, sql, (const char *const[]){p1, p2}, 2), out);
}

int64_t sqlite_look_number(struct sqlite_look *l, const char *sql, const char *p1, const char *p2)
{
    sqlite3_stmt *s = ask(l, sql, (const char *const[]){p1, p2}, 2);
    int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;

    (void)sqlite3_finalize(s);
    return n;
}

void sqlite_look_run(struct sqlite_look *l, const char *sql)
{
    sqlite3_stmt *s = ask(l, sql, NULL, 0);
    int rc = sqlite3_step(s);

    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        print_error("%s: %s\n", sql, sqlite3_errmsg(l->db));
    assert_true(rc == SQLITE_DONE || rc == SQLITE_ROW);
    (void)sqlite3_finalize(s);
}

bool sqlite_look_field(void *ctx, const char *provider, const char *key, const char *field,
                       struct buf *out)
{
    const char *const p[] = {provider, key, field};

    return take(
        ask(ctx, "SELECT value FROM fields WHERE provider = ? AND key = ? AND name = ?", p, 3),
        out);
}

bool sqlite_look_history(void *ctx, const char *provider, const char *key, size_t n,
                         struct buf *out)
{
    const char *const p[] = {provider, key};
    char sql[160];

    (void)snprintf(sql, sizeof sql,
                   "SELECT value FROM histories WHERE provider = ? AND key = ? ORDER BY n "
                   "LIMIT 1 OFFSET %zu",
                   n);
    return take(ask(ctx, sql, p, 2), out);
}

bool sqlite_look_entry(void *ctx, const char *provider, const char *list, size_t n,
                       const char *field, struct buf *out)
{
    char sql[160];

    (void)snprintf(sql, sizeof sql,
                   "SELECT %s FROM %s WHERE provider = ? ORDER BY entry LIMIT 1 OFFSET %zu", field,
                   list, n);
    return take(ask(ctx, sql, &provider, 1), out);
}

size_t sqlite_look_count(void *ctx, const char *provider, const char *list)
{
    int64_t rows, counted;
    char sql[128];

    if (strchr(list, ':') != NULL) /* a history */
        return (size_t)sqlite_look_number(
            ctx, "SELECT count(*) FROM histories WHERE provider = ? AND key = ?", provider, list);
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE provider = ?", list);
    rows = sqlite_look_number(ctx, sql, provider, NULL);
    /* The count that the store keeps agrees. */
    counted = sqlite_look_number(ctx, "SELECT entries FROM lists WHERE provider = ? AND name = ?",
                                 provider, list);
    assert_int_equal(counted < 0 ? 0 : counted, rows);
    return (size_t)rows;
}

long sqlite_look_repeats(void *ctx, const char *provider, const char *reason,
                         const uint8_t *body_sha256)
{
    char digest[BASE64_ROOM(SHA256_BYTES)];
    const char *const p[] = {provider, reason, digest};
    struct buf count = BUF_INIT(32);
    long n = 0;

    base64_encode(body_sha256, SHA256_BYTES, digest);
    if (take(ask(ctx,
                 "SELECT count FROM quarantine WHERE provider = ? AND reason = ? AND digest = ?", p,
                 3),
             &count))
        n = strtol(count.p, NULL, 10);
    buf_free(&count);
    return n;
}
