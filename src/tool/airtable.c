#include "tool/airtable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "airtable/keys.h"
#include "base/write.h"
#include "verify/secret.h"

/* The provider that is named, or the one of the scheme airtable. */
static const struct config_provider *find_provider(struct airtable_call *a)
{
    const struct config *config = a->host.config;
    const struct config_provider *found = NULL;
    const char *named = call_option(a->call, "provider");

    if (named != NULL)
        return host_provider(a->call, &a->host, named);
    for (size_t i = 0; i < config->nproviders; i++) {
        const struct config_provider *p = &config->provider[i];
        if (strcmp(p->scheme, "airtable") != 0)
            continue;
        if (found != NULL) {
            (void)call_end(a->call, VERDICT_USAGE,
                           "there are several providers of the scheme airtable; say which with "
                           "--provider");
            return NULL;
        }
        found = p;
    }
    if (found == NULL)
        (void)call_end(a->call, VERDICT_USAGE,
                       "no provider of the scheme airtable is configured: add a section [provider "
                       "airtable] with `secret = dir:/path`, or set WEBHOOK_SECRET");
    return found;
}

static bool read_token(struct airtable_call *a, struct secret_text *token)
{
    char spec[PATH_MAX + 8] = "env:AIRTABLE_PERSONAL_TOKEN", path[PATH_MAX];
    const char *file = call_option(a->call, "token-file");
    struct fail why;

    if (file != NULL) {
        if (realpath(file, path) == NULL) {
            (void)call_end(a->call, VERDICT_USAGE, "cannot find %s: %s", file, strerror(errno));
            return false;
        }
        (void)snprintf(spec, sizeof spec, "file:%s", path);
    } else if (getenv("AIRTABLE_PERSONAL_TOKEN") == NULL) {
        (void)call_end(
            a->call, VERDICT_USAGE,
            "there is no token of Airtable; make one at airtable.com/create/tokens (scopes "
            "webhook:manage, data.records:read, schema.bases:read) and set "
            "AIRTABLE_PERSONAL_TOKEN, or name its file with --token-file, or a file of "
            "variables with --env-file");
        return false;
    }
    if (secret_read(spec, "the token of Airtable", environ, token, 1, &why) == 1)
        return true;
    (void)call_end(a->call, VERDICT_USAGE, "%s", why.text);
    return false;
}

static bool stopped(void *ctx)
{
    (void)ctx;
    return command_stopped();
}

static void say(void *ctx, const char *text)
{
    struct airtable_call *a = ctx;

    log_say(a->host.program.log, LOG_LEVEL_WARNING, "airtable: %s", text);
}

enum verdict airtable_open_local(struct call *c, struct airtable_call *a)
{
    enum verdict v;

    *a = (struct airtable_call){.call = c};
    v = airtable_read_variables(c);
    if (v == VERDICT_DONE)
        v = host_open_store(c, &a->host);
    if (v != VERDICT_DONE)
        return v;
    a->provider = find_provider(a);
    return a->provider != NULL ? VERDICT_DONE : VERDICT_USAGE;
}

/* An option, or what the environment says, or NULL. */
static const char *setting(struct call *c, const char *option, const char *variable)
{
    const char *value = call_option(c, option);

    return value != NULL ? value : getenv(variable);
}

enum verdict airtable_open(struct call *c, struct airtable_call *a)
{
    static struct secret_text token;
    struct airtable_settings s = {.stop = stopped, .say = say, .ctx = a};
    struct fail why = {""};
    enum verdict v = airtable_open_local(c, a);

    if (v != VERDICT_DONE)
        return v;
    command_prepare();
    if (!read_token(a, &token))
        return VERDICT_USAGE;
    s.store = a->host.store;
    s.provider = a->provider->name;
    s.backlog_limit = a->provider->backlog_limit;
    s.token = (struct slice){token.text, token.n};
    s.base = setting(c, "base", "AIRTABLE_BASE_ID");
    if (s.base == NULL)
        s.base = "";
    s.url = setting(c, "api", "AIRTABLE_API_URL");
    a->airtable = airtable_new(&s, &why);
    secret_wipe(&token, 1);
    return a->airtable != NULL ? VERDICT_DONE : call_end(c, VERDICT_USAGE, "%s", why.text);
}

void airtable_close(struct airtable_call *a)
{
    airtable_free(a->airtable);
    host_close(&a->host);
}

enum verdict airtable_verdict(struct airtable_call *a, enum airtable_outcome outcome,
                              const struct fail *why)
{
    static const enum verdict verdict[] = {
        [AIRTABLE_DONE] = VERDICT_DONE,    [AIRTABLE_BUSY] = VERDICT_AWAY,
        [AIRTABLE_STOPPED] = VERDICT_AWAY, [AIRTABLE_AWAY] = VERDICT_AWAY,
        [AIRTABLE_REFUSED] = VERDICT_NO,
    };

    return outcome == AIRTABLE_DONE ? VERDICT_DONE
                                    : call_end(a->call, verdict[outcome], "%s", why->text);
}

bool airtable_hook_is(const char *id)
{
    return airtable_id_is(slice_of(id), "ach");
}

/* --- secrets ---------------------------------------------------------------------------------- */

const char *airtable_secrets(struct airtable_call *a)
{
    for (size_t i = 0; i < a->provider->secret.n; i++)
        if (strncmp(a->provider->secret.item[i].text, "dir:", 4) == 0)
            return a->provider->secret.item[i].text + 4;
    (void)call_end(
        a->call, VERDICT_USAGE,
        "Airtable makes the secret of each hook itself and shows it once; give the provider "
        "%s a folder to keep them in: secret = dir:/path",
        a->provider->name);
    return NULL;
}

/* What root keeps for the service is the service's, whose folder it is. */
static bool give_to_owner(int fd, int folder)
{
    struct stat st;

    return geteuid() != 0 || (fstat(folder, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0);
}

/* Hidden names are no secrets to the responder: so it never reads one that is half written. */
bool airtable_keep_secret(void *ctx, const char *hook, const char *secret, struct fail *why)
{
    struct airtable_call *a = ctx;
    const char *folder = airtable_secrets(a);
    char hidden[64], name[64];
    int dir = -1, fd = -1;
    bool made = false, kept = false;

    (void)snprintf(hidden, sizeof hidden, ".%s.new", hook);
    (void)snprintf(name, sizeof name, "%s", hook);
    if (folder != NULL)
        dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0)
        fd = openat(dir, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    made = fd >= 0;
    kept = made && fchmod(fd, 0600) == 0 && give_to_owner(fd, dir) &&
           write_all(fd, secret, strlen(secret)) && write_all(fd, "\n", 1) && fsync(fd) == 0 &&
           renameat(dir, hidden, dir, name) == 0 && fsync(dir) == 0;
    if (!kept)
        fail_set(why, "cannot keep the secret of %s in %s: %s", hook,
                 folder != NULL ? folder : "a folder", strerror(errno));
    if (made && !kept)
        (void)unlinkat(dir, hidden, 0);
    if (fd >= 0)
        (void)close(fd);
    if (dir >= 0)
        (void)close(dir);
    return kept;
}

/* --- showing ---------------------------------------------------------------------------------- */

static void put_time(struct out *o, const char *name, int64_t us)
{
    if (us != 0)
        out_time(o, name, us);
    else
        out_none(o, name);
}

static const char *state_of(const struct airtable_hook *h)
{
    return !h->listed            ? "lost"
           : h->error[0] != '\0' ? h->error
           : !h->alive           ? "expired"
           : h->url[0] == '\0'   ? "polled"
           : h->notifies         ? "on"
                                 : "off";
}

void airtable_put_hook(struct airtable_call *a, const struct airtable_hook *h)
{
    struct out *o = a->call->out;

    out_text(o, "hook", slice_of(h->id));
    out_text(o, "state", slice_of(state_of(h)));
    out_bool(o, "known", h->known);
    put_time(o, "expires", h->expires_us);
    if (h->listed && h->known && h->cursor > 0)
        out_number(o, "lag", h->next - h->cursor);
    else
        out_none(o, "lag");
    put_time(o, "drained", h->drained_us);
    if (h->result[0] != '\0')
        out_text(o, "last_result", slice_of(h->result));
    else
        out_none(o, "last_result");
    out_text(o, "url", slice_of(h->url));
    out_end(o);
}
