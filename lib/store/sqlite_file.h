/* sqlite_file: the file and its folder, before SQLite sees them, and the lock beside it. Private to
 * lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_FILE_H
#define GUICHET_STORE_SQLITE_FILE_H

#include <sys/stat.h>
#include "store/sqlite_trouble.h"
#include "store/sqlite_turn.h"

/* Bytes of the path: SQLite takes 512, and puts endings to it. */
#define SQLITE_PATH_MAX  440
#define SQLITE_PATH_ROOM (SQLITE_PATH_MAX + 64)

struct sqlite_file {
    char path[SQLITE_PATH_MAX + 1];
    char folder[SQLITE_PATH_MAX + 1];
    bool in_memory; /* the file system is gone with the power */
    int lock;       /* descriptor of "<path>-lock", -1: not open */
    bool locked;
    struct sqlite_turn *turn; /* among the threads of this process; NULL: none */
    struct stat st;           /* of the file, when it was last looked at */
};

/* Reads sqlite:///path. False with cause and remedy. */
bool sqlite_file_parse(const char *url, struct sqlite_file *f, struct fail *why);

/* Whether the folder can hold a store: there, on a file system of this host, not writable by
 * others. */
bool sqlite_file_folder(struct sqlite_file *f, struct sqlite_trouble *t);

/* Of the file: 1, and f->st; 0: there is none; -1: it cannot be used. */
int sqlite_file_look(struct sqlite_file *f, struct sqlite_trouble *t);

/* Makes an empty file beside it, 0600, its path in `path`. What root makes belongs to the owner of
 * the folder. */
bool sqlite_file_begin(const struct sqlite_file *f, char path[static SQLITE_PATH_ROOM],
                       struct sqlite_trouble *t);
/* Gives what was made in `path` the name of the file, unless another process was first, and removes
 * what is left of it. The folder is on the disk then. */
bool sqlite_file_end(const struct sqlite_file *f, const char *path, struct sqlite_trouble *t);
/* Removes it. */
void sqlite_file_drop(const char *path);

/* The lock that all who write or checkpoint take first. SQLite has locks of its own; this one is
 * there because releases before 3.51.3 can damage the file when one process checkpoints in the
 * moment in which another begins the WAL anew. Waits until deadline_ms. */
bool sqlite_file_lock(struct sqlite_file *f, const struct clock *clock, int64_t deadline_ms,
                      struct sqlite_trouble *t);
void sqlite_file_unlock(struct sqlite_file *f);
void sqlite_file_close(struct sqlite_file *f);

/* A moment after attempt number `attempt` (from 0) to get a lock; false: the deadline has passed. */
bool sqlite_file_pause(const struct clock *clock, int64_t deadline_ms, int attempt);

#endif
