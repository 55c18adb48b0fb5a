#include "store/sqlite_link.h"

#include <sqlite3.h>
#include <stdio.h>
#include "store/sqlite_schema.h"

/* The WAL goes back into the file when it has so many pages (4 KiB each): a crash leaves at most
 * this to be read again, and a plain CGI process reads it at its start. */
#define WAL_PAGES 1000
/* Somebody who reads for long keeps it from beginning anew; from here on he is waited for a little. */
#define WAL_PAGES_MANY  16000
#define WAL_PATIENCE_MS 50
#define OPEN_ATTEMPTS   3

/* FULL: a commit is on the disk before it is answered. secure_delete: what was forgotten of a person
 * does not stay in the gaps of the file. The rest: nothing in /tmp, nothing run that the file's schema
 * names, and a WAL that grew is cut again. */
static const char pragmas[] = "PRAGMA synchronous = FULL;"
                              "PRAGMA secure_delete = ON;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA journal_size_limit = 8388608;";

static int on_busy(void *ctx, int count)
{
    const struct sqlite_link *l = ctx;

    return sqlite_file_pause(l->clock, l->deadline_ms, count);
}

static int on_commit(void *ctx, struct sqlite3 *db, const char *name, int pages)
{
    struct sqlite_link *l = ctx;

    (void)db;
    (void)name;
    l->wal_pages = pages;
    return SQLITE_OK;
}

void sqlite_link_close(struct sqlite_link *l)
{
    sqlite_sql_free(&l->sql);
    (void)sqlite3_close(l->db);
    l->db = NULL;
}

static int set_up(struct sqlite_link *l, struct sqlite3 *db)
{
    int rc = sqlite3_busy_handler(db, on_busy, l);

    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* The last to leave does not copy the WAL: in plain CGI every process is the last. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_wal_hook(db, on_commit, l);
    return rc == SQLITE_OK ? sqlite3_exec(db, pragmas, NULL, NULL, NULL) : rc;
}

static bool open_at(struct sqlite_link *l, const char *path, struct sqlite3 **db,
                    struct sqlite_trouble *t)
{
    int rc = sqlite3_open_v2(
        path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

    if (rc == SQLITE_OK)
        rc = set_up(l, *db);
    if (rc == SQLITE_OK)
        return true;
    sqlite_trouble_of(t, rc, *db);
    (void)sqlite3_close(*db);
    *db = NULL;
    return false;
}

/* Makes it whole under another name first, so that nobody ever sees half a store, and those who come
 * at the same time agree on one. */
static bool make_file(struct sqlite_link *l, struct sqlite_trouble *t)
{
    char path[SQLITE_PATH_ROOM];
    struct sqlite3 *db = NULL;
    bool made;

    if (!sqlite_file_begin(&l->file, path, t))
        return false;
    made = open_at(l, path, &db, t) && sqlite_schema_make(db, t);
    if (db != NULL)
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    (void)sqlite3_close(db);
    if (made)
        return sqlite_file_end(&l->file, path, t);
    sqlite_file_drop(path);
    return false;
}

/* A store of our layout, in WAL mode. An empty file is taken for one that is to become a store. */
static bool check(struct sqlite3 *db, struct sqlite_trouble *t)
{
    char mode[16];
    bool empty;
    int rc;

    if (!sqlite_schema_check(db, &empty, t))
        return false;
    if (empty && !sqlite_schema_make(db, t))
        return false;
    rc = sqlite_ask_text(db, "PRAGMA journal_mode", mode, sizeof mode);
    if (rc == SQLITE_ROW && strcmp(mode, "wal") != 0)
        rc = sqlite_ask_text(db, "PRAGMA journal_mode = WAL", mode, sizeof mode);
    if (rc == SQLITE_ROW && strcmp(mode, "wal") == 0)
        return true;
    sqlite_trouble_of(t, rc == SQLITE_ROW ? SQLITE_CANTOPEN : rc, db);
    return false;
}

/* 1: there now; 0: what has the name changed meanwhile; -1: trouble. */
static int open_once(struct sqlite_link *l, struct sqlite_trouble *t)
{
    struct sqlite3 *db = NULL;
    dev_t dev;
    ino_t ino;
    int there = sqlite_file_look(&l->file, t);

    if (there == 0)
        return make_file(l, t) ? 0 : -1;
    if (there < 0 || !open_at(l, l->file.path, &db, t))
        return -1;
    dev = l->file.st.st_dev;
    ino = l->file.st.st_ino;
    if (!check(db, t)) {
        (void)sqlite3_close(db);
        return -1;
    }
    there = sqlite_file_look(&l->file, t);
    if (there != 1 || l->file.st.st_dev != dev || l->file.st.st_ino != ino) {
        (void)sqlite3_close(db);
        return there < 0 ? -1 : 0;
    }
    l->db = db;
    l->dev = dev;
    l->ino = ino;
    l->opened++;
    return 1;
}

bool sqlite_link_open(struct sqlite_link *l, int64_t deadline_ms, struct sqlite_trouble *t)
{
    int there;

    l->deadline_ms = deadline_ms;
    if (l->db != NULL) {
        /* What is written to a file that somebody removed or replaced would be lost. */
        there = sqlite_file_look(&l->file, t);
        if (there == 1 && l->file.st.st_dev == l->dev && l->file.st.st_ino == l->ino)
            return true;
        sqlite_link_close(l);
        if (there < 0)
            return false;
    }
    if (!sqlite_file_folder(&l->file, t))
        return false;
    for (int i = 0; i < OPEN_ATTEMPTS; i++) {
        there = open_once(l, t);
        if (there != 0)
            return there == 1;
    }
    return sqlite_trouble_set(t, "store_unreachable", "somebody keeps removing or replacing %.80s",
                              l->file.path);
}

/* --- transactions ----------------------------------------------------------------------------- */

bool sqlite_link_begin(struct sqlite_link *l, struct sqlite_trouble *t)
{
    int rc;

    if (!sqlite_file_lock(&l->file, l->clock, l->deadline_ms, t))
        return false;
    rc = sqlite_sql_do(l->db, &l->sql, SQL_BEGIN, NULL, 0);
    if (rc == SQLITE_OK)
        return true;
    sqlite_trouble_of(t, rc, l->db);
    sqlite_file_unlock(&l->file);
    return false;
}

/* The commit stands already: what goes wrong here is tried again after the next one. */
static void shorten_wal(struct sqlite_link *l)
{
    bool empty = l->forget || l->wal_pages >= WAL_PAGES_MANY;

    if (!empty && l->wal_pages < WAL_PAGES)
        return;
    l->deadline_ms = clock_monotonic_ms(l->clock) + WAL_PATIENCE_MS;
    if (sqlite3_wal_checkpoint_v2(l->db, "main",
                                  empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
                                  NULL, NULL) == SQLITE_OK)
        l->forget = false;
}

bool sqlite_link_commit(struct sqlite_link *l, struct sqlite_trouble *t)
{
    int rc = sqlite_sql_do(l->db, &l->sql, SQL_COMMIT, NULL, 0);

    if (rc != SQLITE_OK) {
        sqlite_trouble_of(t, rc, l->db);
        sqlite_link_rollback(l);
        return false;
    }
    shorten_wal(l);
    sqlite_file_unlock(&l->file);
    return true;
}

void sqlite_link_rollback(struct sqlite_link *l)
{
    /* Some errors have ended the transaction already. */
    if (l->db != NULL && sqlite3_get_autocommit(l->db) == 0)
        (void)sqlite_sql_do(l->db, &l->sql, SQL_ROLLBACK, NULL, 0);
    sqlite_file_unlock(&l->file);
}
