/* The verbs of events/change.h. Where a change cannot be applied, those before it are taken back by
 * a savepoint. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include "base/text.h"
#include "store/sqlite_task.h"

#define NUMBER_ROOM 24
#define STAMP_MAX   17 /* characters of a stamp */
#define COUNT_MAX   9  /* digits of a group's counter */
#define NAME_MAX_   512

/* A field that holds a number. */
struct number {
    bool there, sound;
    int64_t value;
};

static struct slice format_number(int64_t v, char out[static NUMBER_ROOM])
{
    return (struct slice){out, (size_t)snprintf(out, NUMBER_ROOM, "%" PRId64, v)};
}

/* Sets the result: the store is not as we leave it. */
static int damaged(struct sqlite_task *t, const char *word)
{
    sqlite_task_refuse(t, STORE_FAULT, word, 0);
    return SQLITE_OK;
}

static int get_kind(struct sqlite_task *t, struct slice key)
{
    struct sqlite3_stmt *row;
    int rc;

    if (t->key_known && slice_equal(t->key, key))
        return SQLITE_OK;
    rc = sqlite_task_row(t, &row, SQL_KEY_KIND, sqlite_text(key));
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    t->kind = sqlite3_column_int(row, 0) != 0   ? SQLITE_KEY_RECORD
              : sqlite3_column_int(row, 1) != 0 ? SQLITE_KEY_HISTORY
                                                : SQLITE_KEY_NEW;
    sqlite_sql_done(row);
    t->key = key;
    t->key_known = true;
    return SQLITE_OK;
}

static int put(struct sqlite_task *t, struct slice key, struct slice field, struct slice value)
{
    t->kind = SQLITE_KEY_RECORD;
    return sqlite_task_do(t, SQL_FIELD_PUT, sqlite_text(key), sqlite_text(field),
                          sqlite_text(value));
}

/* A number without a sign, or a stamp; at most `most` characters. */
static bool read_number(struct slice s, size_t most, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t sum = 0;

    if (negative)
        s = slice_from(s, 1);
    if (s.n == 0 || s.n + negative > most || s.n > STAMP_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = negative ? -(int64_t)sum : (int64_t)sum;
    return true;
}

/* most: characters of a number that may have leading zeros or, if it is a stamp, a sign; 0: one of
 * text_to_i64. */
static int get_number(struct sqlite_task *t, struct slice key, struct slice field, size_t most,
                      struct number *out)
{
    struct sqlite3_stmt *row;
    int rc = sqlite_task_row(t, &row, SQL_FIELD_GET, sqlite_text(key), sqlite_text(field));

    *out = (struct number){.sound = true};
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    struct slice s = sqlite_sql_bytes(row, 0);
    out->there = true;
    out->sound = most > 0 ? read_number(s, most, &out->value) : text_to_i64(s, &out->value);
    sqlite_sql_done(row);
    return SQLITE_OK;
}

/* --- the verbs -------------------------------------------------------------------------------- */

static int set_earliest(struct sqlite_task *t, const struct change *c, int64_t stamp_us)
{
    char text[NUMBER_ROOM];
    struct number old;
    int rc = get_number(t, c->key, c->field, STAMP_MAX, &old);

    if (rc != SQLITE_OK || (old.there && old.sound && old.value <= stamp_us))
        return rc;
    return old.sound ? put(t, c->key, c->field, format_number(stamp_us, text))
                     : damaged(t, "bad_number");
}

static int add(struct sqlite_task *t, const struct change *c, char detail[static SQLITE_DETAIL_MAX])
{
    char text[NUMBER_ROOM];
    int64_t more = 0;
    struct number old;
    int rc = get_number(t, c->key, c->field, 0, &old);

    if (rc != SQLITE_OK)
        return rc;
    if (!old.sound || !text_to_i64(c->value, &more))
        return damaged(t, "bad_number");
    if (more > INT64_MAX - old.value) {
        (void)snprintf(detail, SQLITE_DETAIL_MAX, "field %.*s of %.*s", (int)c->field.n, c->field.p,
                       (int)c->key.n, c->key.p);
        sqlite_task_refuse(t, STORE_REFUSED, "overflow", 0);
        return SQLITE_OK;
    }
    return put(t, c->key, c->field, format_number(old.value + more, text));
}

static int has_field(struct sqlite_task *t, struct slice key, struct slice field, bool *out)
{
    struct sqlite3_stmt *row;
    int rc = sqlite_task_row(t, &row, SQL_FIELD_GET, sqlite_text(key), sqlite_text(field));

    *out = rc == SQLITE_ROW;
    sqlite_sql_done(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Counts a field that is new in its group. *capped: there are as many as may be. */
static int count_in_group(struct sqlite_task *t, const struct change *c, bool *capped)
{
    const char *dot = memchr(c->field.p, '.', c->field.n);
    char name[NAME_MAX_], text[NUMBER_ROOM];
    int length = (int)(dot != NULL ? (size_t)(dot - c->field.p) : c->field.n);
    struct slice group = {name,
                          (size_t)snprintf(name, sizeof name, "count.%.*s", length, c->field.p)};
    struct number count;
    bool there;
    int rc = has_field(t, c->key, c->field, &there);

    if (rc != SQLITE_OK || there)
        return rc;
    rc = get_number(t, c->key, group, COUNT_MAX, &count);
    if (rc != SQLITE_OK)
        return rc;
    if (!count.sound || count.value < 0)
        return damaged(t, "bad_number");
    *capped = count.value >= c->group_max;
    return *capped ? SQLITE_OK : put(t, c->key, group, format_number(count.value + 1, text));
}

static int set_if_newer(struct sqlite_task *t, const struct change *c, int64_t stamp_us)
{
    char name[NAME_MAX_], text[NUMBER_ROOM];
    int length = snprintf(name, sizeof name, "at.%.*s", (int)c->field.n, c->field.p);
    struct slice at = {name, (size_t)length};
    bool capped = false;
    struct number old;
    int rc;

    if (at.n >= sizeof name) /* no field of an event is so long */
        return damaged(t, "bad_change");
    rc = get_number(t, c->key, at, STAMP_MAX, &old);
    if (rc != SQLITE_OK)
        return rc;
    if (!old.sound)
        return damaged(t, "bad_number");
    if (old.there && stamp_us < old.value) {
        t->flags |= STORE_STALE;
        return SQLITE_OK;
    }
    if (c->group_max > 0 && !old.there)
        rc = count_in_group(t, c, &capped);
    if (rc != SQLITE_OK || t->result->code != STORE_ACCEPTED)
        return rc;
    if (capped) {
        t->flags |= STORE_CAPPED;
        return SQLITE_OK;
    }
    rc = put(t, c->key, c->field, c->value);
    return rc == SQLITE_OK ? put(t, c->key, at, format_number(stamp_us, text)) : rc;
}

static int compare(struct sqlite_task *t, const struct change *c)
{
    unsigned flag = STORE_NO_EFFECT;

    for (uint32_t i = 0; i < c->compare; i++) {
        struct sqlite3_stmt *row;
        int rc = sqlite_task_row(t, &row, SQL_FIELD_GET, sqlite_text(c->key),
                                 sqlite_text(c->fields[i].name));
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            return rc;
        if (rc == SQLITE_DONE || !slice_equal(sqlite_sql_bytes(row, 0), c->fields[i].value))
            flag = STORE_MISMATCH;
        sqlite_sql_done(row);
    }
    t->flags |= flag;
    return SQLITE_OK;
}

/* *met: it was there, and the changes behind it do not happen. */
static int create_once(struct sqlite_task *t, const struct change *c, bool *met)
{
    int rc = SQLITE_OK;

    *met = t->kind == SQLITE_KEY_RECORD;
    if (*met)
        return compare(t, c);
    for (uint32_t i = 0; i < c->nfields && rc == SQLITE_OK; i++)
        rc = put(t, c->key, c->fields[i].name, c->fields[i].value);
    return rc;
}

static int append(struct sqlite_task *t, const struct change *c)
{
    int64_t last = 0, limit = t->provider->history_limit;
    struct sqlite3_stmt *row;
    int rc = sqlite_task_row(t, &row, SQL_HISTORY_LAST, sqlite_text(c->key));

    if (rc == SQLITE_ROW)
        last = sqlite3_column_int64(row, 0); /* 0 for NULL: there is none */
    sqlite_sql_done(row);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    rc = sqlite_task_do(t, SQL_HISTORY_ADD, sqlite_text(c->key), sqlite_int(last + 1),
                        sqlite_text(c->value));
    if (rc == SQLITE_OK && limit > 0)
        rc = sqlite_task_do(t, SQL_HISTORY_TRIM, sqlite_text(c->key), sqlite_int(last + 1 - limit));
    t->kind = SQLITE_KEY_HISTORY;
    return rc;
}

static int apply_all(struct sqlite_task *t, int64_t stamp_us, char detail[static SQLITE_DETAIL_MAX])
{
    bool met = false;
    int rc = SQLITE_OK;

    for (size_t i = 0; i < t->member->nchanges && rc == SQLITE_OK && !met; i++) {
        const struct change *c = &t->member->changes[i];
        rc = get_kind(t, c->key);
        if (rc != SQLITE_OK)
            break;
        if (t->kind == (c->verb == CHANGE_APPEND ? SQLITE_KEY_RECORD : SQLITE_KEY_HISTORY))
            return damaged(t, "wrong_type");
        switch (c->verb) {
        case CHANGE_SET:
            rc = put(t, c->key, c->field, c->value);
            break;
        case CHANGE_SET_IF_NEWER:
            rc = set_if_newer(t, c, stamp_us);
            break;
        case CHANGE_SET_EARLIEST:
            rc = set_earliest(t, c, stamp_us);
            break;
        case CHANGE_ADD:
            rc = add(t, c, detail);
            break;
        case CHANGE_CREATE_ONCE:
            rc = create_once(t, c, &met);
            break;
        case CHANGE_APPEND:
            rc = append(t, c);
            break;
        }
        if (t->result->code != STORE_ACCEPTED)
            break;
    }
    return rc;
}

int sqlite_apply(struct sqlite_task *t, int64_t stamp_us, char detail[static SQLITE_DETAIL_MAX])
{
    bool saved = t->member->nchanges > 1; /* a single one checks before it writes */
    int rc = SQLITE_OK;

    detail[0] = '\0';
    t->key_known = false;
    if (saved)
        rc = sqlite_sql_do(t->link->db, &t->link->sql, SQL_SAVE, NULL, 0);
    if (rc == SQLITE_OK)
        rc = apply_all(t, stamp_us, detail);
    if (rc == SQLITE_OK && saved && t->result->code != STORE_ACCEPTED)
        rc = sqlite_sql_do(t->link->db, &t->link->sql, SQL_UNDO, NULL, 0);
    if (rc == SQLITE_OK && saved)
        rc = sqlite_sql_do(t->link->db, &t->link->sql, SQL_RELEASE, NULL, 0);
    return rc;
}
