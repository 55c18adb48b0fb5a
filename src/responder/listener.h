/* listener: where requests come from.
 *
 * In this order: a listening socket on descriptor 0 (mod_fcgid, lighttpd, spawn-fcgi, a re-execution of
 * our own), one that systemd passes (LISTEN_FDS, descriptor 3), `--socket PATH`. A socket that was
 * handed over outlives the process: that is what makes a restart lose nothing. */
#ifndef GUICHET_RESPONDER_LISTENER_H
#define GUICHET_RESPONDER_LISTENER_H

#include <stdbool.h>
#include "base/fail.h"

#define LISTENER_BACKLOG 4096 /* the kernel lowers it to net.core.somaxconn */

struct listener {
    int fd;         /* non-blocking */
    bool inherited; /* handed over, or about to be: its backlog is not ours to empty */
    char *path;     /* of a socket file that we made; else NULL */
};

/* 1: found; 0: there is none (a CGI program, or a person at a terminal); -1 on failure.
 * With a path the socket is made 0660 in the owner's group; a socket file that is there already is
 * replaced only if nobody listens on it. */
int listener_find(const char *path, struct listener *out, struct fail *why);

/* Closes the socket and removes the file that was made. */
void listener_close(struct listener *l);

/* Makes the socket descriptor 0, ready to be inherited across exec. False on failure. */
bool listener_hand_on(struct listener *l);

#endif
