/* codec: hexadecimal, base64 (RFC 4648) and percent-decoding (RFC 3986), strict.
 *
 * The decoders write into the caller's memory and never more than `room` bytes. They return the
 * number of bytes, or -1 when the text is not exactly of the form, or does not fit. */
#ifndef GUICHET_BASE_CODEC_H
#define GUICHET_BASE_CODEC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/slice.h"

/* out gets 2 * n lower-case digits and a NUL. */
void hex_encode(const uint8_t *bytes, size_t n, char *out);
/* Upper and lower case; an odd number of digits is refused. */
ssize_t hex_decode(struct slice text, uint8_t *out, size_t room);

/* Bytes that base64_encode writes, the NUL included. */
#define BASE64_ROOM(n) (((n) + 2) / 3 * 4 + 1)
void base64_encode(const uint8_t *bytes, size_t n, char *out);
/* Standard alphabet; padding may be there whole or not at all; white space, and unused bits that
 * are not zero, are refused. */
ssize_t base64_decode(struct slice text, uint8_t *out, size_t room);

/* Decodes %XX once. A bad escape or an encoded NUL is refused. out may be text.p itself. */
ssize_t percent_decode(struct slice text, char *out, size_t room);

#endif
