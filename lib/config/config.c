#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/complete.h"
#include "config/environment.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/setting.h"
#include "config/source.h"

#define FILE_VARIABLE "GUICHET_CONFIG"
#define FILE_NAME     "guichet.conf"
#define FILE_DEFAULT  "/etc/guichet/guichet.conf"

/* Reads the file that is meant. 0; 1 when there is none and none was named; -1 with the cause. */
static int find_file(const struct config_options *options, struct source *out, struct fail *why)
{
    const char *named = options->file;
    const char *by = "--config";

    if (named == NULL) {
        named = environment_value(options->environment, FILE_VARIABLE);
        by = FILE_VARIABLE;
    }
    if (named != NULL) {
        if (named[0] == '\0')
            return fail_set(why, "%s is empty; name a file, or leave it out", by);
        return source_read(named, options->program_dir, out, why) == 0 ? 0
                                                                       : fail_prefix(why, "%s", by);
    }
    if (options->program_dir != NULL) {
        char *beside = NULL;
        if (asprintf(&beside, "%s/%s", options->program_dir, FILE_NAME) < 0)
            return fail_set(why, "out of memory");
        int result = source_read(beside, options->program_dir, out, why);
        free(beside);
        if (result <= 0)
            return result;
        source_free(out);
    }
    return source_read(FILE_DEFAULT, options->program_dir, out, why);
}

/* Loads the file and, if it includes one, that one instead: the first then holds nothing else. */
static int load_file(struct config *c, const struct config_options *options, struct fail *why)
{
    struct source first = {0};
    struct source second = {0};
    struct source *last = &first;
    char *include = NULL;
    int result = find_file(options, &first, why);

    if (result != 0)
        goto out;
    result = load_source(c, &first, &include, why);
    if (result == 0 && include != NULL) {
        last = &second;
        result = source_read(include, options->program_dir, &second, why) == 0 ? 0 : -1;
        if (result != 0)
            fail_prefix(why, "%s: include", first.name);
        else
            result = load_source(c, &second, NULL, why);
    }
    if (result == 0) {
        c->file = strdup(last->name); /* NOLINT(clang-analyzer-core.NonNullParamChecker): read */
        if (c->file == NULL)
            result = fail_set(why, "out of memory");
    }
out:
    free(include);
    source_free(&first);
    source_free(&second);
    return result;
}

struct config *config_load(const struct config_options *options, struct fail *why)
{
    struct config *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        fail_set(why, "out of memory");
        return NULL;
    }
    if (load_file(c, options, why) < 0 || complete_config(c, options, why) != 0) {
        config_free(c);
        return NULL;
    }
    return c;
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    for (size_t k = 0; k < keys_count; k++) {
        if (keys_table[k].section != SECTION_PROVIDER)
            setting_free(c, &keys_table[k]);
        else
            for (size_t i = 0; i < c->nproviders; i++)
                setting_free(&c->provider[i], &keys_table[k]);
    }
    for (size_t i = 0; i < c->nproviders; i++)
        free(c->provider[i].origin);
    for (size_t i = 0; i < c->nnotices; i++)
        free(c->notice[i]);
    free(c->file);
    free(c->store_origin);
    free(c->metrics_token_origin);
    free(c);
}

const struct config_provider *config_find(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->nproviders; i++)
        if (strcmp(c->provider[i].name, name) == 0)
            return &c->provider[i];
    return NULL;
}
