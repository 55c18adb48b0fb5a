/* worker: one thread that takes what is ready and answers it as one batch.
 *
 * Each turn it accepts every connection that is ready (up to a batch), keeps those whose request is not
 * whole yet aside, answers the whole ones together and comes back. A lone request waits for nobody, a
 * slow one holds up nobody, and no lock is taken.
 */
#ifndef GUICHET_RESPONDER_WORKER_H
#define GUICHET_RESPONDER_WORKER_H

#include <pthread.h>
#include "receive.h"

/* After the order to stop, requests that are arriving may take so long. */
#define WORKER_DRAIN_MS 5000

struct worker;

struct worker_options {
    const struct service *service;
    int listener; /* non-blocking listening socket, shared by all workers */
    int stop;     /* an eventfd that becomes readable, and stays so, when it is time to stop */
    bool
        inherited; /* the listener outlives this process: what waits in its backlog is left to others */
};

/* Takes over `receiver`. NULL with the cause on failure. */
struct worker *worker_new(const struct worker_options *options, struct receiver *receiver,
                          struct fail *why);

/* Starts the thread. Signals must be blocked already. Returns 0 or an errno. */
int worker_start(struct worker *w);

/* Waits for the thread until the absolute CLOCK_REALTIME time; 0, or ETIMEDOUT. until == NULL: for
 * ever. */
int worker_join(struct worker *w, const struct timespec *until);

/* Only after the thread was joined, or was never started. */
void worker_free(struct worker *w);

#endif
