#include "config/config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/keys.h"
#include "config/proxy.h"
#include "config/setting.h"
#include "config/value.h"

#define PRINT_LINE_MAX 4096 /* longest: CONFIG_PROXIES_MAX networks; all else is below 1024 */

struct printer {
    const struct config *c;
    void (*line)(void *ctx, const char *text);
    void *ctx;
};

static const char *word_of(const struct key *k, int64_t value)
{
    for (size_t i = 0; i < KEY_WORDS_MAX && k->word[i].text != NULL; i++)
        if (k->word[i].value == value)
            return k->word[i].text;
    return NULL;
}

static void show_secret(const struct key *k, const char *text, struct buf *out)
{
    size_t characters = 0;

    if (!setting_is_literal(k, slice_of(text))) {
        buf_adds(out, text);
        return;
    }
    for (size_t at = 0; text[at] != '\0'; at++)
        characters += ((unsigned char)text[at] & 0xC0) != 0x80;
    buf_addf(out, "(set, %zu characters)", characters);
}

static void show_text(const struct key *k, const char *text, struct buf *out)
{
    struct slice s = slice_of(text);

    if (s.n == 0) {
        buf_adds(out, text == NULL ? "(not set)" : "(empty)");
    } else if (k->type == KEY_STORE) {
        buf_add(out, text, setting_scheme_length(s));
        buf_add_slice(out, slice_from(s, setting_credentials_end(s)));
    } else if (k->sensitive) {
        show_secret(k, text, out);
    } else {
        buf_adds(out, text);
    }
}

static void show_number(const struct key *k, int64_t v, struct buf *out)
{
    char text[VALUE_TEXT_ROOM];
    const char *word = word_of(k, v);

    if (word != NULL) {
        buf_adds(out, word);
    } else if (k->type == KEY_DURATION || k->type == KEY_SIZE) {
        (k->type == KEY_SIZE ? value_size_text : value_duration_text)(v, text);
        buf_adds(out, text);
    } else {
        buf_add_i64(out, v);
    }
}

static void show_rate(const struct config_provider *p, struct buf *out)
{
    char window[VALUE_TEXT_ROOM];

    if (p->rate_count == 0) {
        buf_adds(out, "none");
        return;
    }
    /* 100/60s rather than 100/1m: so the limit stands in documents and in RateLimit-Policy. */
    if (p->rate_window_us % US_PER_S == 0)
        (void)snprintf(window, sizeof(window), "%" PRId64 "s", p->rate_window_us / US_PER_S);
    else
        value_duration_text(p->rate_window_us, window);
    buf_addf(out, "%" PRId64 "/%s", p->rate_count, window);
}

static void show_proxies(const struct config *c, struct buf *out)
{
    char text[PROXY_TEXT_ROOM];

    for (size_t i = 0; i < c->nproxies; i++) {
        proxy_text(&c->proxy[i], text);
        buf_addf(out, "%s%s", i > 0 ? ", " : "", text);
    }
}

/* Appends the value of a row that is no list. */
static void show(const void *base, const struct key *k, struct buf *out)
{
    const void *at = (const char *)base + k->offset;
    int choice;

    switch (k->type) {
    case KEY_INTEGER:
    case KEY_SIZE:
    case KEY_DURATION:
        show_number(k, *(const int64_t *)at, out);
        break;
    case KEY_RATE:
        show_rate(base, out);
        break;
    case KEY_CHOICE:
        memcpy(&choice, at, sizeof(choice));
        show_number(k, choice, out);
        break;
    case KEY_SWITCH:
        show_number(k, *(const bool *)at, out);
        break;
    case KEY_PROXIES:
        show_proxies(base, out);
        break;
    default:
        show_text(k, *(char *const *)at, out);
    }
}

/* Where the value of a row came from, if it is no list. */
static void show_origin(const struct config *c, const struct key *k, unsigned line, struct buf *out)
{
    if (line != 0)
        buf_addf(out, "%s:%u", c->file != NULL ? c->file : "", line);
    else if (k->type == KEY_STORE && c->store_origin != NULL)
        buf_adds(out, c->store_origin);
    else if (k->type == KEY_SECRET && c->metrics_token_origin != NULL)
        buf_adds(out, c->metrics_token_origin);
    else
        buf_adds(out, "default");
}

static void print_row(const struct printer *p, const char *section, const void *base,
                      const unsigned *line_of, const struct key *k)
{
    const struct config_list *list =
        k->type == KEY_SECRETS ? (const void *)((const char *)base + k->offset) : NULL;
    unsigned line = line_of[keys_index(k)];
    size_t n = list != NULL ? list->n : 1;
    struct buf out = BUF_INIT(PRINT_LINE_MAX);

    for (size_t i = 0; i < n; i++) {
        buf_reset(&out);
        buf_addf(&out, "%s.%s = ", section, k->name);
        if (list != NULL)
            show_secret(k, list->item[i].text, &out);
        else
            show(base, k, &out);
        buf_adds(&out, "  (");
        if (list != NULL && line != 0)
            buf_adds(&out, list->item[i].origin);
        else
            show_origin(p->c, k, line, &out);
        buf_adds(&out, ")");
        p->line(p->ctx, out.overflow || out.p == NULL ? "(out of memory)" : out.p);
    }
    buf_free(&out);
}

void config_print(const struct config *c, void (*line)(void *ctx, const char *text), void *ctx)
{
    const struct printer p = {c, line, ctx};
    char section[CONFIG_NAME_MAX + sizeof("provider ")];

    for (size_t k = 0; k < keys_count; k++)
        if (keys_table[k].section == SECTION_SERVER)
            print_row(&p, "server", c, c->line_of, &keys_table[k]);
    for (size_t i = 0; i < c->nproviders; i++) {
        (void)snprintf(section, sizeof(section), "provider %s", c->provider[i].name);
        for (size_t k = 0; k < keys_count; k++)
            if (keys_table[k].section == SECTION_PROVIDER)
                print_row(&p, section, &c->provider[i], c->provider[i].line_of, &keys_table[k]);
    }
    for (size_t k = 0; k < keys_count; k++)
        if (keys_table[k].section == SECTION_METRICS)
            print_row(&p, "metrics", c, c->line_of, &keys_table[k]);
}
