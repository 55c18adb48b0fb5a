/* waiting: connections whose request is still arriving, or that a web server keeps for its next one.
 *
 * Each is watched by the worker's epoll, edge-triggered, with its struct as the event's data. Their
 * number, the memory they hold and the time they take are bounded; what is too much, too old or too
 * silent is closed. */
#ifndef GUICHET_RESPONDER_WAITING_H
#define GUICHET_RESPONDER_WAITING_H

#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "gather.h"

/* Connections of one worker; beyond it the one that has been silent longest is closed. */
#define WAITING_MAX 1024
/* The same for what they hold together, in bytes. */
#define WAITING_BYTES_MAX (64u << 20)
/* A connection on which nothing came for so long is closed. */
#define WAITING_IDLE_MS 60000
/* A request must have arrived after so long. */
#define WAITING_ARRIVAL_MS 300000
/* After the order to stop, a connection on which nothing came yet is closed after so long. */
#define WAITING_BEGIN_MS 1000
/* How often they are looked through. */
#define WAITING_LOOK_MS 1000

/* One of them. */
struct waiting {
    struct waiting *newer, *older; /* by last activity */
    int fd; /* -1: no longer kept, freed at the end of the turn, for events may still name it */
    bool touched; /* bytes were taken off it, so that libfcgi can no longer read it */
    bool served;  /* it has had an answer and is kept by the web server for more */
    int64_t began_ms, active_ms;
    size_t held; /* bytes of memory in gather */
    struct gather gather;
};

struct waiting_list {
    int epoll;
    size_t body_max; /* of a request */
    const struct clock *clock;
    size_t n;
    size_t bytes;         /* the sum of their `held` */
    int64_t look_ms;      /* when all of them are looked at next */
    struct waiting ends;  /* ends.newer: the oldest; ends.older: the newest */
    struct waiting *dead; /* by `newer` */
};

void waiting_init(struct waiting_list *l, int epoll, size_t body_max, const struct clock *clock);

/* Closes all and frees them. */
void waiting_clear(struct waiting_list *l);

/* Takes over the connection; closes it, or the one that has been silent longest, when there is no
 * room. */
void waiting_add(struct waiting_list *l, int fd, bool served);

/* Something came: it is the youngest now, and what it holds is counted. */
void waiting_touch(struct waiting_list *l, struct waiting *c);

/* Forgets the connection without closing it. The struct stays, with fd -1, until waiting_bury. */
void waiting_release(struct waiting_list *l, struct waiting *c);
void waiting_drop(struct waiting_list *l, struct waiting *c);
void waiting_drop_oldest(struct waiting_list *l);

/* Closes what is too old, once in WAITING_LOOK_MS. While stopping those between two requests go at
 * once, and one that was just accepted has a moment to begin. */
void waiting_look_through(struct waiting_list *l, bool stopping);

/* Frees what was forgotten; when no event can name it any more. */
void waiting_bury(struct waiting_list *l);

#endif
