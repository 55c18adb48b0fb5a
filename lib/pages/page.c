#include "pages/page.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/text.h"
#include "pages/html.h"
#include "verify/mac.h"

/* C11 promises 4095 bytes of a literal; every compiler that serves takes more. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "page_css.h"
#pragma GCC diagnostic pop

/* A pigeonhole, drawn. `$` is ours to avoid in markup, `#` the URL's to escape. */
#define ICON                                                                                       \
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect "  \
    "width='16' height='16' rx='3' fill='%231b7347'/%3E%3Cpath d='M4 12V7a4 4 0 0 1 8 0v5z' "      \
    "fill='%23fff'/%3E%3C/svg%3E"

static void put_link(struct buf *out, const struct config *c, const char *path, const char *current,
                     const char *name)
{
    html_put(out, "<li><a href=\"$$\"", c->base_path, path);
    if (strcmp(path, current) == 0)
        buf_adds(out, " aria-current=\"page\"");
    html_put(out, ">$</a></li>", name);
}

void page_begin(struct buf *out, const struct config *c, const char *path, const char *title)
{
    buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    buf_adds(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html_put(out, "<title>$ – Guichet</title>\n<link rel=\"icon\" href=\"$\">\n<style>", title,
             ICON);
    buf_adds(out, page_css);
    buf_adds(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the content</a>\n"
                  "<header class=\"top\"><div><p><svg viewBox=\"0 0 16 16\" aria-hidden=\"true\">"
                  "<rect width=\"16\" height=\"16\" rx=\"3\" fill=\"#1b7347\"/><path "
                  "d=\"M4 12V7a4 4 0 0 1 8 0v5z\" fill=\"#fff\"/></svg>Guichet</p><nav "
                  "aria-label=\"Pages\"><ul>");
    if (c->status_page == STATUS_PAGE_PUBLIC || strcmp(path, "/status") == 0)
        put_link(out, c, "/status", path, "Status");
    put_link(out, c, "/docs", path, "Documentation");
    buf_adds(out, "</ul></nav></div></header>\n<main id=\"main\">\n");
}

void page_end(struct buf *out, const char *footer)
{
    buf_adds(out, "</main>\n<footer>");
    buf_adds(out, footer);
    buf_adds(out, "</footer>\n</body>\n</html>\n");
}

static bool digest_of(struct slice bytes, char out[static BASE64_ROOM(SHA256_BYTES)])
{
    uint8_t digest[SHA256_BYTES];

    if (!sha256(&bytes, 1, digest))
        return false;
    base64_encode(digest, sizeof digest, out);
    return true;
}

void page_headers(struct response *r, bool is_page)
{
    char digest[BASE64_ROOM(SHA256_BYTES)];

    if (is_page && digest_of(slice_of(page_css), digest))
        response_header(r, "Content-Security-Policy",
                        "default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri "
                        "'none'; form-action 'none'; frame-ancestors 'none'",
                        digest);
    else
        response_header(r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    response_header(r, "Referrer-Policy", "no-referrer");
}

/* Whether the tag, as it is written in a header, is in the list. A weak one counts as well: what is
 * asked is whether the content is the same, not each byte of its transfer. */
static bool is_listed(struct slice list, struct slice tag)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma != NULL ? (size_t)(comma - list.p) : list.n;
        struct slice one = text_trim((struct slice){list.p, n});
        if (slice_begins(one, "W/"))
            one = slice_from(one, 2);
        if (slice_is(one, "*") || slice_equal(one, tag))
            return true;
        list = comma != NULL ? slice_from(list, n + 1) : SLICE_NONE;
    }
    return false;
}

bool page_is_known(struct response *r, struct slice if_none_match, const char *cache_control)
{
    char digest[BASE64_ROOM(SHA256_BYTES)], tag[sizeof digest + 2];

    if (!digest_of(r->body, digest))
        return false;
    (void)snprintf(tag, sizeof tag, "\"%.22s\"", digest);
    response_header(r, "ETag", "%s", tag);
    response_header(r, "Cache-Control", "%s", cache_control);
    if (!is_listed(if_none_match, slice_of(tag)))
        return false;
    r->status = 304;
    return true;
}
