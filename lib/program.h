/* program: what a process is made of before it does its work: configuration, logs, state, spool. The
 * responder and the operator's tool begin alike. */
#ifndef GUICHET_PROGRAM_H
#define GUICHET_PROGRAM_H

#include <limits.h>
#include "receive.h"

struct program {
    char path[PATH_MAX]; /* of the executable, as it was at start; "" when it cannot be known */
    char dir[PATH_MAX];  /* its folder */
    struct config *config;
    struct log *log;
    struct log *audit;
    struct state *state;
    struct spool *spool; /* NULL: none is configured */
    struct service service;
};

/* Finds out where the program lies. */
void program_locate(struct program *p);

enum program_use {
    PROGRAM_SERVE, /* everything as configured */
    PROGRAM_CHECK, /* makes and writes no file, has no spool: to see whether it would start */
    PROGRAM_TOOL /* the log is stderr, no audit log; the state is private where the state folder is
                      another user's, or not there */
};

/* Reads the configuration and opens logs, state and spool (which PROGRAM_TOOL does by
 * program_open_spool). 0, or -1 with cause and remedy. What was opened is closed by program_close in
 * either case. */
int program_open(struct program *p, const char *config_file, enum program_use use,
                 struct fail *why);
int program_open_spool(struct program *p, struct fail *why);
void program_close(struct program *p);

/* A receiver with a store of its own. NULL with cause and remedy. */
struct receiver *program_receiver(const struct program *p, struct fail *why);

/* Whether the configuration as it is now would start: reads it again and makes a receiver of it, without
 * touching what is in use. 0, or -1 with cause and remedy. */
int program_rehearse(const struct program *p, const char *config_file, struct fail *why);

#endif
