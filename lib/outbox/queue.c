#include "outbox/queue.h"

#include <search.h>
#include <stdlib.h>
#include <sys/queue.h>

#define HEAP_FIRST 64

struct lane;

struct event {
    struct entry_item item;
    int64_t due_us;
    struct lane *lane;
    bool trying, dropped;
    TAILQ_ENTRY(event) next;
};
TAILQ_HEAD(line, event);
TAILQ_HEAD(lanes, lane);

struct place {
    uint32_t tag; /* of the destination */
    size_t lanes, trying;
    struct lanes blocked; /* due, but the share is used up */
};

struct lane {
    uint64_t key;
    struct place *place;
    struct line line; /* by number */
    size_t at;        /* in the heap, from 1; 0: not in it */
    bool trying, blocked;
    TAILQ_ENTRY(lane) next;
};

struct slot {
    struct lane *lane;
};

struct queue {
    size_t max, share, n, trying;
    void *events, *lanes, *places; /* trees of <search.h> */
    struct slot *heap;             /* by the time when their first event is due; from index 1 */
    size_t heap_n, heap_room;
};

/* --- the trees -------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct event *)a)->item.number, y = ((const struct event *)b)->item.number;

    return (x > y) - (x < y);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct lane *)a)->key, y = ((const struct lane *)b)->key;

    return (x > y) - (x < y);
}

static int by_tag(const void *a, const void *b)
{
    uint32_t x = ((const struct place *)a)->tag, y = ((const struct place *)b)->tag;

    return (x > y) - (x < y);
}

static struct event *find(const struct queue *q, uint64_t number)
{
    struct event key = {.item = {.number = number}}, **found;

    found = tfind(&key, &q->events, by_number);
    return found != NULL ? *found : NULL;
}

/* --- the heap ---------------------------------------------------------------------------------------- */

static int64_t due(const struct lane *l)
{
    return TAILQ_FIRST(&l->line)->due_us;
}

static void place_at(struct queue *q, struct lane *l, size_t at)
{
    q->heap[at].lane = l;
    l->at = at;
}

static void sift(struct queue *q, size_t at)
{
    struct lane *l = q->heap[at].lane;

    for (; at > 1 && due(l) < due(q->heap[at / 2].lane); at /= 2)
        place_at(q, q->heap[at / 2].lane, at);
    for (size_t child; (child = 2 * at) <= q->heap_n; at = child) {
        if (child < q->heap_n && due(q->heap[child + 1].lane) < due(q->heap[child].lane))
            child++;
        if (due(l) <= due(q->heap[child].lane))
            break;
        place_at(q, q->heap[child].lane, at);
    }
    place_at(q, l, at);
}

/* There is room: lane_of saw to it. */
static void heap_add(struct queue *q, struct lane *l)
{
    q->heap[++q->heap_n].lane = l;
    sift(q, q->heap_n);
}

static void heap_remove(struct queue *q, struct lane *l)
{
    size_t at = l->at;
    struct lane *last = q->heap[q->heap_n--].lane;

    l->at = 0;
    if (last != l) {
        q->heap[at].lane = last;
        sift(q, at);
    }
}

/* --- lanes ------------------------------------------------------------------------------------------- */

static bool heap_has_room(struct queue *q)
{
    size_t room = q->heap_room > 0 ? q->heap_room : HEAP_FIRST;
    struct slot *heap;

    /* One event, one lane at most: counting events is enough. */
    while (room < q->n + 2)
        room *= 2;
    if (room == q->heap_room)
        return true;
    heap = realloc(q->heap, room * sizeof *heap);
    if (heap == NULL)
        return false;
    q->heap = heap;
    q->heap_room = room;
    return true;
}

static struct place *place_of(struct queue *q, uint32_t tag)
{
    struct place key = {.tag = tag}, **found, *p;

    found = tfind(&key, &q->places, by_tag);
    if (found != NULL)
        return *found;
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->tag = tag;
    TAILQ_INIT(&p->blocked);
    if (tsearch(p, &q->places, by_tag) == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

static void leave_place(struct queue *q, struct place *p)
{
    if (p->lanes > 0)
        return;
    tdelete(p, &q->places, by_tag);
    free(p);
}

static struct lane *lane_of(struct queue *q, const struct entry_item *i)
{
    struct lane key = {.key = i->lane}, **found, *l;
    struct place *p;

    found = tfind(&key, &q->lanes, by_key);
    if (found != NULL)
        return *found;
    p = place_of(q, i->destination);
    if (p == NULL)
        return NULL;
    l = calloc(1, sizeof *l);
    if (l == NULL || !heap_has_room(q) ||
        ((l->key = i->lane), tsearch(l, &q->lanes, by_key) == NULL)) {
        free(l);
        leave_place(q, p);
        return NULL;
    }
    l->place = p;
    p->lanes++;
    TAILQ_INIT(&l->line);
    return l;
}

/* Brings the lane to where it belongs after a change: nowhere, the heap, or (if its destination's share
 * is used up, which queue_take finds out) its destination's list; the last is left alone here. */
static void settle(struct queue *q, struct lane *l)
{
    bool empty = TAILQ_EMPTY(&l->line);

    if (l->blocked && (empty || l->trying)) {
        TAILQ_REMOVE(&l->place->blocked, l, next);
        l->blocked = false;
    }
    if (l->at > 0 && (empty || l->trying))
        heap_remove(q, l);
    if (empty && !l->trying) {
        tdelete(l, &q->lanes, by_key);
        l->place->lanes--;
        leave_place(q, l->place);
        free(l);
    } else if (!empty && !l->trying && !l->blocked) {
        if (l->at > 0)
            sift(q, l->at);
        else
            heap_add(q, l);
    }
}

static void insert(struct lane *l, struct event *e)
{
    struct event *before = TAILQ_LAST(&l->line, line);

    while (before != NULL && before->item.number > e->item.number)
        before = TAILQ_PREV(before, line, next);
    e->lane = l;
    if (before != NULL)
        TAILQ_INSERT_AFTER(&l->line, before, e, next);
    else
        TAILQ_INSERT_HEAD(&l->line, e, next);
}

/* Takes the event out of everything. */
static void forget(struct queue *q, struct event *e)
{
    struct lane *l = e->lane;

    /* The heap is ordered by the lane's first event: out of it while that changes. */
    if (l->at > 0)
        heap_remove(q, l);
    TAILQ_REMOVE(&l->line, e, next);
    tdelete(e, &q->events, by_number);
    q->n--;
    free(e);
    settle(q, l);
}

/* --- what the header promises --------------------------------------------------------------------------- */

struct queue *queue_new(size_t max, size_t share)
{
    struct queue *q = calloc(1, sizeof *q);

    if (q != NULL) {
        q->max = max;
        q->share = share > 0 ? share : 1;
    }
    return q;
}

void queue_free(struct queue *q)
{
    if (q == NULL)
        return;
    tdestroy(q->events, free);
    tdestroy(q->lanes, free);
    tdestroy(q->places, free);
    free(q->heap);
    free(q);
}

static bool same_name(const struct entry_item *a, const struct entry_item *b)
{
    char x[ENTRY_NAME_ROOM], y[ENTRY_NAME_ROOM];

    entry_name(a, x);
    entry_name(b, y);
    return strcmp(x, y) == 0;
}

static void reset_due(struct queue *q, struct event *e, const struct entry_item *i, int64_t due_us)
{
    struct lane *l = e->lane;

    if (l->at > 0)
        heap_remove(q, l);
    e->item = *i;
    e->due_us = due_us;
    e->dropped = false;
    settle(q, l);
}

enum queue_verdict queue_put(struct queue *q, const struct entry_item *i, int64_t due_us)
{
    struct event *e = find(q, i->number);
    struct lane *l;

    if (e != NULL) {
        if (!e->dropped && same_name(&e->item, i))
            return QUEUE_KNOWN;
        reset_due(q, e, i, due_us);
        return QUEUE_PUT;
    }
    if (q->n >= q->max)
        return QUEUE_FULL;
    e = calloc(1, sizeof *e);
    l = e != NULL ? lane_of(q, i) : NULL;
    if (l == NULL) {
        free(e);
        return QUEUE_FULL;
    }
    e->item = *i;
    e->due_us = due_us;
    if (tsearch(e, &q->events, by_number) == NULL) {
        free(e);
        settle(q, l);
        return QUEUE_FULL;
    }
    if (l->at > 0)
        heap_remove(q, l);
    insert(l, e);
    q->n++;
    settle(q, l);
    return QUEUE_PUT;
}

void queue_drop(struct queue *q, const struct entry_item *i)
{
    struct event *e = find(q, i->number);

    if (e == NULL || !same_name(&e->item, i))
        return;
    if (e->trying)
        e->dropped = true;
    else
        forget(q, e);
}

bool queue_take(struct queue *q, int64_t now_us, struct entry_item *out)
{
    while (q->heap_n > 0 && due(q->heap[1].lane) <= now_us) {
        struct lane *l = q->heap[1].lane;
        struct event *e = TAILQ_FIRST(&l->line);

        heap_remove(q, l);
        if (l->place->trying >= q->share) {
            l->blocked = true;
            TAILQ_INSERT_TAIL(&l->place->blocked, l, next);
            continue;
        }
        e->trying = l->trying = true;
        l->place->trying++;
        q->trying++;
        *out = e->item;
        return true;
    }
    return false;
}

bool queue_now(const struct queue *q, uint64_t number, struct entry_item *out)
{
    const struct event *e = find(q, number);

    if (e == NULL || e->dropped)
        return false;
    *out = e->item;
    return true;
}

static void unblock(struct queue *q, struct place *p)
{
    struct lane *l = TAILQ_FIRST(&p->blocked);

    if (l == NULL || p->trying >= q->share)
        return;
    TAILQ_REMOVE(&p->blocked, l, next);
    l->blocked = false;
    heap_add(q, l);
}

void queue_end(struct queue *q, uint64_t number, const struct entry_item *next, int64_t due_us)
{
    struct event *e = find(q, number);

    if (e == NULL || !e->trying)
        return;
    e->trying = e->lane->trying = false;
    q->trying--;
    e->lane->place->trying--;
    unblock(q, e->lane->place);
    if (next == NULL || e->dropped)
        forget(q, e);
    else
        reset_due(q, e, next, due_us);
}

int64_t queue_next_us(const struct queue *q)
{
    return q->heap_n > 0 ? due(q->heap[1].lane) : INT64_MAX;
}

size_t queue_count(const struct queue *q)
{
    return q->n;
}

size_t queue_trying(const struct queue *q)
{
    return q->trying;
}
