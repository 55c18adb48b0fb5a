#include "store/transfer_sum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/codec.h"

/* Parts of what an item's digest is made of: length and bytes of key, names and values. */
#define FIELDS_MAX  (JOURNAL_FIELDS_MAX + 2)
#define PARTS_MAX   (2 + 4 * FIELDS_MAX)
#define LENGTH_ROOM 24
#define SEEN_FIRST  1024
/* Moments are rounded to the ms on their way, and some are told as how long ago they were, by a server that
 * may rest between the question and the clock. On the average they are nearer than this. */
#define MOMENT_SLACK_MS 100

/* --- items that were seen --------------------------------------------------------------------- */

/* Open addressing; an item is known by half of its digest, which is never all zeros. */
struct transfer_seen {
    uint64_t (*slot)[2];
    size_t n, room; /* room: a power of two */
};

static struct transfer_seen *seen_new(void)
{
    struct transfer_seen *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->room = SEEN_FIRST;
    s->slot = calloc(s->room, sizeof *s->slot);
    if (s->slot == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

static uint64_t *seen_find(const struct transfer_seen *s, const uint64_t digest[static 2])
{
    size_t at = digest[0] & (s->room - 1);

    while ((s->slot[at][0] != 0 || s->slot[at][1] != 0) &&
           (s->slot[at][0] != digest[0] || s->slot[at][1] != digest[1]))
        at = (at + 1) & (s->room - 1);
    return s->slot[at];
}

static bool seen_grow(struct transfer_seen *s)
{
    struct transfer_seen wider = {.room = 2 * s->room, .n = s->n};

    if (s->n >= TRANSFER_SEEN_MAX)
        return false;
    wider.slot = calloc(wider.room, sizeof *wider.slot);
    if (wider.slot == NULL)
        return false;
    for (size_t i = 0; i < s->room; i++)
        if (s->slot[i][0] != 0 || s->slot[i][1] != 0)
            memcpy(seen_find(&wider, s->slot[i]), s->slot[i], sizeof *s->slot);
    free(s->slot);
    *s = wider;
    return true;
}

/* *before: it was there. */
static bool seen_add(struct transfer_seen *s, const uint64_t digest[static 2], bool *before)
{
    uint64_t *slot;

    if (2 * s->n >= s->room && !seen_grow(s))
        return false;
    slot = seen_find(s, digest);
    *before = slot[0] != 0 || slot[1] != 0;
    memcpy(slot, digest, sizeof *s->slot);
    s->n += !*before;
    return true;
}

void transfer_sum_free(struct transfer_sum *s)
{
    if (s->seen != NULL)
        free(s->seen->slot);
    free(s->seen);
    s->seen = NULL;
}

/* --- the digest ------------------------------------------------------------------------------- */

/* Texts, each with its length before it. */
struct digest_input {
    struct slice part[PARTS_MAX];
    char length[PARTS_MAX / 2][LENGTH_ROOM];
    size_t n;
};

static void put(struct digest_input *d, struct slice s)
{
    char *length = d->length[d->n / 2];

    d->part[d->n++] = (struct slice){length, (size_t)snprintf(length, LENGTH_ROOM, "%zu:", s.n)};
    d->part[d->n++] = s;
}

static int by_name(const void *a, const void *b)
{
    const struct journal_field *x = a, *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = memcmp(x->name.p, y->name.p, n);

    return order != 0 ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static bool digest_of(const struct transfer_item *item, uint64_t out[static TRANSFER_DIGEST_WORDS])
{
    struct journal_field field[FIELDS_MAX] = {{.name = {NULL, 0}}};
    struct digest_input d = {.n = 0};
    uint8_t bytes[SHA256_BYTES];

    if (item->nfields > FIELDS_MAX)
        return false;
    if (item->nfields > 0)
        memcpy(field, item->field, item->nfields * sizeof *field);
    qsort(field, item->nfields, sizeof *field, by_name);
    put(&d, item->key);
    for (size_t i = 0; i < item->nfields; i++) {
        put(&d, field[i].name);
        put(&d, field[i].value);
    }
    if (!sha256(d.part, d.n, bytes))
        return false;
    memcpy(out, bytes, sizeof bytes);
    return true;
}

bool transfer_sum_add(struct transfer_sum *s, const struct transfer_item *item)
{
    struct transfer_kind_sum *kind = &s->part[item->part];
    uint64_t digest[TRANSFER_DIGEST_WORDS], known[2];
    bool before = false;

    if (!digest_of(item, digest))
        return false;
    if (s->seen != NULL && item->part >= TRANSFER_IDS) {
        /* The same text and name may be a record's and an id's. */
        known[0] = digest[0] + (uint64_t)item->part;
        known[1] = digest[1] | 1;
        if (!seen_add(s->seen, known, &before))
            return false;
    }
    if (before)
        return true;
    if (item->part == TRANSFER_IDS && item->moment_us <= s->horizon_us) {
        s->expiring++;
        return true;
    }
    kind->n++;
    kind->moments_ms += (uint64_t)(item->moment_us / 1000);
    for (size_t i = 0; i < TRANSFER_DIGEST_WORDS; i++)
        kind->digest[i] += digest[i];
    return true;
}

bool transfer_sum_take(const struct journal *j, int64_t horizon_us, bool (*stopped)(void),
                       struct transfer_sum *out, struct fail *why)
{
    struct transfer_place place = TRANSFER_PLACE_INIT;
    struct transfer_page page;
    bool ok = true;

    *out = (struct transfer_sum){.horizon_us = horizon_us};
    if (j->store->transfer != NULL && j->store->transfer->repeats)
        ok = (out->seen = seen_new()) != NULL;
    if (!ok)
        fail_set(why, "no memory for what is compared");
    while (ok && place.stage < STAGES) {
        arena_reset(j->arena);
        ok = transfer_read(j, &place, &page, why);
        for (size_t i = 0; ok && i < page.n; i++) {
            ok = transfer_sum_add(out, &page.item[i]);
            if (!ok)
                fail_set(why, "no memory for what is compared");
        }
        if (ok && stopped != NULL && stopped())
            ok = fail_set(why, "it was told to stop") == 0;
    }
    transfer_place_free(&place);
    return ok;
}

/* --- comparing -------------------------------------------------------------------------------- */

bool transfer_sum_same(const struct transfer_sum *from, const struct transfer_sum *to,
                       enum transfer_part part)
{
    const struct transfer_kind_sum *a = &from->part[part], *b = &to->part[part];
    int64_t apart = (int64_t)(a->moments_ms - b->moments_ms);

    return a->n == b->n && memcmp(a->digest, b->digest, sizeof a->digest) == 0 &&
           apart <= MOMENT_SLACK_MS * a->n && -apart <= MOMENT_SLACK_MS * a->n;
}

void transfer_sum_show(const struct transfer_sum *s, enum transfer_part part,
                       char out[static TRANSFER_DIGEST_ROOM])
{
    uint8_t bytes[SHA256_BYTES];

    memcpy(bytes, s->part[part].digest, sizeof bytes);
    hex_encode(bytes, (TRANSFER_DIGEST_ROOM - 1) / 2, out);
}
