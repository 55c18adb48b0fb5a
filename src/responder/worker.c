#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fastcgi.h"
#include "waiting.h"

#define PEEK_BYTES      65536
#define EVENTS_PER_TURN 64
/* Memory of one request: the body, the event's changes, the answer. */
#define ARENA_SPARE (12u << 20)

/* A request of the current batch. */
struct taken {
    struct fastcgi *fastcgi;
    struct exchange exchange;
};

struct worker {
    struct worker_options options;
    struct receiver *receiver;
    pthread_t thread;
    int epoll;
    bool stopping;
    struct waiting_list waiting;
    struct taken taken[RECEIVE_BATCH_MAX];
    size_t ntaken;
    uint8_t peek[PEEK_BYTES];
};

/* What the epoll events of the two descriptors that are no connections carry. */
static char tag_listener, tag_stop;

static int64_t now_ms(const struct worker *w)
{
    return clock_monotonic_ms(w->options.service->clock);
}

/* --- taking requests ------------------------------------------------------------------------------ */

/* The exchange of the request, or NULL when it could not be read. */
static struct exchange *take(struct worker *w, int from, int connection)
{
    struct taken *t = &w->taken[w->ntaken];
    const struct service *s = w->options.service;

    if (fastcgi_read(t->fastcgi, from, connection, (size_t)s->config->max_body, s->clock,
                     &t->exchange)) {
        w->ntaken++;
        return &t->exchange;
    }
    arena_reset(t->exchange.arena);
    return NULL;
}

/* Looks at what has come on an untouched connection without taking it off. */
static enum gather_verdict look(struct worker *w, int fd, bool *ended)
{
    enum gather_verdict verdict;
    struct gather g;
    ssize_t n;

    do
        n = recv(fd, w->peek, sizeof w->peek, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    *ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
    if (n <= 0)
        return GATHER_MORE;
    gather_init(&g, false, 0);
    verdict = gather_feed(&g, w->peek, (size_t)n);
    explicit_bzero(w->peek, (size_t)n); /* keys and bodies do not outlive their request here */
    return verdict;
}

static void refuse(struct worker *w, int fd)
{
    log_rarely(
        w->options.service->log, LOG_LEVEL_WARNING, "records", 60 * US_PER_S,
        "a connection was closed: what came on it is no FastCGI request of a responder; does "
        "something other than the web server talk to the socket?");
    close(fd);
}

static void accept_one(struct worker *w, int fd)
{
    bool ended;

    switch (look(w, fd, &ended)) {
    case GATHER_DONE:
        (void)take(w, fd, fd);
        break;
    case GATHER_BAD:
        refuse(w, fd);
        break;
    case GATHER_MORE:
        if (ended)
            close(fd);
        else
            waiting_add(&w->waiting, fd, false);
    }
}

/* Those who send share the processor: the one who has just woken us may have more to hand over. Giving
 * way once, when it is not a lone request, makes batches larger under load. */
static void accept_ready(struct worker *w)
{
    bool gave_way = false;

    while (w->ntaken < RECEIVE_BATCH_MAX) {
        int fd = accept4(w->options.listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_one(w, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_rarely(
                w->options.service->log, LOG_LEVEL_ERROR, "descriptors", 10 * US_PER_S,
                "a connection could not be accepted: out of file descriptors or memory; raise "
                "the limit (ulimit -n, LimitNOFILE=)");
            waiting_drop_oldest(&w->waiting);
        } else if (w->ntaken > 1 && !gave_way) {
            gave_way = true;
            (void)sched_yield();
            continue;
        }
        return;
    }
}

/* Takes off a kept connection what has come. The request is taken when it is whole. */
static void collect(struct worker *w, struct waiting *c)
{
    enum gather_verdict verdict = GATHER_MORE;
    struct exchange *x = NULL;
    uint64_t bytes;
    int fd = c->fd, from;
    ssize_t n = 1;

    while (verdict == GATHER_MORE && n > 0) {
        do
            n = recv(fd, w->peek, sizeof w->peek, MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n > 0) {
            c->touched = true;
            verdict = gather_feed(&c->gather, w->peek, (size_t)n);
            explicit_bzero(w->peek, (size_t)n);
        }
    }
    if (verdict == GATHER_MORE) {
        if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
            waiting_drop(&w->waiting, c); /* the web server gave up: nothing was acknowledged */
            return;
        }
        waiting_touch(&w->waiting, c);
        return;
    }
    from = verdict == GATHER_DONE ? gather_open(&c->gather) : -1;
    bytes = c->gather.stdin_bytes;
    waiting_release(&w->waiting, c);
    if (from >= 0)
        x = take(w, from, fd);
    else if (verdict == GATHER_BAD)
        refuse(w, fd);
    else
        close(fd);
    if (x != NULL)
        x->request.body_bytes = bytes; /* also those that were too many to keep */
}

static void waiting_ready(struct worker *w, struct waiting *c)
{
    enum gather_verdict verdict = GATHER_MORE;
    bool ended = false;
    int fd = c->fd;

    if (!c->touched)
        verdict = look(w, fd, &ended);
    if (verdict == GATHER_DONE) {
        waiting_release(&w->waiting, c);
        (void)take(w, fd, fd);
    } else if (ended) {
        waiting_drop(&w->waiting, c);
    } else {
        collect(w, c);
    }
}

/* --- answering ------------------------------------------------------------------------------------ */

static void answer_taken(struct worker *w)
{
    struct exchange *x[RECEIVE_BATCH_MAX];

    for (size_t i = 0; i < w->ntaken; i++)
        x[i] = &w->taken[i].exchange;
    receive_batch(w->receiver, x, w->ntaken);
    for (size_t i = 0; i < w->ntaken; i++) {
        int kept = fastcgi_answer(w->taken[i].fastcgi, x[i]);
        arena_reset(x[i]->arena);
        if (kept >= 0 && w->stopping)
            close(kept);
        else if (kept >= 0) {
            fastcgi_be_patient(kept);
            waiting_add(&w->waiting, kept, true);
        }
    }
    w->ntaken = 0;
}

/* --- the loop -------------------------------------------------------------------------------------- */

/* Connections that are accepted already are served to their end. A backlog that nobody else will
 * serve is emptied once; under load it would never be empty, so it is not waited for. */
static void begin_stop(struct worker *w)
{
    w->stopping = true;
    (void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->options.stop, NULL);
    (void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->options.listener, NULL);
    if (!w->options.inherited)
        accept_ready(w);
}

static void turn(struct worker *w, int timeout_ms)
{
    struct epoll_event event[EVENTS_PER_TURN];
    int n = epoll_wait(w->epoll, event, EVENTS_PER_TURN, timeout_ms);
    bool listener_ready = false, stop = false;

    for (int i = 0; i < n; i++) {
        if (event[i].data.ptr == &tag_listener) {
            listener_ready = true;
        } else if (event[i].data.ptr == &tag_stop) {
            stop = true;
        } else {
            struct waiting *c = event[i].data.ptr;
            if (w->ntaken == RECEIVE_BATCH_MAX)
                answer_taken(w);
            if (c->fd >= 0)
                waiting_ready(w, c);
        }
    }
    if (listener_ready && !stop)
        accept_ready(w);
    if (w->ntaken > 0)
        answer_taken(w);
    if (stop) {
        begin_stop(w);
        if (w->ntaken > 0)
            answer_taken(w);
    }
    waiting_bury(&w->waiting);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    int64_t end_ms = 0;
    bool more = w->options.service->spool != NULL; /* to drain or seal at once */

    for (;;) {
        bool idle = w->waiting.n > 0 || w->options.service->spool != NULL ||
                    w->options.service->config->audit_key.n > 0;
        if (w->waiting.n > 0)
            waiting_look_through(&w->waiting, w->stopping);
        if (w->stopping) {
            if (end_ms == 0)
                end_ms = now_ms(w) + WORKER_DRAIN_MS;
            if (w->waiting.n == 0 || now_ms(w) >= end_ms)
                return NULL;
        }
        turn(w, w->stopping ? 100 : more ? 0 : idle ? RECEIVE_IDLE_MS : -1);
        receiver_explain(w->receiver);
        more = false;
        if (!w->stopping) {
            more = receiver_drain(w->receiver);
            more = receiver_seal(w->receiver) || more;
        }
    }
}

struct worker *worker_new(const struct worker_options *options, struct receiver *receiver,
                          struct fail *why)
{
    struct worker *w = calloc(1, sizeof *w);
    size_t memory = (size_t)options->service->config->max_body * 3 + ARENA_SPARE;
    struct epoll_event listener = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &tag_listener};
    struct epoll_event stop = {.events = EPOLLIN, .data.ptr = &tag_stop};

    if (w == NULL) {
        receiver_free(receiver);
        goto no_memory;
    }
    w->options = *options;
    w->receiver = receiver;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    waiting_init(&w->waiting, w->epoll, (size_t)options->service->config->max_body,
                 options->service->clock);
    if (w->epoll < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, options->listener, &listener) != 0 ||
        epoll_ctl(w->epoll, EPOLL_CTL_ADD, options->stop, &stop) != 0) {
        fail_set(why, "cannot wait for connections: %s", strerror(errno));
        worker_free(w);
        return NULL;
    }
    for (size_t i = 0; i < RECEIVE_BATCH_MAX; i++) {
        w->taken[i].fastcgi = fastcgi_new();
        w->taken[i].exchange.arena = arena_new(memory);
        if (w->taken[i].fastcgi == NULL || w->taken[i].exchange.arena == NULL) {
            worker_free(w);
            goto no_memory;
        }
    }
    return w;

no_memory:
    fail_set(why, "out of memory");
    return NULL;
}

int worker_start(struct worker *w)
{
    return pthread_create(&w->thread, NULL, run, w);
}

int worker_join(struct worker *w, const struct timespec *until)
{
    return until != NULL ? pthread_timedjoin_np(w->thread, NULL, until)
                         : pthread_join(w->thread, NULL);
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    waiting_clear(&w->waiting);
    for (size_t i = 0; i < RECEIVE_BATCH_MAX; i++) {
        fastcgi_free(w->taken[i].fastcgi);
        arena_free(w->taken[i].exchange.arena);
    }
    receiver_free(w->receiver);
    if (w->epoll >= 0)
        close(w->epoll);
    free(w);
}
