#include "airtable/known.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/step.h"

static struct airtable_hook *find(struct airtable_hook *hook, size_t n, struct slice id)
{
    for (size_t i = 0; i < n; i++)
        if (slice_is(id, hook[i].id))
            return &hook[i];
    return NULL;
}

struct airtable_hook *known_find_or_add(struct airtable_hook hook[static AIRTABLE_HOOKS_MAX],
                                        size_t *n, struct slice id)
{
    struct airtable_hook *h = find(hook, *n, id);

    if (h != NULL || *n == AIRTABLE_HOOKS_MAX || !airtable_id_is(id, "ach"))
        return h;
    h = &hook[(*n)++];
    *h = (struct airtable_hook){.known = false};
    (void)snprintf(h->id, sizeof h->id, "%.*s", (int)id.n, id.p);
    return h;
}

static int64_t number_of_field(struct slice s)
{
    return s.p != NULL ? strtoll(s.p, NULL, 10) : 0;
}

bool known_read(const struct journal *j, const char *base, struct airtable_hook *h,
                struct fail *why)
{
    char key[AIRTABLE_KEY_MAX], foreign[AIRTABLE_KEY_MAX];
    const char *const field[] = {"cursor", "base", "pinged", "drained", "error", foreign, "off"};
    struct slice found[7];

    airtable_key(key, "hook", h->id, NULL, NULL);
    known_foreign(base, foreign);
    if (!step_read(j, slice_of(key), field, 7, found, why))
        return false;
    h->known = found[1].p != NULL ? slice_is(found[1], base) : found[5].p == NULL;
    h->cursor = number_of_field(found[0]);
    h->drained_us = number_of_field(found[3]);
    h->off = found[6].p != NULL;
    if (found[4].p != NULL)
        (void)snprintf(h->error, sizeof h->error, "%.*s", (int)found[4].n, found[4].p);
    h->due =
        h->known && h->pinged_us > number_of_field(found[2]) && strcmp(h->error, HOOK_LOST) != 0;
    return true;
}

void known_foreign(const char *base, char out[static AIRTABLE_KEY_MAX])
{
    (void)snprintf(out, AIRTABLE_KEY_MAX, "foreign.%s", base);
}

bool known_hooks(const struct journal *j, const char *base,
                 struct airtable_hook out[static AIRTABLE_HOOKS_MAX], size_t *n, struct fail *why)
{
    struct journal_entry dirty, made;

    *n = 0;
    if (!journal_record(j, "dirty", &dirty, why) || !journal_record(j, "hooks", &made, why))
        return false;
    for (size_t i = 0; i < dirty.nfields; i++) {
        struct airtable_hook *h = known_find_or_add(out, n, dirty.field[i].name);
        if (h != NULL)
            h->pinged_us = number_of_field(dirty.field[i].value);
    }
    for (size_t i = 0; i < made.nfields; i++)
        if (slice_is(made.field[i].value, base))
            (void)known_find_or_add(out, n, made.field[i].name);
    for (size_t i = 0; i < *n; i++)
        if (!known_read(j, base, &out[i], why))
            return false;
    return true;
}
