/* keygen: new keys, and where they go. */
#ifndef GUICHET_TOOL_KEYGEN_H
#define GUICHET_TOOL_KEYGEN_H

#include "tool/verb.h"
#include "verify/scheme.h"

#define KEYGEN_API_KEY_BYTES 32
#define KEYGEN_SECRET_BYTES  64
#define KEYGEN_TEXT_ROOM     (2 * KEYGEN_SECRET_BYTES + 1)

/* n random bytes as hex digits. False when the system gives none. */
bool keygen_hex(size_t n, char out[static KEYGEN_TEXT_ROOM]);
/* A secret of the form that the encoding demands. */
bool keygen_secret(enum scheme_encoding encoding, char out[static KEYGEN_TEXT_ROOM]);

/* keygen_rotate.c: --rotate. */
enum verdict keygen_rotate(struct call *c);

#endif
