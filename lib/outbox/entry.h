/* entry: one event of an outbox as a file: its name, which changes with every try, and its content,
 * which never does. outbox.h says what is kept where and why. */
#ifndef GUICHET_OUTBOX_ENTRY_H
#define GUICHET_OUTBOX_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/slice.h"

enum entry_state {
    ENTRY_WAITING, /* w: for its first or next try */
    ENTRY_ALARM,   /* a: failed for good, and whoever is to be told was not told yet */
    ENTRY_FAILED   /* f: failed for good, told */
};

/* All that the name says. */
struct entry_item {
    uint64_t number;      /* the order of arrival; no two have the same */
    int64_t due_us;       /* calendar time of the next try, 0: at once */
    uint64_t lane;        /* of destination and user: one after the other */
    uint64_t id;          /* of the event's id */
    uint32_t destination; /* of the URL */
    uint32_t tries;       /* made so far, 0 to 9 */
    enum entry_state state;
};

/* `<number>-<state><tries>-<due>-<lane>-<destination>-<id>` and a NUL: hexadecimal, but for state and
 * tries. */
#define ENTRY_NAME_ROOM (16 + 1 + 2 + 1 + 16 + 1 + 16 + 1 + 8 + 1 + 16 + 1)
void entry_name(const struct entry_item *i, char out[static ENTRY_NAME_ROOM]);
/* False: it is not the name of an entry. */
bool entry_parse_name(const char *name, struct entry_item *out);

/* All that the file says. */
struct entry_content {
    struct slice url;
    struct slice api_key,
        secret; /* where they are found: `env:NAME` or `file:PATH`, never they themselves */
    struct slice id, type, timestamp; /* of the event; the last two may be empty */
    struct slice user;                /* not in the file: it is in the body. Empty: none */
    struct slice body;
};

/* Lines as longest; none may hold a line break. */
#define ENTRY_LINE_MAX 2048
/* A whole file. */
#define ENTRY_FILE_MAX ((1u << 20) + 8 * (ENTRY_LINE_MAX + 16))

/* Tags of what the entry says: first bytes of SHA-256. False on an internal error. */
bool entry_describe(const struct entry_content *e, struct entry_item *out);
/* The tag of an id alone. */
bool entry_id_tag(struct slice id, uint64_t *out);

/* Writes or reads the file's content. What is read points into the bytes. False: a field is too long or
 * holds a line break; the bytes are not what was written. */
bool entry_write(const struct entry_content *e, struct buf *out);
bool entry_read(struct slice bytes, struct entry_content *out);

#endif
