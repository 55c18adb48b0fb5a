#include <stdio.h>
#include <stdlib.h>

#include "store/seal_check.h"

/* Entries that are in no leaf, or not what it says, and of which one may be another's content. More
 * are not looked up: each is told as it stands. */
#define ODD_MAX SEAL_ENTRIES_MAX

struct odd {
    char id[SEAL_ID_ROOM];
    char tag[SEAL_TAG_ROOM];
    bool known; /* there is a leaf of its id */
};

struct comparing {
    const char *provider;
    struct seal_range *seal;
    struct seal_report *out;
    size_t next; /* leaf */
    struct odd odd[ODD_MAX];
    size_t nodd;
};

void seal_check_find(struct seal_report *out, enum seal_trouble t, int64_t number, int64_t last,
                     const char *entry, const char *other)
{
    struct seal_finding *f = &out->finding[out->nfindings];

    if (out->nfindings++ >= SEAL_FINDINGS_MAX)
        return;
    *f = (struct seal_finding){.trouble = t, .number = number, .last = last};
    (void)snprintf(f->entry, sizeof f->entry, "%s", entry);
    (void)snprintf(f->other, sizeof f->other, "%s", other);
}

static void note_odd(struct comparing *c, const char *id, const char *tag, bool known)
{
    struct odd *o = &c->odd[c->nodd];

    if (c->nodd == ODD_MAX) {
        seal_check_find(c->out, known ? SEAL_ENTRY_CHANGED : SEAL_ENTRY_INSERTED, c->seal->number,
                        0, id, "");
        return;
    }
    (void)snprintf(o->id, sizeof o->id, "%s", id);
    (void)snprintf(o->tag, sizeof o->tag, "%s", tag);
    o->known = known;
    c->nodd++;
}

static void compare(struct comparing *c, const struct journal_entry *e)
{
    struct seal_range *s = c->seal;
    char tag[SEAL_TAG_ROOM];

    if (!seal_tag(s->key, c->provider, e, tag))
        tag[0] = '\0';
    while (c->next < s->n && journal_compare(s->leaf[c->next].id, e->id) < 0)
        c->next++;
    if (c->next == s->n || journal_compare(s->leaf[c->next].id, e->id) != 0) {
        note_odd(c, e->id, tag, false);
    } else if (strcmp(s->leaf[c->next].tag, tag) != 0) {
        note_odd(c, e->id, tag, true);
        c->next++;
    } else {
        s->leaf[c->next++].met = true;
        c->out->entries++;
    }
}

/* What a leaf that was not met says of an odd entry: it holds that one's content. */
static struct seal_leaf *whose(const struct comparing *c, const struct odd *o)
{
    for (size_t i = 0; i < c->seal->n; i++)
        if (!c->seal->leaf[i].met && strcmp(c->seal->leaf[i].tag, o->tag) == 0)
            return &c->seal->leaf[i];
    return NULL;
}

static bool is_odd(const struct comparing *c, const char *id)
{
    for (size_t i = 0; i < c->nodd; i++)
        if (c->odd[i].known && strcmp(c->odd[i].id, id) == 0)
            return true;
    return false;
}

static void tell(struct comparing *c)
{
    for (size_t i = 0; i < c->nodd; i++) {
        const struct odd *o = &c->odd[i];
        struct seal_leaf *leaf = whose(c, o);
        if (leaf != NULL)
            leaf->met = true;
        seal_check_find(c->out,
                        leaf != NULL ? SEAL_ENTRY_MOVED
                        : o->known   ? SEAL_ENTRY_CHANGED
                                     : SEAL_ENTRY_INSERTED,
                        c->seal->number, 0, o->id, leaf != NULL ? leaf->id : "");
    }
    for (size_t i = 0; i < c->seal->n; i++)
        if (!c->seal->leaf[i].met && !is_odd(c, c->seal->leaf[i].id))
            seal_check_find(c->out, SEAL_ENTRY_REMOVED, c->seal->number, 0, c->seal->leaf[i].id,
                            "");
}

bool seal_check_range(const struct seal_source *source, const char *provider, struct seal_range *s,
                      struct seal_report *out, int64_t *before, struct fail *why)
{
    struct comparing *c = calloc(1, sizeof *c);
    struct journal_page page = {.n = 1};
    char after[SEAL_ID_ROOM];
    bool ok = c != NULL;

    if (!ok)
        fail_set(why, "out of memory");
    else
        *c = (struct comparing){.provider = provider, .seal = s, .out = out};
    (void)snprintf(after, sizeof after, "%s", s->after);
    while (ok && page.n > 0) {
        struct journal_range range = {.after = after, .until = s->to, .max = JOURNAL_PAGE_MAX};
        ok = source->read(source->ctx, JOURNAL_AUDIT, &range, &page, why);
        for (size_t i = 0; ok && i < page.n; i++) {
            if (s->from[0] != '\0' && journal_compare(page.entry[i].id, s->from) < 0)
                ++*before;
            else
                compare(c, &page.entry[i]);
        }
        if (ok && page.n > 0)
            (void)snprintf(after, sizeof after, "%s", page.entry[page.n - 1].id);
    }
    if (ok)
        tell(c);
    free(c);
    return ok;
}
