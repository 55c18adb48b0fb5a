#include "config/crosscheck.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "config/keys.h"

/* Paths that Guichet itself serves (http/route.h). */
static const char *const own_path[] = {"/api/metrics",       "/api/health", "/docs",
                                       "/docs/openapi.json", "/status",     "/status.json"};

/* What has to be there, whatever it is. */
static int check_whole(const struct config_provider *p, struct fail *why)
{
    const char *missing = p->scheme == NULL                 ? "scheme"
                          : p->path == NULL                 ? "path"
                          : p->secret.n == 0 && !p->retired ? "secret"
                                                            : NULL;
    if (missing == NULL)
        return 0;
    return fail_set(why, "%s: [provider %s] has no `%s`; add it%s", p->origin, p->name, missing,
                    strcmp(missing, "secret") == 0
                        ? ", as env:NAME, file:/PATH, dir:/PATH or the secret itself: nothing is "
                          "received unverified"
                        : "");
}

/* The line of that key, or 0 where it has the default. */
static unsigned provider_line(const struct config_provider *p, const char *key)
{
    return p->line_of[keys_index(keys_find(SECTION_PROVIDER, slice_of(key)))];
}

static int check_path(const struct config *c, size_t i, struct fail *why)
{
    const struct config_provider *p = &c->provider[i];
    unsigned line = provider_line(p, "path");
    char where[CONFIG_ORIGIN_MAX];

    if (line != 0)
        (void)snprintf(where, sizeof(where), "%s:%u", c->file != NULL ? c->file : "", line);
    else
        (void)snprintf(where, sizeof(where), "%s", p->origin);
    for (size_t k = 0; k < sizeof(own_path) / sizeof(own_path[0]); k++)
        if (strcmp(p->path, own_path[k]) == 0)
            return fail_set(why,
                            "%s: [provider %s] has the path %s, which Guichet serves itself; "
                            "choose another",
                            where, p->name, p->path);
    for (size_t k = 0; k < i; k++)
        if (strcmp(p->path, c->provider[k].path) == 0)
            return fail_set(why,
                            "%s: [provider %s] has the path %s, and so has [provider %s] (%s); "
                            "give each its own",
                            where, p->name, p->path, c->provider[k].name, c->provider[k].origin);
    return 0;
}

/* What is read of a provider: its copies of bases, which other schemes do not have. */
static int check_reading(const struct config *c, size_t i, struct fail *why)
{
    const struct config_provider *p = &c->provider[i];
    const char *file = c->file != NULL ? c->file : "";
    const char *key = p->read_token.n > 0 ? "read_token" : "read_path";

    if (p->retired || (p->read_path == NULL && p->read_token.n == 0))
        return 0;
    if (strcmp(p->scheme, "airtable") != 0)
        return fail_set(why,
                        "%s:%u: [provider %s] has `%s`, but only the scheme airtable keeps copies "
                        "that could be read; take the line out",
                        file, provider_line(p, key), p->name, key);
    if (p->read_path == NULL)
        return fail_set(why,
                        "%s:%u: [provider %s] has `read_token`, but no `read_path`; add it, for "
                        "example `read_path = /webhooks/%s`",
                        file, provider_line(p, key), p->name, p->name);
    for (size_t k = 0; k < i; k++)
        if (c->provider[k].read_path != NULL && strcmp(p->read_path, c->provider[k].read_path) == 0)
            return fail_set(why,
                            "%s:%u: [provider %s] has the read_path %s, and so has [provider %s] "
                            "(%s); give each its own",
                            file, provider_line(p, "read_path"), p->name, p->read_path,
                            c->provider[k].name, c->provider[k].origin);
    return 0;
}

/* What is acknowledged from the spool must outlive the power. (The spool itself asks the file system;
 * this is for --check, which touches nothing.) */
static int check_spool(const struct config *c, struct fail *why)
{
    static const char *const fleeting[] = {"/run/", "/var/run/", "/dev/shm/"};
    const char *file = c->file != NULL ? c->file : "";
    unsigned line;

    if (c->when_store_down != STORE_DOWN_SPOOL)
        return 0;
    line = c->line_of[keys_index(keys_find(SECTION_SERVER, SLICE_LITERAL("when_store_down")))];
    if (c->spool_dir == NULL)
        return fail_set(why,
                        "%s:%u: `when_store_down = spool` needs a folder; set `spool_dir` to one "
                        "on a local disk, such as /var/lib/guichet/spool",
                        file, line);
    line = c->line_of[keys_index(keys_find(SECTION_SERVER, SLICE_LITERAL("spool_dir")))];
    for (size_t i = 0; i < sizeof(fleeting) / sizeof(fleeting[0]); i++)
        if (strncmp(c->spool_dir, fleeting[i], strlen(fleeting[i])) == 0)
            return fail_set(why,
                            "%s:%u: `spool_dir = %s`: what lies there is gone after a restart of "
                            "the host; choose a folder on a local disk, such as "
                            "/var/lib/guichet/spool",
                            file, line, c->spool_dir);
    return 0;
}

/* A page that nobody could open is a mistake. */
static int check_status_page(const struct config *c, struct fail *why)
{
    if (c->status_page != STATUS_PAGE_TOKEN || c->metrics_token != NULL)
        return 0;
    return fail_set(
        why,
        "%s:%u: `status_page = token` needs a token; set GUICHET_METRICS_TOKEN or "
        "[metrics] token, or `status_page = off`",
        c->file != NULL ? c->file : "",
        c->line_of[keys_index(keys_find(SECTION_SERVER, SLICE_LITERAL("status_page")))]);
}

/* Whether the file at path, which need not be there, lies in the folder or below. */
static bool lies_below(const char *path, const char *folder)
{
    char top[PATH_MAX], place[PATH_MAX], *parent = strdup(path);
    const char *at = parent != NULL ? dirname(parent) : path;
    size_t n;

    if (realpath(at, place) == NULL)
        (void)snprintf(place, sizeof(place), "%s", at);
    free(parent);
    if (realpath(folder, top) == NULL || strcmp(top, "/") == 0)
        return false;
    n = strlen(top);
    return strncmp(place, top, n) == 0 && (place[n] == '\0' || place[n] == '/');
}

/* On a classic host the folder of the program lies in the docroot: a database there can be
 * downloaded. */
static int check_store(const struct config *c, const char *program_dir, struct fail *why)
{
    static const char scheme[] = "sqlite://";
    char path[PATH_MAX];
    ssize_t n;

    if (program_dir == NULL || strncmp(c->store, scheme, strlen(scheme)) != 0)
        return 0;
    n = percent_decode(slice_of(c->store + strlen(scheme)), path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    if (n <= 0 || path[0] != '/' || !lies_below(path, program_dir))
        return 0; /* what is no path is said by the store */
    return fail_set(
        why,
        "%s: `store = %s` lies beside the program or below it, where the web server may "
        "serve it to everyone; choose a folder outside the document root, 0700",
        c->store_origin, c->store);
}

int crosscheck(const struct config *c, const char *program_dir, struct fail *why)
{
    if (check_status_page(c, why) != 0 || check_spool(c, why) != 0 ||
        check_store(c, program_dir, why) != 0)
        return -1;
    for (size_t i = 0; i < c->nproviders; i++)
        if (check_whole(&c->provider[i], why) != 0)
            return -1;
    for (size_t i = 0; i < c->nproviders; i++)
        if (check_path(c, i, why) != 0 || check_reading(c, i, why) != 0)
            return -1;
    return 0;
}
