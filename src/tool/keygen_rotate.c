/* keygen --rotate: a second secret beside the first one. Where the configuration names a folder it is
 * live at once; else the line that is to be added is said, for the configuration is the operator's. */
#include "tool/keygen.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/keys.h"
#include "tool/host.h"
#include "tool/live.h"
#include "tool/secret_file.h"
#include "verify/keyring.h"

#define NAME_ROOM 48

struct rotation {
    struct call *c;
    const struct config_provider *provider;
    const struct config_list *list; /* of its secrets, or of its API keys */
    const char *key;                /* "secret" or "api_key" */
    char text[KEYGEN_TEXT_ROOM];
};

/* The newest spec of that kind, without its prefix; NULL: there is none. */
static const char *last_of(const struct config_list *list, const char *prefix)
{
    for (size_t i = list->n; i-- > 0;)
        if (strncmp(list->item[i].text, prefix, strlen(prefix)) == 0)
            return list->item[i].text + strlen(prefix);
    return NULL;
}

/* "20251015-103005": sorts behind older ones. */
static void stamp(char out[static NAME_ROOM])
{
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm) == NULL || strftime(out, NAME_ROOM, "%Y%m%d-%H%M%S", &tm) == 0)
        (void)snprintf(out, NAME_ROOM, "%lld", (long long)now);
}

static int make(const struct rotation *r, const char *path, const char *like, struct fail *why)
{
    char line[KEYGEN_TEXT_ROOM + 1];
    int n = snprintf(line, sizeof line, "%s\n", r->text);
    int rc = secret_file_make(path, (struct slice){line, (size_t)n}, secret_file_like(like), why);

    explicit_bzero(line, sizeof line);
    return rc;
}

/* What the section must hold afterwards. One that stands in no file, or leaves the list to the
 * environment, must repeat what the environment gave it: lines replace it. */
static void tell_lines(const struct rotation *r, const char *added)
{
    struct out *out = r->c->out;
    const struct key *row = keys_find(SECTION_PROVIDER, slice_of(r->key));
    bool repeat = row != NULL && r->provider->line_of[keys_index(row)] == 0;

    out_say(out, "In [provider %s] of the configuration%s:", r->provider->name,
            repeat ? " (make the section if it is not there)" : " add the line");
    for (size_t i = 0; repeat && i < r->list->n; i++)
        out_say(out, "    %s = %s", r->key, r->list->item[i].text);
    out_say(out, "    %s = %s", r->key, added);
    out_say(out, "Then `kill -HUP` guichet.fcgi (a CGI program needs nothing).");
}

static void tell_end(const struct rotation *r)
{
    out_say(r->c->out,
            "The old one stays live. Give the new one to the sender; `guichet secrets` says when "
            "the old one can go.");
}

static void tell_file(const struct rotation *r, const char *path, bool live, const char *line)
{
    struct out *out = r->c->out;

    out_form(out, OUT_FACTS);
    out_text(out, "provider", slice_of(r->provider->name));
    out_text(out, "file", slice_of(path));
    out_bool(out, "live", live);
    if (line != NULL)
        out_text(out, "add_line", slice_of(line));
    else
        out_none(out, "add_line");
    out_end(out);
}

static enum verdict into_folder(struct rotation *r, const char *dir)
{
    struct secret_names names;
    char path[PATH_MAX], like[PATH_MAX], name[NAME_ROOM];
    struct fail why = {""};

    if (secret_folder(dir, &names, &why) < 1)
        return call_end(r->c, VERDICT_USAGE, "%s", why.text);
    stamp(name);
    (void)snprintf(like, sizeof like, "%s/%s", dir, names.name[names.n - 1]);
    if (snprintf(path, sizeof path, "%s/%s-%s", dir, r->key, name) >= PATH_MAX)
        return call_end(r->c, VERDICT_USAGE, "the name of the folder is too long");
    if (make(r, path, like, &why) != 0)
        return call_end(r->c, VERDICT_AWAY, "%s", why.text);
    tell_file(r, path, true, NULL);
    out_say(r->c->out, "It is live within a second.");
    tell_end(r);
    return VERDICT_DONE;
}

static enum verdict beside_file(struct rotation *r, const char *file)
{
    char path[PATH_MAX], line[PATH_MAX + 32], name[NAME_ROOM];
    struct fail why = {""};

    stamp(name);
    if (snprintf(path, sizeof path, "%s-%s", file, name) >= PATH_MAX)
        return call_end(r->c, VERDICT_USAGE, "the name of the file is too long");
    if (make(r, path, file, &why) != 0)
        return call_end(r->c, VERDICT_AWAY, "%s", why.text);
    (void)snprintf(line, sizeof line, "%s = file:%s", r->key, path);
    tell_file(r, path, false, line);
    tell_lines(r, line + strlen(r->key) + 3);
    tell_end(r);
    return VERDICT_DONE;
}

static enum verdict another_variable(struct rotation *r, const char *variable)
{
    char name[256], spec[264], line[300];

    if (snprintf(name, sizeof name, "%s_%zu", variable, r->list->n + 1) >= (int)sizeof name)
        return call_end(r->c, VERDICT_USAGE, "the name of the variable is too long");
    (void)snprintf(spec, sizeof spec, "env:%s", name);
    (void)snprintf(line, sizeof line, "%s = %s", r->key, spec);
    if (out_is_json(r->c->out)) {
        out_text(r->c->out, "provider", slice_of(r->provider->name));
        out_text(r->c->out, "variable", slice_of(name));
        out_text(r->c->out, "value", slice_of(r->text));
        out_bool(r->c->out, "live", false);
        out_text(r->c->out, "add_line", slice_of(line));
        out_end(r->c->out);
        return VERDICT_DONE;
    }
    printf("%s=%s\n", name, r->text);
    (void)fflush(stdout);
    fprintf(stderr, "Set this variable where guichet.fcgi is started, beside %s.\n", variable);
    tell_lines(r, spec);
    tell_end(r);
    return VERDICT_DONE;
}

static enum verdict rotate(struct rotation *r)
{
    const char *dir = last_of(r->list, "dir:"), *file = last_of(r->list, "file:"),
               *variable = last_of(r->list, "env:");

    if (dir != NULL)
        return into_folder(r, dir);
    if (file != NULL)
        return beside_file(r, file);
    if (variable != NULL)
        return another_variable(r, variable);
    return call_end(r->c, VERDICT_USAGE,
                    "the %s of provider %s stands in the configuration itself; put it in a file "
                    "that only the service can read, and name it with file:/PATH",
                    r->key, r->provider->name);
}

/* What is live now must be sound, and have room for one more. */
static bool may_grow(struct rotation *r, const struct scheme *scheme)
{
    struct live *live = live_new();
    struct fail why = {""};
    struct keyring *keys = keyring_load(scheme, r->provider, environ, &why);
    bool ok = keys != NULL && live != NULL && live_add_list(live, r->list, &why) == 0;

    if (ok && live->n == SECRETS_LIVE_MAX) {
        fail_set(&why,
                 "%d secrets are live already; take an old one away first (`guichet secrets`)",
                 SECRETS_LIVE_MAX);
        ok = false;
    }
    if (!ok)
        (void)call_end(r->c, VERDICT_USAGE, "%s", why.text);
    keyring_free(keys);
    live_free(live);
    return ok;
}

enum verdict keygen_rotate(struct call *c)
{
    bool key = call_option(c, "key") != NULL;
    struct rotation r = {.c = c, .key = key ? "api_key" : "secret"};
    const struct scheme *scheme;
    struct host h;
    enum verdict v = host_open(c, &h);

    if (v != VERDICT_DONE)
        goto done;
    r.provider = host_provider(c, &h, call_option(c, "provider"));
    v = VERDICT_USAGE;
    if (r.provider == NULL)
        goto done;
    r.list = key ? &r.provider->api_key : &r.provider->secret;
    scheme = scheme_find(r.provider->scheme);
    if (scheme == NULL || (key && scheme->api_key_header == NULL)) {
        (void)call_end(c, v, "the scheme %s has no API key", r.provider->scheme);
        goto done;
    }
    if (!may_grow(&r, scheme))
        goto done;
    if (key ? keygen_hex(KEYGEN_API_KEY_BYTES, r.text) : keygen_secret(scheme->key, r.text))
        v = rotate(&r);
    else
        v = call_end(c, VERDICT_AWAY, "the system gives no random bytes");

done:
    explicit_bzero(r.text, sizeof r.text);
    host_close(&h);
    return v;
}
