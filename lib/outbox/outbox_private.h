/* outbox_private: what outbox.c and outbox_entry.c share. */
#ifndef GUICHET_OUTBOX_OUTBOX_PRIVATE_H
#define GUICHET_OUTBOX_OUTBOX_PRIVATE_H

#include <dirent.h>
#include "outbox/outbox.h"

struct outbox {
    char *dir;
    int fd;
};

#define NEW_ROOM (4 + ENTRY_NAME_ROOM)

/* A listing of its own; NULL: see errno. */
DIR *outbox_open_dir(struct outbox *o);

#endif
