/* state_file: the file behind the shared state: found safe, made whole, mapped, locked.
 *
 * For state.c alone. What is in the file is state.c's matter, but for the first STATE_FILE_MAGIC bytes:
 * they are zero until the content is whole, so that a file whose maker was killed is made again. */
#ifndef GUICHET_OBSERVE_STATE_FILE_H
#define GUICHET_OBSERVE_STATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/fail.h"

#define STATE_FILE_MAGIC 16

struct state_file {
    int fd; /* open as long as the state is; it carries the lock */
    void *map;
    size_t size;
};

/* Opens `name` in dir, makes it (all zeros, `size` bytes, 0600) if it is missing or was never finished,
 * and maps it shared. Makes dir (0700) when its parent exists. The lock is held when it returns 0; on
 * -1 nothing is open and *why has cause and remedy:
 *  - dir cannot be made or opened, lies on a network file system, belongs to somebody else than us or
 *    root, or is writable for all without being sticky;
 *  - the file is a link or no regular file, is somebody else's, may be read or written by others, or is
 *    not of that size;
 *  - the disk is full: the blocks are allocated here, for a write to a mapped hole on a full disk would
 *    kill the process. */
int state_file_open(struct state_file *f, const char *dir, const char *name, size_t size,
                    struct fail *why);

/* Waits for the lock of the file, which excludes other processes, not other threads of this one. */
void state_file_lock(const struct state_file *f);
void state_file_unlock(const struct state_file *f);

/* Unmaps and closes, which gives up the lock. */
void state_file_close(struct state_file *f);

#endif
