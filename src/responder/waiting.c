#include "waiting.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

void waiting_init(struct waiting_list *l, int epoll, size_t body_max, const struct clock *clock)
{
    *l = (struct waiting_list){.epoll = epoll, .body_max = body_max, .clock = clock};
    l->ends.newer = l->ends.older = &l->ends;
}

static void detach(struct waiting *c)
{
    c->newer->older = c->older;
    c->older->newer = c->newer;
}

static void attach_newest(struct waiting_list *l, struct waiting *c)
{
    c->active_ms = clock_monotonic_ms(l->clock);
    c->newer = &l->ends;
    c->older = l->ends.older;
    c->older->newer = c;
    l->ends.older = c;
}

void waiting_release(struct waiting_list *l, struct waiting *c)
{
    (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    detach(c);
    gather_free(&c->gather);
    l->bytes -= c->held;
    c->fd = -1;
    c->newer = l->dead;
    l->dead = c;
    l->n--;
}

void waiting_drop(struct waiting_list *l, struct waiting *c)
{
    int fd = c->fd;

    waiting_release(l, c);
    close(fd);
}

void waiting_drop_oldest(struct waiting_list *l)
{
    if (l->n > 0)
        waiting_drop(l, l->ends.newer);
}

void waiting_bury(struct waiting_list *l)
{
    while (l->dead != NULL) {
        struct waiting *c = l->dead;
        l->dead = c->newer;
        free(c);
    }
}

void waiting_clear(struct waiting_list *l)
{
    while (l->n > 0)
        waiting_drop_oldest(l);
    waiting_bury(l);
}

void waiting_add(struct waiting_list *l, int fd, bool served)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
    struct waiting *c;

    if (l->n == WAITING_MAX)
        waiting_drop_oldest(l);
    c = calloc(1, sizeof *c);
    if (c == NULL) {
        close(fd);
        return;
    }
    c->fd = fd;
    c->served = served;
    gather_init(&c->gather, true, l->body_max);
    e.data.ptr = c;
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        gather_free(&c->gather);
        free(c);
        close(fd);
        return;
    }
    attach_newest(l, c);
    c->began_ms = c->active_ms;
    l->n++;
}

void waiting_touch(struct waiting_list *l, struct waiting *c)
{
    size_t held = c->gather.head.room + c->gather.body.room;

    detach(c);
    attach_newest(l, c);
    l->bytes += held - c->held;
    c->held = held;
    while (l->bytes > WAITING_BYTES_MAX && l->ends.newer != c)
        waiting_drop_oldest(l);
}

void waiting_look_through(struct waiting_list *l, bool stopping)
{
    int64_t now = clock_monotonic_ms(l->clock);
    struct waiting *c = l->ends.newer;

    if (now < l->look_ms && !stopping)
        return;
    l->look_ms = now + WAITING_LOOK_MS;
    while (c != &l->ends) {
        struct waiting *next = c->newer;
        int64_t idle_ms = now - c->active_ms;
        bool late = c->touched && now - c->began_ms >= WAITING_ARRIVAL_MS;
        bool unbegun = stopping && !c->touched && (c->served || idle_ms >= WAITING_BEGIN_MS);
        if (idle_ms >= WAITING_IDLE_MS || late || unbegun)
            waiting_drop(l, c);
        c = next;
    }
}
