#include "store/seal_make.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"

#define OLD_PAGE    8 /* old seals that are looked at in one read */
#define ENTRIES_MAX (SEAL_ENTRIES_MAX * (SEAL_ID_ROOM + SEAL_TAG_ROOM + 1))
#define NUMBER_ROOM 24
#define FIELDS      11

static const struct journal_range NEWEST = {.backwards = true, .max = 1};

static const char ZEROS[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* The newest seal; number 0: there is none. */
static bool read_newest(const struct journal *j, const struct seal_ring *r, struct seal *out,
                        struct fail *why)
{
    struct journal_page page;

    *out = (struct seal){.id = NULL, .previous = SLICE_LITERAL(ZEROS)};
    if (!journal_read(j, JOURNAL_SEALS, &NEWEST, &page, why))
        return false;
    if (page.n == 0)
        return true;
    (void)seal_read(r, j->provider, &page.entry[0], out);
    if (out->key != NULL)
        return true;
    fail_set(why,
             "the newest seal of %s, %s, is not authentic; look with `guichet audit verify` "
             "whether audit_key was changed (keep the old one beside it) or the seal",
             j->provider, page.entry[0].id);
    return false;
}

/* The id as a text of its own. */
static const char *text_of(const struct journal *j, struct slice id)
{
    return arena_copy(j->arena, id).p;
}

/* --- what is trimmed ------------------------------------------------------------------------------ */

/* From where on the audit is kept when s is made: moves on over whole seals, as long as `limit`
 * entries are left under the others. *keep: the id of the seal that is the first then; NULL: s
 * itself; "": nothing is trimmed, as also when an old seal is missing or not authentic, for then
 * somebody will want to look at what is there. */
static bool plan_trim(const struct journal *j, const struct seal_ring *r, int64_t limit,
                      struct seal *s, const char **keep, struct fail *why)
{
    struct seal planned = *s, old;
    const char *after = "";
    struct journal_page page;

    *keep = "";
    if (limit <= 0 || s->kept <= limit)
        return true;
    do {
        struct journal_range oldest = {.after = after, .max = OLD_PAGE};
        if (!journal_read(j, JOURNAL_SEALS, &oldest, &page, why))
            return false;
        for (size_t i = 0; i < page.n; i++) {
            (void)seal_read(r, j->provider, &page.entry[i], &old);
            if (old.key != NULL && old.number < planned.first_seal)
                continue; /* its trimming was interrupted */
            if (old.key == NULL || old.number > planned.first_seal)
                return true;
            if (planned.kept - old.count < limit) {
                planned.first = old.from;
                *s = planned;
                *keep = old.id;
                return true;
            }
            planned.kept -= old.count;
            planned.first_seal++;
        }
        after = page.n > 0 ? page.entry[page.n - 1].id : after;
    } while (page.n > 0);
    if (planned.first_seal == planned.number) {
        planned.first = planned.from;
        *s = planned;
        *keep = NULL;
    }
    return true;
}

/* What s says is not kept any more. */
static bool trim(const struct journal *j, const struct seal *s, const char *keep,
                 struct seal_note *out, struct fail *why)
{
    struct journal_page page;
    int64_t seals;

    if (keep != NULL && keep[0] == '\0')
        return true;
    if (keep == NULL) {
        if (!journal_read(j, JOURNAL_SEALS, &NEWEST, &page, why))
            return false;
        if (page.n == 0 || !slice_equal(journal_value(&page.entry[0], "mac"), slice_of(out->mac)))
            return true; /* others go on, and trim */
        keep = page.entry[0].id;
    }
    return journal_trim(j, JOURNAL_AUDIT, text_of(j, s->first), &out->trimmed, why) &&
           journal_trim(j, JOURNAL_SEALS, keep, &seals, why);
}

/* --- the seal ------------------------------------------------------------------------------------- */

static bool tag_all(const struct journal *j, struct mac *key, const struct journal_page *page,
                    struct buf *out)
{
    char tag[SEAL_TAG_ROOM];

    for (size_t i = 0; i < page->n; i++) {
        if (!seal_tag(key, j->provider, &page->entry[i], tag))
            return false;
        buf_addf(out, "%s%s %s", i > 0 ? "\n" : "", page->entry[i].id, tag);
    }
    return !out->overflow;
}

static bool add(const struct journal *j, const char *newest, const struct seal *s, bool *done,
                struct fail *why)
{
    const int64_t number[] = {s->number, s->count, s->first_seal, s->kept, s->at_us};
    static const char *const name[] = {"number", "count", "first_seal", "kept", "at"};
    char text[sizeof number / sizeof number[0]][NUMBER_ROOM];
    struct journal_field field[FIELDS];
    size_t n = 0;

    for (; n < sizeof number / sizeof number[0]; n++) {
        (void)snprintf(text[n], NUMBER_ROOM, "%" PRId64, number[n]);
        field[n] = (struct journal_field){slice_of(name[n]), slice_of(text[n])};
    }
    field[n++] = (struct journal_field){SLICE_LITERAL("previous"), s->previous};
    field[n++] = (struct journal_field){SLICE_LITERAL("from"), s->from};
    field[n++] = (struct journal_field){SLICE_LITERAL("to"), s->to};
    field[n++] = (struct journal_field){SLICE_LITERAL("first"), s->first};
    field[n++] = (struct journal_field){SLICE_LITERAL("entries"), s->entries};
    field[n++] = (struct journal_field){SLICE_LITERAL("mac"), s->mac};
    return journal_seal(j, newest, field, n, done, why);
}

/* The seal over the page, but for what is trimmed, tags and mac. */
static struct seal follow(const struct seal *newest, const struct journal_page *page,
                          int64_t now_us)
{
    struct seal s = {
        .number = newest->number + 1,
        .previous = newest->number > 0 ? newest->mac : newest->previous,
        .from = slice_of(page->entry[0].id),
        .to = slice_of(page->entry[page->n - 1].id),
        .count = (int64_t)page->n,
        .first_seal = newest->number > 0 ? newest->first_seal : 1,
        .kept = newest->kept + (int64_t)page->n,
        .at_us = now_us > 0 ? now_us : 0,
    };

    s.first = newest->number > 0 ? newest->first : s.from;
    return s;
}

enum seal_made seal_make(const struct journal *j, const struct seal_ring *r, int64_t limit,
                         int64_t now_us, struct seal_note *out, struct fail *why)
{
    struct mac *key = r->key[r->n - 1];
    struct buf entries = BUF_INIT(ENTRIES_MAX);
    enum seal_made made = SEAL_MADE_FAILED;
    struct journal_page page;
    struct seal newest, s;
    const char *keep;
    bool done;

    *out = (struct seal_note){0};
    if (!read_newest(j, r, &newest, why))
        return made;
    const struct journal_range since = {.after = text_of(j, newest.to), .max = SEAL_ENTRIES_MAX};
    if (!journal_read(j, JOURNAL_AUDIT, &since, &page, why))
        return made;
    if (page.n == 0) {
        out->number = newest.number;
        (void)snprintf(out->mac, sizeof out->mac, "%.*s", (int)newest.mac.n,
                       newest.mac.n > 0 ? newest.mac.p : "");
        return SEAL_MADE_NONE;
    }
    s = follow(&newest, &page, now_us);
    if (!plan_trim(j, r, limit, &s, &keep, why))
        return made;
    if (!tag_all(j, key, &page, &entries)) {
        fail_set(why, "no memory for a seal");
        goto done;
    }
    s.entries = buf_slice(&entries);
    if (!seal_sign(key, j->provider, &s, out->mac)) {
        fail_set(why, "no memory for a seal");
        goto done;
    }
    s.mac = slice_of(out->mac);
    if (!add(j, newest.id, &s, &done, why))
        goto done;
    made = SEAL_MADE_RACED;
    if (!done)
        goto done;
    out->number = s.number;
    out->count = s.count;
    made = page.n == SEAL_ENTRIES_MAX ? SEAL_MADE_FULL : SEAL_MADE_ONE;
    if (!trim(j, &s, keep, out, why))
        made = SEAL_MADE_FAILED;

done:
    buf_free(&entries);
    return made;
}

bool seal_make_age(const struct journal *j, int64_t now_us, int64_t *age_us, struct fail *why)
{
    struct journal_page page;
    int64_t at_us;

    *age_us = INT64_MAX;
    if (!journal_read(j, JOURNAL_SEALS, &NEWEST, &page, why))
        return false;
    if (page.n > 0 && text_to_i64(journal_value(&page.entry[0], "at"), &at_us))
        *age_us = now_us - at_us;
    return true;
}
