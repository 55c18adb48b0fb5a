#include "store/copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EXAMINE_MS                                                                                 \
    (3600 * INT64_C(1000)) /* a large file is looked through for as long as it takes */
/* Ids that end while both stores are read are not compared: this long, and so many times what the copying
 * took. */
#define HORIZON_US    (60 * US_PER_S)
#define HORIZON_TIMES 4

/* A provider while it is moved. */
struct moving {
    struct journal from, to;
    char before[TRANSFER_MARK_MAX]; /* the source's mark; "": it was open */
    bool closed;                    /* the source was, by us */
};

static struct moving moving_of(const struct copy *c, const char *provider)
{
    return (struct moving){.from = {c->from, provider, c->arena, c->timeout_ms},
                           .to = {c->to, provider, c->arena, c->timeout_ms}};
}

static bool told_to_stop(const struct copy *c, struct fail *why)
{
    bool stop = c->stopped != NULL && c->stopped();

    if (stop)
        fail_set(why, "it was told to stop");
    return stop;
}

/* --- looking ---------------------------------------------------------------------------------- */

static bool is_half(const char *mark)
{
    return strncmp(mark, COPY_HALF, sizeof COPY_HALF - 1) == 0;
}

/* Coming back later will not help. */
static bool is_damage(const struct fail *why)
{
    return strstr(why->text, "store_damaged") != NULL;
}

/* A commit with every verb works, and no damage is found. */
static enum copy_end examine(const struct copy *c, struct store *s, const char *address,
                             const char *provider, struct fail *why)
{
    const struct store_provider p = {.name = provider, .keep_ids_us = US_PER_S};
    struct store_findings f;
    bool refused;

    s->thorough = true;
    store_examine(s, &p, 1, clock_monotonic_ms(c->clock) + EXAMINE_MS, &f);
    s->thorough = false;
    if (f.self_test == 1)
        return COPY_DONE;
    *why = f.problem;
    refused = f.self_test == 0 || is_damage(why);
    fail_prefix(why, "%s", address);
    return refused ? COPY_REFUSED : COPY_FAILED;
}

static enum copy_end look_at_source(const struct copy *c, struct moving *m, struct fail *why)
{
    arena_reset(c->arena);
    if (!transfer_possible(&m->from, why) || !transfer_mark(&m->from, m->before, why)) {
        fail_prefix(why, "%s", c->from_address);
        return COPY_FAILED;
    }
    if (!is_half(m->before))
        return COPY_DONE;
    fail_set(why, "%s: what it holds of \"%s\" is half a copy (%s); repeat that copy, from there",
             c->from_address, m->from.provider, m->before);
    return COPY_REFUSED;
}

static enum copy_end look_at_destination(const struct copy *c, const struct moving *m,
                                         struct fail *why)
{
    char mark[TRANSFER_MARK_MAX];
    bool empty;

    arena_reset(c->arena);
    if (!transfer_mark(&m->to, mark, why) || !transfer_empty(&m->to, &empty, why)) {
        fail_prefix(why, "%s", c->to_address);
        return COPY_FAILED;
    }
    if (empty || is_half(mark))
        return COPY_DONE;
    fail_set(why,
             "%s is not empty: it holds something of \"%s\"%s%s; name an empty one (another file, "
             "another database of Redis: ?db=1), for two histories cannot be made one",
             c->to_address, m->to.provider, mark[0] != '\0' ? ", and is closed: " : "", mark);
    return COPY_REFUSED;
}

static enum copy_end look(const struct copy *c, struct moving *m, size_t n, struct fail *why)
{
    enum copy_end end = COPY_DONE;
    struct fail unused;

    for (size_t i = 0; i < n && end == COPY_DONE; i++) {
        end = look_at_source(c, &m[i], why);
        if (end == COPY_DONE)
            end = look_at_destination(c, &m[i], why);
    }
    /* The examination would make a file that is not there yet. */
    if (end == COPY_DONE && n > 0 && (!c->only_look || transfer_possible(&m->to, &unused)))
        end = examine(c, c->to, c->to_address, m->to.provider, why);
    return end;
}

/* --- filling ---------------------------------------------------------------------------------- */

static size_t bytes_of(const struct transfer_item *item)
{
    size_t n = item->key.n;

    for (size_t i = 0; i < item->nfields; i++)
        n += item->field[i].name.n + item->field[i].value.n;
    return n;
}

static bool write_page(const struct journal *to, const struct transfer_page *page, struct fail *why)
{
    size_t first = 0, bytes = 0;
    bool ok = true;

    for (size_t i = 0; ok && i < page->n; i++) {
        size_t own = bytes_of(&page->item[i]);
        if (i > first && (i - first == TRANSFER_WRITE_MAX || bytes + own > TRANSFER_BYTES_MAX)) {
            ok = transfer_write(to, &page->item[first], i - first, why);
            first = i;
            bytes = 0;
        }
        bytes += own;
    }
    return ok && transfer_write(to, &page->item[first], page->n - first, why);
}

static bool fill(const struct copy *c, const struct moving *m, struct fail *why)
{
    struct transfer_place place = TRANSFER_PLACE_INIT;
    struct transfer_page page;
    bool ok = true;

    while (ok && place.stage < STAGES) {
        arena_reset(c->arena);
        ok = !told_to_stop(c, why);
        if (ok && !transfer_read(&m->from, &place, &page, why))
            ok = fail_prefix(why, "%s", c->from_address) == 0;
        if (ok && !write_page(&m->to, &page, why))
            ok = fail_prefix(why, "%s", c->to_address) == 0;
    }
    transfer_place_free(&place);
    return ok;
}

static bool close_with(const struct journal *j, const char *what, const char *address,
                       struct fail *why)
{
    char mark[TRANSFER_MARK_MAX];

    (void)snprintf(mark, sizeof mark, "%s%s", what, address);
    arena_reset(j->arena);
    return transfer_close(j, mark, why);
}

static bool move_one(const struct copy *c, struct moving *m, struct fail *why)
{
    /* Also when the answer is lost: opening again what is open does no harm. */
    m->closed = m->before[0] == '\0' || strncmp(m->before, "copying", 7) == 0;
    if (m->closed && !close_with(&m->from, "copying to ", c->to_address, why))
        return fail_prefix(why, "%s", c->from_address) == 0;
    if (!close_with(&m->to, COPY_HALF, c->from_address, why) || !transfer_clear(&m->to, why))
        return fail_prefix(why, "%s", c->to_address) == 0;
    return fill(c, m, why);
}

/* As it was before, as far as that can be done. */
static void take_back(const struct copy *c, struct moving *m, size_t n, struct fail *why)
{
    struct fail unused;

    for (size_t i = 0; i < n; i++) {
        arena_reset(c->arena);
        if (m[i].closed && !transfer_close(&m[i].from, "", &unused))
            fail_prefix(why, "%s stays closed for \"%s\" (guichet store open)", c->from_address,
                        m[i].from.provider);
    }
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool walk(const struct copy *c, const struct journal *j, const char *address,
                 int64_t horizon_us, struct transfer_sum *out, struct fail *why)
{
    int64_t count[TRANSFER_PARTS];

    arena_reset(c->arena);
    if (!transfer_counts(j, horizon_us, count, why) ||
        !transfer_sum_take(j, horizon_us, c->stopped, out, why)) {
        fail_prefix(why, "%s", address);
        return false;
    }
    for (int i = 0; i < TRANSFER_PARTS; i++)
        if (count[i] >= 0 && count[i] != out->part[i].n) {
            fail_set(why,
                     "%s: of \"%s\" there are %" PRId64 " %s, but %" PRId64
                     " were read; does somebody else work on it?",
                     address, j->provider, count[i], transfer_part_names[i], out->part[i].n);
            return false;
        }
    return true;
}

static void report(const struct copy *c, const char *provider, const struct transfer_sum *from,
                   const struct transfer_sum *to, enum transfer_part part, bool *same)
{
    struct copy_row row = {.provider = provider,
                           .what = transfer_part_names[part],
                           .from = from->part[part].n,
                           .to = to != NULL ? to->part[part].n : -1,
                           .same = to == NULL || transfer_sum_same(from, to, part)};

    transfer_sum_show(from, part, row.from_digest);
    if (to != NULL)
        transfer_sum_show(to, part, row.to_digest);
    *same = *same && row.same;
    c->report(c->ctx, &row);
}

/* Some of the first may be gone when the second are counted, but none may have come. */
static void report_expiring(const struct copy *c, const char *provider,
                            const struct transfer_sum *from, const struct transfer_sum *to,
                            bool *same)
{
    struct copy_row row = {.provider = provider,
                           .what = "ids that end soon",
                           .from = from->expiring,
                           .to = to != NULL ? to->expiring : -1,
                           .same = to == NULL || to->expiring <= from->expiring};

    *same = *same && row.same;
    c->report(c->ctx, &row);
}

static enum copy_end compare(const struct copy *c, const struct moving *m, int64_t horizon_us,
                             struct fail *why)
{
    struct transfer_sum from = {.seen = NULL}, to = {.seen = NULL};
    enum copy_end end = COPY_FAILED;
    bool same = true, all = !c->only_look;

    if (!walk(c, &m->from, c->from_address, horizon_us, &from, why) ||
        (all && !walk(c, &m->to, c->to_address, horizon_us, &to, why)))
        goto done;
    for (int i = 0; i < TRANSFER_PARTS; i++)
        report(c, m->from.provider, &from, all ? &to : NULL, (enum transfer_part)i, &same);
    report_expiring(c, m->from.provider, &from, all ? &to : NULL, &same);
    end = same ? COPY_DONE : COPY_DIFFERS;
    if (!same)
        fail_set(why,
                 "\"%s\" is not alike in both: stop what else works on the source (consumers, "
                 "`guichet airtable watch`, the timer that seals, other verbs), and repeat it",
                 m->from.provider);

done:
    transfer_sum_free(&from);
    transfer_sum_free(&to);
    return end;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* The source first: were it the other way round, a process that is killed in between would leave two
 * stores that both take events. */
static bool hand_over(const struct copy *c, const struct moving *m, size_t n, struct fail *why)
{
    for (size_t i = 0; i < n; i++)
        if (!close_with(&m[i].from, "moved to ", c->to_address, why))
            return fail_prefix(why, "%s", c->from_address) == 0;
    for (size_t i = 0; i < n; i++) {
        arena_reset(c->arena);
        if (!transfer_close(&m[i].to, "", why))
            return fail_prefix(why, "%s: the copy is whole but could not be opened; repeat it",
                               c->to_address) == 0;
    }
    return true;
}

static enum copy_end move_all(const struct copy *c, struct moving *m, size_t n, struct fail *why)
{
    int64_t began_us = clock_now_us(c->clock), took_us;
    enum copy_end end = COPY_DONE;

    for (size_t i = 0; i < n && end == COPY_DONE; i++)
        if (!move_one(c, &m[i], why))
            end = COPY_FAILED;
    took_us = clock_now_us(c->clock) - began_us;
    took_us = took_us > 0 ? took_us : 0;
    for (size_t i = 0; i < n && end == COPY_DONE; i++)
        end = compare(c, &m[i], clock_now_us(c->clock) + HORIZON_US + HORIZON_TIMES * took_us, why);
    if (end != COPY_DONE)
        take_back(c, m, n, why);
    else if (!hand_over(c, m, n, why))
        end = COPY_FAILED;
    return end;
}

enum copy_end copy_begin(const struct copy *c, struct transfer_names *names, struct fail *why)
{
    const struct journal j = {c->from, "selftest", c->arena, c->timeout_ms};
    enum copy_end end;

    arena_reset(c->arena);
    if (!transfer_possible(&j, why)) {
        fail_prefix(why, "%s", c->from_address);
        return is_damage(why) ? COPY_REFUSED : COPY_FAILED;
    }
    end = examine(c, c->from, c->from_address, names->n > 0 ? names->name[0] : "selftest", why);
    if (end != COPY_DONE || names->n > 0)
        return end;
    if (transfer_providers(&j, names, why))
        return COPY_DONE;
    fail_prefix(why, "%s", c->from_address);
    return COPY_FAILED;
}

enum copy_end copy_run(const struct copy *c, const struct transfer_names *names, struct fail *why)
{
    struct moving *m = calloc(names->n + 1, sizeof *m);
    enum copy_end end = COPY_FAILED;

    if (m == NULL) {
        fail_set(why, "no memory");
        return COPY_FAILED;
    }
    for (size_t i = 0; i < names->n; i++)
        m[i] = moving_of(c, names->name[i]);
    end = look(c, m, names->n, why);
    if (end == COPY_DONE && !c->only_look)
        end = move_all(c, m, names->n, why);
    for (size_t i = 0; i < names->n && end == COPY_DONE && c->only_look; i++)
        end = compare(c, &m[i], clock_now_us(c->clock), why);
    free(m);
    return end;
}

enum copy_end copy_open(const struct journal *j, char mark[static TRANSFER_MARK_MAX],
                        struct fail *why)
{
    arena_reset(j->arena);
    if (!transfer_mark(j, mark, why))
        return COPY_FAILED;
    if (is_half(mark)) {
        fail_set(why, "what it holds of \"%s\" is half a copy (%s); repeat that copy", j->provider,
                 mark);
        return COPY_REFUSED;
    }
    if (mark[0] != '\0' && !transfer_close(j, "", why))
        return COPY_FAILED;
    return COPY_DONE;
}
