#include "config/builtin.h"

#include <stdio.h>

#include "base/buf.h"
#include "config/environment.h"
#include "config/load.h"
#include "config/notice.h"

#define NOTICE_TEXT_MAX 400

/* The defaults as they would be written in a file. A provider exists by standing here; what is env:
 * here has to be set for it to be mounted. */
static const struct builtin_row {
    const char *provider, *key, *value;
} builtin_table[] = {
    {"dazno", "scheme", "t4g"},
    {"dazno", "path", "/api/webhooks/dazno"},
    {"dazno", "api_key", "env:T4G_API_KEY"},
    {"dazno", "secret", "env:T4G_WEBHOOK_SECRET"},
    {"dazno", "rate_limit", "100/60s"},
    {"airtable", "scheme", "airtable"},
    {"airtable", "path", "/webhooks/airtable/refresh"},
    {"airtable", "secret", "env:WEBHOOK_SECRET"},
    {"airtable", "read_path", "/webhooks/airtable"},
};
static const size_t builtin_rows = sizeof(builtin_table) / sizeof(builtin_table[0]);

static const char *const builtin_name[] = {"dazno", "airtable"};

const char *builtin_default(const char *provider, const struct key *k)
{
    for (size_t i = 0; i < builtin_rows; i++)
        if (strcmp(builtin_table[i].provider, provider) == 0 &&
            strcmp(builtin_table[i].key, k->name) == 0)
            return builtin_table[i].value;
    return NULL;
}

/* The variables of one provider: their names by state, "A and B". */
struct variables {
    struct buf set, unset, empty;
    size_t nset, nunset, nempty;
};

static void add_name(struct buf *b, size_t *n, const char *name)
{
    buf_addf(b, "%s%s", *n > 0 ? " and " : "", name);
    ++*n;
}

static void look_up(const char *provider, char *const *environment, struct variables *v)
{
    for (size_t i = 0; i < builtin_rows; i++) {
        const struct builtin_row *row = &builtin_table[i];
        if (strcmp(row->provider, provider) != 0 || strncmp(row->value, "env:", 4) != 0)
            continue;
        const char *name = row->value + 4;
        const char *value = environment_value(environment, name);
        if (value == NULL)
            add_name(&v->unset, &v->nunset, name);
        else if (value[0] == '\0')
            add_name(&v->empty, &v->nempty, name);
        else
            add_name(&v->set, &v->nset, name);
    }
}

static int say_not_mounted(struct config *c, const char *provider, const struct variables *v,
                           struct fail *why)
{
    if (v->nempty > 0)
        return notice_add(c, true, why, "%s is not mounted: %s %s set but empty; give %s a value",
                          provider, v->empty.p, v->nempty > 1 ? "are" : "is",
                          v->nempty > 1 ? "them" : "it");
    if (v->nset > 0)
        return notice_add(c, true, why,
                          "%s is not mounted: %s is set, but %s is not; set both, or neither",
                          provider, v->set.p, v->unset.p);
    return notice_add(c, false, why, "%s is not mounted: %s %s not set", provider, v->unset.p,
                      v->nunset > 1 ? "are" : "is");
}

static int mount(struct config *c, const char *provider, char *const *environment, struct fail *why)
{
    struct variables v = {
        .set = BUF_INIT(NOTICE_TEXT_MAX),
        .unset = BUF_INIT(NOTICE_TEXT_MAX),
        .empty = BUF_INIT(NOTICE_TEXT_MAX),
    };
    int result = -1;

    look_up(provider, environment, &v);
    if (v.set.overflow || v.unset.overflow || v.empty.overflow) {
        fail_set(why, "out of memory");
    } else if (v.nunset > 0 || v.nempty > 0) {
        result = say_not_mounted(c, provider, &v, why);
    } else {
        struct config_provider *p = load_add_provider(c, slice_of(provider), "environment", why);
        if (p != NULL) {
            p->implicit = true;
            result = 0;
        }
    }
    buf_free(&v.set);
    buf_free(&v.unset);
    buf_free(&v.empty);
    return result;
}

int builtin_mount(struct config *c, char *const *environment, struct fail *why)
{
    for (size_t i = 0; i < sizeof(builtin_name) / sizeof(builtin_name[0]); i++)
        if (config_find(c, builtin_name[i]) == NULL &&
            mount(c, builtin_name[i], environment, why) != 0)
            return -1;
    return 0;
}
