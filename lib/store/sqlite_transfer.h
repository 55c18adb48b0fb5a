/* sqlite_transfer: store/transfer.h for a file. Private to lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_TRANSFER_H
#define GUICHET_STORE_SQLITE_TRANSFER_H

#include "store/sqlite_journal.h"
#include "store/transfer.h"

/* sqlite_transfer_read.c */
bool sqlite_transfer_read(const struct journal *j, struct transfer_place *place,
                          struct transfer_page *out, struct fail *why);
bool sqlite_transfer_counters(const struct journal *j, struct transfer_item *item, bool *superseded,
                              struct fail *why);

/* sqlite_transfer_write.c */
bool sqlite_transfer_write(const struct journal *j, const struct transfer_item *item, size_t n,
                           struct fail *why);

#endif
