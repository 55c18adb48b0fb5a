#include "store/seal_file.h"

#include <stdlib.h>

#include "base/buf.h"
#include "events/document.h"

#define MAGIC       "audit_export"
#define VERSION     "1"
#define LINE_MAX    (1u << 20)
#define MEMORY_MAX  (2u << 30)
#define ENTRIES_MAX 50000000

struct rows {
    struct journal_entry *entry;
    size_t n, room;
};

struct seal_file {
    char *provider;
    struct arena *arena;
    struct arena *line; /* of the line that is read */
    struct rows audit, seals;
};

/* --- writing -------------------------------------------------------------------------------------- */

static void add_text(struct buf *b, struct slice text)
{
    buf_adds(b, "\"");
    buf_add_json(b, text, LINE_MAX);
    buf_adds(b, "\"");
}

static bool write_line(FILE *to, struct buf *b)
{
    bool ok;

    buf_adds(b, "}\n");
    ok = !b->overflow && fwrite(b->p, 1, b->n, to) == b->n;
    buf_free(b);
    return ok;
}

bool seal_file_begin(FILE *to, const char *provider)
{
    struct buf b = BUF_INIT(LINE_MAX);

    buf_adds(&b, "{\"" MAGIC "\":\"" VERSION "\",\"provider\":");
    add_text(&b, slice_of(provider));
    return write_line(to, &b);
}

bool seal_file_write(FILE *to, enum journal_list list, const struct journal_entry *e)
{
    struct buf b = BUF_INIT(LINE_MAX);

    buf_addf(&b, "{\"%s\":\"%s\"", journal_list_names[list], e->id);
    for (size_t i = 0; i < e->nfields; i++) {
        buf_adds(&b, ",");
        add_text(&b, e->field[i].name);
        buf_adds(&b, ":");
        add_text(&b, e->field[i].value);
    }
    return write_line(to, &b);
}

/* --- reading -------------------------------------------------------------------------------------- */

static bool push(struct rows *r, const struct journal_entry *e)
{
    if (r->n == r->room) {
        size_t room = r->room > 0 ? 2 * r->room : 1024;
        struct journal_entry *more =
            room <= ENTRIES_MAX ? reallocarray(r->entry, room, sizeof *more) : NULL;
        if (more == NULL)
            return false;
        r->entry = more;
        r->room = room;
    }
    r->entry[r->n++] = *e;
    return true;
}

/* The members behind the first one. Names and texts are copied: the document goes. */
static bool take_fields(struct seal_file *f, const struct document *d, struct document_cursor *c,
                        struct journal_entry *out)
{
    struct slice name, raw, value;

    out->field = arena_alloc(f->arena, JOURNAL_FIELDS_MAX * sizeof *out->field);
    if (out->field == NULL)
        return false;
    while (out->nfields < JOURNAL_FIELDS_MAX && document_next(d, c, &name, &raw)) {
        struct journal_field *field = &out->field[out->nfields++];
        value = SLICE_NONE;
        field->name = arena_copy(f->arena, name);
        if (field->name.p == NULL)
            return false;
        (void)document_text(d, field->name.p, &value);
        field->value = arena_copy(f->arena, value);
        if (field->value.p == NULL)
            return false;
    }
    return true;
}

static int take_line(struct seal_file *f, const struct document *d, struct fail *why)
{
    struct document_cursor c = document_begin(d);
    struct slice list, raw, id = SLICE_NONE;
    struct journal_entry e = {.id = NULL};
    struct rows *rows = NULL;

    if (document_next(d, &c, &list, &raw)) {
        if (slice_is(list, journal_list_names[JOURNAL_AUDIT]))
            rows = &f->audit;
        else if (slice_is(list, journal_list_names[JOURNAL_SEALS]))
            rows = &f->seals;
    }
    if (rows == NULL ||
        document_text(d, journal_list_names[rows == &f->audit ? JOURNAL_AUDIT : JOURNAL_SEALS],
                      &id) != DOCUMENT_TEXT)
        return fail_set(why, "it is neither an entry nor a seal");
    e.id = arena_copy(f->arena, id).p;
    if (e.id == NULL || !take_fields(f, d, &c, &e) || !push(rows, &e))
        return fail_set(why, "out of memory");
    return 0;
}

static int take_head(struct seal_file *f, const struct document *d, struct fail *why)
{
    struct slice version, provider;

    if (document_text(d, MAGIC, &version) != DOCUMENT_TEXT || !slice_is(version, VERSION) ||
        document_text(d, "provider", &provider) != DOCUMENT_TEXT)
        return fail_set(why, "it is not what `guichet audit export` writes");
    f->provider = strndup(provider.p, provider.n);
    return f->provider != NULL ? 0 : fail_set(why, "out of memory");
}

static int read_line(struct seal_file *f, struct slice line, struct fail *why)
{
    struct document *d = NULL;
    struct event judged = {.reason = NULL};
    int rc;

    arena_reset(f->line);
    switch (document_read(line, f->line, &d, &judged)) {
    case EVENT_OK:
        break;
    case EVENT_NO_MEMORY:
        return fail_set(why, "out of memory");
    default:
        return fail_set(why, "%s", judged.detail);
    }
    rc = f->provider == NULL ? take_head(f, d, why) : take_line(f, d, why);
    document_free(d);
    return rc;
}

/* --- order ---------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const struct journal_entry *x = a, *y = b;

    return journal_compare(x->id, y->id);
}

static void put_in_order(struct rows *r, struct seal_report *out)
{
    bool ordered = true;

    for (size_t i = 1; i < r->n; i++)
        if (journal_compare(r->entry[i - 1].id, r->entry[i].id) >= 0) {
            seal_check_find(out, SEAL_OUT_OF_ORDER, 0, 0, r->entry[i].id, r->entry[i - 1].id);
            ordered = false;
        }
    if (!ordered)
        qsort(r->entry, r->n, sizeof *r->entry, by_id);
}

struct seal_file *seal_file_read(FILE *from, struct seal_report *out, struct fail *why)
{
    struct seal_file *f = calloc(1, sizeof *f);
    unsigned long number = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int rc = 0;

    if (f == NULL) {
        fail_set(why, "out of memory");
        return NULL;
    }
    f->arena = arena_new(MEMORY_MAX);
    f->line = arena_new(LINE_MAX);
    if (f->arena == NULL || f->line == NULL)
        rc = fail_set(why, "out of memory");
    while (rc == 0 && (n = getline(&line, &room, from)) > 0) {
        number++;
        if (line[n - 1] != '\n')
            rc = fail_set(why, "line %lu: the export is cut off there", number);
        else if (read_line(f, (struct slice){line, (size_t)n - 1}, why) != 0)
            rc = fail_prefix(why, "line %lu", number);
    }
    if (rc == 0 && (ferror(from) || f->provider == NULL))
        rc = fail_set(why, "it is empty, or cannot be read");
    free(line);
    if (rc != 0) {
        seal_file_free(f);
        return NULL;
    }
    put_in_order(&f->seals, out);
    put_in_order(&f->audit, out);
    return f;
}

void seal_file_free(struct seal_file *f)
{
    if (f == NULL)
        return;
    free(f->audit.entry);
    free(f->seals.entry);
    arena_free(f->arena);
    arena_free(f->line);
    free(f->provider);
    free(f);
}

const char *seal_file_provider(const struct seal_file *f)
{
    return f->provider;
}

/* The first entry behind that id. */
static size_t behind(const struct rows *r, const char *id)
{
    size_t low = 0, high = r->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (journal_compare(r->entry[middle].id, id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool seal_file_source(void *ctx, enum journal_list list, const struct journal_range *range,
                      struct journal_page *out, struct fail *why)
{
    struct seal_file *f = ctx;
    const struct rows *r = list == JOURNAL_AUDIT ? &f->audit : &f->seals;
    bool has_after = range->after != NULL && range->after[0] != '\0';
    bool has_until = range->until != NULL && range->until[0] != '\0';
    size_t from = has_after ? behind(r, range->after) : 0;
    size_t to = has_until ? behind(r, range->until) : r->n;

    (void)why;
    *out = (struct journal_page){.entry = r->entry + from, .n = to > from ? to - from : 0};
    if (out->n <= range->max && !range->backwards)
        return true;
    if (!range->backwards) {
        out->n = range->max;
        return true;
    }
    /* The newest first: a copy, for the caller may ask again. */
    if (out->n > range->max) {
        out->entry += out->n - range->max;
        out->n = range->max;
    }
    struct journal_entry *back = arena_alloc(f->arena, (out->n + 1) * sizeof *back);
    if (back == NULL) {
        fail_set(why, "out of memory");
        return false;
    }
    for (size_t i = 0; i < out->n; i++)
        back[i] = out->entry[out->n - 1 - i];
    out->entry = back;
    return true;
}
