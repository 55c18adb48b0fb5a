/* Any text as a configuration file: it loads whole, or is refused with a cause, the same each
 * time. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/complete.h"
#include "config/load.h"
#include "config/source.h"

#define PRINTED_MAX ((size_t)8 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void collect(void *ctx, const char *text)
{
    demand(strchr(text, '\n') == NULL);
    buf_adds(ctx, text);
    buf_adds(ctx, "\n");
}

/* What has to hold of a configuration that was accepted. */
static void check(const struct config *c)
{
    demand(c->store != NULL && c->log != NULL && c->audit_log != NULL && c->base_path != NULL &&
           c->state_dir != NULL && c->workers >= 1 && c->workers <= 64);
    for (size_t i = 0; i < c->nproviders; i++) {
        const struct config_provider *p = &c->provider[i];
        demand(p->scheme != NULL && p->path != NULL && p->path[0] == '/' && p->origin != NULL);
        demand(p->retired || p->secret.n > 0);
        for (size_t k = 0; k < p->secret.n; k++)
            demand(p->secret.item[k].text[0] != '\0' && p->secret.item[k].origin != NULL);
        demand(config_find(c, p->name) == p);
    }
}

/* Loads the text and appends the configuration, or why there is none. An included file is not
 * read. */
static void load(const struct source *s, bool may_include, struct buf *out)
{
    static const char *const environment[] = {"GUICHET_STORE=unix:///run/redis.sock",
                                              "WEBHOOK_SECRET=w", "T4G_API_KEY=k", NULL};
    const struct config_options options = {
        .environment = (char *const *)(uintptr_t)environment,
    };
    struct fail why = {""};
    char *include = NULL;
    struct config *c = calloc(1, sizeof(*c));

    demand(c != NULL);
    c->file = strdup(s->name);
    if (load_source(c, s, may_include ? &include : NULL, &why) == 0 &&
        complete_config(c, &options, &why) == 0) {
        check(c);
        config_print(c, collect, out);
    } else {
        demand(why.text[0] != '\0');
        collect(out, why.text);
    }
    free(include);
    config_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first = BUF_INIT(PRINTED_MAX);
    struct buf second = BUF_INIT(PRINTED_MAX);
    struct source s = {0};

    if (size > SOURCE_BYTES_MAX)
        return 0;
    s.name = strdup("fuzz.conf");
    s.text = malloc(size > 0 ? size : 1); /* its end is where the sanitizer watches */
    demand(s.name != NULL && s.text != NULL);
    if (size > 0)
        memcpy(s.text, data, size);
    s.n = size;
    for (int exposure = SOURCE_PRIVATE; exposure <= SOURCE_OPEN_TO_OTHERS; exposure++) {
        s.exposure = (enum source_exposure)exposure;
        buf_reset(&first);
        buf_reset(&second);
        load(&s, exposure == SOURCE_BESIDE_PROGRAM, &first);
        load(&s, exposure == SOURCE_BESIDE_PROGRAM, &second);
        demand(slice_equal(buf_slice(&first), buf_slice(&second)));
    }
    buf_free(&first);
    buf_free(&second);
    source_free(&s);
    return 0;
}
