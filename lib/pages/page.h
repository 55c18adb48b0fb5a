/* page: what all pages for people share: head, navigation, style, and the headers that keep them closed.
 *
 * A page is one file: no script, no font, no image, no style from elsewhere. */
#ifndef GUICHET_PAGES_PAGE_H
#define GUICHET_PAGES_PAGE_H

#include "base/buf.h"
#include "config/config.h"
#include "http/response.h"

#define PAGE_TYPE "text/html; charset=utf-8"

/* From the start to the open <main>; `path` is the page's own, below base_path. */
void page_begin(struct buf *out, const struct config *c, const char *path, const char *title);
void page_end(struct buf *out, const char *footer);

/* Content-Security-Policy and Referrer-Policy: of a page, whose one style is named by its digest, or of
 * what is no page, which may load nothing at all. */
void page_headers(struct response *r, bool is_page);

/* Whether the client has the content already; ETag and Cache-Control are set either way, and when it has,
 * the response is made a 304. if_none_match: the request's header (RFC 9110 section 13.1.2). */
bool page_is_known(struct response *r, struct slice if_none_match, const char *cache_control);

#endif
