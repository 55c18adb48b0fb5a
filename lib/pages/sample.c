#include "pages/sample.h"

#include <stdio.h>

#include "pages/jsonw.h"

#define ID_PREFIX "example-"

struct slice sample_value(const struct field *f)
{
    static const struct {
        const char *name, *value;
    } known[] = {
        {"user_id", "\"u-1001\""}, {"email", "\"ada@example.org\""},
        {"amount_msat", "150000"}, {"payment_hash", "\"5c9f2b7d1e4a4c0d9b8a7f6e5d4c3b2a\""},
        {"new_balance", "42000"},  {"new_level", "3"},
        {"points", "250"},
    };
    static const char *const any[] = {
        [FIELD_TEXT] = "\"text\"",
        [FIELD_EMAIL] = "\"ada@example.org\"",
        [FIELD_INTEGER] = "1",
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, f->name) == 0)
            return slice_of(known[i].value);
    return slice_of(any[f->kind]);
}

/* A text at a path of one or two names ("id", "webhook.id"). */
static void put_at(struct jsonw *j, const char *path, const char *text)
{
    char outer[64];
    const char *dot = strchr(path, '.');

    if (dot == NULL) {
        jsonw_text(j, path, text);
        return;
    }
    (void)snprintf(outer, sizeof outer, "%.*s", (int)(dot - path), path);
    jsonw_open(j, outer);
    jsonw_text(j, dot + 1, text);
    jsonw_close(j);
}

void sample_id(const struct scheme *s, const struct event_type *type, struct buf *out)
{
    if (s->id_header != NULL)
        buf_adds(out, SAMPLE_HEADER_ID);
    else if (s->ping)
        buf_adds(out, "ach00000000000001");
    else
        buf_addf(out, ID_PREFIX "%s", type != NULL ? type->name : "1");
}

static const struct field *integer_of(const struct event_type *type)
{
    for (size_t i = 0; i < FIELDS_MAX && type->field[i].kind != FIELD_END; i++)
        if (type->field[i].kind == FIELD_INTEGER)
            return &type->field[i];
    return NULL;
}

/* integer: stands where the first integer of the type should; NULL: a sound one. */
static void put_fields(struct jsonw *j, const struct event_type *type, const char *integer)
{
    for (size_t i = 0; i < FIELDS_MAX && type->field[i].kind != FIELD_END; i++) {
        const struct field *f = &type->field[i];
        bool other = integer != NULL && f == integer_of(type);
        if (!f->optional)
            jsonw_raw(j, f->name, other ? slice_of(integer) : sample_value(f));
    }
}

static void put_body(const struct scheme *s, const struct event_type *type, const char *integer,
                     struct buf *out)
{
    struct jsonw j = {.out = out};
    struct buf id = BUF_INIT(EVENT_ID_MAX);

    sample_id(s, type, &id);
    jsonw_open(&j, NULL);
    if (s->also_field != NULL)
        put_at(&j, s->also_field, "app00000000000001");
    if (s->id_field != NULL)
        put_at(&j, s->id_field, id.p != NULL ? id.p : "");
    if (s->stamp_field != NULL)
        jsonw_text(&j, s->stamp_field, SAMPLE_STAMP);
    if (s->typed)
        jsonw_text(&j, "source", "dazno");
    if (s->type_field != NULL)
        jsonw_text(&j, s->type_field, type != NULL ? type->name : "example.happened");
    if (type != NULL)
        put_fields(&j, type, integer);
    jsonw_close(&j);
    buf_free(&id);
}

void sample_body(const struct scheme *s, const struct event_type *type, struct buf *out)
{
    put_body(s, type, NULL, out);
}

/* --- faults ------------------------------------------------------------------------------------------ */

static void not_json(const struct scheme *s, struct buf *out)
{
    (void)s;
    buf_adds(out, "{\"id\":");
}

static void duplicate_key(const struct scheme *s, struct buf *out)
{
    (void)s;
    buf_adds(out, "{\"id\":\"a\",\"id\":\"b\"}");
}

static void number_range(const struct scheme *s, struct buf *out)
{
    (void)s;
    buf_adds(out, "{\"n\":1e999}");
}

static void missing_field(const struct scheme *s, struct buf *out)
{
    (void)s;
    buf_adds(out, "{}");
}

static void wrong_type(const struct scheme *s, struct buf *out)
{
    struct jsonw j = {.out = out};

    jsonw_open(&j, NULL);
    if (s->id_field != NULL)
        put_at(&j, s->id_field, "");
    jsonw_close(&j);
}

/* A sound event but for one field of its row. */
static void no_integer(const struct scheme *s, struct buf *out)
{
    for (size_t i = 0; s->typed && i < event_type_count; i++) {
        const struct event_type *type = table_find(slice_of(event_type_names[i]));
        if (integer_of(type) != NULL) {
            put_body(s, type, "1.5", out);
            return;
        }
    }
    put_body(s, NULL, NULL, out);
}

static const struct {
    const char *name;
    void (*write)(const struct scheme *s, struct buf *out);
} faults[] = {
    {"not_json", not_json},         {"duplicate_key", duplicate_key},
    {"number_range", number_range}, {"missing_field", missing_field},
    {"wrong_type", wrong_type},     {"no_integer", no_integer},
};

const char *sample_fault(const struct scheme *s, size_t *i, struct buf *body, struct arena *arena,
                         struct event *e)
{
    const struct event_source source = {
        .id = s->id_header != NULL ? SLICE_LITERAL(SAMPLE_HEADER_ID) : SLICE_NONE,
        .type = s->type_header != NULL ? SLICE_LITERAL(SAMPLE_HEADER_TYPE) : SLICE_NONE,
        .id_field = s->id_field,
        .type_field = s->type_field,
        .also_field = s->also_field,
        .stamp_field = s->stamp_field,
        .t4g = s->typed,
        .ping = s->ping,
    };

    for (; *i < sizeof faults / sizeof faults[0]; ++*i) {
        buf_reset(body);
        faults[*i].write(s, body);
        if (!body->overflow && event_read(&source, buf_slice(body), arena, e) == EVENT_INVALID)
            return faults[*i].name;
    }
    return NULL;
}
