/* spool_file: one entry as bytes; private to lib/spool/.
 *
 *     "guichet spool 1\n"   16 bytes
 *     SHA-256               32 bytes, of all that follows
 *     received, arrived     8 bytes each, as all numbers little-endian
 *     nonce                 16 bytes
 *     kind                  1 byte: e, m or c as in the name
 *     lengths               4 bytes each: provider, id, type, body
 *     provider, id, type, body
 */
#ifndef GUICHET_SPOOL_SPOOL_FILE_H
#define GUICHET_SPOOL_SPOOL_FILE_H

#include "spool/spool.h"

/* Bytes of the file, or 0 when the entry is too large for one. */
uint32_t spool_file_size(const struct spool_entry *e);

/* Writes all of it to fd. False with errno. */
bool spool_file_write(int fd, const struct spool_entry *e);

/* False when the bytes are not exactly an entry. The entry points into them. */
bool spool_file_parse(struct slice bytes, struct spool_entry *out);

#endif
