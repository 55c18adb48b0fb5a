#include "airtable/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "airtable/known.h"
#include "base/text.h"
#include "store/step.h"

#define GENERATION_DIGITS 19
#define TRIES             3 /* the generation is swapped once a day: twice while one page is read is strange */

static int64_t number(struct slice s)
{
    int64_t n;

    return s.p != NULL && text_to_i64(s, &n) ? n : 0;
}

/* --- how fresh it is ------------------------------------------------------------------------------ */

/* What its record says; *previous: the generation before, or 0. */
static enum reader_outcome look(const struct journal *j, const char *base, struct reader_copy *copy,
                                int64_t *previous, struct fail *why)
{
    static const char *const field[] = {"generation", "previous", "building",
                                        "refreshed",  "applied",  "stale"};
    struct slice found[6];
    char key[AIRTABLE_KEY_MAX];
    bool some = false;

    airtable_key(key, "base", base, NULL, NULL);
    if (!step_read(j, slice_of(key), field, 6, found, why))
        return READER_AWAY;
    for (size_t i = 0; i < 6; i++)
        some = some || found[i].p != NULL;
    *copy = (struct reader_copy){.generation = number(found[0]),
                                 .refreshing = found[2].p != NULL,
                                 .refreshed_us = number(found[3]),
                                 .applied_us = number(found[4]),
                                 .stale = found[5]};
    *previous = number(found[1]);
    return copy->generation > 0 ? READER_FOUND : some ? READER_NOT_YET : READER_ABSENT;
}

/* What only other records tell. */
static bool look_around(const struct journal *j, const char *base, struct reader_copy *copy,
                        struct fail *why)
{
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    struct slice as_of;
    size_t n = 0;

    if (!step_read(j, SLICE_LITERAL("as_of"), &base, 1, &as_of, why) ||
        !known_hooks(j, base, hook, &n, why))
        return false;
    copy->as_of_us = number(as_of) > 0 ? number(as_of) : copy->refreshed_us;
    for (size_t i = 0; i < n; i++)
        copy->pending = copy->pending || hook[i].due;
    return true;
}

/* Judges what was read from `generation` before: whether that was whole all the time. */
static enum reader_outcome judge(const struct journal *j, const char *base, int64_t generation,
                                 struct reader_copy *copy, struct fail *why)
{
    int64_t previous;
    enum reader_outcome outcome = look(j, base, copy, &previous, why);

    if (outcome != READER_FOUND)
        return outcome == READER_AWAY ? READER_AWAY : READER_GONE;
    copy->old = copy->generation != generation;
    if (copy->old && previous != generation)
        return READER_GONE;
    copy->generation = generation;
    return look_around(j, base, copy, why) ? READER_FOUND : READER_AWAY;
}

/* --- a cursor ------------------------------------------------------------------------------------- */

/* <generation>.<record> */
static bool split(struct slice text, int64_t *generation, struct slice *record)
{
    const char *dot = text.n > 0 ? memchr(text.p, '.', text.n) : NULL;
    size_t n = dot != NULL ? (size_t)(dot - text.p) : 0;

    if (n == 0 || n > GENERATION_DIGITS || text.p[0] < '1' || text.p[0] > '9')
        return false;
    *record = slice_from(text, n + 1);
    return text_to_i64((struct slice){text.p, n}, generation) && airtable_id_is(*record, "rec");
}

bool reader_is_cursor(struct slice text)
{
    int64_t generation;
    struct slice record;

    return split(text, &generation, &record);
}

/* --- reading -------------------------------------------------------------------------------------- */

static void name_generation(int64_t generation, char out[static GENERATION_DIGITS + 1])
{
    (void)snprintf(out, GENERATION_DIGITS + 1, "%" PRId64, generation);
}

/* The generation that is read now. */
static enum reader_outcome choose(const struct journal *j, const char *base, int64_t *generation,
                                  struct fail *why)
{
    struct reader_copy copy = {.generation = 0};
    int64_t previous;
    enum reader_outcome outcome = look(j, base, &copy, &previous, why);

    *generation = copy.generation;
    return outcome;
}

enum reader_outcome reader_base(const struct journal *j, const char *base, struct reader_copy *copy,
                                struct journal_entry *tables, struct fail *why)
{
    enum reader_outcome outcome = READER_GONE;

    for (int i = 0; i < TRIES && outcome == READER_GONE; i++) {
        char key[AIRTABLE_KEY_MAX], text[GENERATION_DIGITS + 1];
        int64_t generation;
        outcome = choose(j, base, &generation, why);
        if (outcome != READER_FOUND)
            return outcome;
        name_generation(generation, text);
        airtable_key(key, "tables", base, text, NULL);
        outcome = journal_record(j, key, tables, why) ? judge(j, base, generation, copy, why)
                                                      : READER_AWAY;
    }
    return outcome;
}

/* Whether that generation has the table; READER_ABSENT also of a generation that is gone. */
static enum reader_outcome find_table(const struct journal *j, const char *base,
                                      const char *generation, const char *table, struct fail *why)
{
    char key[AIRTABLE_KEY_MAX];
    struct slice found;

    airtable_key(key, "tables", base, generation, NULL);
    if (!step_read(j, slice_of(key), &table, 1, &found, why))
        return READER_AWAY;
    return found.p != NULL ? READER_FOUND : READER_ABSENT;
}

/* A page of one generation. */
static enum reader_outcome read_page(const struct journal *j, const char *base, const char *table,
                                     int64_t generation, struct slice after, size_t max,
                                     struct reader_page *out, struct fail *why)
{
    char key[AIRTABLE_KEY_MAX], text[GENERATION_DIGITS + 1];
    struct step_page page;
    enum reader_outcome found, outcome;

    name_generation(generation, text);
    found = find_table(j, base, text, table, why);
    airtable_key(key, "records", base, text, table);
    if (found == READER_AWAY ||
        !step_list(j, slice_of(key), after, max, READER_BYTES_MAX, &page, why))
        return READER_AWAY;
    outcome = judge(j, base, generation, &out->copy, why);
    if (outcome != READER_FOUND || found != READER_FOUND)
        return outcome != READER_FOUND ? outcome : found;
    out->record = page.field;
    out->n = page.n;
    out->next[0] = '\0';
    if (page.more && page.n > 0)
        (void)snprintf(out->next, sizeof out->next, "%s.%.*s", text,
                       (int)page.field[page.n - 1].name.n, page.field[page.n - 1].name.p);
    return READER_FOUND;
}

enum reader_outcome reader_page(const struct journal *j, const char *base, const char *table,
                                const char *cursor, size_t max, struct reader_page *out,
                                struct fail *why)
{
    enum reader_outcome outcome = READER_GONE;
    struct slice after = SLICE_NONE;
    int64_t generation;

    if (split(slice_of(cursor), &generation, &after))
        return read_page(j, base, table, generation, after, max, out, why);
    for (int i = 0; i < TRIES && outcome == READER_GONE; i++) {
        outcome = choose(j, base, &generation, why);
        if (outcome == READER_FOUND)
            outcome = read_page(j, base, table, generation, SLICE_NONE, max, out, why);
    }
    return outcome;
}

enum reader_outcome reader_record(const struct journal *j, const char *base, const char *table,
                                  const char *record, struct reader_copy *copy, struct slice *json,
                                  struct fail *why)
{
    enum reader_outcome outcome = READER_GONE;

    for (int i = 0; i < TRIES && outcome == READER_GONE; i++) {
        char key[AIRTABLE_KEY_MAX], text[GENERATION_DIGITS + 1];
        int64_t generation;
        outcome = choose(j, base, &generation, why);
        if (outcome != READER_FOUND)
            return outcome;
        name_generation(generation, text);
        airtable_key(key, "records", base, text, table);
        outcome = step_read(j, slice_of(key), &record, 1, json, why)
                      ? judge(j, base, generation, copy, why)
                      : READER_AWAY;
    }
    return outcome == READER_FOUND && json->p == NULL ? READER_ABSENT : outcome;
}
