#include "pages/docs_parts.h"

#include "pages/html.h"
#include "pages/sample.h"
#include "pages/wording.h"

static void put_header_row(struct buf *out, const char *name, const char *value, const char *text)
{
    html_put(out,
             "<tr><th scope=\"row\"><code>$</code></th><td><code>$</code></td><td>$</td></tr>\n",
             name, value, text);
}

static void put_headers(const struct config_provider *p, const struct scheme *s, struct buf *out)
{
    struct buf form = BUF_INIT(256), text = BUF_INIT(2048);

    buf_adds(out, "<h3>Headers</h3>\n");
    html_table(out, "stack ", "Headers", p->name, "Header", "Value", "Meaning");
    put_header_row(out, "Content-Type", s->media_type[0], "parameters do not count");
    if (s->api_key_header != NULL)
        put_header_row(out, s->api_key_header, "<key>", "the API key that was agreed on");
    if (s->id_header != NULL)
        put_header_row(out, s->id_header, "<id>", "the same with every try");
    if (s->type_header != NULL)
        put_header_row(out, s->type_header, "<type>", "the event's type");
    if (s->time_header != NULL)
        put_header_row(out, s->time_header, "<time>", "Unix time in seconds");
    wording_signature_form(s, &form);
    wording_signature(s, &text);
    if (form.p != NULL && text.p != NULL)
        put_header_row(out, s->header, form.p, text.p);
    html_table_end(out);
    buf_free(&form);
    buf_free(&text);
}

static void put_fields(const struct event_type *t, struct buf *out)
{
    for (size_t i = 0; i < FIELDS_MAX && t->field[i].kind != FIELD_END; i++)
        html_put(out, "$<code>$</code>$", i > 0 ? ", " : "", t->field[i].name,
                 t->field[i].optional ? " (optional)" : "");
}

static void put_types(const struct config_provider *p, struct buf *out)
{
    buf_adds(out, "<h3>Events</h3>\n<p>Each is a JSON object (RFC 8259, UTF-8, no name twice) with "
                  "<code>id</code>, <code>timestamp</code> (RFC 3339), <code>source</code> and "
                  "<code>event_type</code>, and the fields of its type. Further fields are "
                  "kept.</p>\n");
    html_table(out, "stack ", "Events", p->name, "event_type", "Fields", "What changes");
    for (size_t i = 0; i < event_type_count; i++) {
        const struct event_type *t = table_find(slice_of(event_type_names[i]));
        html_put(out, "<tr><th scope=\"row\"><code>$</code></th><td>", t->name);
        put_fields(t, out);
        html_put(out, "</td><td>$</td></tr>\n", wording_change(t->name));
    }
    html_table_end(out);
    buf_adds(out, "<dl class=\"facts\">\n");
    html_put(out, "<dt>ids, hashes</dt><dd>$</dd>\n<dt>e-mail</dt><dd>$</dd>\n<dt>numbers</dt>",
             wording_field(FIELD_TEXT), wording_field(FIELD_EMAIL));
    html_put(out, "<dd>$</dd>\n</dl>\n", wording_field(FIELD_INTEGER));
}

static void put_example(const struct scheme *s, struct buf *out)
{
    const struct event_type *t = s->typed ? table_find(slice_of(event_type_names[0])) : NULL;
    struct buf body = BUF_INIT(4096), id = BUF_INIT(EVENT_ID_MAX);

    sample_body(s, t, &body);
    sample_id(s, t, &id);
    buf_adds(out, "<h3>Example</h3>\n<p>A body:</p>\n<pre class=\"wrap\" tabindex=\"0\" "
                  "aria-label=\"A body\"><code>");
    html_text(out, buf_slice(&body));
    buf_adds(out, "</code></pre>\n<p>and its answer, 200");
    if (s->ping) {
        buf_adds(out, " without a body.</p>\n");
    } else {
        buf_adds(out, ":</p>\n<pre class=\"wrap\" tabindex=\"0\" aria-label=\"Its answer\"><code>");
        html_put(out, "{\"received\":true,\"webhook_id\":\"$\",\"processed_at\":\"$\"}",
                 id.p != NULL ? id.p : "", SAMPLE_PROCESSED);
        buf_adds(out, "</code></pre>\n");
    }
    buf_free(&body);
    buf_free(&id);
}

static void put_limits(const struct config *c, const struct config_provider *p, struct buf *out)
{
    char count[HTML_NUMBER_ROOM], seconds[HTML_NUMBER_ROOM], bytes[HTML_NUMBER_ROOM];

    html_put(out, "<p>A body has at most $ bytes.", html_number((uint64_t)c->max_body, bytes));
    if (p->rate_count > 0)
        html_put(out,
                 " At most $ events are accepted in any $ seconds; what was received before does "
                 "not count.",
                 html_number((uint64_t)p->rate_count, count),
                 html_number((uint64_t)(p->rate_window_us / US_PER_S), seconds));
    buf_adds(out, "</p>\n");
}

static void put_provider(const struct config *c, const struct config_provider *p, struct buf *out)
{
    const struct scheme *s = scheme_find(p->scheme);

    html_put(out, "<h2 id=\"provider-$\">Webhooks of $</h2>\n<p><code>POST $$</code></p>\n",
             p->name, p->name, c->base_path, p->path);
    put_limits(c, p, out);
    put_headers(p, s, out);
    if (s->typed)
        put_types(p, out);
    put_example(s, out);
}

void docs_providers(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->nproviders; i++)
        if (!c->provider[i].retired)
            put_provider(c, &c->provider[i], out);
}
