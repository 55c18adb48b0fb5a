/* scheme: how a sender signs. A row of a table, not code: adding a scheme is adding a row to scheme.c
 * and its vector to tests/vectors/. */
#ifndef GUICHET_VERIFY_SCHEME_H
#define GUICHET_VERIFY_SCHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

enum scheme_encoding {
    ENCODING_TEXT,          /* a key: its characters as they stand (UTF-8) */
    ENCODING_HEX,           /* a digest */
    ENCODING_BASE64,        /* a digest */
    ENCODING_WHSEC,         /* a key: `whsec_` (optional) and base64 of 24 to 64 bytes */
    ENCODING_HEX64_OR_NAMED /* a key: exactly 64 hex digits, or hex:..., or base64:... */
};

/* How the signature header is written. */
enum scheme_syntax {
    SYNTAX_PREFIX, /* one value: one of prefix[], then the digest */
    SYNTAX_LIST,   /* space-separated values `version,digest`; those of version prefix[0] count */
    SYNTAX_FIELDS  /* comma-separated `name=value`: `t` the time (once), prefix[0] the digests */
};

#define SCHEME_PREFIXES_MAX    2
#define SCHEME_MEDIA_TYPES_MAX 3
#define SCHEME_PARTS_MAX       8 /* pieces of the signed content */

struct scheme {
    const char *name;
    const char *header; /* of the signature, lower case */
    const char *prefix[SCHEME_PREFIXES_MAX];
    const char *content;        /* signed bytes: {body}, {id}, {time} and literal text */
    const char *api_key_header; /* or NULL: none */
    const char *time_header;    /* signed Unix time in s; NULL: none, or in the fields */
    int64_t tolerance_us;       /* either side of now; 0: no signed time */
    /* Where the envelope comes from: a header's name if *_header is set, else a path in the body
     * ("id", "webhook.id"); NULL: the scheme has none. A header that a row names must be there, once. */
    const char *id_header, *id_field;
    const char *type_header, *type_field;
    const char *also_field; /* one more text that the body must hold; or NULL */
    /* The event's own time in the body, RFC 3339; NULL: the signed time, and where there is none the time
     * of arrival. */
    const char *stamp_field;
    const char *media_type[SCHEME_MEDIA_TYPES_MAX];
    enum scheme_syntax syntax;
    enum scheme_encoding digest;
    enum scheme_encoding key;
    /* With several hooks every one has a secret of its own. In a dir: folder a secret's file has the
     * name of the id that it belongs to, which begins so, and it proves events of that id alone; a
     * secret of another spec belongs to any. NULL: all secrets belong to all ids. */
    const char *owner_prefix;
    bool typed;          /* the table of event types applies (events/table.h) */
    bool record_unknown; /* unknown_events: record, else reject */
    bool ping;           /* marks its hook dirty: no id record, no rate, empty 200 */
};

/* The row of that name, or NULL. */
const struct scheme *scheme_find(const char *name);

/* The bytes that are signed, in pieces: `content` with {body}, {id} and {time} (as text) filled in.
 * Returns the number of pieces; 0 when a row's content cannot be understood (a test asserts that none
 * is so), never a part of it. */
size_t scheme_content(const struct scheme *s, struct slice id, struct slice time, struct slice body,
                      struct slice part[static SCHEME_PARTS_MAX]);

/* All rows, for messages and documentation. */
extern const struct scheme scheme_table[];
extern const size_t scheme_count;

#endif
