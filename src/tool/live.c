#include "tool/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

struct live *live_new(void)
{
    return calloc(1, sizeof(struct live));
}

void live_free(struct live *l)
{
    if (l == NULL)
        return;
    explicit_bzero(l, sizeof *l);
    free(l);
}

static int add_one(struct live *l, const char *kind, const char *where, const char *spec,
                   const char *origin, struct fail *why)
{
    struct live_secret *s = &l->secret[l->n];

    if (l->n == SECRETS_LIVE_MAX)
        return fail_set(why, "%s: at most %d secrets can be live at a time", origin,
                        SECRETS_LIVE_MAX);
    if (secret_read(spec, origin, environ, &s->text, 1, why) != 1)
        return -1;
    s->kind = kind;
    (void)snprintf(s->where, sizeof s->where, "%s", where);
    l->n++;
    return 0;
}

static int add_folder(struct live *l, const char *path, const char *origin, struct fail *why)
{
    struct secret_names *names = malloc(sizeof *names);
    int rc;

    if (names == NULL)
        return fail_set(why, "out of memory");
    rc = secret_folder(path, names, why);
    if (rc < 0)
        fail_prefix(why, "%s", origin);
    for (size_t i = 0; rc >= 0 && i < names->n; i++) {
        char spec[PATH_MAX + NAME_MAX + 8], where[LIVE_WHERE_MAX];
        (void)snprintf(spec, sizeof spec, "file:%s/%s", path, names->name[i]);
        (void)snprintf(where, sizeof where, "dir:%s/%s", path, names->name[i]);
        rc = add_one(l, "dir", where, spec, origin, why);
    }
    free(names);
    return rc < 0 ? -1 : 0;
}

static int add_spec(struct live *l, const char *spec, const char *origin, struct fail *why)
{
    if (strncmp(spec, "dir:", 4) == 0)
        return add_folder(l, spec + 4, origin, why);
    if (strncmp(spec, "env:", 4) == 0)
        return add_one(l, "env", spec, spec, origin, why);
    if (strncmp(spec, "file:", 5) == 0)
        return add_one(l, "file", spec, spec, origin, why);
    return add_one(l, "literal", origin, spec, origin, why);
}

int live_add_list(struct live *l, const struct config_list *list, struct fail *why)
{
    for (size_t i = 0; i < list->n; i++)
        if (add_spec(l, list->item[i].text, list->item[i].origin, why) != 0)
            return -1;
    return 0;
}

/* One newline at the end is not part of it, as in a file. */
static int add_stdin(struct live *l, const char *option, struct fail *why)
{
    struct live_secret *s = &l->secret[l->n];
    char bytes[SECRET_BYTES_MAX + 2];
    size_t n = 0;
    ssize_t got;

    if (l->n == SECRETS_LIVE_MAX)
        return fail_set(why, "--%s: too many secrets", option);
    do {
        got = read(STDIN_FILENO, bytes + n, sizeof bytes - n);
        n += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && n < sizeof bytes) || (got < 0 && errno == EINTR));
    if (n > 0 && bytes[n - 1] == '\n')
        n--;
    if (got < 0 || !text_is_plain((struct slice){bytes, n}, 1, SECRET_BYTES_MAX)) {
        explicit_bzero(bytes, sizeof bytes);
        return fail_set(why,
                        "--%s: standard input must hold the secret alone: one line of text, at "
                        "most %d bytes",
                        option, SECRET_BYTES_MAX);
    }
    memcpy(s->text.text, bytes, n);
    s->text.n = n;
    s->kind = "stdin";
    (void)snprintf(s->where, sizeof s->where, "standard input");
    l->n++;
    explicit_bzero(bytes, sizeof bytes);
    return 0;
}

int live_add_option(struct live *l, const char *option, const char *spec, struct fail *why)
{
    static const char *const kinds[] = {"env:", "file:", "dir:"};
    char origin[64];

    if (strcmp(spec, "-") == 0)
        return add_stdin(l, option, why);
    (void)snprintf(origin, sizeof origin, "--%s", option);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(spec, kinds[i], strlen(kinds[i])) == 0)
            return add_spec(l, spec, origin, why);
    return fail_set(why,
                    "--%s takes env:NAME, file:/PATH, dir:/PATH or - for standard input, never the "
                    "secret itself, for others on this host can see arguments; if that was it, "
                    "change it",
                    option);
}

void live_texts(const struct live *l, struct secret_text out[static SECRETS_LIVE_MAX])
{
    for (size_t i = 0; i < l->n; i++)
        out[i] = l->secret[i].text;
}
