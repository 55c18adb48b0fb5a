/* secret_file: a file with a secret, made whole or not at all, never over another. */
#ifndef GUICHET_TOOL_SECRET_FILE_H
#define GUICHET_TOOL_SECRET_FILE_H

#include <sys/types.h>
#include "base/fail.h"
#include "base/slice.h"

/* Whom it is like: mode 0600 and the caller's own, or as another file is. */
struct secret_file_owner {
    mode_t mode;
    uid_t uid;
    gid_t gid;
};
struct secret_file_owner secret_file_private(void);
/* That of an existing file, as far as mode 0640 reaches and the caller may give files away. */
struct secret_file_owner secret_file_like(const char *path);

/* Makes the file, on disk when it returns 0; -1 with cause and remedy when there is one of that name, or
 * it cannot be made. A name that begins with a dot stands there until it is whole. */
int secret_file_make(const char *path, struct slice content, struct secret_file_owner owner,
                     struct fail *why);

#endif
