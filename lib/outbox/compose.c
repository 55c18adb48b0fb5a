#include "outbox/compose.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/text.h"
#include "events/document.h"
#include "events/table.h"
#include "verify/mac.h"

#define UUID_BYTES 16
#define UUID_ROOM  37 /* with its NUL */
#define HEAD_ROOM  128
#define SAMPLE_MAX 1024

/* RFC 9562 section 5.4 */
static bool make_uuid(char out[static UUID_ROOM])
{
    uint8_t b[UUID_BYTES];
    char hex[2 * UUID_BYTES + 1];

    if (!random_bytes(b, sizeof b))
        return false;
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    hex_encode(b, sizeof b, hex);
    (void)snprintf(out, UUID_ROOM, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    return true;
}

/* A text that the event may have: 1 there, 0 absent, -1 there but not of its form. */
static int text_of(const struct document *d, const char *name, struct arena *arena,
                   struct slice *out)
{
    struct slice text;

    *out = SLICE_NONE;
    switch (document_text(d, name, &text)) {
    case DOCUMENT_ABSENT:
        return 0;
    case DOCUMENT_TEXT:
        if (!text_is_plain(text, 1, EVENT_ID_MAX))
            return -1;
        *out = arena_copy(arena, text);
        return out->p != NULL ? 1 : -1;
    default:
        return -1;
    }
}

/* The event with `head` behind its opening brace. */
static int put_head(struct slice event, const char *head, struct arena *arena, struct slice *out)
{
    struct members m = members_of(event);
    struct slice value;
    bool empty = !members_next(&m, &value);
    const char *brace = memchr(event.p, '{', event.n);
    size_t before = (size_t)(brace - event.p) + 1, head_n = strlen(head) - (empty ? 1 : 0);
    char *p = arena_raw(arena, event.n + head_n);

    if (p == NULL)
        return -1;
    memcpy(p, event.p, before);
    memcpy(p + before, head, head_n);
    memcpy(p + before + head_n, event.p + before, event.n - before);
    *out = (struct slice){p, event.n + head_n};
    return 0;
}

static int fill_in(struct slice event, int has_id, int has_stamp, const struct clock *clock,
                   struct arena *arena, struct composed *out)
{
    char head[HEAD_ROOM] = "", uuid[UUID_ROOM], stamp[RFC3339_US_ROOM];
    int n = 0;

    if (has_id == 0) {
        if (!make_uuid(uuid))
            return -1;
        out->id = arena_copy(arena, slice_of(uuid));
        n = snprintf(head, sizeof head, "\"id\":\"%s\",", uuid);
    }
    if (has_stamp == 0) {
        rfc3339_format_us(clock_now_us(clock), stamp);
        out->timestamp = arena_copy(arena, slice_of(stamp));
        (void)snprintf(head + n, sizeof head - (size_t)n, "\"timestamp\":\"%s\",", stamp);
    }
    if (out->id.p == NULL || out->timestamp.p == NULL)
        return -1;
    if (head[0] != '\0')
        return put_head(event, head, arena, &out->body);
    out->body = arena_copy(arena, event);
    return out->body.p != NULL ? 0 : -1;
}

int compose(struct slice event, const struct clock *clock, struct arena *arena,
            struct composed *out, struct fail *why)
{
    struct document *d = NULL;
    struct event e = {.reason = NULL};
    enum event_status read = EVENT_INVALID;
    int has_id, has_stamp, result = -1;
    int64_t stamp_us;

    *out = (struct composed){.body = SLICE_NONE};
    if (event.n > COMPOSE_BODY_MAX - HEAD_ROOM)
        return fail_set(why, "the event has more than %u bytes", COMPOSE_BODY_MAX - HEAD_ROOM);
    read = document_read(event, arena, &d, &e);
    if (read == EVENT_INVALID)
        return fail_set(why, "the event is not to be sent: %s", e.detail);
    if (read != EVENT_OK)
        return fail_set(why, "no memory");
    has_id = text_of(d, "id", arena, &out->id);
    has_stamp = text_of(d, "timestamp", arena, &out->timestamp);
    (void)text_of(d, "event_type", arena, &out->type);
    (void)text_of(d, "user_id", arena, &out->user);
    if (has_id < 0)
        fail_set(why,
                 "\"id\" must be a text of 1 to %d bytes without control characters, or be left "
                 "out to be filled in",
                 EVENT_ID_MAX);
    else if (has_stamp < 0 || (has_stamp > 0 && !rfc3339_parse(out->timestamp, &stamp_us)))
        fail_set(why, "\"timestamp\" must be a date and time as of RFC 3339, such as "
                      "2025-10-15T10:30:00Z, or be left out to be filled in");
    else if (fill_in(event, has_id, has_stamp, clock, arena, out) != 0)
        fail_set(why, "no memory, or no random bytes");
    else
        result = 0;
    document_free(d);
    return result;
}

/* --- samples -------------------------------------------------------------------------------------- */

static void add_field(struct buf *b, const struct field *f, const char *user)
{
    uint8_t random[SHA256_BYTES] = {0};
    char hex[2 * sizeof random + 1];

    buf_addf(b, ",\"%s\":", f->name);
    switch (f->kind) {
    case FIELD_INTEGER:
        buf_adds(b, "1");
        break;
    case FIELD_EMAIL:
        buf_addf(b, "\"%s@example.org\"", user);
        break;
    default: /* a hash has to differ from time to time, for one counts once */
        (void)random_bytes(random, sizeof random);
        hex_encode(random, sizeof random, hex);
        buf_addf(b, "\"%s\"", strcmp(f->name, "user_id") == 0 ? user : hex);
        break;
    }
}

bool compose_sample(size_t k, const char *user, struct arena *arena, struct slice *out)
{
    struct buf b = BUF_INIT(SAMPLE_MAX);
    const struct event_type *type;

    if (k >= event_type_count)
        return false;
    type = table_find(slice_of(event_type_names[k]));
    buf_addf(&b, "{\"source\":\"guichet send\",\"event_type\":\"%s\"", event_type_names[k]);
    for (const struct field *f = type->field; f->kind != FIELD_END; f++)
        add_field(&b, f, user);
    buf_adds(&b, "}");
    *out = b.overflow ? SLICE_NONE : arena_copy(arena, buf_slice(&b));
    buf_free(&b);
    return out->p != NULL;
}
