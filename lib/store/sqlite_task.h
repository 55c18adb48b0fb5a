/* sqlite_task: one member of a batch within the batch's transaction. Private to
 * lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_TASK_H
#define GUICHET_STORE_SQLITE_TASK_H

#include "store/sqlite_link.h"
#include "store/sqlite_schema.h"

struct sqlite_task {
    struct sqlite_link *link;
    const struct store_provider *provider;
    int64_t now_us; /* of the whole transaction */
    /* Nothing can be written, because of this; what needs no write is answered all the same. */
    const struct sqlite_trouble *frozen;
    /* Of the member at hand: */
    const struct store_member *member;
    struct store_result *result;
    unsigned flags;
    /* A key whose kind is known. */
    struct slice key;
    enum { SQLITE_KEY_NEW, SQLITE_KEY_RECORD, SQLITE_KEY_HISTORY } kind;
    bool key_known;
};

/* All functions below return SQLite's result code: SQLITE_OK (0), or an error by which the whole
 * transaction is lost. */

/* Checks and writes the member, and sets its result. */
int sqlite_task_member(struct sqlite_task *t, const struct store_member *m, struct store_result *r);

/* sqlite_apply.c: the member's changes with that stamp. A member that cannot be applied has its result
 * set: STORE_REFUSED, what is the matter in `detail`, or STORE_FAULT; nothing of it is written then.
 * Else the result is left STORE_ACCEPTED. */
#define SQLITE_DETAIL_MAX 160
int sqlite_apply(struct sqlite_task *t, int64_t stamp_us, char detail[static SQLITE_DETAIL_MAX]);

/* sqlite_list.c */

/* The newest entry of "events", "audit" or "quarantine" that there ever was, and how many there
 * are. */
int sqlite_list_look(struct sqlite_task *t, const char *list, int64_t *last, int64_t *entries);

/* Writes the audit entry of the member; sid 0: none; reason may be empty. */
int sqlite_list_audit(struct sqlite_task *t, const char *outcome, int64_t sid, struct slice reason);

/* Puts the member's body in quarantine, once for each (reason, body), and writes its audit entry.
 * The result becomes `code`, or says that the quarantine is full. */
int sqlite_list_quarantine(struct sqlite_task *t, enum store_code code, const char *outcome,
                           struct slice reason, struct slice detail);

/* Sets the result of the member to one that is not applied. */
void sqlite_task_refuse(struct sqlite_task *t, enum store_code code, const char *word,
                        int64_t retry_after_us);

static inline struct sqlite_value sqlite_task_provider(const struct sqlite_task *t)
{
    return sqlite_text(slice_of(t->provider->name));
}

/* sqlite_sql_do and sqlite_sql_row with the provider as the first parameter. */
#define sqlite_task_do(t, which, ...)                                                              \
    sqlite_sql_do((t)->link->db, &(t)->link->sql, (which),                                         \
                  SQLITE_VALUES(sqlite_task_provider(t), __VA_ARGS__))
#define sqlite_task_row(t, row, which, ...)                                                        \
    sqlite_sql_row((t)->link->db, &(t)->link->sql, (which),                                        \
                   SQLITE_VALUES(sqlite_task_provider(t), __VA_ARGS__), (row))

#endif
