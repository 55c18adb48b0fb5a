#include "verify/diagnose_search.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "verify/diagnose_digest.h"
#include "verify/diagnose_key.h"
#include "verify/mac.h"

#define COUNT(array)   ((sizeof(array)) / sizeof((array)[0]))
#define CONTENTS_MAX   16
#define BODIES_MAX     (DIAGNOSE_BODIES_MAX + 12)
#define DEVIATIONS_MAX 2  /* mistakes of key, hash, content and body made at the same time */
#define PREFIX_MAX     24 /* bytes of a prefix that is shown */

/* A body as it is hashed: something before it, it, something after it. */
struct form {
    const char *what; /* NULL: as it came */
    const char *before;
    struct slice body;
    const char *after;
};

struct content {
    const char *what; /* NULL: the scheme's own */
    const char *content;
    bool url; /* the URL before it */
};

struct search {
    const struct diagnose_case *c;
    struct diagnosis *out;
    uint64_t work_left;
    const struct diagnose_shown *shown;
    size_t at; /* the secret at hand */
    struct diagnose_key key[DIAGNOSE_KEYS_MAX];
    size_t nkeys;
    struct content content[CONTENTS_MAX];
    size_t ncontents;
    struct form form[BODIES_MAX];
    size_t nforms;
    char *other_breaks; /* the body with the other kind of line breaks */
};

static const struct {
    const char *what;
    size_t bytes;
} hashes[] = {
    [MAC_SHA256] = {NULL, 32},
    [MAC_SHA1] = {"the signature is made with SHA-1, where SHA-256 is due", 20},
    [MAC_SHA512] = {"the signature is made with SHA-512, where SHA-256 is due", 64},
};

void diagnose_say(struct diagnosis *out, const char *format, ...)
{
    size_t n = strlen(out->text);
    va_list args;

    if (n > 0 && n + 2 < sizeof out->text) {
        memcpy(out->text + n, "; ", 3);
        n += 2;
    }
    va_start(args, format);
    (void)vsnprintf(out->text + n, sizeof out->text - n, format, args);
    va_end(args);
}

/* --- what is tried -------------------------------------------------------------------------------- */

static void add_form(struct search *s, const char *what, const char *before, struct slice body,
                     const char *after)
{
    if (s->nforms < BODIES_MAX)
        s->form[s->nforms++] = (struct form){what, before, body, after};
}

/* CRLF for LF, or LF for CRLF: what a body went through that was handled as text. */
static void add_other_breaks(struct search *s, struct slice body)
{
    bool dos = body.n > 1 && memmem(body.p, body.n, "\r\n", 2) != NULL;
    size_t n = 0;

    if (body.n == 0 || memchr(body.p, '\n', body.n) == NULL)
        return;
    s->other_breaks = malloc(2 * body.n);
    if (s->other_breaks == NULL)
        return;
    for (size_t i = 0; i < body.n; i++) {
        if (dos && body.p[i] == '\r' && i + 1 < body.n && body.p[i + 1] == '\n')
            continue;
        if (!dos && body.p[i] == '\n')
            s->other_breaks[n++] = '\r';
        s->other_breaks[n++] = body.p[i];
    }
    add_form(s,
             dos ? "with LF for CRLF at the ends of its lines"
                 : "with CRLF for LF at the ends of its lines",
             "", (struct slice){s->other_breaks, n}, "");
}

static struct slice without_white_space(struct slice s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL)
        s = slice_from(s, 1);
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
        s.n--;
    return s;
}

static void list_forms(struct search *s)
{
    struct slice body = s->c->request->body, trimmed = without_white_space(body);

    add_form(s, NULL, "", body, "");
    if (body.n > 0 && body.p[body.n - 1] == '\n')
        add_form(s, "without the newline at its end", "", (struct slice){body.p, body.n - 1}, "");
    if (trimmed.n != body.n)
        add_form(s, "trimmed of white space at its ends", "", trimmed, "");
    add_form(s, "with a newline at its end", "", body, "\n");
    add_form(s, "with a carriage return and a newline at its end", "", body, "\r\n");
    for (size_t i = 0; i < s->c->nbodies; i++)
        add_form(s, s->c->body[i].what, "", s->c->body[i].body, "");
    add_other_breaks(s, body);
    if (slice_begins(body, "\xEF\xBB\xBF"))
        add_form(s, "without the byte order mark at its start", "", slice_from(body, 3), "");
    add_form(s, "with a byte order mark at its start", "\xEF\xBB\xBF", body, "");
    add_form(s, "when it is empty: the sender signs before it has the body, or the body was lost",
             "", SLICE_NONE, "");
}

static void add_content(struct search *s, const char *what, const char *content, bool url)
{
    for (size_t i = 0; i < s->ncontents; i++)
        if (strcmp(s->content[i].content, content) == 0 && s->content[i].url == url)
            return;
    if ((strstr(content, "{time}") != NULL && s->shown->time.n == 0) ||
        (strstr(content, "{id}") != NULL && s->shown->id.n == 0) || (url && s->c->url.n == 0))
        return;
    if (s->ncontents < CONTENTS_MAX)
        s->content[s->ncontents++] = (struct content){what, content, url};
}

static void list_contents(struct search *s)
{
    static const struct content more[] = {
        {"the time and the body without anything between them", "{time}{body}", false},
        {"the time, a colon and the body, as Paddle does", "{time}:{body}", false},
        {"`v0:`, the time, a colon and the body, as Slack and Zoom do", "v0:{time}:{body}", false},
        {"the body, a full stop and the time", "{body}.{time}", false},
        {"the id and the body", "{id}.{body}", false},
        {"the URL and the body, as Square does", "{body}", true},
    };

    add_content(s, NULL, s->c->scheme->content, false);
    for (size_t i = 0; i < scheme_count; i++)
        add_content(s, scheme_table[i].name, scheme_table[i].content, false);
    for (size_t i = 0; i < COUNT(more); i++)
        add_content(s, more[i].what, more[i].content, more[i].url);
}

/* --- the search ------------------------------------------------------------------------------------ */

struct guess {
    size_t key, hash, content, form;
};

static size_t weight(const struct search *s, const struct guess *g)
{
    return (size_t)(s->key[g->key].what != NULL) + (hashes[g->hash].what != NULL) +
           (s->content[g->content].what != NULL) + (s->form[g->form].what != NULL);
}

/* The pieces that are hashed; 0 when the content cannot be made. */
static size_t pieces(const struct search *s, const struct guess *g,
                     struct slice out[static SCHEME_PARTS_MAX + 3])
{
    static const char mark[1];
    const struct form *f = &s->form[g->form];
    struct scheme scheme = *s->c->scheme;
    struct slice part[SCHEME_PARTS_MAX];
    size_t n = 0, nparts;

    scheme.content = s->content[g->content].content;
    nparts = scheme_content(&scheme, s->shown->id, s->shown->time, (struct slice){mark, 1}, part);
    if (s->content[g->content].url)
        out[n++] = s->c->url;
    for (size_t i = 0; i < nparts; i++) {
        if (part[i].p != mark) {
            out[n++] = part[i];
            continue;
        }
        out[n++] = slice_of(f->before);
        out[n++] = f->body;
        out[n++] = slice_of(f->after);
    }
    return nparts > 0 ? n : 0;
}

/* The digest that was shown; NULL if it is none of them. One that was cut counts, the whole ones
 * before it. */
static const struct diagnose_digest *match(const struct search *s, const uint8_t *mac, size_t n)
{
    const struct diagnose_digest *cut = NULL;

    for (size_t i = 0; i < s->shown->ndigests; i++) {
        const struct diagnose_digest *d = &s->shown->digest[i];
        if (d->n > n || !equal_constant_time(d->bytes, mac, d->n))
            continue;
        if (d->n == n)
            return d;
        cut = d;
    }
    return cut;
}

static const struct diagnose_digest *try_guess(struct search *s, const struct guess *g)
{
    struct slice part[SCHEME_PARTS_MAX + 3];
    const struct diagnose_key *k = &s->key[g->key];
    uint8_t mac[MAC_BYTES_MAX];
    size_t nparts = pieces(s, g, part), n;
    uint64_t work = DIAGNOSE_TRY_BYTES + s->form[g->form].body.n;

    if (nparts == 0)
        return NULL;
    if (work > s->work_left) {
        s->out->complete = false;
        return NULL;
    }
    s->work_left -= work;
    s->out->tried++;
    n = mac_once((enum mac_hash)g->hash, k->bytes, k->n, part, nparts, mac);
    return n == hashes[g->hash].bytes ? match(s, mac, n) : NULL;
}

/* --- telling --------------------------------------------------------------------------------------- */

static bool prefix_is_due(const struct scheme *scheme, struct slice prefix, char *due, size_t room)
{
    const char *separator = scheme->syntax == SYNTAX_PREFIX ? ""
                            : scheme->syntax == SYNTAX_LIST ? ","
                                                            : "=";

    for (size_t i = SCHEME_PREFIXES_MAX; i-- > 0;) {
        if (scheme->prefix[i] == NULL)
            continue;
        (void)snprintf(due, room, "%s%s", scheme->prefix[i], separator);
        if (slice_is(prefix, due))
            return true;
    }
    return false;
}

static void tell_digest(struct search *s, const struct diagnose_digest *d, size_t due_bytes)
{
    const struct scheme *scheme = s->c->scheme;
    enum digest_writing writing = scheme->digest == ENCODING_BASE64 ? WRITTEN_BASE64 : WRITTEN_HEX;
    char due[PREFIX_MAX];

    if (d->writing != writing)
        diagnose_say(s->out, "the digest is written in %s where %s is due",
                     digest_writing_name[d->writing], digest_writing_name[writing]);
    if (d->n < due_bytes)
        diagnose_say(s->out, "the digest is cut to %zu of %zu bytes", d->n, due_bytes);
    if (prefix_is_due(scheme, d->prefix, due, sizeof due))
        return;
    if (d->prefix.n == 0)
        diagnose_say(s->out, "the digest stands alone in %s, where `%s` is due before it",
                     scheme->header, due);
    else if (text_is_plain(d->prefix, 1, PREFIX_MAX))
        diagnose_say(s->out, "`%.*s` stands before the digest in %s, where `%s` is due",
                     (int)d->prefix.n, d->prefix.p, scheme->header, due);
    else
        diagnose_say(s->out, "something else than `%s` stands before the digest in %s", due,
                     scheme->header);
}

static void tell(struct search *s, const struct guess *g, const struct diagnose_digest *d)
{
    const struct content *content = &s->content[g->content];
    const struct form *form = &s->form[g->form];

    s->out->found = true;
    if (s->key[g->key].n > 0)
        s->out->secret = s->at;
    if (s->key[g->key].what != NULL)
        diagnose_say(s->out, "%s", s->key[g->key].what);
    if (hashes[g->hash].what != NULL)
        diagnose_say(s->out, "%s", hashes[g->hash].what);
    if (content->what != NULL && scheme_find(content->what) != NULL)
        diagnose_say(
            s->out,
            "the signature is one of the scheme %s, which signs `%s`, where %s signs `%s`; is the "
            "provider's scheme the right one?",
            content->what, content->content, s->c->scheme->name, s->c->scheme->content);
    else if (content->what != NULL)
        diagnose_say(s->out, "the sender signs %s, where %s signs `%s`", content->what,
                     s->c->scheme->name, s->c->scheme->content);
    if (form->what != NULL)
        diagnose_say(
            s->out,
            "the signature is that of the body %s, not of the bytes that came: the sender must "
            "sign the very bytes that it sends, and nothing on the way may change them",
            form->what);
    tell_digest(s, d, hashes[g->hash].bytes);
}

/* All combinations of that many mistakes, for the secret at hand. */
static bool search_weight(struct search *s, size_t mistakes)
{
    struct guess g;

    for (g.key = 0; g.key < s->nkeys; g.key++)
        for (g.hash = 0; g.hash < COUNT(hashes); g.hash++)
            for (g.content = 0; g.content < s->ncontents; g.content++)
                for (g.form = 0; g.form < s->nforms; g.form++) {
                    const struct diagnose_digest *d =
                        weight(s, &g) == mistakes ? try_guess(s, &g) : NULL;
                    if (d == NULL)
                        continue;
                    tell(s, &g, d);
                    return true;
                }
    return false;
}

static bool search_secrets(struct search *s, const struct secret_text *secret, size_t n)
{
    bool found = false;

    for (size_t mistakes = 0; mistakes <= DEVIATIONS_MAX && !found; mistakes++)
        for (size_t i = 0; i < n && !found; i++) {
            s->at = i;
            s->nkeys = diagnose_keys(s->c->scheme->key, &secret[i], s->key);
            found = search_weight(s, mistakes);
        }
    return found;
}

/* The API key where the secret is due: the two were swapped. */
static bool search_api_keys(struct search *s)
{
    if (s->c->napi_keys == 0 || !search_secrets(s, s->c->api_key, s->c->napi_keys))
        return false;
    s->out->secret = s->c->nsecrets;
    diagnose_say(s->out, "the sender signs with the API key, not with the secret");
    return true;
}

bool diagnose_search(const struct diagnose_case *c, const struct diagnose_shown *shown,
                     struct diagnosis *out)
{
    struct search *s = calloc(1, sizeof *s); /* over 20 KiB: not for the stack */
    bool found;

    if (s == NULL)
        return false;
    s->c = c;
    s->shown = shown;
    s->out = out;
    s->work_left = c->work_max;
    list_contents(s);
    list_forms(s);
    found = search_secrets(s, c->secret, c->nsecrets) || search_api_keys(s);
    free(s->other_breaks);
    explicit_bzero(s, sizeof *s);
    free(s);
    return found;
}
