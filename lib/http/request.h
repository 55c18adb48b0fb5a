/* request: one request as a web server hands it over by FastCGI or CGI.
 *
 * The transport fills a struct request: the CGI variables as they came, and the body through
 * request_read_body. Nothing else is known of a transport. Everything points into memory that lives
 * as long as the request. */
#ifndef GUICHET_HTTP_REQUEST_H
#define GUICHET_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/arena.h"
#include "base/slice.h"

#define REQUEST_PATH_MAX 1024 /* bytes of the path, decoded but not yet normalised */
#define REQUEST_MARKS    64   /* variables whose names are marked ahead */

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OTHER };

/* What became of the body. */
enum body_state {
    BODY_WHOLE,
    BODY_EMPTY,     /* nothing came */
    BODY_TRUNCATED, /* not as long as Content-Length, or the transport saw it break off */
    BODY_TOO_LARGE, /* by Content-Length, or by the bytes that came */
    BODY_NO_LENGTH  /* plain CGI, where only Content-Length can show a truncation */
};

struct request {
    char *const *params; /* CGI variables "NAME=value", NULL-terminated; a name may come twice */
    uint8_t mark[REQUEST_MARKS]; /* of the first names, so that few need comparing */
    size_t nmarks;
    enum method method;
    char path[REQUEST_PATH_MAX + 1]; /* see request_path; "" when it cannot be read */
    struct slice body;               /* empty unless body_state is BODY_WHOLE */
    enum body_state body_state;
    uint64_t body_bytes; /* bytes that came, kept or not */
    int64_t received_us; /* calendar time */
    int64_t started_us;  /* monotonic, for the duration */
};

/* Where body bytes come from. `read` fills at most n bytes and returns their number, 0 at the end, -1
 * when the stream broke. `broken` (may be NULL) tells after the end whether it was a true end. */
struct body_source {
    ssize_t (*read)(void *ctx, char *out, size_t n);
    bool (*broken)(void *ctx);
    void *ctx;
    bool need_length; /* plain CGI: never read beyond Content-Length, and without one only a body
                       * that Transfer-Encoding announces (RFC 3875 section 4.2) */
};

/* Sets method and path from the variables and everything else to nothing; the transport sets the
 * times afterwards. `params` must outlive the request. */
void request_init(struct request *r, char *const *params);

/* Reads the body to its end, always, keeping at most max_body bytes in arena memory, and sets body,
 * body_state and body_bytes. Content-Length counts where it is a number (RFC 9110 section 8.6); one that
 * is none and not empty makes the body BODY_TRUNCATED. Takes at most max_body of the arena when the
 * length is told, and at most 7/3 of it (growing leaves copies behind) when it is not. False when
 * memory is short; the body was read to its end all the same. */
bool request_read_body(struct request *r, const struct body_source *from, size_t max_body,
                       struct arena *arena);

/* The value of a CGI variable, the first if it came more than once; p == NULL when it is absent.
 * *times (may be NULL) gets how often it came. */
struct slice request_param(const struct request *r, const char *name, unsigned *times);

/* The header of that name, e.g. "x-t4g-signature" (HTTP_X_T4G_SIGNATURE; content-type and
 * content-length have no prefix). Like request_param. For `authorization`, also what a rewrite left as
 * REDIRECT_HTTP_AUTHORIZATION. */
struct slice request_header(const struct request *r, const char *name, unsigned *times);

/* The path of a request target, from REQUEST_URI alone (SCRIPT_NAME and PATH_INFO differ with every
 * server and mount): cut at `?` or `#`, an absolute form stripped, decoded once, `//` and dot segments
 * collapsed; a trailing slash stays. Returns its length, or -1: no origin or absolute form, more than
 * room - 1 bytes after decoding, a bad escape, an encoded slash, a control character, or dots that lead
 * above the root. out gets a NUL when there is a length. */
ssize_t request_path(struct slice target, char *out, size_t room);

/* The query of the request target, likewise from REQUEST_URI alone: name=value with & between. Gives the
 * values of those names; p == NULL: it is not there. Nothing is decoded: what is asked for so is plain.
 * False: another name is there, or one of these twice, or a part without `=`; *wrong is that part. */
struct query_field {
    const char *name;
    struct slice value;
};
bool request_query(const struct request *r, struct query_field *field, size_t n,
                   struct slice *wrong);

/* Whether the request came over TLS. When the peer is trusted and sends X-Forwarded-Proto, that alone
 * counts: exactly one "https". Else HTTPS must be "on" or "1". */
bool request_is_https(const struct request *r, bool peer_trusted);

/* Media type of Content-Type without parameters, trimmed; empty when absent. */
struct slice request_media_type(const struct request *r);

#endif
