/* spool_private: what spool.c and spool_add.c share. */
#ifndef GUICHET_SPOOL_SPOOL_PRIVATE_H
#define GUICHET_SPOOL_SPOOL_PRIVATE_H

#include <stdatomic.h>

#include "spool/spool.h"

#define SPOOL_FILE_MODE 0600
#define SPOOL_LOCK_NAME "lock"

struct spool {
    char *dir;
    int dir_fd;
    struct spool_limits limits;
    atomic_bool named; /* its name is known to be on the disk */
    atomic_bool alone; /* its file system has no hard links: each event is a file of its own */
    _Atomic int64_t
        quiet_ns; /* when the folder had last changed that was then found empty; 0: none */
};

/* Takes the lock of that name, waiting at most so long; a descriptor, or -1. */
int spool_take_lock(const struct spool *s, const char *name, int64_t wait_ms);

/* The names in the folder, and its own, are on the disk only then. Who made the folder, or added to it,
 * may have been killed before he had done this; so it is not asked who did. */
bool spool_make_safe(struct spool *s);

#endif
