/* A hook's payloads, page by page, each applied once. */
#include "airtable/drain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGES_MAX 100000 /* of one drain: a week of payloads is fewer */

static enum airtable_outcome of_batch(struct drain *d, struct fail *why)
{
    switch (batch_end(&d->batch, why)) {
    case STEP_DONE:
        return AIRTABLE_DONE;
    case STEP_UNMET:
        return AIRTABLE_STOPPED;
    default:
        return AIRTABLE_AWAY;
    }
}

/* --- a page ------------------------------------------------------------------------------------- */

/* The part of a page that was written but not handed off yet: payloads from..to - 1. */
struct part {
    size_t from, to;
    size_t bytes; /* of their texts, about */
};

/* Hands them off and moves the cursor behind them, in one step: with all of their changes if these are
 * not too many for one. */
static enum airtable_outcome move_on(struct drain *d, const json_t *payloads, struct part *p,
                                     struct fail *why)
{
    enum airtable_outcome outcome;
    char cursor[NUMBER_ROOM], at[NUMBER_ROOM];
    int64_t now_us;

    if (!step_now(&d->a->journal, &now_us, why))
        return AIRTABLE_AWAY;
    batch_together(&d->batch, p->to - p->from + 4, p->bytes);
    for (; p->from < p->to; p->from++)
        if (!drain_write_event(d, d->first + (int64_t)p->from, json_array_get(payloads, p->from))) {
            fail_set(why, "no memory for a payload");
            return AIRTABLE_AWAY;
        }
    (void)snprintf(cursor, sizeof cursor, "%" PRId64, d->first + (int64_t)p->to);
    (void)snprintf(at, sizeof at, "%" PRId64, now_us);
    if (d->gap > 0)
        batch_add(&d->batch, STEP_SET, d->base_key, "stale", SLICE_LITERAL(AIRTABLE_GAP));
    batch_add(&d->batch, STEP_SET, d->base_key, "applied", slice_of(at));
    batch_add(&d->batch, STEP_SET, d->hook_key, "cursor", slice_of(cursor));
    outcome = of_batch(d, why);
    if (outcome != AIRTABLE_DONE)
        return outcome;
    p->bytes = 0;
    d->gap = 0;
    memcpy(d->cursor, cursor, sizeof cursor);
    batch_guard(&d->batch, d->hook_key, "cursor", d->cursor);
    return AIRTABLE_DONE;
}

static enum airtable_outcome write_page(struct drain *d, const json_t *payloads, struct fail *why)
{
    enum airtable_outcome outcome = AIRTABLE_DONE;
    struct part part = {0, 0, 0};

    while (outcome == AIRTABLE_DONE && part.to < json_array_size(payloads)) {
        const json_t *payload = json_array_get(payloads, part.to);
        size_t bytes = json_dumpb(payload, NULL, 0, JSON_COMPACT) + AIRTABLE_KEY_MAX;
        /* An id and what stands around it take more than 32 bytes. */
        if (part.to > part.from &&
            !batch_has_room(&d->batch, bytes / 32 + part.to - part.from, part.bytes + 3 * bytes))
            outcome = move_on(d, payloads, &part, why);
        if (outcome == AIRTABLE_DONE)
            outcome = drain_write_payload(d, payload, why);
        part.to++;
        part.bytes += bytes;
    }
    if (outcome == AIRTABLE_DONE)
        outcome = move_on(d, payloads, &part, why);
    if (outcome == AIRTABLE_DONE)
        d->a->report->payloads += (int64_t)json_array_size(payloads);
    return outcome;
}

static bool page_begin(struct drain *d)
{
    d->fresh = json_object();
    d->written = json_object();
    d->copied = json_object();
    d->schema = NULL;
    d->schema_written = false;
    return touched_init(&d->all) && d->fresh != NULL && d->written != NULL && d->copied != NULL;
}

static void page_end(struct drain *d)
{
    json_decref(d->fresh);
    json_decref(d->written);
    json_decref(d->copied);
    json_decref(d->schema);
    touched_free(&d->all);
    arena_reset(d->a->journal.arena);
}

static enum airtable_outcome apply_page(struct drain *d, const json_t *payloads, struct fail *why)
{
    enum airtable_outcome outcome = AIRTABLE_AWAY;
    json_t *payload;
    size_t i;
    bool ok = page_begin(d);

    json_array_foreach(payloads, i, payload) ok = ok && touched_add(&d->all, payload);
    if (!ok)
        fail_set(why, "no memory for a page of payloads");
    else
        outcome = drain_read_page(d, why);
    if (outcome == AIRTABLE_DONE)
        outcome = write_page(d, payloads, why);
    page_end(d);
    return outcome;
}

/* Fetches and applies the page at the cursor. *more: whether there may be another. */
static enum airtable_outcome do_page(struct drain *d, bool *more, struct fail *why)
{
    int64_t cursor = strtoll(d->cursor, NULL, 10), next;
    json_t *page = NULL;
    const json_t *payloads;
    enum airtable_outcome outcome = AIRTABLE_AWAY;
    enum api_code code = api_payloads(&d->a->api, d->hook, cursor, &page, why);

    *more = false;
    if (code != API_OK)
        return base_outcome(code);
    payloads = json_object_get(page, "payloads");
    next = json_integer_value(json_object_get(page, "cursor"));
    if (!json_is_array(payloads) || json_array_size(payloads) > API_PAYLOADS_MAX ||
        next < cursor + (int64_t)json_array_size(payloads)) {
        fail_set(why, "the payloads of %s do not follow from cursor %" PRId64, d->hook, cursor);
        goto done;
    }
    /* The numbers are not in the payloads: they end before `next`. What lies between the cursor and the
     * first of them was deleted, after a week. */
    d->first = next - (int64_t)json_array_size(payloads);
    d->gap = d->first - cursor;
    *more = json_array_size(payloads) > 0 && json_is_true(json_object_get(page, "mightHaveMore"));
    outcome =
        json_array_size(payloads) > 0 || d->gap > 0 ? apply_page(d, payloads, why) : AIRTABLE_DONE;

done:
    json_decref(page);
    return outcome;
}

/* --- a hook --------------------------------------------------------------------------------------- */

/* The place to go on from; for a hook that was not drained before, the first payload. */
static bool begin(struct drain *d, char pinged[static NUMBER_ROOM], struct fail *why)
{
    struct airtable *a = d->a;
    struct slice found, mark;

    airtable_key(d->hook_key, "hook", d->hook, NULL, NULL);
    airtable_key(d->base_key, "base", a->base, NULL, NULL);
    if (!base_field(a, "generation", d->generation, sizeof d->generation, why) ||
        !step_read(&a->journal, slice_of(d->hook_key), (const char *const[]){"cursor"}, 1, &found,
                   why) ||
        !step_read(&a->journal, SLICE_LITERAL("dirty"), &d->hook, 1, &mark, why))
        return false;
    (void)snprintf(pinged, NUMBER_ROOM, "%.*s", mark.p != NULL ? (int)mark.n : 0,
                   mark.p != NULL ? mark.p : "");
    airtable_key(d->tables_key, "tables", a->base, d->generation, NULL);
    batch_guard(&d->batch, d->base_key, "generation", d->generation);
    if (found.p == NULL) {
        batch_guard(&d->batch, d->hook_key, "cursor", NULL);
        batch_add(&d->batch, STEP_SET, d->hook_key, "base", slice_of(a->base));
        batch_add(&d->batch, STEP_SET, d->hook_key, "cursor", SLICE_LITERAL("1"));
        batch_add(&d->batch, STEP_SET, "hooks", d->hook, slice_of(a->base));
        batch_add(&d->batch, STEP_SET, d->base_key, "stale", SLICE_LITERAL(AIRTABLE_NEW_HOOK));
        if (batch_end(&d->batch, why) != STEP_DONE)
            return false;
        found = SLICE_LITERAL("1");
    }
    (void)snprintf(d->cursor, sizeof d->cursor, "%.*s", (int)found.n, found.p);
    batch_guard(&d->batch, d->hook_key, "cursor", d->cursor);
    return true;
}

/* All that a ping spoke of was applied. The mark is the one from before the first page: a ping that came
 * since then is drained again. */
static enum airtable_outcome note_end(struct drain *d, const char *pinged, struct fail *why)
{
    char at[NUMBER_ROOM];
    int64_t now_us;

    if (!step_now(&d->a->journal, &now_us, why))
        return AIRTABLE_AWAY;
    (void)snprintf(at, sizeof at, "%" PRId64, now_us);
    batch_add(&d->batch, STEP_SET, d->hook_key, "drained", slice_of(at));
    if (pinged[0] != '\0')
        batch_add(&d->batch, STEP_SET, d->hook_key, "pinged", slice_of(pinged));
    return of_batch(d, why);
}

enum airtable_outcome drain_hook(struct airtable *a, const char *hook, struct fail *why)
{
    struct drain d = {.a = a, .hook = hook};
    char pinged[NUMBER_ROOM];
    enum airtable_outcome outcome = AIRTABLE_AWAY;
    bool more = true;

    arena_reset(a->journal.arena);
    if (!batch_init(&d.batch, &a->journal, a->settings.backlog_limit)) {
        fail_set(why, "no memory for a drain");
        goto done;
    }
    if (!begin(&d, pinged, why)) {
        if (d.batch.outcome == STEP_UNMET)
            outcome = AIRTABLE_STOPPED;
        goto done;
    }
    outcome = AIRTABLE_DONE;
    for (int i = 0; more && i < PAGES_MAX && outcome == AIRTABLE_DONE; i++)
        outcome = do_page(&d, &more, why);
    if (outcome == AIRTABLE_DONE)
        outcome = note_end(&d, pinged, why);

done:
    batch_free(&d.batch);
    return outcome;
}
