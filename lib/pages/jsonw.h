/* jsonw: a JSON document, written member by member into a bounded buffer.
 *
 * Commas come by themselves; that what is opened is closed is the caller's matter. Every text is escaped
 * (base/buf.h). In an object each value has a key, in an array none (NULL). */
#ifndef GUICHET_PAGES_JSONW_H
#define GUICHET_PAGES_JSONW_H

#include "base/buf.h"

struct jsonw {
    struct buf *out;
    bool comma; /* before the next value */
};

#define JSONW_TEXT_MAX 16384 /* bytes taken of one text */

void jsonw_open(struct jsonw *j, const char *key); /* an object */
void jsonw_close(struct jsonw *j);
void jsonw_open_list(struct jsonw *j, const char *key);
void jsonw_close_list(struct jsonw *j);

void jsonw_text(struct jsonw *j, const char *key, const char *text);
void jsonw_slice(struct jsonw *j, const char *key, struct slice text);
void jsonw_number(struct jsonw *j, const char *key, int64_t v);
void jsonw_bool(struct jsonw *j, const char *key, bool v);
void jsonw_null(struct jsonw *j, const char *key);
/* Seconds out of µs, exactly; -1: null. */
void jsonw_seconds(struct jsonw *j, const char *key, int64_t us);
/* A number, or null where it is not known (-1). */
void jsonw_known(struct jsonw *j, const char *key, int64_t v);
/* Text that is JSON already. */
void jsonw_raw(struct jsonw *j, const char *key, struct slice json);

#endif
