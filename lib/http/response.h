/* response: an answer, and its CGI form (RFC 3875 section 6). */
#ifndef GUICHET_HTTP_RESPONSE_H
#define GUICHET_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/slice.h"

#define RESPONSE_HEADERS_MAX 12
#define RESPONSE_VALUE_MAX   240 /* bytes of one header's value */

struct response {
    int status;
    size_t nheaders;
    struct {
        const char *name; /* a literal */
        char value[RESPONSE_VALUE_MAX + 1];
    } header[RESPONSE_HEADERS_MAX];
    const char *type;  /* media type, a literal; NULL: no body */
    struct slice body; /* lives as long as the request, or for ever */
};

/* An answer without headers or body. */
void response_init(struct response *r, int status);

/* Adds a header. The value must hold no CR, LF or other control character; one that does, or is too
 * long, is left out and false returned (a programming error: values are ours). */
__attribute__((format(printf, 3, 4))) bool response_header(struct response *r, const char *name,
                                                           const char *format, ...);

/* The value of a header that was added, or NULL. */
const char *response_value(const struct response *r, const char *name);

/* Appends "Status: 200 OK\r\n...\r\n\r\nbody", with Content-Type and `X-Content-Type-Options: nosniff`
 * where there is a type, Content-Length (not with 204 and 304), and `Cache-Control: no-store` unless the answer
 * has its own. head_only leaves out the body, not its length. */
void response_write(const struct response *r, bool head_only, struct buf *out);

/* The reason phrase of a status; "" for one that is not in the table. */
const char *response_reason(int status);

#endif
