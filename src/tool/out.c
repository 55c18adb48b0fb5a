#include "tool/out.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "tool/printable.h"

#define COLUMNS_MAX  24
#define RECORD_MAX   (512u << 20) /* bytes of one record; an event is a part of it */
#define TEXT_MAX     (16u << 20)  /* of one field; the rest is cut, which "..." shows */
#define NAMED_WIDTH  16
#define COLUMN_WIDTH 60 /* wider fields do not push the others aside */

struct cell {
    char *text;
    int width; /* characters */
};

struct out {
    FILE *file;
    bool json, failed, colour;
    enum out_form form;
    const char *name[COLUMNS_MAX];
    size_t ncolumns;                 /* of the record at hand */
    struct buf record;               /* JSON */
    struct cell (*row)[COLUMNS_MAX]; /* OUT_ROWS_MAX + the one at hand */
    size_t nrows, headed;            /* headed: columns of the heading that was printed */
    const char *heading[COLUMNS_MAX];
    size_t records;
};

/* https://no-color.org: set and not empty. */
static bool shows_colour(FILE *file)
{
    const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return isatty(fileno(file)) && (none == NULL || none[0] == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

struct out *out_new(FILE *file, bool json)
{
    struct out *o = calloc(1, sizeof *o);

    if (o == NULL)
        return NULL;
    o->file = file;
    o->json = json;
    o->colour = !json && shows_colour(file);
    o->record = BUF_INIT(RECORD_MAX);
    o->row = calloc(OUT_ROWS_MAX + 1, sizeof *o->row);
    if (o->row == NULL) {
        free(o);
        return NULL;
    }
    return o;
}

bool out_is_json(const struct out *o)
{
    return o->json;
}

size_t out_records(const struct out *o)
{
    return o->records;
}

/* The write end of a pipe shows POLLERR once its reader has closed, before anything is written in
 * vain; no file and no terminal shows it. */
bool out_is_unread(const struct out *o)
{
    struct pollfd p = {.fd = fileno(o->file)};

    return p.fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

bool out_is_wanted(const struct out *o)
{
    return !o->failed && !ferror(o->file) && !out_is_unread(o);
}

static int characters(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static void drop(struct cell *row)
{
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        free(row[i].text);
        row[i] = (struct cell){NULL, 0};
    }
}

/* --- for people ------------------------------------------------------------------------------- */

static void print_cell(struct out *o, const char *text, int width, int column, bool last)
{
    fputs(text, o->file);
    if (!last)
        fprintf(o->file, "%*s", (column > width ? column - width : 0) + 2, "");
}

static void print_rows(struct out *o, size_t columns)
{
    int width[COLUMNS_MAX];
    bool same = o->headed == columns;

    for (size_t i = 0; i < columns; i++) {
        width[i] = characters(o->name[i]);
        same = same && o->heading[i] == o->name[i];
        for (size_t r = 0; r < o->nrows; r++)
            if (o->row[r][i].width > width[i] && o->row[r][i].width <= COLUMN_WIDTH)
                width[i] = o->row[r][i].width;
    }
    for (size_t i = 0; !same && i < columns; i++) {
        print_cell(o, o->name[i], characters(o->name[i]), width[i], i + 1 == columns);
        o->heading[i] = o->name[i];
    }
    if (!same)
        putc('\n', o->file);
    o->headed = columns;
    for (size_t r = 0; r < o->nrows; r++) {
        for (size_t i = 0; i < columns; i++)
            print_cell(o, o->row[r][i].text != NULL ? o->row[r][i].text : "-", o->row[r][i].width,
                       width[i], i + 1 == columns);
        putc('\n', o->file);
    }
}

static void print_facts(struct out *o, const struct cell *row)
{
    int width = 0;

    for (size_t i = 0; i < o->ncolumns; i++)
        if (characters(o->name[i]) > width)
            width = characters(o->name[i]);
    for (size_t i = 0; i < o->ncolumns; i++) {
        print_cell(o, o->name[i], characters(o->name[i]), width, false);
        fprintf(o->file, "%s\n", row[i].text != NULL ? row[i].text : "-");
    }
}

void out_flush(struct out *o)
{
    size_t columns = 0;

    while (columns < COLUMNS_MAX && o->nrows > 0 && o->row[0][columns].text != NULL)
        columns++;
    if (columns > 0)
        print_rows(o, columns);
    for (size_t r = 0; r < o->nrows; r++)
        drop(o->row[r]);
    o->nrows = 0;
    if (fflush(o->file) != 0)
        o->failed = true;
}

void out_form(struct out *o, enum out_form form)
{
    out_flush(o);
    o->headed = 0;
    o->form = form;
}

bool out_free(struct out *o)
{
    bool ok;

    if (o == NULL)
        return true;
    out_flush(o);
    ok = !o->failed && !ferror(o->file);
    for (size_t r = 0; r <= OUT_ROWS_MAX; r++)
        drop(o->row[r]);
    free(o->row);
    buf_free(&o->record);
    free(o);
    return ok;
}

void out_say(struct out *o, const char *format, ...)
{
    va_list args;

    if (o->json)
        return;
    out_flush(o);
    va_start(args, format);
    vfprintf(o->file, format, args);
    va_end(args);
    putc('\n', o->file);
}

/* --- fields ----------------------------------------------------------------------------------- */

/* `shown` is for people, printable already. */
static void add_cell(struct out *o, const char *name, const char *shown)
{
    struct cell *cell = &o->row[o->nrows][o->ncolumns];

    if (o->ncolumns == COLUMNS_MAX)
        abort(); /* the verb's own mistake */
    o->name[o->ncolumns++] = name;
    if (o->json)
        return;
    free(cell->text);
    cell->text = strdup(shown[0] != '\0' ? shown : "-");
    cell->width = cell->text != NULL ? characters(cell->text) : 0;
    o->failed = o->failed || cell->text == NULL;
}

/* Begins a member of the JSON record. */
static void begin(struct out *o, const char *name)
{
    buf_adds(&o->record, o->ncolumns == 0 ? "{\"" : ",\"");
    buf_adds(&o->record, name);
    buf_adds(&o->record, "\":");
}

void out_text(struct out *o, const char *name, struct slice text)
{
    struct buf shown = BUF_INIT(RECORD_MAX);

    if (o->json) {
        begin(o, name);
        buf_adds(&o->record, "\"");
        buf_add_json(&o->record, text, TEXT_MAX);
        buf_adds(&o->record, "\"");
    } else {
        printable_add(&shown, text);
    }
    add_cell(o, name, shown.p != NULL ? shown.p : "");
    buf_free(&shown);
}

void out_word(struct out *o, const char *name, const char *word, enum out_mood mood)
{
    static const int colour[] = {[OUT_GOOD] = 32, [OUT_DOUBT] = 33, [OUT_BAD] = 31};
    struct cell *cell = &o->row[o->nrows][o->ncolumns];
    char *coloured = NULL;

    out_text(o, name, slice_of(word));
    if (!o->colour || asprintf(&coloured, "\033[%dm%s\033[0m", colour[mood], word) < 0)
        return;
    free(cell->text); /* its width stays */
    cell->text = coloured;
}

static void add_plain(struct out *o, const char *name, const char *text)
{
    if (o->json) {
        begin(o, name);
        buf_adds(&o->record, text);
    }
    add_cell(o, name, text);
}

void out_number(struct out *o, const char *name, int64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, number);
    add_plain(o, name, text);
}

void out_fraction(struct out *o, const char *name, double number)
{
    char text[64];

    (void)snprintf(text, sizeof text, "%.6g", number);
    add_plain(o, name, text);
}

void out_bool(struct out *o, const char *name, bool yes)
{
    if (o->json)
        add_plain(o, name, yes ? "true" : "false");
    else
        add_cell(o, name, yes ? "yes" : "no");
}

void out_time(struct out *o, const char *name, int64_t us)
{
    char text[RFC3339_US_ROOM];

    rfc3339_format_us(us, text);
    out_text(o, name, slice_of(text));
}

void out_json(struct out *o, const char *name, struct slice json)
{
    if (o->json) {
        begin(o, name);
        buf_add_slice(&o->record, json);
        add_cell(o, name, "");
    } else {
        out_text(o, name, json);
    }
}

void out_named(struct out *o, struct slice name, struct slice text)
{
    struct buf shown = BUF_INIT(RECORD_MAX);

    if (o->json)
        return;
    printable_add(&shown, name);
    fprintf(o->file, "%-*s  ", NAMED_WIDTH, shown.p != NULL ? shown.p : "");
    buf_reset(&shown);
    printable_add(&shown, text);
    fprintf(o->file, "%s\n", shown.p != NULL ? shown.p : "");
    buf_free(&shown);
}

void out_body(struct out *o, const char *name, struct slice text)
{
    struct buf shown = BUF_INIT(RECORD_MAX);

    if (o->json)
        return;
    out_flush(o);
    fprintf(o->file, "%s\n", name);
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        printable_add(&shown, (struct slice){text.p, n});
        buf_adds(&shown, "\n");
        text = slice_from(text, end != NULL ? n + 1 : n);
    }
    if (shown.overflow || (shown.n > 0 && fwrite(shown.p, 1, shown.n, o->file) != shown.n))
        o->failed = true;
    buf_free(&shown);
}

void out_none(struct out *o, const char *name)
{
    if (o->json)
        add_plain(o, name, "null");
    else
        add_cell(o, name, "-");
}

void out_end(struct out *o)
{
    if (o->json) {
        buf_adds(&o->record, o->ncolumns == 0 ? "{}\n" : "}\n");
        if (o->record.overflow || fwrite(o->record.p, 1, o->record.n, o->file) != o->record.n)
            o->failed = true;
        buf_reset(&o->record);
    } else if (o->form == OUT_FACTS) {
        print_facts(o, o->row[0]);
        drop(o->row[0]);
    } else if (++o->nrows == OUT_ROWS_MAX) {
        out_flush(o);
    }
    o->ncolumns = 0;
    o->records++;
}
