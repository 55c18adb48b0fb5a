#include "store/seal_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

/* Seals that are looked through, from the newest back, for one that is authentic. */
#define BACK_MAX       32
#define EXPECTED_LEAST 16

/* The walk along the chain. */
struct walk {
    const struct seal_source *source;
    const struct seal_ring *ring;
    const char *provider;
    const struct seal_expected *expected;
    struct seal_report *out;
    int64_t next;                 /* the number that is due */
    char previous[SEAL_MAC_ROOM]; /* the mac of the seal before; "": it is not known */
    char covered[SEAL_ID_ROOM];   /* the last entry that an authentic seal covered */
    bool gap;                     /* behind that one a seal is missing */
    bool met;                     /* the expected seal */
    struct seal_range range;
};

static const struct {
    const char *word, *text;
} troubles[] = {
    [SEAL_ENTRY_CHANGED] = {"changed", "the entry has another content than when it was sealed"},
    [SEAL_ENTRY_REMOVED] = {"removed", "the entry was sealed and is not there"},
    [SEAL_ENTRY_INSERTED] = {"inserted", "the entry was not there when its range was sealed"},
    [SEAL_ENTRY_MOVED] = {"moved", "the entry holds what was sealed as the other one"},
    [SEAL_CHANGED] = {"seal_changed", "the seal is not authentic: it was changed, or made with "
                                      "another key"},
    [SEAL_MISSING] = {"seal_missing", "seals are not there; what they covered is not protected"},
    [SEAL_MISPLACED] = {"seal_misplaced", "the seal stands where it does not belong, or twice"},
    [SEAL_EXCHANGED] = {"seal_exchanged", "the seal follows another one than the one before it"},
    [SEAL_FOREIGN] = {"foreign", "no seal at all is authentic; is it the right key?"},
    [SEAL_CUT_OFF] = {"cut_off", "the expected seal is not there: the newest end was cut off, or "
                                 "the whole chain replaced"},
    [SEAL_OUT_OF_ORDER] = {"out_of_order", "the entry stands behind one that is newer"},
};

const char *seal_trouble_word(enum seal_trouble t)
{
    return troubles[t].word;
}

const char *seal_trouble_text(enum seal_trouble t)
{
    return troubles[t].text;
}

bool seal_check_journal(void *ctx, enum journal_list list, const struct journal_range *range,
                        struct journal_page *out, struct fail *why)
{
    const struct journal *j = ctx;

    arena_reset(j->arena);
    return journal_read(j, list, range, out, why);
}

bool seal_expected_parse(const char *text, struct seal_expected *out)
{
    const char *colon = strchr(text, ':');
    size_t n = colon != NULL ? strlen(colon + 1) : 0;

    if (n < EXPECTED_LEAST || n >= sizeof out->mac || strspn(colon + 1, "0123456789abcdef") != n ||
        !text_to_i64((struct slice){text, (size_t)(colon - text)}, &out->number) ||
        out->number == 0)
        return false;
    (void)snprintf(out->mac, sizeof out->mac, "%s", colon + 1);
    return true;
}

static void copy(struct slice s, char *out, size_t room)
{
    (void)snprintf(out, room, "%.*s", (int)(s.n < room ? s.n : room - 1), s.n > 0 ? s.p : "");
}

/* --- the newest seal ------------------------------------------------------------------------------ */

/* The newest authentic one says from where on the chain is kept. */
static bool find_newest(struct walk *w, struct fail *why)
{
    struct journal_range back = {.backwards = true, .max = BACK_MAX};
    struct journal_page page;
    struct seal s;

    if (!w->source->read(w->source->ctx, JOURNAL_SEALS, &back, &page, why))
        return false;
    for (size_t i = 0; i < page.n && w->out->newest == 0; i++) {
        (void)seal_read(w->ring, w->provider, &page.entry[i], &s);
        if (s.key == NULL)
            continue;
        w->out->newest = s.number;
        w->out->first = s.first_seal;
        w->out->at_us = s.at_us;
        copy(s.mac, w->out->mac, sizeof w->out->mac);
        copy(s.first, w->range.from, sizeof w->range.from);
        w->next = s.first_seal;
    }
    if (page.n > 0 && w->out->newest == 0)
        seal_check_find(w->out, SEAL_FOREIGN, 0, 0, "", "");
    return true;
}

/* --- the chain ------------------------------------------------------------------------------------ */

/* Lines of "<id> <tag>". */
static void take_leaves(struct seal_range *out, struct slice lines)
{
    out->n = 0;
    while (lines.n > 0 && out->n < SEAL_ENTRIES_MAX) {
        const char *end = memchr(lines.p, '\n', lines.n);
        struct slice line = {lines.p, end != NULL ? (size_t)(end - lines.p) : lines.n};
        const char *space = line.n > 0 ? memchr(line.p, ' ', line.n) : NULL;
        struct seal_leaf *leaf = &out->leaf[out->n];
        if (space != NULL) {
            *leaf = (struct seal_leaf){.id = ""};
            copy((struct slice){line.p, (size_t)(space - line.p)}, leaf->id, sizeof leaf->id);
            copy(slice_from(line, (size_t)(space + 1 - line.p)), leaf->tag, sizeof leaf->tag);
            out->n++;
        }
        lines = slice_from(lines, line.n + (end != NULL));
    }
}

static void not_authentic(struct walk *w, const struct seal *s)
{
    if (s->number < w->out->first)
        return; /* not kept any more */
    seal_check_find(w->out, SEAL_CHANGED, s->number, 0, s->id, "");
    if (s->number == w->next) {
        w->next++;
        w->gap = true;
        w->previous[0] = '\0';
    }
}

/* Its place in the chain; false: it has none. */
static bool has_place(struct walk *w, const struct seal *s)
{
    if (s->number < w->next) {
        if (s->number >= w->out->first)
            seal_check_find(w->out, SEAL_MISPLACED, s->number, 0, s->id, "");
        return false;
    }
    if (s->number > w->next) {
        seal_check_find(w->out, SEAL_MISSING, w->next, s->number - 1, "", "");
        w->gap = true;
    } else if (w->previous[0] != '\0' && !slice_is(s->previous, w->previous)) {
        seal_check_find(w->out, SEAL_EXCHANGED, s->number, 0, s->id, "");
    }
    return true;
}

static void meet(struct walk *w, const struct seal *s)
{
    const struct seal_expected *e = w->expected;

    if (e->number == s->number && slice_begins(s->mac, e->mac))
        w->met = true;
}

/* One seal and its entries. */
static bool check_seal(struct walk *w, const struct journal_entry *entry, struct fail *why)
{
    struct seal_range *range = &w->range;
    int64_t before = 0;
    bool first = w->out->seals == 0 && !w->gap;
    struct seal s;

    (void)seal_read(w->ring, w->provider, entry, &s);
    if (s.key == NULL) {
        not_authentic(w, &s);
        return true;
    }
    if (!has_place(w, &s))
        return true;
    first = first && !w->gap;
    meet(w, &s);
    w->out->seals++;
    w->next = s.number + 1;
    copy(s.mac, w->previous, sizeof w->previous);
    range->number = s.number;
    range->key = s.key;
    (void)snprintf(range->after, sizeof range->after, "%s", w->covered);
    if (w->gap)
        copy(s.from, range->from, sizeof range->from);
    else if (!first)
        range->from[0] = '\0';
    copy(s.to, range->to, sizeof range->to);
    copy(s.to, w->covered, sizeof w->covered);
    take_leaves(range, s.entries);
    if (!seal_check_range(w->source, w->provider, range, w->out, &before, why))
        return false;
    if (first)
        w->out->trimmed_rest += before;
    else
        w->out->unprotected += before;
    w->gap = false;
    return true;
}

static bool check_chain(struct walk *w, struct fail *why)
{
    struct journal_page page = {.n = 1};
    char after[SEAL_ID_ROOM] = "";

    while (page.n > 0) {
        struct journal_range one = {.after = after, .max = 1};
        if (!w->source->read(w->source->ctx, JOURNAL_SEALS, &one, &page, why))
            return false;
        if (page.n == 0)
            break;
        (void)snprintf(after, sizeof after, "%s", page.entry[0].id);
        if (!check_seal(w, &page.entry[0], why))
            return false;
    }
    return true;
}

static bool count_unsealed(struct walk *w, struct fail *why)
{
    struct journal_page page = {.n = 1};
    char after[SEAL_ID_ROOM];

    (void)snprintf(after, sizeof after, "%s", w->covered);
    while (page.n > 0) {
        struct journal_range range = {.after = after, .max = JOURNAL_PAGE_MAX};
        if (!w->source->read(w->source->ctx, JOURNAL_AUDIT, &range, &page, why))
            return false;
        w->out->unsealed += (int64_t)page.n;
        if (page.n > 0)
            (void)snprintf(after, sizeof after, "%s", page.entry[page.n - 1].id);
    }
    return true;
}

/* Where what was sealed as one entry is found as another, it was moved, not changed. */
static void resolve_moves(struct seal_report *r)
{
    size_t n = r->nfindings < SEAL_FINDINGS_MAX ? r->nfindings : SEAL_FINDINGS_MAX, kept = 0;
    bool elsewhere[SEAL_FINDINGS_MAX] = {false};

    for (size_t i = 0; i < n; i++) {
        struct seal_finding *f = &r->finding[i];
        for (size_t k = 0; k < n && f->found[0] != '\0' && f->other[0] == '\0'; k++) {
            const struct seal_finding *g = &r->finding[k];
            if (k == i || elsewhere[k] || strcmp(f->found, g->sealed) != 0)
                continue;
            elsewhere[k] = true;
            f->trouble = SEAL_ENTRY_MOVED;
            (void)snprintf(f->other, sizeof f->other, "%s", g->entry);
        }
    }
    if (r->nfindings > n)
        return;
    for (size_t i = 0; i < n; i++)
        if (r->finding[i].trouble != SEAL_ENTRY_REMOVED || !elsewhere[i])
            r->finding[kept++] = r->finding[i];
    r->nfindings -= n - kept;
}

bool seal_check(const struct seal_source *source, const struct seal_ring *r, const char *provider,
                const struct seal_expected *expected, struct seal_report *out, struct fail *why)
{
    struct walk *w = calloc(1, sizeof *w);
    bool ok = false;

    if (w == NULL) {
        fail_set(why, "out of memory");
        return false;
    }
    *w = (struct walk){
        .source = source, .ring = r, .provider = provider, .expected = expected, .out = out};
    if (!find_newest(w, why) || (out->newest > 0 && !check_chain(w, why)) ||
        !count_unsealed(w, why))
        goto done;
    resolve_moves(out);
    /* One that was trimmed meanwhile is older than what is there: the end was not cut off. */
    if (expected->number > 0 && !w->met &&
        (expected->number >= out->first || expected->number > out->newest))
        seal_check_find(out, SEAL_CUT_OFF, expected->number, 0, "", "");
    ok = true;

done:
    free(w);
    return ok;
}
