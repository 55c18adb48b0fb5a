#include "events/document.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#include "events/refuse.h"

_Static_assert(JANSSON_VERSION_HEX >= 0x020b00, "error codes and ordered objects are needed");

/* Bytes of one step of a path. */
#define STEP_MAX 32
/* Holds what Jansson makes of a usual webhook. */
#define SCRATCH_BYTES ((size_t)4 * 1024)

/* While a document is made, Jansson's many small objects are cut from one piece of the arena, which is
 * wiped with the rest of the request. What does not fit goes to the heap, where the body's size bounds
 * it, so that no document takes more of the arena, however large it is. */
struct scratch {
    char *p;
    size_t used, room;
    bool spilled; /* something is on the heap */
    bool failed;  /* the heap had nothing left */
};

struct document {
    json_t *root;
    struct slice body;
    struct scratch scratch;
};

/* --- memory -------------------------------------------------------------------------------------- */

/* Of the document that this thread makes or frees at the moment; else there is none, and what other
 * users of Jansson allocate is on the heap. */
static _Thread_local struct scratch *current;

static void *spill(size_t n)
{
    void *p = malloc(n);

    current->spilled = true;
    current->failed = p == NULL;
    return p;
}

/* After a failure there is no more: Jansson does not look at whether a long text was kept whole, and would
 * go on with a shorter one. */
static void *scratch_alloc(size_t n)
{
    const size_t align = _Alignof(max_align_t);
    size_t need = (n + align - 1) / align * align;

    if (current == NULL)
        return malloc(n);
    if (current->failed)
        return NULL;
    if (need < n || need > current->room - current->used)
        return spill(n);
    current->used += need;
    return current->p + current->used - need;
}

static void scratch_free(void *p)
{
    if (current == NULL || (uintptr_t)p - (uintptr_t)current->p >= current->room)
        free(p);
}

static void scratch_install(void)
{
    json_set_alloc_funcs(scratch_alloc, scratch_free);
}

static void load(struct document *d, size_t flags, json_error_t *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, scratch_install);
    current = &d->scratch;
    d->root = json_loadb(d->body.p != NULL ? d->body.p : "", d->body.n, flags, error);
    current = NULL;
}

/* --- reading ---------------------------------------------------------------------------------------- */

/* Jansson's findings in our words: its own texts quote the body. */
static enum event_status refuse_syntax(const json_error_t *error, struct event *e)
{
    static const struct {
        enum json_error_code code;
        const char *reason, *text;
    } findings[] = {
        {json_error_invalid_utf8, "not_json", "a byte is not UTF-8"},
        {json_error_premature_end_of_input, "not_json", "it ends too early"},
        {json_error_end_of_input_expected, "not_json", "something follows its end"},
        {json_error_invalid_syntax, "not_json", "invalid syntax"},
        {json_error_null_byte_in_key, "not_json", "a member's name holds \\u0000"},
        {json_error_duplicate_key, "duplicate_key", "an object has two members of one name"},
        {json_error_numeric_overflow, "number_range", "a number is beyond a double's range"},
        {json_error_stack_overflow, "too_deep", "more than 2048 levels"},
    };
    enum json_error_code code = json_error_code(error);

    for (size_t i = 0; i < sizeof findings / sizeof findings[0]; i++)
        if (findings[i].code == code)
            return refuse(e, findings[i].reason,
                          "the body must be a JSON object in UTF-8 without duplicate names; %s, in "
                          "line %d, column %d",
                          findings[i].text, error->line, error->column);
    return EVENT_NO_MEMORY; /* none of the body's faults */
}

enum event_status document_read(struct slice body, struct arena *arena, struct document **out,
                                struct event *e)
{
    /* Integers as doubles: an unknown field may hold one beyond 63 bits, and known ones are read raw. */
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    struct document *d = arena_alloc(arena, sizeof *d);
    json_error_t error;

    if (d == NULL)
        return EVENT_NO_MEMORY;
    /* Jansson swallows a NUL behind a number or a word. */
    if (body.n > 0 && memchr(body.p, '\0', body.n) != NULL)
        return refuse(e, "not_json", "the body must be a JSON object, in which no byte is zero");
    d->body = body;
    d->scratch.p = arena_raw(arena, SCRATCH_BYTES);
    d->scratch.room = d->scratch.p != NULL ? SCRATCH_BYTES : 0;
    load(d, flags, &error);
    if (d->scratch.p != NULL) { /* what was not used need not be wiped */
        arena_shrink(arena, d->scratch.p, d->scratch.used);
        d->scratch.room = d->scratch.used;
    }
    if (d->scratch
            .failed) { /* whatever Jansson made of that: it tells of it by no code of its own */
        document_free(d);
        return EVENT_NO_MEMORY;
    }
    if (d->root == NULL)
        return refuse_syntax(&error, e);
    if (!json_is_object(d->root)) {
        document_free(d);
        return refuse(e, "wrong_type", "the body must be a JSON object, not an array");
    }
    *out = d;
    return EVENT_OK;
}

void document_free(struct document *d)
{
    if (d == NULL)
        return;
    if (d->scratch.spilled) {
        current = &d->scratch;
        json_decref(d->root);
        current = NULL;
    }
    d->root = NULL;
}

enum document_kind document_text(const struct document *d, const char *path, struct slice *text)
{
    const json_t *at = d->root;

    while (at != NULL && *path != '\0') {
        char step[STEP_MAX];
        size_t n = strcspn(path, ".");
        if (n >= sizeof step)
            return DOCUMENT_ABSENT;
        memcpy(step, path, n);
        step[n] = '\0';
        at = json_object_get(at, step);
        path += path[n] == '.' ? n + 1 : n;
    }
    if (at == NULL)
        return DOCUMENT_ABSENT;
    if (!json_is_string(at))
        return DOCUMENT_OTHER;
    *text = (struct slice){json_string_value(at), json_string_length(at)};
    return DOCUMENT_TEXT;
}

struct slice document_raw(const struct document *d, const char *name)
{
    struct document_cursor c = document_begin(d);
    struct slice wanted = slice_of(name), member, raw;

    while (document_next(d, &c, &member, &raw))
        if (slice_equal(member, wanted))
            return raw;
    return SLICE_NONE;
}

struct document_cursor document_begin(const struct document *d)
{
    return (struct document_cursor){json_object_iter(d->root), members_of(d->body)};
}

bool document_next(const struct document *d, struct document_cursor *c, struct slice *name,
                   struct slice *raw)
{
    if (c->member == NULL || !members_next(&c->values, raw))
        return false;
    *name = slice_of(json_object_iter_key(c->member));
    c->member = json_object_iter_next(d->root, c->member);
    return true;
}
