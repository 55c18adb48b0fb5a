#include "airtable/limiter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "airtable/keys.h"

#define TRIES     100 /* to be the one who takes a place */
#define LIST_ROOM (LIMITER_REQUESTS * 21 + 1)

/* When the last requests were or will be made, the oldest first. */
struct slots {
    int64_t at_us[LIMITER_REQUESTS];
    size_t n;
    int64_t pause_us;
    struct slice text; /* as it stands in the store */
};

static void parse(struct slots *s, struct slice text)
{
    const char *p = text.p;

    s->n = 0;
    s->text = text;
    while (p != NULL && *p != '\0' && s->n < LIMITER_REQUESTS) {
        char *end;
        s->at_us[s->n++] = strtoll(p, &end, 10);
        if (end == p)
            break;
        p = *end == ' ' ? end + 1 : end;
    }
}

static bool look(struct limiter *l, struct slots *s, char key[static AIRTABLE_KEY_MAX],
                 struct fail *why)
{
    struct slice found[2];

    airtable_key(key, "api", l->base, NULL, NULL);
    if (!step_read(l->journal, slice_of(key), (const char *const[]){"requests", "pause"}, 2, found,
                   why))
        return false;
    parse(s, found[0]);
    s->pause_us = found[1].p != NULL ? strtoll(found[1].p, NULL, 10) : 0;
    return true;
}

/* Puts the list in place of the one that was read. */
static enum step_outcome put(struct limiter *l, const struct slots *s, const char *key,
                             struct fail *why)
{
    char text[LIST_ROOM] = "";
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%" PRId64, i > 0 ? " " : "",
                              s->at_us[i]);
    const struct step_change change[] = {
        {s->text.p != NULL ? STEP_REQUIRE : STEP_REQUIRE_ABSENT, slice_of(key),
         SLICE_LITERAL("requests"), s->text},
        {STEP_SET, slice_of(key), SLICE_LITERAL("requests"), slice_of(text)}};
    return step_apply(l->journal, change, 2, 0, why);
}

/* The clock of a store can step back: no place lies further ahead than everybody's waiting explains. */
static int64_t sane(int64_t at_us, int64_t now_us, int64_t most_us)
{
    return at_us > now_us + most_us ? now_us : at_us;
}

bool limiter_take(struct limiter *l, int64_t *wait_us, struct fail *why)
{
    char key[AIRTABLE_KEY_MAX];

    for (int i = 0; i < TRIES; i++) {
        struct slots s;
        int64_t now_us, at_us, pause_us;
        if (!look(l, &s, key, why) || !step_now(l->journal, &now_us, why))
            return false;
        at_us = now_us;
        pause_us = sane(s.pause_us, now_us, LIMITER_PAUSE_US);
        if (pause_us > at_us)
            at_us = pause_us;
        if (s.n == LIMITER_REQUESTS) {
            int64_t free_us =
                sane(s.at_us[0], now_us, 2 * LIMITER_PAUSE_US) + LIMITER_WINDOW_US + 1000;
            if (free_us > at_us)
                at_us = free_us;
            memmove(s.at_us, s.at_us + 1, (LIMITER_REQUESTS - 1) * sizeof s.at_us[0]);
            s.n--;
        }
        s.at_us[s.n++] = at_us;
        switch (put(l, &s, key, why)) {
        case STEP_DONE:
            l->slot_us = at_us;
            *wait_us = at_us - now_us;
            return true;
        case STEP_UNMET:
            continue;
        default:
            return false;
        }
    }
    return fail_set(why, "the limit of requests is contended; try again") == 0;
}

static void count_from(struct limiter *l, int64_t now_us)
{
    char key[AIRTABLE_KEY_MAX];
    struct fail ignored;

    for (int i = 0; i < TRIES; i++) {
        struct slots s;
        size_t at = 0;
        if (!look(l, &s, key, &ignored))
            return;
        while (at < s.n && s.at_us[at] != l->slot_us)
            at++;
        if (at == s.n || now_us <= l->slot_us)
            return;
        for (; at + 1 < s.n && s.at_us[at + 1] < now_us; at++)
            s.at_us[at] = s.at_us[at + 1];
        s.at_us[at] = now_us;
        if (put(l, &s, key, &ignored) != STEP_UNMET)
            return;
    }
}

void limiter_done(struct limiter *l, bool refused)
{
    char key[AIRTABLE_KEY_MAX], text[24];
    struct fail ignored;
    int64_t now_us;

    if (!step_now(l->journal, &now_us, &ignored))
        return;
    if (refused) {
        airtable_key(key, "api", l->base, NULL, NULL);
        (void)snprintf(text, sizeof text, "%" PRId64, now_us + LIMITER_PAUSE_US);
        const struct step_change pause = {STEP_SET, slice_of(key), SLICE_LITERAL("pause"),
                                          slice_of(text)};
        (void)step_apply(l->journal, &pause, 1, 0, &ignored);
    }
    count_from(l, now_us);
    l->slot_us = 0;
}
