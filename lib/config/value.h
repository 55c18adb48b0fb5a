/* value: numbers, durations, sizes and paths out of configuration text, and back. Pure. */
#ifndef GUICHET_CONFIG_VALUE_H
#define GUICHET_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

/* A whole number and its unit without anything between: ms, s, m, h, d. False when the text is
 * anything else or the sum does not fit; *out_us untouched. */
bool value_duration(struct slice text, int64_t *out_us);

/* As above, in bytes: no unit, KiB or MiB. */
bool value_size(struct slice text, int64_t *out_bytes);

/* "100/60s": how many, and the duration. */
bool value_rate(struct slice text, int64_t *out_count, int64_t *out_window_us);

/* Whether the text is a path as request_path (http/request.h) leaves one, and of the characters
 * that RFC 3986 lets stand in a path unescaped: "/", or segments that are neither empty nor dots,
 * with or without a slash at the end. Another path would never match a request. */
bool value_is_url_path(struct slice text);

/* What stands before a path: http:// or https:// in lower case, a host (letters, digits, - and ., or an
 * IPv6 address in brackets), perhaps a colon and a port, and nothing else. */
bool value_is_origin(struct slice text);

/* a-z 0-9 - and _, at least one of them. */
bool value_is_name(struct slice text);

/* Letters, digits and _, not a digit first: the name of an environment variable. */
bool value_is_variable(struct slice text);

/* The shortest text that reads back as the same number, and a NUL. */
#define VALUE_TEXT_ROOM 32
void value_duration_text(int64_t us, char out[static VALUE_TEXT_ROOM]);
void value_size_text(int64_t bytes, char out[static VALUE_TEXT_ROOM]);

#endif
