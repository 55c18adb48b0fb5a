#include "tool/entries.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/text.h"
#include "events/peek.h"
#include "tool/when.h"

#define PAGE 100

static bool read_time(const struct call *c, const char *option, int64_t *out)
{
    const char *text = call_option(c, option);

    if (text == NULL || when_parse(text, clock_now_us(&clock_system), out))
        return true;
    (void)call_end(c, VERDICT_USAGE, "--%s must be a time as " WHEN_FORMS, option);
    return false;
}

bool entries_filter_read(struct call *c, const char *const *field, struct entries_filter *out)
{
    *out = (struct entries_filter){.since_us = INT64_MIN, .until_us = INT64_MAX};
    for (; *field != NULL; field++) {
        const char *value = call_option(c, *field);
        if (strcmp(*field, "user") == 0) {
            out->user = value;
        } else if (value != NULL) {
            out->field[out->nfields].name = *field;
            out->field[out->nfields++].value = value;
        }
    }
    return read_time(c, "since", &out->since_us) && read_time(c, "until", &out->until_us);
}

bool entries_is_id(const struct call *c, const char *text)
{
    if (journal_is_id(text))
        return true;
    (void)call_end(c, VERDICT_USAGE,
                   "\"%.48s\" is no id of an entry; they look like " JOURNAL_ID_FORM, text);
    return false;
}

bool entries_after_read(const struct call *c, const char **out)
{
    *out = call_option(c, "after");
    return *out == NULL || entries_is_id(c, *out);
}

bool entries_operands_read(const struct call *c)
{
    for (size_t i = 0; i < c->noperands; i++)
        if (!entries_is_id(c, c->operand[i]))
            return false;
    return true;
}

int64_t entries_at(const struct journal_entry *e)
{
    int64_t at;

    if (!text_to_i64(journal_value(e, "at"), &at))
        at = strtoll(e->id, NULL, 10) * 1000;
    return at;
}

static bool matches(const struct entries_filter *f, const struct journal_entry *e,
                    struct arena *arena)
{
    int64_t at = entries_at(e);
    struct slice user;

    if (at < f->since_us || at >= f->until_us)
        return false;
    for (size_t i = 0; i < f->nfields; i++)
        if (!slice_is(journal_value(e, f->field[i].name), f->field[i].value))
            return false;
    return f->user == NULL || (peek_text(journal_value(e, "body"), "user_id", arena, &user) &&
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
            if (w->filter != NULL && !matches(w->filter, e, j.arena))
                continue;
            if (!w->visit(w->ctx, e) || ++found == w->max)
                return VERDICT_DONE;
        }
        if (page.n > 0)
            (void)snprintf(mark, sizeof mark, "%s", page.entry[page.n - 1].id);
    } while (page.n == PAGE && (!w->for_reader || out_is_wanted(c->out)));
    return VERDICT_DONE;
}

enum verdict entries_list(struct call *c, struct host *h, const struct config_provider *p,
                          enum journal_list list, const char *const *field, entries_visit *show,
                          void *ctx)
{
    struct entries_walk walk = {.list = list, .for_reader = true, .visit = show, .ctx = ctx};
    struct entries_filter filter;
    struct list_order order;

    if (!entries_filter_read(c, field, &filter) || !entries_after_read(c, &walk.after) ||
        !list_order_read(c, &order))
        return VERDICT_USAGE;
    walk.filter = &filter;
    walk.backwards = order.newest;
    walk.max = order.max;
    return list_end(c, entries_walk(c, h, p, &walk));
}
