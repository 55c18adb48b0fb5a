/* sqlite_schema: what lies in the file. This is the one place that says so.
 *
 * Version 1 (PRAGMA user_version; PRAGMA application_id is 0x47756963, "Guic"). The tables are
 * STRICT; every row names its provider. Times are us since 1970-01-01; text is UTF-8.
 *
 *   store       name, value       "id": 32 hexadecimal digits, made with the file;
 *               "closed:<provider>": nothing is taken for it, and why (store/transfer.h)
 *   ids         id, body_sha256, nonce, at, expires
 *               the idempotency records: unique by (provider, id). One whose `expires` has passed
 *               is as good as not there; commits remove such rows a few at a time.
 *   rate        n, at             the window: when event n of this provider was accepted. n rises by
 *               one; rows beyond the limit go a few at a time.
 *   fields      key, name, value  the records: of user:<id>, payment:<direction>:<hash>, and so on,
 *               as events/change.h has them ("at.<field>", "count.<group>" among them); `dirty`:
 *               hook -> us; a base of Airtable, as airtable/keys.h has it.
 *   histories   key, n, value     payments:<id>, levels:<id>: n rises by one, the oldest go. A key is
 *               either a record or a history.
 *   events      entry, id, type, at, body          the hand-off
 *   audit       entry, outcome, id, type, sid, reason, flags (NULL where there are none)
 *   quarantine  entry, digest, reason, id, type, at, detail, body, count, last_at
 *               unique by (reason, digest), the base64 SHA-256 of the body; kept `count` times,
 *               most recently at last_at.
 *   seals       entry, n, name, value              of the audit: a seal is as many rows as it has fields
 *   dead        entry, name, of, reason, deliveries, id, type, at, body
 *               the dead letters: what consumer group `name` gave up, and which entry it was
 *   lists       name, last, entries   of the five tables above: the newest entry that ever was, and
 *               how many there are. Triggers keep them right, so that rows may be deleted by hand.
 *   consumer_groups  name, read   read: the newest entry that it took
 *   taken       name, entry, consumer, at, deliveries
 *               what a group took and has not done; `at` is when that was
 *   leases      name, holder, until
 *
 * `entry` orders the lists, which are read like streams: it is ms * 2^20 + seq of the entry id
 * "<ms>-<seq>" (the column `sid` shows it in this form). A new one is greater than all before it in
 * its list, also when the clock stepped back or the list was emptied. */
#ifndef GUICHET_STORE_SQLITE_SCHEMA_H
#define GUICHET_STORE_SQLITE_SCHEMA_H

#include "store/sqlite_trouble.h"

#define SQLITE_SCHEMA_VERSION 1
#define SQLITE_APPLICATION_ID 0x47756963

#define SQLITE_SEQ_BITS 20
#define SQLITE_SID_ROOM 40

struct sqlite3;

/* Makes the tables in an empty database, in WAL mode; one that has them stays as it is. */
bool sqlite_schema_make(struct sqlite3 *db, struct sqlite_trouble *t);

/* Whether the file holds what this program reads; *empty tells of one without any table. */
bool sqlite_schema_check(struct sqlite3 *db, bool *empty, struct sqlite_trouble *t);

/* Entry ids. An id that no entry here can have, because its second number is too large, comes after
 * all that have its first one. *exact may be NULL. */
int64_t sqlite_entry_of(const char *sid, bool *exact);

/* The entry that follows `last`, the newest before it, at that time. */
int64_t sqlite_entry_next(int64_t last, int64_t now_us);
/* Its entry id. */
void sqlite_entry_sid(int64_t entry, char out[static SQLITE_SID_ROOM]);

/* The first value of a query without parameters. Returns SQLite's result code, SQLITE_ROW if there
 * is one. */
int sqlite_ask_number(struct sqlite3 *db, const char *sql, int64_t *out);
int sqlite_ask_text(struct sqlite3 *db, const char *sql, char *out, size_t room);

#endif
