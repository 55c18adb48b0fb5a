/* What start-up finds out: a trial with every verb that leaves no trace, integrity, durability. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include "store/sqlite_store.h"
#include "store/trial.h"

#define PROGRESS_STEPS   2000 /* of SQLite's machine, between two looks at the clock */
#define SYNCHRONOUS_FULL 2

/* 1: passed; 0: failed; -1: nothing can be written now, which says nothing of what is tested. */
static int self_test(struct sqlite_store *s, const struct store_provider *real, int64_t deadline_ms,
                     struct fail *out)
{
    struct trial trial;
    struct store_result result[TRIAL_MEMBERS];
    struct store_batch batch = {&trial.provider, trial.member, TRIAL_MEMBERS, deadline_ms};
    struct sqlite_trouble trouble;
    size_t failed;

    if (!trial_make(&trial, real)) {
        fail_set(out, "store_config: no random bytes to be had");
        return 0;
    }
    if (!sqlite_store_open(s, deadline_ms, &trouble) ||
        !sqlite_store_batch(s, &batch, false, result, &trouble)) {
        sqlite_trouble_explain(&trouble, out);
        return trouble.code == STORE_UNAVAILABLE && strcmp(trouble.word, "store_config") != 0 ? -1
                                                                                              : 0;
    }
    return trial_judge(&trial, result, &failed, out);
}

static int past_deadline(void *ctx)
{
    const struct sqlite_link *l = ctx;

    return clock_monotonic_ms(l->clock) >= l->deadline_ms;
}

/* False when damage was found. What could not be looked at until then counts as sound; where it begins
 * changes with every start, so that in time all of a large file is looked at. */
static bool check_integrity(struct sqlite_store *s, int64_t deadline_ms, struct fail *out)
{
    static const char *const table[] = {"ids",    "rate",  "fields",     "histories",
                                        "events", "audit", "quarantine", "lists",
                                        "seals",  "dead",  "taken"};
    const size_t n = sizeof table / sizeof *table;
    size_t first = (size_t)clock_monotonic_us(s->link.clock) % n;
    char sql[64], text[256];
    int rc = SQLITE_ROW;

    s->link.deadline_ms = deadline_ms;
    sqlite3_progress_handler(s->link.db, PROGRESS_STEPS, past_deadline, &s->link);
    for (size_t i = 0; i < n && rc == SQLITE_ROW; i++) {
        (void)snprintf(sql, sizeof sql, "PRAGMA quick_check('%s')", table[(first + i) % n]);
        rc = sqlite_ask_text(s->link.db, sql, text, sizeof text);
        if (rc == SQLITE_ROW && strcmp(text, "ok") != 0)
            rc = SQLITE_CORRUPT;
    }
    sqlite3_progress_handler(s->link.db, 0, NULL, NULL);
    if ((rc & 0xff) != SQLITE_CORRUPT)
        return true;
    fail_set(out,
             "store_damaged: %s: %.200s; put back a copy, or take what can be read out of it with "
             "`sqlite3 %s .recover`",
             s->link.file.path, text, s->link.file.path);
    return false;
}

static void look_at_durability(struct sqlite_store *s, struct store_findings *out)
{
    int64_t synchronous = 0;
    char mode[16];

    if (sqlite_ask_number(s->link.db, "PRAGMA synchronous", &synchronous) != SQLITE_ROW ||
        sqlite_ask_text(s->link.db, "PRAGMA journal_mode", mode, sizeof mode) != SQLITE_ROW) {
        fail_set(&out->durability, "the file cannot be asked");
        return;
    }
    out->durable =
        synchronous >= SYNCHRONOUS_FULL && strcmp(mode, "wal") == 0 && !s->link.file.in_memory ? 2
                                                                                               : 0;
    fail_set(&out->durability, "SQLite's journal_mode is %s, synchronous %" PRId64 "%s", mode,
             synchronous,
             s->link.file.in_memory ? ", but the file lies in memory (tmpfs): put it on a disk"
                                    : "");
}

void sqlite_examine(struct store *base, const struct store_provider *p, size_t n,
                    int64_t deadline_ms, struct store_findings *out)
{
    static const struct store_provider nobody = {.name = "selftest"};
    struct sqlite_store *s = (struct sqlite_store *)base;
    int64_t now_ms = clock_monotonic_ms(s->link.clock);

    out->evicting = 0;
    if (!sqlite_run_id(base, deadline_ms, out->run_id, &out->problem))
        return;
    out->self_test = 1;
    for (size_t i = 0; (i == 0 || i < n) && out->self_test == 1; i++)
        out->self_test = self_test(s, i < n ? &p[i] : &nobody, deadline_ms, &out->problem);
    /* Half of the time that there is: the process that asks has yet to serve. */
    if (out->self_test == 1 && base->thorough)
        out->self_test = check_integrity(s, now_ms + (deadline_ms - now_ms) / 2, &out->problem);
    look_at_durability(s, out);
}
