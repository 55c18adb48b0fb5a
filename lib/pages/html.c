#include "pages/html.h"

#include <stdio.h>

#include "base/text.h"

#define REPLACEMENT "\xEF\xBF\xBD"
#define NARROW      "\xE2\x80\xAF"

static const char *reference_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static bool is_control(struct slice character)
{
    unsigned char c = (unsigned char)character.p[0];

    if (character.n == 1)
        return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
    return character.n == 2 && c == 0xC2 && (unsigned char)character.p[1] < 0xA0;
}

void html_text(struct buf *out, struct slice text)
{
    for (size_t at = 0; at < text.n && !out->overflow;) {
        size_t n = utf8_length(slice_from(text, at));
        struct slice character = {text.p + at, n > 0 ? n : 1};
        const char *reference = reference_of(character.p[0]);
        if (n == 0 || is_control(character))
            buf_adds(out, REPLACEMENT);
        else if (reference != NULL)
            buf_adds(out, reference);
        else
            buf_add_slice(out, character);
        at += character.n;
    }
}

void html_fill(struct buf *out, const char *markup, const char *const text[])
{
    for (const char *dollar; (dollar = strchr(markup, '$')) != NULL; markup = dollar + 1) {
        buf_add(out, markup, (size_t)(dollar - markup));
        if (*text == NULL) {
            out->overflow = true;
            return;
        }
        html_text(out, slice_of(*text++));
    }
    buf_adds(out, markup);
    if (*text != NULL)
        out->overflow = true;
}

void html_table_begin(struct buf *out, const char *css, const char *label, const char *of,
                      const char *const head[])
{
    html_put(out,
             "<div class=\"$wide\" tabindex=\"0\" role=\"region\" aria-label=\"$$$\"><table>"
             "<thead><tr>",
             css, label, of != NULL ? " of " : "", of != NULL ? of : "");
    for (; *head != NULL; head++)
        if (**head == '#')
            html_put(out, "<th class=\"n\" scope=\"col\">$</th>", *head + 1);
        else
            html_put(out, "<th scope=\"col\">$</th>", *head);
    buf_adds(out, "</tr></thead><tbody>\n");
}

void html_table_end(struct buf *out)
{
    buf_adds(out, "</tbody></table></div>\n");
}

const char *html_number(uint64_t v, char out[static HTML_NUMBER_ROOM])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
    size_t at = 0;

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            memcpy(out + at, NARROW, sizeof NARROW - 1);
            at += sizeof NARROW - 1;
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}
