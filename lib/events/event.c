#include "events/event.h"

#include "base/text.h"
#include "events/document.h"
#include "events/refuse.h"
#include "events/table.h"

/* One event on its way from the document to its changes. */
struct reading {
    const struct event_source *source;
    const struct document *document;
    struct arena *arena;
    struct event *out;
    bool no_memory;
};

/* A copy that outlives the document; empty, and no_memory noted, when there is no room. */
static struct slice keep(struct reading *r, struct slice text)
{
    struct slice kept = arena_copy(r->arena, text);

    if (kept.p == NULL)
        r->no_memory = true;
    return kept;
}

static bool is_email(struct slice s)
{
    const char *at = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;

    return text_is_plain(s, 1, EVENT_EMAIL_MAX) && at != NULL &&
           memchr(at + 1, '@', s.n - (size_t)(at + 1 - s.p)) == NULL;
}

static void refuse_text(struct reading *r, const char *name)
{
    refuse(r->out, "wrong_type",
           "%s must be a string of 1 to %d bytes of UTF-8 without control characters", name,
           EVENT_ID_MAX);
}

/* The text at the path into *out; refuses the event if there is another thing, or nothing although it
 * is demanded. */
static void read_text(struct reading *r, const char *path, bool demanded, struct slice *out)
{
    struct slice text = SLICE_NONE;
    enum document_kind kind = document_text(r->document, path, &text);

    if (kind == DOCUMENT_ABSENT) {
        if (demanded)
            refuse(r->out, "missing_field", "%s is missing", path);
    } else if (kind == DOCUMENT_OTHER || !text_is_plain(text, 1, EVENT_ID_MAX)) {
        refuse_text(r, path);
    } else {
        *out = keep(r, text);
    }
}

/* Id or type: the header's where there is one, else the body's. */
static void read_name(struct reading *r, struct slice header, const char *path, bool demanded,
                      struct slice *out)
{
    if (header.n == 0 && path != NULL)
        read_text(r, path, demanded, out);
    else if (header.n > EVENT_ID_MAX || (header.n > 0 && !text_is_plain(header, 1, EVENT_ID_MAX)))
        refuse(
            r->out, "wrong_type",
            "the headers for id and type must be 1 to %d bytes of UTF-8 without control characters",
            EVENT_ID_MAX);
    else if (header.n > 0)
        *out = keep(r, header);
}

/* A stamp is demanded, and judged, only where the table applies; elsewhere one that cannot be read is as
 * good as none, for nothing is ordered by it. Stores keep stamps as numbers without a sign. */
static void read_stamp(struct reading *r)
{
    const struct event_source *s = r->source;
    struct slice text = SLICE_NONE;
    enum document_kind kind = DOCUMENT_ABSENT;
    int64_t stamp_us;

    r->out->stamp_us = s->arrived_us;
    if (s->stamp_field != NULL)
        kind = document_text(r->document, s->stamp_field, &text);
    if (kind == DOCUMENT_TEXT && rfc3339_parse(text, &stamp_us) && stamp_us >= 0)
        r->out->stamp_us = stamp_us;
    else if (s->t4g && kind == DOCUMENT_ABSENT)
        refuse(r->out, "missing_field", "%s is missing", s->stamp_field);
    else if (s->t4g)
        refuse(r->out, "wrong_type",
               "%s must be a string of RFC 3339, such as 2025-10-15T10:30:00Z, not before 1970",
               s->stamp_field);
}

static void read_envelope(struct reading *r)
{
    const struct event_source *s = r->source;
    struct slice unused;

    read_name(r, s->id, s->id_field, true, &r->out->id);
    read_stamp(r);
    if (s->t4g)
        read_text(r, "source", true, &unused);
    if (s->also_field != NULL)
        read_text(r, s->also_field, true, &unused);
    read_name(r, s->type, s->type_field, s->t4g, &r->out->type);
}

/* --- the fields of a row --------------------------------------------------------------------------- */

static void read_integer(struct reading *r, const struct field *f, struct slice *out)
{
    struct slice raw = document_raw(r->document, f->name);
    int64_t ignored;

    if (raw.p == NULL) {
        if (!f->optional)
            refuse(r->out, "missing_field", "%s is missing", f->name);
    } else if (!text_to_i64(raw, &ignored)) {
        refuse(r->out, "wrong_type",
               "%s must be an integer from 0 to 9223372036854775807, written with digits alone",
               f->name);
    } else {
        *out = raw; /* digits in the body are digits in the store: nothing is converted */
    }
}

static void read_email(struct reading *r, const struct field *f, struct slice *out)
{
    struct slice text = SLICE_NONE;
    enum document_kind kind = document_text(r->document, f->name, &text);

    if (kind == DOCUMENT_ABSENT) {
        if (!f->optional)
            refuse(r->out, "missing_field", "%s is missing", f->name);
    } else if (kind == DOCUMENT_OTHER || !is_email(text)) {
        refuse(r->out, "wrong_type",
               "%s must be a string of 1 to %d bytes of UTF-8 with one @ and without control "
               "characters",
               f->name, EVENT_EMAIL_MAX);
    } else {
        *out = keep(r, text);
    }
}

static void read_fields(struct reading *r, struct facts *facts)
{
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        const struct field *f = &facts->type->field[i];
        switch (f->kind) {
        case FIELD_END:
            return;
        case FIELD_TEXT:
            read_text(r, f->name, !f->optional, &facts->value[i]);
            break;
        case FIELD_EMAIL:
            read_email(r, f, &facts->value[i]);
            break;
        case FIELD_INTEGER:
            read_integer(r, f, &facts->value[i]);
            break;
        }
    }
}

static enum event_status handle(struct reading *r, const struct event_type *type)
{
    char stamp[TEXT_U64_MAX], at[RFC3339_US_ROOM];
    struct facts facts = {.type = type, .id = r->out->id, .document = r->document};
    struct change_list changes = change_list_new(r->arena);

    char *stamp_end = text_put_u64(stamp, (uint64_t)r->out->stamp_us);
    rfc3339_format_us(r->out->stamp_us, at);
    facts.stamp = keep(r, (struct slice){stamp, (size_t)(stamp_end - stamp)});
    facts.at = keep(r, slice_of(at));
    read_fields(r, &facts);
    if (r->no_memory)
        return EVENT_NO_MEMORY;
    if (r->out->reason != NULL)
        return EVENT_INVALID;
    type->handle(&facts, &changes);
    if (changes.failed)
        return EVENT_NO_MEMORY;
    r->out->changes = changes.change;
    r->out->nchanges = changes.n;
    return EVENT_OK;
}

static enum event_status interpret(struct reading *r)
{
    const struct event_type *type;

    read_envelope(r);
    if (r->no_memory)
        return EVENT_NO_MEMORY;
    if (r->out->reason != NULL)
        return EVENT_INVALID;
    if (r->source->ping)
        return EVENT_OK;
    type = r->source->t4g ? table_find(r->out->type) : NULL;
    return type != NULL ? handle(r, type) : EVENT_UNKNOWN;
}

enum event_status event_read(const struct event_source *source, struct slice body,
                             struct arena *arena, struct event *out)
{
    struct document *document = NULL;
    struct reading r = {.source = source, .arena = arena, .out = out};
    enum event_status status;

    *out = (struct event){.stamp_us = source->arrived_us};
    status = document_read(body, arena, &document, out);
    if (status == EVENT_OK) {
        r.document = document;
        status = interpret(&r);
    }
    document_free(document);
    return status;
}
