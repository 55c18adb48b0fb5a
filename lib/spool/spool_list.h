/* spool_list: the names of a spool's entries, which are its index. */
#ifndef GUICHET_SPOOL_SPOOL_LIST_H
#define GUICHET_SPOOL_SPOOL_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "verify/mac.h"

enum spool_kind {
    SPOOL_EVENT,   /* e: an event */
    SPOOL_MARK,    /* m: a ping */
    SPOOL_CONFLICT /* c: evidence for the quarantine: another body under the id of one that waits */
};

#define SPOOL_TAG_BYTES   4
#define SPOOL_KEY_BYTES   16
#define SPOOL_NAME_ROOM   136    /* of a name, its NUL and a prefix of four bytes */
#define SPOOL_ENTRIES_MAX 200000 /* that are ever listed: twice what can be configured */

#define SPOOL_NEW_PREFIX "new-"
#define SPOOL_BAD_PREFIX "bad-"

struct spool_item {
    uint64_t number; /* order of arrival */
    int64_t received_us;
    uint32_t size;   /* bytes */
    uint32_t offset; /* where it begins in its file */
    enum spool_kind kind;
    uint8_t provider[SPOOL_TAG_BYTES];
    uint8_t key[SPOOL_KEY_BYTES];
    uint8_t body[SPOOL_KEY_BYTES];
};

struct spool_list {
    struct spool_item *item; /* by number */
    size_t n, room;
    int64_t bytes;
};

/* Writes the name. */
void spool_item_name(const struct spool_item *i, char out[static SPOOL_NAME_ROOM]);
/* False for anything that is not exactly a name as above. */
bool spool_item_parse(const char *name, struct spool_item *out);

/* The digest of a provider's name that stands in an entry's. */
bool spool_tag(struct slice provider, uint8_t out[static SPOOL_TAG_BYTES]);

/* Lists the folder; sweep: removes what killed processes left, which only the holder of the lock may
 * do. False when it cannot be read or memory is short. */
bool spool_list_read(int dir_fd, bool sweep, struct spool_list *out);
bool spool_list_push(struct spool_list *l, const struct spool_item *i);
/* An empty one ({0}) is legal. */
void spool_list_free(struct spool_list *l);

#endif
