#include "tool/host.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>
#include "verify/scheme.h"

enum verdict host_become(struct call *c, const char *name)
{
    const struct passwd *who;

    if (name == NULL)
        return VERDICT_DONE;
    errno = 0;
    who = getpwnam(name);
    if (who == NULL)
        return call_end(c, VERDICT_USAGE, "there is no user \"%s\"", name);
    if (who->pw_uid == geteuid())
        return VERDICT_DONE;
    if (initgroups(name, who->pw_gid) != 0 || setgid(who->pw_gid) != 0 || setuid(who->pw_uid) != 0)
        return call_end(c, VERDICT_USAGE, "cannot become %s: %s; only root can", name,
                        strerror(errno));
    return VERDICT_DONE;
}

enum verdict host_open(struct call *c, struct host *h)
{
    struct fail why = {""};

    *h = (struct host){.config = NULL};
    program_locate(&h->program);
    if (program_open(&h->program, c->config_file, PROGRAM_TOOL, &why) != 0)
        return call_end(c, VERDICT_USAGE, "%s", why.text);
    h->config = h->program.config;
    h->arena = arena_new(HOST_ARENA_MAX);
    return h->arena != NULL ? VERDICT_DONE : call_end(c, VERDICT_AWAY, "no memory");
}

enum verdict host_open_store(struct call *c, struct host *h)
{
    enum verdict v = host_open(c, h);
    struct fail why = {""};

    if (v != VERDICT_DONE)
        return v;
    h->store = store_open(h->config->store, &clock_system, &why);
    if (h->store == NULL)
        return call_end(c, VERDICT_USAGE, "%s: %s", h->config->store_origin, why.text);
    return VERDICT_DONE;
}

void host_close(struct host *h)
{
    store_free(h->store);
    arena_free(h->arena);
    program_close(&h->program);
}

/* Whether it hands events off; a ping only marks its hook. */
static bool hands_off(const struct config_provider *p)
{
    const struct scheme *s = scheme_find(p->scheme);

    return s == NULL || !s->ping;
}

const struct config_provider *host_provider(struct call *c, const struct host *h, const char *named)
{
    const struct config_provider *p = NULL;
    size_t candidates = 0;

    if (named != NULL) {
        p = config_find(h->config, named);
        if (p == NULL)
            (void)call_end(c, VERDICT_USAGE, "there is no provider \"%s\" in the configuration",
                           named);
        return p;
    }
    for (size_t i = 0; i < h->config->nproviders; i++)
        if (h->config->nproviders == 1 || hands_off(&h->config->provider[i])) {
            p = &h->config->provider[i];
            candidates++;
        }
    if (candidates == 1)
        return p;
    (void)call_end(c, VERDICT_USAGE, "%s",
                   h->config->nproviders == 0
                       ? "no provider is configured; name the configuration with --config, or set "
                         "T4G_API_KEY and T4G_WEBHOOK_SECRET"
                       : "there are several providers; say which with --provider");
    return NULL;
}

struct journal host_journal(struct host *h, const struct config_provider *p)
{
    arena_reset(h->arena);
    return (struct journal){h->store, p->name, h->arena, HOST_TIMEOUT_MS};
}

enum verdict host_on_provider(struct call *c, enum verdict (*run)(struct call *, struct host *,
                                                                  const struct config_provider *))
{
    const struct config_provider *p = NULL;
    struct host h;
    enum verdict v = host_open_store(c, &h);

    if (v == VERDICT_DONE) {
        p = host_provider(c, &h, call_option(c, "provider"));
        v = p != NULL ? run(c, &h, p) : VERDICT_USAGE;
    }
    host_close(&h);
    return v;
}
