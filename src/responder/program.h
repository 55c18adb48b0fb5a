/* program: what a process is made of before it serves: configuration, logs, state. */
#ifndef GUICHET_RESPONDER_PROGRAM_H
#define GUICHET_RESPONDER_PROGRAM_H

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

/* Reads the configuration and opens logs, state and spool; dry: makes and writes no file. 0, or -1 with cause
 * and remedy. What was opened is closed by program_close in either case. */
int program_open(struct program *p, const char *config_file, bool dry, struct fail *why);
void program_close(struct program *p);

/* A receiver with a store of its own. NULL with cause and remedy. */
struct receiver *program_receiver(const struct program *p, struct fail *why);

/* Whether the configuration as it is now would start: reads it again and makes a receiver of it, without
 * touching what is in use. 0, or -1 with cause and remedy. */
int program_rehearse(const struct program *p, const char *config_file, struct fail *why);

#endif
