/* secret: where secrets come from and what makes a sound one.
 *
 * A spec is `env:NAME`, `file:PATH`, `dir:PATH` (every regular file in it but hidden ones, sorted by
 * name, at most SECRETS_LIVE_MAX) or the literal itself; paths are absolute. One newline at the end of a
 * file's content is not part of the secret; anything else is. A secret is text: UTF-8 without control
 * characters, for a line break or a NUL within is always a mistake of copying.
 *
 * Weak settings fail closed: an empty or missing secret, a file that others can read or that group or
 * others can write (mode & 027), a folder that group or others can write. A literal in a file of the docroot (its folder holds the program) is refused where
 * that file is read, in config. */
#ifndef GUICHET_VERIFY_SECRET_H
#define GUICHET_VERIFY_SECRET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/fail.h"
#include "verify/scheme.h"

#define SECRET_BYTES_MAX 1024
#define SECRETS_LIVE_MAX 32

#define SECRET_FILE_MAX 255 /* bytes of a file's name */

/* One secret as text. */
struct secret_text {
    char text[SECRET_BYTES_MAX + 1];
    size_t n;
    char file[SECRET_FILE_MAX + 1]; /* its name in the folder of a dir: spec; else "" */
};

/* Reads what the spec names: 1 for env, file and literal, any number for dir. Returns the number read
 * into out (at most room), or -1 with cause and remedy, `origin` before them, and all of out zeroed.
 * env:NAME is looked up in `environment` (NULL: empty). */
int secret_read(const char *spec, const char *origin, char *const *environment,
                struct secret_text *out, size_t room, struct fail *why);

/* The names of the files that dir:PATH stands for, in the order in which they are read. Their number,
 * or -1 with cause and remedy. */
struct secret_names {
    size_t n;
    char name[SECRETS_LIVE_MAX][NAME_MAX + 1];
};
int secret_folder(const char *path, struct secret_names *out, struct fail *why);

/* The key bytes of a secret's text. Returns their number, or -1 when the text does not have the form
 * that the encoding demands; the message then names that form. */
int secret_decode(enum scheme_encoding encoding, const struct secret_text *text,
                  uint8_t out[static SECRET_BYTES_MAX], struct fail *why);

/* A number that stands for a secret without telling it: the first 8 bytes of SHA-256 over a fixed
 * prefix and its text; never 0. */
uint64_t secret_fingerprint(const struct secret_text *text);

/* Overwrites n secrets with zeros, in a way the compiler keeps. */
void secret_wipe(struct secret_text *s, size_t n);

#endif
