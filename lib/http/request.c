#include "http/request.h"

#include "base/text.h"

/* "REDIRECT_HTTP_" and the longest header anybody asks for fit; a longer name is never found. */
#define PARAM_NAME_MAX 96

static enum method read_method(struct slice name)
{
    static const struct {
        const char *name;
        enum method method;
    } row[] = {{"GET", METHOD_GET}, {"HEAD", METHOD_HEAD}, {"POST", METHOD_POST}};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        if (slice_is(name, row[i].name))
            return row[i].method;
    return METHOD_OTHER;
}

/* Tells most names apart: by length, middle and end. */
static uint8_t mark(const char *name, size_t n)
{
    return n > 0 ? (uint8_t)(n + 8U * (uint8_t)name[n / 2] + 3U * (uint8_t)name[n - 1]) : 0;
}

static void mark_names(struct request *r)
{
    for (; r->nmarks < REQUEST_MARKS && r->params[r->nmarks] != NULL; r->nmarks++) {
        const char *p = r->params[r->nmarks], *equals = strchr(p, '=');
        if (equals != NULL)
            r->mark[r->nmarks] = mark(p, (size_t)(equals - p));
    }
}

void request_init(struct request *r, char *const *params)
{
    memset(r, 0, sizeof(*r));
    r->params = params;
    mark_names(r);
    r->body_state = BODY_EMPTY;
    r->method = read_method(request_param(r, "REQUEST_METHOD", NULL));
    if (request_path(request_param(r, "REQUEST_URI", NULL), r->path, sizeof(r->path)) < 0)
        r->path[0] = '\0';
}

/* The next variable from `at` on whose name may be one with that mark, or the end. */
static size_t next_marked(const struct request *r, size_t at, uint8_t wanted)
{
    const uint8_t *found;

    if (at >= r->nmarks)
        return at;
    found = memchr(r->mark + at, wanted, r->nmarks - at);
    return found != NULL ? (size_t)(found - r->mark) : r->nmarks;
}

static struct slice find(const struct request *r, const char *name, size_t n, unsigned *times)
{
    struct slice first = SLICE_NONE;
    unsigned count = 0;
    uint8_t wanted = mark(name, n);

    for (size_t i = next_marked(r, 0, wanted); r->params[i] != NULL;
         i = next_marked(r, i + 1, wanted)) {
        const char *p = r->params[i];
        if (strncmp(p, name, n) != 0 || p[n] != '=')
            continue;
        if (count++ == 0)
            first = slice_of(p + n + 1);
    }
    if (times != NULL)
        *times = count;
    return first;
}

struct slice request_param(const struct request *r, const char *name, unsigned *times)
{
    return find(r, name, strlen(name), times);
}

/* The header's name as CGI variables have it (RFC 3875 section 4.1.18), without a prefix. */
static void variable_name(const char *header, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        char c = header[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        out[i] = c == '-' ? '_' : c;
    }
}

struct slice request_header(const struct request *r, const char *name, unsigned *times)
{
    char redirect[PARAM_NAME_MAX] = "REDIRECT_HTTP_";
    char *http = redirect + strlen("REDIRECT_"), *bare = http + strlen("HTTP_");
    size_t n = strlen(name), room = sizeof(redirect) - (size_t)(bare - redirect);
    struct slice header = {bare, n};

    if (times != NULL)
        *times = 0;
    if (n > room)
        return SLICE_NONE;
    variable_name(name, n, bare);
    if (slice_is(header, "CONTENT_TYPE") || slice_is(header, "CONTENT_LENGTH"))
        return find(r, bare, n, times);

    struct slice value = find(r, http, (size_t)(bare - http) + n, times);
    /* A rewrite rule that ran without the header leaves an empty variable behind. */
    if (value.n == 0 && slice_is(header, "AUTHORIZATION")) {
        unsigned redirected = 0;
        struct slice other = find(r, redirect, (size_t)(bare - redirect) + n, &redirected);
        if (redirected > 0) {
            if (times != NULL)
                *times = redirected;
            return other;
        }
    }
    return value;
}

bool request_is_https(const struct request *r, bool peer_trusted)
{
    if (peer_trusted) {
        unsigned times = 0;
        struct slice proto = request_header(r, "x-forwarded-proto", &times);
        /* The proxy knows how its client came; HTTPS only tells of the hop from it to us. A value
         * that a client slipped past it shows as a second parameter or a comma. */
        if (times > 0)
            return times == 1 && slice_is(proto, "https");
    }
    struct slice https = request_param(r, "HTTPS", NULL);
    return text_equal_nocase(https, SLICE_LITERAL("on")) || slice_is(https, "1");
}

struct slice request_media_type(const struct request *r)
{
    struct slice type = request_header(r, "content-type", NULL);

    if (type.n > 0) {
        const char *semicolon = memchr(type.p, ';', type.n);
        if (semicolon != NULL)
            type.n = (size_t)(semicolon - type.p);
    }
    return text_trim(type);
}
