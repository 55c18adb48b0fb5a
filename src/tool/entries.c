#include "tool/entries.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/text.h"
#include "events/peek.h"
#include "tool/when.h"

#define PAGE 100

static bool read_time(struct call *c, const char *option, int64_t *out)
{
    const char *text = call_option(c, option);

    if (text == NULL || when_parse(text, clock_now_us(&clock_system), out))
        return true;
    (void)call_end(c, VERDICT_USAGE, "--%s must be a time as " WHEN_FORMS, option);
    return false;
}

bool entries_filter_read(struct call *c, struct entries_filter *out)
{
    *out = (struct entries_filter){
        .type = call_option(c, "type"),
        .user = call_option(c, "user"),
        .since_us = INT64_MIN,
        .until_us = INT64_MAX,
    };
    return read_time(c, "since", &out->since_us) && read_time(c, "until", &out->until_us);
}

struct slice entries_value(const struct journal_entry *e, const char *name)
{
    for (size_t i = 0; i < e->nfields; i++)
        if (slice_is(e->field[i].name, name))
            return e->field[i].value;
    return SLICE_NONE;
}

int64_t entries_at(const struct journal_entry *e)
{
    int64_t at;

    if (!text_to_i64(entries_value(e, "at"), &at))
        at = strtoll(e->id, NULL, 10) * 1000;
    return at;
}

bool entries_match(const struct entries_filter *f, const struct journal_entry *e,
                   struct arena *arena)
{
    int64_t at = entries_at(e);
    struct slice user;

    if (at < f->since_us || at >= f->until_us ||
        (f->type != NULL && !slice_is(entries_value(e, "type"), f->type)))
        return false;
    return f->user == NULL || (peek_text(entries_value(e, "body"), "user_id", arena, &user) &&
                               slice_is(user, f->user));
}

enum verdict entries_walk(struct call *c, struct host *h, const struct config_provider *p,
                          const struct entries_walk *w)
{
    char mark[ENTRIES_ID_ROOM]; /* where the page before ended */
    size_t found = 0;
    struct journal_page page;
    struct fail why = {""};

    (void)snprintf(mark, sizeof mark, "%s", w->after != NULL && !w->backwards ? w->after : "");
    do {
        struct journal j = host_journal(h, p);
        struct journal_range range = {.after = mark, .backwards = w->backwards, .max = PAGE};
        if (w->backwards) {
            range.after = w->after;
            range.until = mark;
        }
        if (!journal_read(&j, w->list, &range, &page, &why))
            return call_end(c, VERDICT_AWAY, "%s", why.text);
        for (size_t i = 0; i < page.n; i++) {
            const struct journal_entry *e = &page.entry[i];
            if (w->backwards && strcmp(e->id, mark) == 0)
                continue; /* the last one of the page before */
            if (w->seen != NULL)
                (void)snprintf(w->seen, ENTRIES_ID_ROOM, "%s", e->id);
            if (w->filter != NULL && !entries_match(w->filter, e, j.arena))
                continue;
            if (!w->visit(w->ctx, e) || ++found == w->max)
                return VERDICT_DONE;
        }
        if (page.n > 0)
            (void)snprintf(mark, sizeof mark, "%s", page.entry[page.n - 1].id);
    } while (page.n == PAGE);
    return VERDICT_DONE;
}
