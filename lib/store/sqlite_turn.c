#include "store/sqlite_turn.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

struct sqlite_turn {
    pthread_mutex_t mutex;
    dev_t dev; /* of the lock */
    ino_t ino;
    unsigned users;
    struct sqlite_turn *next;
};

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sqlite_turn *list;

static struct sqlite_turn *find(const struct stat *st)
{
    struct sqlite_turn *t = list;

    while (t != NULL && (t->dev != st->st_dev || t->ino != st->st_ino))
        t = t->next;
    return t;
}

static struct sqlite_turn *make(const struct stat *st)
{
    struct sqlite_turn *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    (void)pthread_mutex_init(&t->mutex, NULL); /* without attributes it does not fail */
    t->dev = st->st_dev;
    t->ino = st->st_ino;
    t->next = list;
    list = t;
    return t;
}

struct sqlite_turn *sqlite_turn_join(int lock)
{
    struct sqlite_turn *t;
    struct stat st;

    if (fstat(lock, &st) != 0)
        return NULL;
    (void)pthread_mutex_lock(&list_mutex);
    t = find(&st);
    if (t == NULL)
        t = make(&st);
    if (t != NULL)
        t->users++;
    (void)pthread_mutex_unlock(&list_mutex);
    return t;
}

void sqlite_turn_leave(struct sqlite_turn *t)
{
    struct sqlite_turn **at = &list;

    if (t == NULL)
        return;
    (void)pthread_mutex_lock(&list_mutex);
    if (--t->users == 0) {
        while (*at != t)
            at = &(*at)->next;
        *at = t->next;
        (void)pthread_mutex_destroy(&t->mutex);
        free(t);
    }
    (void)pthread_mutex_unlock(&list_mutex);
}

bool sqlite_turn_take(struct sqlite_turn *t, const struct clock *clock, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - clock_monotonic_ms(clock);
    struct timespec until;

    if (pthread_mutex_trylock(&t->mutex) == 0)
        return true;
    if (left_ms <= 0)
        return false;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(left_ms / 1000);
    until.tv_nsec += (long)(left_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_mutex_clocklock(&t->mutex, CLOCK_MONOTONIC, &until) == 0;
}

void sqlite_turn_end(struct sqlite_turn *t)
{
    (void)pthread_mutex_unlock(&t->mutex);
}
