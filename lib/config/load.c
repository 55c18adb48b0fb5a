#include "config/load.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "config/ini.h"
#include "config/keys.h"
#include "config/setting.h"
#include "config/value.h"

/* What is known while the lines go by. */
struct loader {
    struct config *c;
    const struct source *source;
    char **include;
    bool in_section;
    enum key_section section;
    unsigned section_line[SECTION_PROVIDER]; /* where [server] and [metrics] began; 0: not yet */
    void *base;                              /* what the section's keys are set in */
    unsigned *line_of;                       /* of the same */
    const struct key *k; /* of the line before, which a continuation continues */
};

static void origin_of(const struct loader *l, unsigned line, char out[static CONFIG_ORIGIN_MAX])
{
    /* Of a very long name the end is what tells. */
    const size_t room = CONFIG_ORIGIN_MAX - sizeof(":4294967295");
    size_t n = strlen(l->source->name);

    (void)snprintf(out, CONFIG_ORIGIN_MAX, "%s:%u", l->source->name + (n > room ? n - room : 0),
                   line);
}

struct config_provider *load_add_provider(struct config *c, struct slice name, const char *origin,
                                          struct fail *why)
{
    if (c->nproviders == CONFIG_PROVIDERS_MAX) {
        fail_set(why, "more than %d providers; mount the others in another instance",
                 CONFIG_PROVIDERS_MAX);
        return NULL;
    }
    struct config_provider *p = &c->provider[c->nproviders];
    p->origin = strdup(origin);
    if (p->origin == NULL) {
        fail_set(why, "out of memory");
        return NULL;
    }
    memcpy(p->name, name.p, name.n);
    p->name[name.n] = '\0';
    c->nproviders++;
    return p;
}

static int begin_provider(struct loader *l, struct slice name, unsigned line, struct fail *why)
{
    char origin[CONFIG_ORIGIN_MAX];

    if (name.n > CONFIG_NAME_MAX || !value_is_name(name))
        return fail_set(why,
                        "a provider's name is 1 to %d of a-z, 0-9, - and _; write it as in "
                        "[provider dazno]",
                        CONFIG_NAME_MAX);
    for (size_t i = 0; i < l->c->nproviders; i++)
        if (slice_is(name, l->c->provider[i].name))
            return fail_set(why, "[provider %.*s] stands already at %s; join the two", (int)name.n,
                            name.p, l->c->provider[i].origin);

    origin_of(l, line, origin);
    struct config_provider *p = load_add_provider(l->c, name, origin, why);
    if (p == NULL)
        return -1;
    l->section = SECTION_PROVIDER;
    l->base = p;
    l->line_of = p->line_of;
    return 0;
}

static int begin_section(void *ctx, struct slice name, unsigned line, struct fail *why)
{
    static const char *const plain[SECTION_PROVIDER] = {"server", "metrics"};
    struct loader *l = ctx;

    l->in_section = true;
    l->k = NULL;
    if (l->include != NULL && *l->include != NULL)
        return fail_set(why, "a file that includes another holds nothing else; move this there");
    for (size_t i = 0; i < SECTION_PROVIDER; i++) {
        if (!slice_is(name, plain[i]))
            continue;
        if (l->section_line[i] != 0)
            return fail_set(why, "[%s] stands already in line %u; join the two", plain[i],
                            l->section_line[i]);
        l->section_line[i] = line;
        l->section = (enum key_section)i;
        l->base = l->c;
        l->line_of = l->c->line_of;
        return 0;
    }
    if (slice_begins(name, "provider ") || slice_begins(name, "provider\t"))
        return begin_provider(l, text_trim(slice_from(name, sizeof("provider"))), line, why);
    return fail_set(why, "no such section; there are [server], [provider NAME] and [metrics]");
}

static int take_include(struct loader *l, struct slice path, struct fail *why)
{
    if (l->include == NULL)
        return fail_set(why, "an included file may not include another; put the settings here");
    if (*l->include != NULL)
        return fail_set(why, "`include` is given twice; keep one of them");
    if (path.n == 0 || path.p[0] != '/')
        return fail_set(why, "`include` must be an absolute path, such as "
                             "/home/user/guichet/guichet.conf");
    *l->include = strndup(path.p, path.n);
    return *l->include != NULL ? 0 : fail_set(why, "out of memory");
}

/* A literal secret has to be where nobody else reads it. */
static int check_exposure(const struct loader *l, const struct key *k, struct slice value,
                          struct fail *why)
{
    const char *secret = k->type == KEY_STORE ? "a password in" : "a literal";

    if (l->source->exposure == SOURCE_PRIVATE || !setting_is_literal(k, value))
        return 0;
    if (l->source->exposure == SOURCE_BESIDE_PROGRAM)
        return fail_set(why,
                        "%s `%s` may not stand in a file beside the program, which a web "
                        "server may serve; move the settings out of the docroot and leave "
                        "`include = /PATH` here%s",
                        secret, k->name,
                        k->type == KEY_STORE ? "" : ", or use env:NAME or file:/PATH");
    return fail_set(why,
                    "%s `%s` may not stand in a file that other users can read or write; "
                    "chmod 640 %s",
                    secret, k->name, l->source->name);
}

/* The names of the section's keys, for messages. */
static int unknown_key(const struct loader *l, struct slice name, struct fail *why)
{
    char list[FAIL_TEXT_MAX / 2 + 64] = "";
    size_t n = 0;

    for (size_t i = 0; i < keys_count && n < sizeof(list); i++)
        if (keys_table[i].section == l->section)
            n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n > 0 ? ", " : "",
                                  keys_table[i].name);
    if (keys_is_name(name))
        return fail_set(why, "`%.*s` is a key of another section; this one has: %s", (int)name.n,
                        name.p, list);
    return fail_set(why, "unknown key `%.*s`; this section has: %s", (int)name.n, name.p, list);
}

static int take_key(struct loader *l, const struct key *k, struct slice value, unsigned line,
                    struct fail *why)
{
    char origin[CONFIG_ORIGIN_MAX];
    unsigned *seen = &l->line_of[keys_index(k)];

    if (*seen != 0 && k->type != KEY_SECRETS)
        return fail_set(why, "`%s` is given twice, first in line %u; keep one of them", k->name,
                        *seen);
    origin_of(l, line, origin);
    if (setting_set(l->base, k, value, origin, why) != 0 || check_exposure(l, k, value, why) != 0)
        return -1;
    if (*seen == 0)
        *seen = line;
    l->k = k;
    return 0;
}

static int take_pair(void *ctx, struct slice name, struct slice value, unsigned line,
                     bool continues, struct fail *why)
{
    struct loader *l = ctx;

    if (continues) {
        if (l->k == NULL || l->k->type != KEY_SECRETS)
            return fail_set(
                why, "white space before a line makes it a part of the line above, and "
                     "only `secret`, `api_key` and `audit_key` may have several; remove it, or "
                     "write the value in one line");
        return take_key(l, l->k, value, line, why);
    }
    if (slice_is(name, "include") && !l->in_section)
        return take_include(l, value, why);
    if (l->include != NULL && *l->include != NULL)
        return fail_set(why, "a file that includes another holds nothing else; move this there");
    if (slice_is(name, "include"))
        return fail_set(why, "`include` must stand before the first section, and nothing else in "
                             "the file");
    if (!l->in_section)
        return fail_set(why,
                        "`%.*s` stands before the first section; put [server], [provider NAME] "
                        "or [metrics] above it",
                        (int)name.n, name.p);
    const struct key *k = keys_find(l->section, name);
    return k != NULL ? take_key(l, k, value, line, why) : unknown_key(l, name, why);
}

int load_source(struct config *c, const struct source *s, char **include, struct fail *why)
{
    struct loader l = {.c = c, .source = s, .include = include};
    const struct ini_sink sink = {begin_section, take_pair, &l};
    unsigned line = 0;

    if (include != NULL)
        *include = NULL;
    if (ini_read((struct slice){s->text, s->n}, &sink, &line, why) == 0)
        return 0;

    char origin[CONFIG_ORIGIN_MAX];
    origin_of(&l, line, origin);
    return fail_prefix(why, "%s", origin);
}
