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

/* A table that may be wider than its page, up to the open <tbody>: scrolled by itself, by keyboard too, and
 * named for those who do not see it ("label of"; of may be NULL). A head that begins with `#` is that of
 * numbers. css: further classes, or "". */
#define html_table(out, css, label, of, ...)                                                       \
    html_table_begin((out), (css), (label), (of), (const char *const[]){__VA_ARGS__, NULL})
void html_table_begin(struct buf *out, const char *css, const char *label, const char *of,
                      const char *const head[]);
void html_table_end(struct buf *out);

/* A number as text, thousands apart by a narrow no-break space (U+202F): "12 345". For html_put. */
#define HTML_NUMBER_ROOM 48
const char *html_number(uint64_t v, char out[static HTML_NUMBER_ROOM]);

#endif
