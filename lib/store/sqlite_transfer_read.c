#include <sqlite3.h>
#include <stdio.h>
#include "base/codec.h"
#include "store/sqlite_transfer.h"

#define PAGE 1000

/* A page: rows of one query, each made an item. */
struct reading {
    const struct journal *j;
    struct transfer_place *p;
    struct transfer_page *out;
    struct sqlite3_stmt *row;
    bool short_of_memory;
};

static struct slice text_of(struct reading *r, int column)
{
    struct slice text = sqlite_journal_column(r->j, r->row, column);

    r->short_of_memory = r->short_of_memory || text.p == NULL;
    return text;
}

static struct slice sid_of(struct reading *r, int64_t entry)
{
    char sid[SQLITE_SID_ROOM];

    sqlite_entry_sid(entry, sid);
    return arena_copy(r->j->arena, slice_of(sid));
}

static struct slice base64_of(struct reading *r, int column)
{
    struct slice bytes = sqlite_sql_bytes(r->row, column);
    char text[BASE64_ROOM(SHA256_BYTES)];

    if (bytes.n > SHA256_BYTES) /* the schema has it shorter: the file is damaged */
        bytes.n = 0;
    base64_encode((const uint8_t *)bytes.p, bytes.n, text);
    return arena_copy(r->j->arena, slice_of(text));
}

static void put(struct reading *r, struct transfer_item *item, const char *const *name,
                const struct slice *value, size_t n)
{
    if (!transfer_fields(r->j->arena, item, name, value, n))
        r->short_of_memory = true;
}

/* Where the next page goes on: behind this row. */
static void keep_place(struct reading *r, struct slice key, struct slice name)
{
    buf_reset(&r->p->key);
    buf_reset(&r->p->name);
    if (!buf_add_slice(&r->p->key, key) || !buf_add_slice(&r->p->name, name))
        r->short_of_memory = true;
}

static void take_newest(struct reading *r, struct transfer_item *item)
{
    static const char *const name[] = {"entry"};

    item->part = TRANSFER_NEWEST;
    item->key = text_of(r, 0);
    put(r, item, name, (struct slice[]){sid_of(r, sqlite3_column_int64(r->row, 1))}, 1);
}

static void take_group(struct reading *r, struct transfer_item *item)
{
    static const char *const name[] = {"read"};

    item->part = TRANSFER_GROUPS;
    item->key = text_of(r, 0);
    put(r, item, name, (struct slice[]){sid_of(r, sqlite3_column_int64(r->row, 1))}, 1);
}

static void take_taken(struct reading *r, struct transfer_item *item)
{
    static const char *const name[] = {"entry", "consumer", "deliveries"};
    int64_t entry = sqlite3_column_int64(r->row, 1);

    item->part = TRANSFER_TAKEN;
    item->key = text_of(r, 0);
    item->moment_us = sqlite3_column_int64(r->row, 3);
    put(r, item, name, (struct slice[]){sid_of(r, entry), text_of(r, 2), text_of(r, 4)}, 3);
    keep_place(r, item->key, SLICE_NONE);
    r->p->number = entry;
}

static void take_stamp(struct reading *r, struct transfer_item *item)
{
    static const char *const name[] = {"at"};

    item->part = TRANSFER_RATE;
    item->key = transfer_number(r->j->arena, r->p->number++);
    put(r, item, name, (struct slice[]){text_of(r, 1)}, 1);
    r->p->cursor = (uint64_t)sqlite3_column_int64(r->row, 0);
}

static void take_id(struct reading *r, struct transfer_item *item)
{
    static const char *const name[] = {"body_sha256", "nonce", "at"};

    item->part = TRANSFER_IDS;
    item->key = text_of(r, 0);
    item->moment_us = sqlite3_column_int64(r->row, 4);
    put(r, item, name, (struct slice[]){base64_of(r, 1), base64_of(r, 2), text_of(r, 3)}, 3);
    keep_place(r, item->key, SLICE_NONE);
}

static void take_field(struct reading *r, struct transfer_item *item)
{
    struct slice name = text_of(r, 1);

    item->part = TRANSFER_RECORDS;
    item->key = text_of(r, 0);
    put(r, item, &name.p, (struct slice[]){text_of(r, 2)}, 1);
    if (!r->short_of_memory)
        item->field[0].name = name; /* its length, for it may hold a NUL */
    keep_place(r, item->key, name);
}

static void take_text(struct reading *r, struct transfer_item *item)
{
    static const char *const name[] = {"place", "text"};

    item->part = TRANSFER_HISTORIES;
    item->key = text_of(r, 0);
    if (!slice_equal(item->key, buf_slice(&r->p->key)))
        r->p->number = 0;
    put(r, item, name,
        (struct slice[]){transfer_number(r->j->arena, r->p->number++), text_of(r, 2)}, 2);
    keep_place(r, item->key, SLICE_NONE);
    r->p->cursor = (uint64_t)sqlite3_column_int64(r->row, 1);
}

/* By part: its rows behind the place, which is ?2 (key), ?3 (name), ?4 (number) and ?5 (cursor); ?6 is the
 * time, ?7 the size of a page. */
static const struct {
    enum transfer_stage stage;
    void (*take)(struct reading *r, struct transfer_item *item);
    const char *sql;
} queries[] = {
    {STAGE_NEWEST, take_newest,
     "SELECT CASE name WHEN 'seals' THEN 'audit:seals' ELSE name END, last FROM lists "
     "WHERE provider = ?1 AND last > 0 ORDER BY name LIMIT ?7"},
    {STAGE_GROUPS, take_group,
     "SELECT name, read FROM consumer_groups WHERE provider = ?1 ORDER BY name LIMIT ?7"},
    {STAGE_GROUPS, take_taken,
     "SELECT name, entry, consumer, at, deliveries FROM taken t WHERE provider = ?1 AND "
     "(name, entry) > (?2, ?4) AND EXISTS (SELECT 1 FROM events e WHERE e.provider = ?1 AND "
     "e.entry = t.entry) ORDER BY name, entry LIMIT ?7"},
    {STAGE_RATE, take_stamp,
     "SELECT n, at FROM rate WHERE provider = ?1 AND n > ?5 ORDER BY n LIMIT ?7"},
    {STAGE_OBJECTS, take_id,
     "SELECT id, body_sha256, nonce, at, expires FROM ids WHERE provider = ?1 AND id > ?2 AND "
     "expires > ?6 ORDER BY id LIMIT ?7"},
    {STAGE_OBJECTS, take_field,
     "SELECT key, name, value FROM fields WHERE provider = ?1 AND (key, name) > (?2, ?3) "
     "ORDER BY key, name LIMIT ?7"},
    {STAGE_OBJECTS, take_text,
     "SELECT key, n, value FROM histories WHERE provider = ?1 AND (key, n) > (?2, ?5) "
     "ORDER BY key, n LIMIT ?7"},
};
#define QUERIES (sizeof queries / sizeof *queries)

static bool read_page(struct reading *r, size_t which, struct fail *why)
{
    struct transfer_place *p = r->p;
    /* Copies: the place moves on with each row, while the query still looks at where it began. */
    struct slice key = arena_copy(r->j->arena, buf_slice(&p->key));
    struct slice name = arena_copy(r->j->arena, buf_slice(&p->name));
    int rc =
        key.p == NULL || name.p == NULL
            ? SQLITE_NOMEM
            : sqlite_journal_query(
                  r->j, queries[which].sql,
                  SQLITE_VALUES(sqlite_journal_provider(r->j), sqlite_text(key), sqlite_text(name),
                                sqlite_int(p->number), sqlite_int((int64_t)p->cursor),
                                sqlite_int(sqlite_journal_now_us(r->j)), sqlite_int(PAGE)),
                  &r->row);

    while (rc == SQLITE_OK && (rc = sqlite3_step(r->row)) == SQLITE_ROW && r->out->n < PAGE) {
        queries[which].take(r, &r->out->item[r->out->n++]);
        rc = r->short_of_memory ? SQLITE_NOMEM : SQLITE_OK;
    }
    (void)sqlite3_finalize(r->row);
    return sqlite_journal_judge(r->j, rc, why);
}

/* place->inner counts the queries of the stage that are done. */
bool sqlite_transfer_read(const struct journal *j, struct transfer_place *place,
                          struct transfer_page *out, struct fail *why)
{
    struct reading r = {.j = j, .p = place, .out = out};
    size_t first = 0, which;

    while (first < QUERIES && queries[first].stage != place->stage)
        first++;
    which = first + (size_t)place->inner;
    out->item = arena_alloc(j->arena, PAGE * sizeof *out->item);
    if (out->item == NULL)
        return sqlite_journal_judge(j, SQLITE_NOMEM, why);
    if (!sqlite_journal_open(j, why) || !read_page(&r, which, why))
        return false;
    if (out->n == PAGE)
        return true;
    place->inner++;
    place->over = which + 1 == QUERIES || queries[which + 1].stage != place->stage;
    place->cursor = 0;
    place->number = 0;
    buf_reset(&place->key);
    buf_reset(&place->name);
    return true;
}

bool sqlite_transfer_counters(const struct journal *j, struct transfer_item *item, bool *superseded,
                              struct fail *why)
{
    struct sqlite3_stmt *row = NULL;
    int rc = sqlite_journal_query(
        j, "SELECT count, last_at FROM quarantine WHERE provider = ?1 AND entry = ?2",
        SQLITE_VALUES(sqlite_journal_provider(j), sqlite_int(sqlite_entry_of(item->key.p, NULL))),
        &row);

    *superseded = true; /* somebody took it out just now */
    if (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct journal_field *f = &item->field[item->nfields];
        f[0] = (struct journal_field){SLICE_LITERAL("count"), sqlite_journal_column(j, row, 0)};
        f[1] = (struct journal_field){SLICE_LITERAL("last_at"), sqlite_journal_column(j, row, 1)};
        rc = f[0].value.p != NULL && f[1].value.p != NULL ? SQLITE_OK : SQLITE_NOMEM;
        item->nfields += 2;
        *superseded = false;
    }
    (void)sqlite3_finalize(row);
    return sqlite_journal_judge(j, rc, why);
}
