#include "config/complete.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/builtin.h"
#include "config/crosscheck.h"
#include "config/environment.h"
#include "config/notice.h"
#include "config/setting.h"

#define STORE_VARIABLE "GUICHET_STORE"
#define TOKEN_VARIABLE "GUICHET_METRICS_TOKEN"
#define STATE_FOLDER   "/run/guichet"

static const struct key *key_of(enum key_section section, const char *name)
{
    return keys_find(section, slice_of(name));
}

static int keep_origin(const struct config *c, unsigned line, char **out, struct fail *why)
{
    int n = line == 0 ? asprintf(out, "environment") : asprintf(out, "%s:%u", c->file, line);

    if (n >= 0)
        return 0;
    *out = NULL;
    return fail_set(why, "out of memory");
}

static int complete_store(struct config *c, char *const *environment, struct fail *why)
{
    const struct key *k = key_of(SECTION_SERVER, "store");
    const char *value = environment_value(environment, STORE_VARIABLE);

    if (c->store == NULL && (value == NULL || value[0] == '\0'))
        return fail_set(why,
                        "no store is configured (%s is %s); set " STORE_VARIABLE
                        " or [server] store, for example to "
                        "unix:///run/redis/redis-server.sock",
                        STORE_VARIABLE, value == NULL ? "not set" : "set but empty");
    if (c->store == NULL && setting_set(c, k, slice_of(value), "environment", why) != 0)
        return fail_prefix(why, "environment: " STORE_VARIABLE);
    return keep_origin(c, c->line_of[keys_index(k)], &c->store_origin, why);
}

static int complete_token(struct config *c, char *const *environment, struct fail *why)
{
    static const char spec[] = "env:" TOKEN_VARIABLE;
    const struct key *k = key_of(SECTION_METRICS, "token");
    const char *value = environment_value(environment, TOKEN_VARIABLE);

    if (c->metrics_token == NULL || strcmp(c->metrics_token, spec) == 0) {
        setting_free(c, k);
        if (value == NULL || value[0] == '\0')
            return notice_add(c, value != NULL, why,
                              "/api/metrics answers 403: " TOKEN_VARIABLE
                              " is %s and [metrics] token "
                              "names nothing else",
                              value == NULL ? "not set" : "set but empty");
        if (setting_set(c, k, slice_of(spec), "environment", why) != 0)
            return -1;
    }
    return keep_origin(c, c->line_of[keys_index(k)], &c->metrics_token_origin, why);
}

/* A default of a provider that stands in a file leans on a variable: is it there? */
static int check_variable(const struct config_provider *p, const struct key *k, const char *value,
                          char *const *environment, struct fail *why)
{
    if (k->type != KEY_SECRETS || strncmp(value, "env:", 4) != 0)
        return 0;
    const char *content = environment_value(environment, value + 4);
    if (content != NULL && content[0] != '\0')
        return 0;
    return fail_set(why,
                    "%s: [provider %s] has no `%s` of its own, and %s is %s; set %s, or add "
                    "`%s = ` and where it is found",
                    p->origin, p->name, k->name, value + 4,
                    content == NULL ? "not set" : "set but empty", value + 4, k->name);
}

static int complete_provider(struct config_provider *p, char *const *environment, struct fail *why)
{
    for (size_t i = 0; i < keys_count; i++) {
        const struct key *k = &keys_table[i];
        if (k->section != SECTION_PROVIDER || p->line_of[i] != 0)
            continue;
        const char *value = builtin_default(p->name, k);
        /* Another scheme may have no API key, and its verifier would refuse one; nor has it copies. */
        if (value != NULL &&
            (strcmp(k->name, "api_key") == 0 || strcmp(k->name, "read_path") == 0) &&
            p->line_of[keys_index(key_of(SECTION_PROVIDER, "scheme"))] != 0 &&
            strcmp(p->scheme, builtin_default(p->name, key_of(SECTION_PROVIDER, "scheme"))) != 0)
            value = NULL;
        if (value == NULL)
            value = k->initial;
        if (value == NULL || (k->type == KEY_SECRETS && p->retired))
            continue;
        if (!p->implicit && check_variable(p, k, value, environment, why) != 0)
            return -1;
        if (setting_set(p, k, slice_of(value), p->implicit ? "environment" : p->origin, why) != 0)
            return fail_prefix(why, "%s", p->origin);
    }
    return 0;
}

static int complete_server(struct config *c, struct fail *why)
{
    for (size_t i = 0; i < keys_count; i++) {
        const struct key *k = &keys_table[i];
        if (k->section != SECTION_PROVIDER && c->line_of[i] == 0 && k->initial != NULL &&
            setting_set(c, k, slice_of(k->initial), "default", why) != 0)
            return -1;
    }
    return 0;
}

static bool is_writable_folder(const char *path)
{
    struct stat st;

    /* By the effective user, who is the one that opens the file. */
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
}

/* "state" in the folder of the file, which is made absolute: the working folder may change. */
static char *state_beside(const char *file)
{
    char *found = realpath(file, NULL);
    char *slash = found != NULL ? strrchr(found, '/') : NULL;
    char *out = NULL;

    if (slash != NULL) {
        *slash = '\0';
        if (asprintf(&out, "%s/state", found) < 0)
            out = NULL;
    }
    free(found);
    return out;
}

static char *state_in_temporary(char *const *environment)
{
    const char *folder = environment_value(environment, "TMPDIR");
    char *out = NULL;

    if (folder == NULL || folder[0] != '/')
        folder = "/tmp";
    if (asprintf(&out, "%s/guichet-%ld", folder, (long)geteuid()) < 0)
        return NULL;
    return out;
}

static int complete_state_dir(struct config *c, char *const *environment, struct fail *why)
{
    c->state_dir_given = c->state_dir != NULL;
    if (c->state_dir_given)
        return 0;
    if (is_writable_folder(STATE_FOLDER))
        c->state_dir = strdup(STATE_FOLDER);
    else if (c->file != NULL)
        c->state_dir = state_beside(c->file);
    else
        c->state_dir = state_in_temporary(environment);
    return c->state_dir != NULL
               ? 0
               : fail_set(why, "cannot choose a state folder; set [server] state_dir");
}

int complete_config(struct config *c, const struct config_options *options, struct fail *why)
{
    char *const *environment = options->environment;

    if (complete_server(c, why) != 0 || complete_store(c, environment, why) != 0 ||
        complete_token(c, environment, why) != 0 || builtin_mount(c, environment, why) != 0 ||
        complete_state_dir(c, environment, why) != 0)
        return -1;
    for (size_t i = 0; i < c->nproviders; i++)
        if (complete_provider(&c->provider[i], environment, why) != 0)
            return -1;
    return crosscheck(c, options->program_dir, why);
}
