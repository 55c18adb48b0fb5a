/* cut_proxy: stands between a client and a unix socket and cuts the line where a test says so. */
#ifndef GUICHET_TESTS_CUT_PROXY_H
#define GUICHET_TESTS_CUT_PROXY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct cut_proxy {
    char path[96]; /* where it listens */
    char target[96];
    _Atomic int
        lose_replies; /* so many answers are read from the server and thrown away with the line */
    _Atomic int
        halve_requests; /* of so many requests only half is passed on before the line is cut */
    _Atomic bool stop;
    int listener;
    pthread_t thread;
};

/* The path is the target's with ".cut" behind it. False when it cannot listen. */
bool cut_proxy_start(struct cut_proxy *p, const char *target);
void cut_proxy_stop(struct cut_proxy *p);

#endif
