#include "http/request.h"

#define BODY_FIRST_ROOM ((size_t)16 * 1024)
#define BODY_GROWTH     4
#define DRAIN_BYTES     4096

enum length_form { LENGTH_NONE, LENGTH_NUMBER, LENGTH_BAD };

/* Content-Length = 1*DIGIT (RFC 9110 section 8.6); a number beyond 64 bits counts as the largest. */
static enum length_form content_length(const struct request *r, uint64_t *out)
{
    struct slice text = request_header(r, "content-length", NULL);
    uint64_t v = 0;

    if (text.n == 0) /* nginx passes an empty one where there is none */
        return LENGTH_NONE;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return LENGTH_BAD;
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        v = v > (UINT64_MAX - digit) / 10 ? UINT64_MAX : v * 10 + digit;
    }
    *out = v;
    return LENGTH_NUMBER;
}

/* The bytes that are kept. */
struct keep {
    struct arena *arena;
    char *p;
    size_t n;
    size_t room;
    size_t first; /* room to begin with */
    size_t max;   /* n never passes this */
    bool no_memory;
};

/* Makes room for more bytes to keep; false when no more are kept. */
static bool keep_more(struct keep *k)
{
    if (k->n < k->room)
        return true;
    if (k->room >= k->max)
        return false;

    size_t room = k->max;
    if (k->room == 0 && k->first < k->max)
        room = k->first;
    else if (k->room > 0 && k->room < k->max / BODY_GROWTH)
        room = k->room * BODY_GROWTH;
    char *p = arena_raw(k->arena, room);
    if (p == NULL) {
        k->no_memory = true;
        k->max = k->room;
        return false;
    }
    if (k->n > 0)
        memcpy(p, k->p, k->n);
    k->p = p;
    k->room = room;
    return true;
}

/* Reads until the end, or at most `until` bytes; counts all in r->body_bytes and keeps what k allows.
 * There is no other limit: what is left unread would break the connection for the requests behind this
 * one, and the web server's own limits and timeouts bound it. False when the stream broke. */
static bool read_all(struct request *r, const struct body_source *from, uint64_t until,
                     struct keep *k)
{
    char drain[DRAIN_BYTES];

    while (r->body_bytes < until) {
        bool keeping = keep_more(k);
        /* cppcheck-suppress legacyUninitvar ; it is written into */
        char *to = keeping ? k->p + k->n : drain;
        size_t room = keeping ? k->room - k->n : sizeof(drain);
        if (room > until - r->body_bytes)
            room = (size_t)(until - r->body_bytes);
        ssize_t got = from->read(from->ctx, to, room);
        if (got < 0)
            return false;
        if (got == 0)
            break;
        r->body_bytes += (uint64_t)got;
        if (keeping)
            k->n += (size_t)got;
    }
    return from->broken == NULL || !from->broken(from->ctx);
}

bool request_read_body(struct request *r, const struct body_source *from, size_t max_body,
                       struct arena *arena)
{
    uint64_t length = 0;
    enum length_form form = content_length(r, &length);
    bool known = form == LENGTH_NUMBER;
    struct keep k = {.arena = arena, .first = BODY_FIRST_ROOM, .max = max_body};
    uint64_t until = UINT64_MAX;

    if (form == LENGTH_BAD || (known && length > max_body))
        k.max = 0; /* refused already: only drained */
    else if (known)
        k.first = k.max = (size_t)length;
    if (from->need_length) {
        /* A CGI program must not read beyond Content-Length (RFC 3875 section 4.2), where a server may
         * leave the pipe open. Only a chunked body comes without one. */
        bool chunked = request_header(r, "transfer-encoding", NULL).n > 0;
        until = known ? length : form == LENGTH_BAD || chunked ? UINT64_MAX : 0;
    }

    r->body_bytes = 0;
    bool whole = read_all(r, from, until, &k);

    if ((known && length > max_body) || r->body_bytes > max_body)
        r->body_state = BODY_TOO_LARGE;
    else if (!whole || form == LENGTH_BAD || (known && r->body_bytes != length))
        r->body_state = BODY_TRUNCATED;
    else if (from->need_length && !known)
        r->body_state = BODY_NO_LENGTH;
    else
        r->body_state = r->body_bytes == 0 ? BODY_EMPTY : BODY_WHOLE;
    r->body = r->body_state == BODY_WHOLE && !k.no_memory ? (struct slice){k.p, k.n} : SLICE_NONE;
    return !k.no_memory;
}
