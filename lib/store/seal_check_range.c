#include <stdio.h>

#include "store/seal_check.h"

struct comparing {
    const char *provider;
    struct seal_range *seal;
    struct seal_report *out;
    size_t next; /* leaf */
};

struct seal_finding *seal_check_find(struct seal_report *out, enum seal_trouble t, int64_t number,
                                     int64_t last, const char *entry, const char *other)
{
    static _Thread_local struct seal_finding beyond; /* written, never read */
    struct seal_finding *f =
        out->nfindings < SEAL_FINDINGS_MAX ? &out->finding[out->nfindings] : &beyond;

    out->nfindings++;
    *f = (struct seal_finding){.trouble = t, .number = number, .last = last};
    (void)snprintf(f->entry, sizeof f->entry, "%s", entry);
    (void)snprintf(f->other, sizeof f->other, "%s", other);
    return f;
}

/* found, sealed: the tags; NULL: there is no such entry, or leaf. */
static void find(struct comparing *c, enum seal_trouble t, const char *id, const char *found,
                 const char *sealed)
{
    struct seal_finding *f = seal_check_find(c->out, t, c->seal->number, 0, id, "");

    if (found != NULL)
        (void)snprintf(f->found, sizeof f->found, "%s", found);
    if (sealed != NULL)
        (void)snprintf(f->sealed, sizeof f->sealed, "%s", sealed);
}

/* The leaves before that entry's (NULL: all) have no entry. */
static void skip_to(struct comparing *c, const char *id)
{
    const struct seal_range *s = c->seal;

    for (; c->next < s->n && (id == NULL || journal_compare(s->leaf[c->next].id, id) < 0);
         c->next++)
        find(c, SEAL_ENTRY_REMOVED, s->leaf[c->next].id, NULL, s->leaf[c->next].tag);
}

static void compare(struct comparing *c, const struct journal_entry *e)
{
    const struct seal_leaf *leaf;
    char tag[SEAL_TAG_ROOM];

    if (!seal_tag(c->seal->key, c->provider, e, tag))
        tag[0] = '\0';
    skip_to(c, e->id);
    leaf = &c->seal->leaf[c->next];
    if (c->next == c->seal->n || journal_compare(leaf->id, e->id) != 0) {
        find(c, SEAL_ENTRY_INSERTED, e->id, tag, NULL);
        return;
    }
    if (strcmp(leaf->tag, tag) != 0)
        find(c, SEAL_ENTRY_CHANGED, e->id, tag, leaf->tag);
    else
        c->out->entries++;
    c->next++;
}

bool seal_check_range(const struct seal_source *source, const char *provider, struct seal_range *s,
                      struct seal_report *out, int64_t *before, struct fail *why)
{
    struct comparing c = {.provider = provider, .seal = s, .out = out};
    struct journal_page page = {.n = 1};
    char after[SEAL_ID_ROOM];

    (void)snprintf(after, sizeof after, "%s", s->after);
    while (page.n > 0) {
        struct journal_range range = {.after = after, .until = s->to, .max = JOURNAL_PAGE_MAX};
        if (!source->read(source->ctx, JOURNAL_AUDIT, &range, &page, why))
            return false;
        for (size_t i = 0; i < page.n; i++) {
            if (s->from[0] != '\0' && journal_compare(page.entry[i].id, s->from) < 0)
                ++*before;
            else
                compare(&c, &page.entry[i]);
        }
        if (page.n > 0)
            (void)snprintf(after, sizeof after, "%s", page.entry[page.n - 1].id);
    }
    skip_to(&c, NULL);
    return true;
}
