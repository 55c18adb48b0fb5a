/* json: a JSON document, written member by member into a bounded buffer.
 *
 * Commas come by themselves; that what is opened is closed is the caller's matter. Every text is escaped
 * (base/buf.h). In an object each value has a key, in an array none (NULL). */
#ifndef GUICHET_PAGES_JSON_H
#define GUICHET_PAGES_JSON_H

#include "base/buf.h"

struct json {
    struct buf *out;
    bool comma; /* before the next value */
};

#define JSON_TEXT_MAX 16384 /* bytes taken of one text */

void json_open(struct json *j, const char *key); /* an object */
void json_close(struct json *j);
void json_open_list(struct json *j, const char *key);
void json_close_list(struct json *j);

void json_text(struct json *j, const char *key, const char *text);
void json_slice(struct json *j, const char *key, struct slice text);
void json_number(struct json *j, const char *key, int64_t v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
/* Seconds out of µs, exactly; -1: null. */
void json_seconds(struct json *j, const char *key, int64_t us);
/* A number, or null where it is not known (-1). */
void json_known(struct json *j, const char *key, int64_t v);
/* Text that is JSON already. */
void json_raw(struct json *j, const char *key, struct slice json);

#endif
