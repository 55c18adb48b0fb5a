/* event: the first byte says whose body the rest is. The same bytes always give the same event; an event
 * that is refused says why, in plain text; one that is accepted has changes within their limits, and
 * the raw value of a profile field is a JSON value by itself. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "events/event.h"

#define ARENA_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct event_source sources[] = {
    {.id_field = "id", .type_field = "event_type", .stamp_field = "timestamp", .t4g = true},
    {.id_field = "webhook.id", .also_field = "base.id", .stamp_field = "timestamp", .ping = true},
    {.id_field = "id", .type_field = "type"},
    {.id = {"72d3162e", 8}, .type = {"push", 4}},
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* {"v":<value>} must be an object with an unknown type. */
static void check_value(struct slice value)
{
    struct arena *arena = arena_new(ARENA_MAX);
    struct buf body = BUF_INIT(ARENA_MAX);
    struct event e;

    buf_adds(&body, "{\"v\":");
    buf_add_slice(&body, value);
    buf_adds(&body, "}");
    require(arena != NULL && !body.overflow);
    require(event_read(&sources[3], buf_slice(&body), arena, &e) == EVENT_UNKNOWN);
    buf_free(&body);
    arena_free(arena);
}

static void check_changes(const struct event *e)
{
    require(e->nchanges > 0 && e->nchanges <= CHANGES_MAX);
    for (size_t i = 0; i < e->nchanges; i++) {
        const struct change *c = &e->changes[i];
        int64_t number;
        require(c->key.n > 0 && text_is_plain(c->key, 1, 2 * EVENT_ID_MAX));
        require(c->nfields <= CHANGE_FIELDS_MAX && c->compare <= c->nfields);
        require(c->verb != CHANGE_ADD || text_to_i64(c->value, &number));
        if (c->group_max > 0)
            check_value(c->value);
        if (c->verb == CHANGE_APPEND)
            check_value(c->value);
    }
}

static void check(const struct event_source *s, enum event_status status, const struct event *e)
{
    require(status != EVENT_NO_MEMORY);
    require((status == EVENT_INVALID) == (e->reason != NULL));
    require(e->id.n == 0 || text_is_plain(e->id, 1, EVENT_ID_MAX));
    require(e->type.n == 0 || text_is_plain(e->type, 1, EVENT_ID_MAX));
    if (status == EVENT_INVALID)
        require(text_is_plain(slice_of(e->detail), 1, FAIL_TEXT_MAX) && e->nchanges == 0);
    else
        require(e->id.n > 0 && e->stamp_us >= 0);
    if (status == EVENT_OK && s->t4g)
        check_changes(e);
    else
        require(e->nchanges == 0);
    require(status != EVENT_UNKNOWN || !s->ping);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *arena = arena_new(ARENA_MAX);
    const struct event_source *s;
    struct event first, second;
    struct slice body;
    enum event_status status;

    if (n > 0 && arena != NULL) {
        s = &sources[data[0] % (sizeof sources / sizeof sources[0])];
        body = (struct slice){(const char *)data + 1, n - 1};
        status = event_read(s, body, arena, &first);
        check(s, status, &first);
        require(event_read(s, body, arena, &second) == status);
        require(second.nchanges == first.nchanges && second.stamp_us == first.stamp_us &&
                slice_equal(second.id, first.id) && strcmp(second.detail, first.detail) == 0);
    }
    arena_free(arena);
    return 0;
}
