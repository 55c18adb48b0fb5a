/* html: markup with text in it, escaped, into a bounded buffer. */
#ifndef GUICHET_PAGES_HTML_H
#define GUICHET_PAGES_HTML_H

#include "base/buf.h"

/* Appends the markup; each `$` in it stands for the next text, escaped for content and for attribute
 * values in double quotes: & < > " and ' become references, control characters (C0 but tab and newline,
 * DEL, C1) and bytes that are not UTF-8 become U+FFFD. Markup is a literal of ours; all else is a text. A
 * `$` without a text, and a text without a `$`, is a programming error and marks the buffer as overflowed. */
#define html_put(out, markup, ...)                                                                 \
    html_fill((out), (markup), (const char *const[]){__VA_ARGS__, NULL})
void html_fill(struct buf *out, const char *markup, const char *const text[]);

/* Appends the text alone, escaped. */
void html_text(struct buf *out, struct slice text);

/* A number as text, thousands apart by a narrow no-break space (U+202F): "12 345". For html_put. */
#define HTML_NUMBER_ROOM 48
const char *html_number(uint64_t v, char out[static HTML_NUMBER_ROOM]);

#endif
