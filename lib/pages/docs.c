#include "pages/docs.h"

#include "pages/docs_parts.h"
#include "pages/html.h"
#include "pages/page.h"
#include "pages/wording.h"

const struct config_provider *docs_sender(const struct config *c)
{
    for (size_t i = 0; i < c->nproviders; i++)
        if (scheme_find(c->provider[i].scheme)->typed && !c->provider[i].retired)
            return &c->provider[i];
    return NULL;
}

static void put_contents(const struct config *c, struct buf *out)
{
    buf_adds(out, "<nav aria-label=\"Contents\"><ul class=\"contents\">"
                  "<li><a href=\"#paths\">Paths</a></li>");
    for (size_t i = 0; i < c->nproviders; i++)
        if (!c->provider[i].retired)
            html_put(out, "<li><a href=\"#provider-$\">Webhooks of $</a></li>", c->provider[i].name,
                     c->provider[i].name);
    if (docs_has_signing(c))
        buf_adds(out, "<li><a href=\"#signing\">Signing</a></li>");
    buf_adds(out, "<li><a href=\"#answers\">Answers</a></li>"
                  "<li><a href=\"#retries\">Trying again</a></li></ul></nav>\n");
}

static void put_row(struct buf *out, const char *method, const char *base, const char *path,
                    const char *does, const char *needs)
{
    html_put(out,
             "<tr><th scope=\"row\"><code>$</code></th><td><code>$$</code></td><td>$</td>"
             "<td>$</td></tr>\n",
             method, base, path, does, needs);
}

static void put_copies(const struct config *c, const struct config_provider *p, struct buf *out)
{
    struct buf path = BUF_INIT(1024);

    for (size_t i = 0; i < route_copy_count; i++) {
        const struct copy_endpoint *e = &route_copy[i];
        buf_reset(&path);
        wording_copy_path(p, e, &path);
        put_row(out, "GET", c->base_path, path.p, e->summary, "token to read");
    }
    buf_free(&path);
}

static void put_paths(const struct config *c, struct buf *out)
{
    struct buf text = BUF_INIT(1024);

    buf_adds(out, "<h2 id=\"paths\">Paths</h2>\n");
    if (c->public_url[0] != '\0')
        html_put(out, "<p>All of them at <code>$</code>.</p>\n", c->public_url);
    html_table(out, "stack ", "Paths", NULL, "Method", "Path", "Does", "Asks for");
    for (size_t i = 0; i < c->nproviders; i++) {
        const struct config_provider *p = &c->provider[i];
        const struct scheme *s = scheme_find(p->scheme);
        buf_reset(&text);
        buf_addf(&text, "Receives %s of %s", s->ping ? "pings" : "events", p->name);
        put_row(out, "POST", c->base_path, p->path,
                p->retired ? "Is no longer in use: 410" : buf_slice(&text).p,
                p->retired                  ? "nothing"
                : s->api_key_header != NULL ? "API key and signature"
                                            : "signature");
    }
    for (size_t i = 0; i < route_endpoint_count; i++) {
        const struct endpoint *e = &route_endpoint[i];
        if (route_is_served(c, e))
            put_row(out, "GET", c->base_path, e->path, e->summary,
                    route_asks_token(c, e) ? "token of the metrics" : "nothing");
    }
    for (size_t i = 0; i < c->nproviders; i++)
        if (wording_has_copies(&c->provider[i]))
            put_copies(c, &c->provider[i], out);
    html_table_end(out);
    buf_adds(out, "<p class=\"soft\">HEAD is served wherever GET is.");
    if (c->require_https)
        buf_adds(out, " Whatever asks for a key, a signature or a token answers over HTTPS only.");
    buf_adds(out, "</p>\n");
    buf_free(&text);
}

void docs_render(const struct config *c, struct buf *out)
{
    page_begin(out, c, "/docs", "Documentation");
    buf_adds(out, "<h1>How to send webhooks here</h1>\n"
                  "<p>What is answered <b>2xx is stored</b>. What is answered <b>5xx, or not at "
                  "all, is to be sent again</b>, with the same bytes: an event counts once, "
                  "however often it comes, and its sender gets the first answer again. Events "
                  "may come late and in any order.</p>\n");
    html_put(out,
             "<p>The same for programs: <a href=\"$/docs/openapi.json\">openapi.json</a> "
             "(OpenAPI 3.1).</p>\n",
             c->base_path);
    put_contents(c, out);
    put_paths(c, out);
    docs_providers(c, out);
    docs_signing(c, out);
    docs_answers(c, out);
    docs_retries(out);
    page_end(out, "This page loads nothing from elsewhere.");
}
