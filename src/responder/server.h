/* server: the FastCGI process: workers, signals, and the way out.
 *
 * TERM, INT and USR1: take no new connections, answer those that are there, end. HUP: rehearse the
 * configuration; if it is good, do the same and then execute the program anew on the same socket, so
 * that what waits in the backlog meets the next one; if not, say why and go on. A request that takes
 * longer than SERVER_DRAIN_S is given up, for mod_fcgid kills after eight seconds. */
#ifndef GUICHET_RESPONDER_SERVER_H
#define GUICHET_RESPONDER_SERVER_H

#include <signal.h>
#include "listener.h"
#include "program.h"

#define SERVER_DRAIN_S 7

/* Blocks the signals above, for good; before any thread, and before anything that takes time. *out (may
 * be NULL) gets the set. */
void server_block_signals(sigset_t *out);

/* Serves until a signal. argv is what a re-execution is given. Returns the exit status; or does not
 * return, when it re-executes. The listener is closed by the caller. */
int server_run(struct program *p, struct listener *l, const char *config_file, char *const argv[]);

#endif
