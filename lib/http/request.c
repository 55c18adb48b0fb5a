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

static void measure_names(struct request *r)
{
    for (size_t i = 0; i < REQUEST_NAMES && r->params[i] != NULL; i++) {
        const char *equals = strchr(r->params[i], '=');
        if (equals != NULL && equals - r->params[i] <= UINT8_MAX)
            r->name_bytes[i] = (uint8_t)(equals - r->params[i]);
    }
}

void request_init(struct request *r, char *const *params)
{
    memset(r, 0, sizeof(*r));
    r->params = params;
    measure_names(r);
    r->body_state = BODY_EMPTY;
    r->method = read_method(request_param(r, "REQUEST_METHOD", NULL));
    if (request_path(request_param(r, "REQUEST_URI", NULL), r->path, sizeof(r->path)) < 0)
        r->path[0] = '\0';
}

struct slice request_param(const struct request *r, const char *name, unsigned *times)
{
    struct slice first = SLICE_NONE;
    unsigned count = 0;
    size_t n = strlen(name);

    for (size_t i = 0; r->params[i] != NULL; i++) {
        const char *p = r->params[i];
        if (i < REQUEST_NAMES && r->name_bytes[i] != 0 && r->name_bytes[i] != n)
            continue;
        if (strncmp(p, name, n) != 0 || p[n] != '=')
            continue;
        if (count++ == 0)
            first = slice_of(p + n + 1);
    }
    if (times != NULL)
        *times = count;
    return first;
}

/* The CGI variable that carries the header (RFC 3875 section 4.1.18). False if the name is too long. */
static bool param_name(const char *header, const char *prefix, char out[static PARAM_NAME_MAX + 1])
{
    size_t at = strlen(prefix);
    size_t n = strlen(header);

    if (n > PARAM_NAME_MAX - at)
        return false;
    memcpy(out, prefix, at);
    for (size_t i = 0; i < n; i++) {
        char c = header[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        out[at + i] = c == '-' ? '_' : c;
    }
    out[at + n] = '\0';
    return true;
}

static struct slice prefixed_header(const struct request *r, const char *prefix, const char *name,
                                    unsigned *times)
{
    char param[PARAM_NAME_MAX + 1];

    if (param_name(name, prefix, param))
        return request_param(r, param, times);
    if (times != NULL)
        *times = 0;
    return SLICE_NONE;
}

struct slice request_header(const struct request *r, const char *name, unsigned *times)
{
    struct slice header = slice_of(name);

    if (text_equal_nocase(header, SLICE_LITERAL("content-type")) ||
        text_equal_nocase(header, SLICE_LITERAL("content-length")))
        return prefixed_header(r, "", name, times);

    struct slice value = prefixed_header(r, "HTTP_", name, times);
    /* A rewrite rule that ran without the header leaves an empty variable behind. */
    if (value.n == 0 && text_equal_nocase(header, SLICE_LITERAL("authorization"))) {
        unsigned redirected = 0;
        struct slice other = prefixed_header(r, "REDIRECT_HTTP_", name, &redirected);
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
