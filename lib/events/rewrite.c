#include "events/rewrite.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* 15 digits are what a double surely holds: 49.9 stays 49.9. */
#define NUMBERS JSON_REAL_PRECISION(15)

static const struct {
    const char *what;
    size_t flags;
} styles[] = {
    {"re-serialised without white space (JSON.stringify)", JSON_COMPACT},
    {"re-serialised with a space behind commas and colons (json.dumps)", JSON_ENSURE_ASCII},
    {"re-serialised with a space behind commas and colons, non-ASCII as it stands", 0},
    {"re-serialised without white space, non-ASCII escaped (json.dumps with separators)",
     JSON_COMPACT | JSON_ENSURE_ASCII},
    {"re-serialised with slashes and non-ASCII escaped (PHP's json_encode)",
     JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ESCAPE_SLASH},
    {"re-serialised without white space, members sorted", JSON_COMPACT | JSON_SORT_KEYS},
    {"re-serialised with a space behind commas and colons, members sorted (json.dumps with "
     "sort_keys)",
     JSON_ENSURE_ASCII | JSON_SORT_KEYS},
    {"pretty-printed by 2 spaces", JSON_INDENT(2)},
    {"pretty-printed by 4 spaces", JSON_INDENT(4)},
    {"pretty-printed by 2 spaces, members sorted", JSON_INDENT(2) | JSON_SORT_KEYS},
    {"pretty-printed by 2 spaces, non-ASCII escaped (json.dumps with indent)",
     JSON_INDENT(2) | JSON_ENSURE_ASCII},
    {"pretty-printed by 4 spaces, non-ASCII escaped (json.dumps with indent)",
     JSON_INDENT(4) | JSON_ENSURE_ASCII},
    {"pretty-printed by 4 spaces, with slashes and non-ASCII escaped (PHP)",
     JSON_INDENT(4) | JSON_ENSURE_ASCII | JSON_ESCAPE_SLASH},
};

/* Takes over `text`. */
static size_t keep(struct rewrite *out, size_t n, struct slice body, const char *what, char *text,
                   size_t length)
{
    struct slice fresh = {text, length};
    bool known = text == NULL || n == REWRITE_MAX || slice_equal(fresh, body);

    for (size_t i = 0; i < n && !known; i++)
        known = slice_equal(fresh, (struct slice){out[i].text, out[i].n});
    if (known) {
        free(text);
        return n;
    }
    out[n] = (struct rewrite){what, text, length};
    return n + 1;
}

/* Jansson writes \u00E9, the usual libraries \u00e9. */
static void write_escapes_small(char *text)
{
    while ((text = strchr(text, '\\')) != NULL) {
        bool number = text[1] == 'u';
        text += 2;
        for (size_t i = 0; number && i < 4; i++, text++)
            if (*text >= 'A' && *text <= 'F')
                *text = (char)(*text - 'A' + 'a');
    }
}

static size_t dump(struct rewrite *out, size_t n, struct slice body, const char *what,
                   const json_t *value, size_t flags)
{
    char *text = json_dumps(value, flags);

    if (text != NULL)
        write_escapes_small(text);
    return keep(out, n, body, what, text, text != NULL ? strlen(text) : 0);
}

/* The body as a text within JSON: serialised twice. */
static size_t escape(struct rewrite *out, size_t n, struct slice body)
{
    json_t *text = json_stringn(body.p, body.n);

    if (text == NULL)
        return n;
    n = dump(out, n, body, "JSON-escaped: serialised a second time, in quotes", text,
             JSON_ENCODE_ANY);
    json_decref(text);
    return n;
}

static size_t unescape(struct rewrite *out, size_t n, struct slice body, const json_t *root)
{
    size_t length = json_string_length(root);
    char *text = malloc(length + 1);

    if (text == NULL)
        return n;
    memcpy(text, json_string_value(root), length);
    return keep(out, n, body, "before it was JSON-escaped and put in quotes", text, length);
}

size_t rewrite_all(struct slice body, struct rewrite out[static REWRITE_MAX])
{
    json_t *root =
        body.n > 0 ? json_loadb(body.p, body.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    size_t n = 0;

    if (root == NULL)
        return 0;
    if (json_is_string(root))
        n = unescape(out, n, body, root);
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
        n = dump(out, n, body, styles[i].what, root, styles[i].flags | NUMBERS | JSON_ENCODE_ANY);
    n = escape(out, n, body);
    json_decref(root);
    return n;
}

void rewrite_free(struct rewrite *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        explicit_bzero(r[i].text, r[i].n);
        free(r[i].text);
    }
}
