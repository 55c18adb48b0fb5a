/* text: what may stand in names and ids, and numbers out of text. */
#ifndef GUICHET_BASE_TEXT_H
#define GUICHET_BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

/* Length in bytes of the UTF-8 character at s[0] (RFC 3629: no overlong forms, no surrogates, none
 * above U+10FFFF), or 0 if there is none. */
size_t utf8_length(struct slice s);

/* UTF-8 without control characters (C0, DEL, C1), from min to max bytes long. */
bool text_is_plain(struct slice s, size_t min, size_t max);

/* An integer from 0 to 2^63-1 written as JSON writes it: digits alone, no sign, no leading zero, no
 * fraction, no exponent. False otherwise, *out untouched. */
bool text_to_i64(struct slice s, int64_t *out);

/* v in decimal, at most TEXT_U64_MAX bytes and no NUL. Returns where it ends. */
#define TEXT_U64_MAX 20
char *text_put_u64(char *out, uint64_t v);

/* Letters compared without regard to ASCII case. */
bool text_equal_nocase(struct slice a, struct slice b);

/* s without spaces and tabs at either end. */
struct slice text_trim(struct slice s);

#endif
