/* sqlite_link: a connection to the file, of one thread. Private to lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_LINK_H
#define GUICHET_STORE_SQLITE_LINK_H

#include "store/sqlite_file.h"
#include "store/sqlite_sql.h"

struct sqlite_link {
    struct sqlite_file file;
    const struct clock *clock;
    struct sqlite3 *db; /* NULL: not open */
    struct sqlite_sql_set sql;
    dev_t dev; /* of the file that db has open */
    ino_t ino;
    unsigned opened;     /* how often */
    int64_t deadline_ms; /* until when locks are waited for */
    int wal_pages;       /* since the WAL was last begun anew, as of the last commit */
    bool forget;         /* the next commit empties the WAL, for it holds what was taken away */
};

/* Makes sure that the connection is there and that it is to what has the file's name now; opens it
 * anew if not, and makes the file if there is none. */
bool sqlite_link_open(struct sqlite_link *l, int64_t deadline_ms, struct sqlite_trouble *t);
void sqlite_link_close(struct sqlite_link *l);

/* The lock beside the file, then a transaction that may write; and its end, which on a commit is on
 * the disk, and keeps the WAL from growing. A begin that failed left nothing to end; a commit that
 * failed is rolled back. */
bool sqlite_link_begin(struct sqlite_link *l, struct sqlite_trouble *t);
bool sqlite_link_commit(struct sqlite_link *l, struct sqlite_trouble *t);
void sqlite_link_rollback(struct sqlite_link *l);

#endif
