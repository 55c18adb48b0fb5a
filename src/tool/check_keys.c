/* Secrets and API keys: there, sound, long enough, different, and in files of the right people. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/check_judge.h"
#include "tool/live.h"
#include "verify/keyring.h"

/* Who could change what is in the file: its owner must be us or root. The mode is judged where the
 * secret is read. */
static void check_owner(struct check *k, const char *provider, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return; /* reading it has failed and said so */
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        const struct passwd *who = getpwuid(st.st_uid);
        check_line(k, CHECK_WARN, "keys.owner", provider,
                   "chown root, chmod 640, with the service's "
                   "group",
                   "%s belongs to %s, who could change it", path,
                   who != NULL ? who->pw_name : "another user");
    } else {
        check_line(k, CHECK_OK, "keys.owner", provider, "", "%s is %s, mode %04o", path,
                   st.st_uid == 0 ? "root's" : "the service's", (unsigned)(st.st_mode & 07777));
    }
}

static void check_texts(struct check *k, const char *matter, const char *provider,
                        const struct live *l, size_t least, const char *remedy)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct live_secret *s = &l->secret[i];
        enum check_level level = judge_secret(s->text.text, s->text.n, least);
        check_line(k, level, matter, provider, level == CHECK_OK ? "" : remedy,
                   "%s: %zu characters%s", s->where, s->text.n,
                   level == CHECK_FAIL   ? ", which can be guessed"
                   : level == CHECK_WARN ? ", of few different ones"
                                         : "");
        if (strcmp(s->kind, "literal") == 0)
            check_line(k, CHECK_WARN, "keys.literal", provider,
                       "put it in a file and write file:/PATH",
                       "%s: the secret stands in the configuration itself", s->where);
        if (strcmp(s->kind, "file") == 0 || strcmp(s->kind, "dir") == 0)
            check_owner(k, provider, strchr(s->where, ':') + 1);
    }
}

static bool same(const struct live_secret *a, const struct live_secret *b)
{
    return a->text.n == b->text.n && memcmp(a->text.text, b->text.text, a->text.n) == 0;
}

static void check_difference(struct check *k, const char *provider, const struct live *secret,
                             const struct live *api_key)
{
    for (size_t i = 0; i < secret->n; i++)
        for (size_t j = 0; j < api_key->n; j++)
            if (same(&secret->secret[i], &api_key->secret[j])) {
                check_line(k, CHECK_FAIL, "keys.different", provider, "make two: `guichet keygen`",
                           "%s is the API key and the secret: the API key is sent with every "
                           "request",
                           secret->secret[i].where);
                return;
            }
}

static void check_provider(struct check *k, const struct config_provider *p, struct live *secret,
                           struct live *api_key, struct live *read_token)
{
    const struct scheme *s = scheme_find(p->scheme);
    struct fail why = {""};
    struct keyring *keys;

    if (s == NULL) {
        check_line(k, CHECK_FAIL, "scheme", p->name, "name one of README's table",
                   "there is no scheme \"%s\"", p->scheme);
        return;
    }
    keys = keyring_load(s, p, environ, &why);
    keyring_free(keys);
    if (keys == NULL || live_add_list(secret, &p->secret, &why) != 0 ||
        live_add_list(api_key, &p->api_key, &why) != 0 ||
        live_add_list(read_token, &p->read_token, &why) != 0) {
        check_line(k, CHECK_FAIL, "keys", p->name, "", "%s", why.text);
        return;
    }
    check_texts(k, "keys.secret", p->name, secret, JUDGE_SECRET_MIN,
                "make a random one: `guichet keygen --rotate`");
    check_texts(k, "keys.api_key", p->name, api_key, JUDGE_API_KEY_MIN,
                "make a random one: `guichet keygen --rotate --key`");
    check_texts(k, "keys.read_token", p->name, read_token, JUDGE_API_KEY_MIN,
                "make a random one: `openssl rand -hex 32`");
    check_difference(k, p->name, secret, api_key);
}

void check_keys(struct check *k)
{
    for (size_t i = 0; i < k->config->nproviders; i++) {
        const struct config_provider *p = &k->config->provider[i];
        struct live *secret = live_new(), *api_key = live_new(), *read_token = live_new();
        if (!p->retired && secret != NULL && api_key != NULL && read_token != NULL)
            check_provider(k, p, secret, api_key, read_token);
        live_free(secret);
        live_free(api_key);
        live_free(read_token);
    }
}
