#include "outbox/entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "verify/mac.h"

#define MAGIC     "guichet outbox 1\n"
#define DIGEST_N  (2 * SHA256_BYTES + 1) /* with its line break */
#define STATES    "waf"
#define TRIES_MAX 9

void entry_name(const struct entry_item *i, char out[static ENTRY_NAME_ROOM])
{
    (void)snprintf(out, ENTRY_NAME_ROOM,
                   "%016" PRIx64 "-%c%" PRIu32 "-%016" PRIx64 "-%016" PRIx64 "-%08" PRIx32
                   "-%016" PRIx64,
                   i->number, STATES[i->state], i->tries % (TRIES_MAX + 1), (uint64_t)i->due_us,
                   i->lane, i->destination, i->id);
}

/* The hexadecimal number at *at, which moves behind it and the separator. */
static bool take(const char **at, size_t digits, char end, uint64_t *out)
{
    uint8_t bytes[sizeof *out];

    if (strlen(*at) < digits || (*at)[digits] != end ||
        hex_decode((struct slice){*at, digits}, bytes, sizeof bytes) != (ssize_t)(digits / 2))
        return false;
    *out = 0;
    for (size_t i = 0; i < digits / 2; i++)
        *out = *out << 8 | bytes[i];
    *at += digits + (end != '\0');
    return true;
}

bool entry_parse_name(const char *name, struct entry_item *out)
{
    char again[ENTRY_NAME_ROOM];
    const char *state, *at = name;
    uint64_t due, destination;

    if (!take(&at, 16, '-', &out->number))
        return false;
    state = *at != '\0' ? strchr(STATES, *at) : NULL;
    if (state == NULL || at[1] < '0' || at[1] > '9' || at[2] != '-')
        return false;
    out->state = (enum entry_state)(state - STATES);
    out->tries = (uint32_t)(at[1] - '0');
    at += 3;
    if (!take(&at, 16, '-', &due) || !take(&at, 16, '-', &out->lane) ||
        !take(&at, 8, '-', &destination) || !take(&at, 16, '\0', &out->id) || due > INT64_MAX)
        return false;
    out->due_us = (int64_t)due;
    out->destination = (uint32_t)destination;
    entry_name(out, again); /* upper-case digits would lead to another file */
    return strcmp(name, again) == 0;
}

static bool tag(const struct slice *part, size_t n, uint64_t *out)
{
    uint8_t digest[SHA256_BYTES];

    if (!sha256(part, n, digest))
        return false;
    *out = 0;
    for (size_t i = 0; i < sizeof *out; i++)
        *out = *out << 8 | digest[i];
    return true;
}

bool entry_id_tag(struct slice id, uint64_t *out)
{
    return tag(&id, 1, out);
}

bool entry_describe(const struct entry_content *e, struct entry_item *out)
{
    /* An event without a user waits for none but itself. */
    struct slice kind = e->user.n > 0 ? SLICE_LITERAL("\nuser\n") : SLICE_LITERAL("\nid\n");
    struct slice part[] = {e->url, kind, e->user.n > 0 ? e->user : e->id};
    uint64_t destination;

    if (!tag(part, 3, &out->lane) || !tag(part, 1, &destination) || !entry_id_tag(e->id, &out->id))
        return false;
    out->destination = (uint32_t)(destination >> 32);
    return true;
}

/* The head: a line for each of these, in this order, and an empty one. */
static const struct {
    const char *name;
    size_t offset;
} lines[] = {
    {"url: ", offsetof(struct entry_content, url)},
    {"api-key: ", offsetof(struct entry_content, api_key)},
    {"secret: ", offsetof(struct entry_content, secret)},
    {"id: ", offsetof(struct entry_content, id)},
    {"event-type: ", offsetof(struct entry_content, type)},
    {"timestamp: ", offsetof(struct entry_content, timestamp)},
};
#define NLINES (sizeof lines / sizeof lines[0])

static const struct slice *line_of(const struct entry_content *e, size_t i)
{
    return (const struct slice *)(const void *)((const char *)e + lines[i].offset);
}

bool entry_write(const struct entry_content *e, struct buf *out)
{
    struct buf rest = BUF_INIT(ENTRY_FILE_MAX);
    uint8_t digest[SHA256_BYTES];
    char hex[DIGEST_N];
    struct slice s;
    bool ok = true;

    for (size_t i = 0; i < NLINES; i++) {
        struct slice value = *line_of(e, i);
        ok = ok && value.n <= ENTRY_LINE_MAX &&
             (value.n == 0 || memchr(value.p, '\n', value.n) == NULL);
        buf_adds(&rest, lines[i].name);
        buf_add_slice(&rest, value);
        buf_adds(&rest, "\n");
    }
    buf_adds(&rest, "\n");
    buf_add_slice(&rest, e->body);
    s = buf_slice(&rest);
    ok = ok && !rest.overflow && sha256(&s, 1, digest);
    if (ok) {
        hex_encode(digest, sizeof digest, hex);
        buf_adds(out, MAGIC);
        buf_adds(out, hex);
        buf_adds(out, "\n");
        buf_add_slice(out, s);
    }
    buf_free(&rest);
    return ok && !out->overflow;
}

bool entry_read(struct slice bytes, struct entry_content *out)
{
    const size_t head = strlen(MAGIC) + DIGEST_N;
    uint8_t digest[SHA256_BYTES];
    char hex[DIGEST_N];
    struct slice rest;

    *out = (struct entry_content){.url = SLICE_NONE};
    if (bytes.n < head || !slice_begins(bytes, MAGIC) || bytes.p[head - 1] != '\n')
        return false;
    rest = slice_from(bytes, head);
    if (!sha256(&rest, 1, digest))
        return false;
    hex_encode(digest, sizeof digest, hex);
    if (memcmp(bytes.p + strlen(MAGIC), hex, DIGEST_N - 1) != 0)
        return false;
    for (size_t i = 0; i < NLINES; i++) {
        const char *end = rest.n > 0 ? memchr(rest.p, '\n', rest.n) : NULL;
        size_t name_n = strlen(lines[i].name);
        if (end == NULL || !slice_begins(rest, lines[i].name))
            return false;
        *(struct slice *)(void *)((char *)out + lines[i].offset) =
            (struct slice){rest.p + name_n, (size_t)(end - rest.p) - name_n};
        rest = slice_from(rest, (size_t)(end - rest.p) + 1);
    }
    if (rest.n == 0 || rest.p[0] != '\n')
        return false;
    out->body = slice_from(rest, 1);
    return true;
}
