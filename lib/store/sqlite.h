/* sqlite: the store in one file of this host, for hosts without Redis (the only users of SQLite are
 * lib/store/sqlite*.c). What lies in the file: sqlite_schema.h. */
#ifndef GUICHET_STORE_SQLITE_H
#define GUICHET_STORE_SQLITE_H

#include "store/store.h"

/* As store_open, for sqlite:///path (percent-encoded where need be). The file is made at the first
 * use: 0600, in a folder that is there and that others cannot write to, on a file system of this
 * host. The store's clock is the host's. */
struct store *sqlite_open(const char *url, const struct clock *clock, struct fail *why);

#endif
