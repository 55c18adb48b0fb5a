#include "http/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

void response_init(struct response *r, int status)
{
    r->status = status;
    r->nheaders = 0;
    r->type = NULL;
    r->body = SLICE_NONE;
}

static bool has_control(const char *value)
{
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20 || *value == 0x7F)
            return true;
    return false;
}

bool response_header(struct response *r, const char *name, const char *format, ...)
{
    if (r->nheaders == RESPONSE_HEADERS_MAX)
        return false;

    char *value = r->header[r->nheaders].value;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(value, RESPONSE_VALUE_MAX + 1, format, args);
    va_end(args);
    if (n < 0 || n > RESPONSE_VALUE_MAX || has_control(value))
        return false;
    r->header[r->nheaders++].name = name;
    return true;
}

const char *response_value(const struct response *r, const char *name)
{
    for (size_t i = 0; i < r->nheaders; i++)
        if (strcasecmp(r->header[i].name, name) == 0)
            return r->header[i].value;
    return NULL;
}

void response_write(const struct response *r, bool head_only, struct buf *out)
{
    /* RFC 9110 section 6.4.1: these have no content, whatever its length would have been. */
    bool no_content = r->status == 204 || r->status == 304;

    buf_adds(out, "Status: ");
    buf_add_i64(out, r->status);
    buf_adds(out, " ");
    buf_adds(out, response_reason(r->status));
    if (r->type != NULL && !no_content) {
        buf_adds(out, "\r\nContent-Type: ");
        buf_adds(out, r->type);
        buf_adds(out, "\r\nX-Content-Type-Options: nosniff");
    }
    if (!no_content) {
        buf_adds(out, "\r\nContent-Length: ");
        buf_add_u64(out, r->body.n);
    }
    /* An answer is about one delivery or one moment; none may be given twice by a cache. */
    if (response_value(r, "Cache-Control") == NULL)
        buf_adds(out, "\r\nCache-Control: no-store");
    for (size_t i = 0; i < r->nheaders; i++) {
        buf_adds(out, "\r\n");
        buf_adds(out, r->header[i].name);
        buf_adds(out, ": ");
        buf_adds(out, r->header[i].value);
    }
    buf_adds(out, "\r\n\r\n");
    if (!head_only && !no_content)
        buf_add_slice(out, r->body);
}

const char *response_reason(int status)
{
    /* RFC 9110 section 15 and RFC 6585. */
    static const struct {
        int status;
        const char *reason;
    } row[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        if (row[i].status == status)
            return row[i].reason;
    return "";
}
