#include "verify/keyring.h"

#include <stdio.h>
#include <stdlib.h>

/* The texts of one list, on their way to become keys. */
struct texts {
    size_t n;
    struct secret_text text[SECRETS_LIVE_MAX];
    const char *origin[SECRETS_LIVE_MAX];
};

static int read_list(const struct config_list *list, char *const *environment, struct texts *t,
                     struct fail *why)
{
    t->n = 0;
    for (size_t i = 0; i < list->n; i++) {
        int got = secret_read(list->item[i].text, list->item[i].origin, environment, t->text + t->n,
                              SECRETS_LIVE_MAX - t->n, why);
        if (got < 0)
            return -1;
        for (int k = 0; k < got; k++)
            t->origin[t->n++] = list->item[i].origin;
    }
    return 0;
}

/* Whose secret it is, by the name of its file. */
static bool set_owner(struct keyring_key *key, const struct scheme *scheme,
                      const struct secret_text *text, struct fail *why)
{
    const char *prefix = scheme->owner_prefix;
    const char *rest = text->file;

    if (prefix == NULL || text->file[0] == '\0')
        return true;
    if (strncmp(rest, prefix, strlen(prefix)) == 0)
        rest += strlen(prefix);
    if (rest == text->file || rest[0] == '\0' ||
        rest[strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")] !=
            '\0') {
        fail_set(why,
                 "the file %s in a folder of secrets is not named after the hook that its secret "
                 "belongs to (%s and letters or digits); rename it, or name it alone as "
                 "`secret = file:/path`, which is for any hook",
                 text->file, prefix);
        return false;
    }
    (void)snprintf(key->owner, sizeof key->owner, "%s", text->file);
    return true;
}

static int add_secret(struct keyring *k, const struct scheme *scheme,
                      const struct secret_text *text, struct fail *why)
{
    uint8_t bytes[SECRET_BYTES_MAX];
    struct keyring_key *key = &k->secret[k->nsecrets];
    int n = set_owner(key, scheme, text, why) ? secret_decode(scheme->key, text, bytes, why) : -1;

    if (n > 0) {
        key->mac = mac_new(bytes, (size_t)n);
        key->fingerprint = secret_fingerprint(text);
        if (key->mac == NULL)
            fail_set(why, "out of memory, or OpenSSL lacks HMAC-SHA256");
        else
            k->nsecrets++;
    }
    explicit_bzero(bytes, sizeof bytes);
    return n > 0 && key->mac != NULL ? 0 : -1;
}

/* A comma would look like two headers that a server joined, a space like the end of the value. */
static int add_api_key(struct keyring *k, const struct secret_text *text, struct fail *why)
{
    struct slice part = {text->text, text->n};

    for (size_t i = 0; i < text->n; i++)
        if (text->text[i] <= ' ' || text->text[i] > '~' || text->text[i] == ',')
            return fail_set(why, "an API key must be visible ASCII characters without a comma, for "
                                 "it is compared with a header's value; choose another");
    if (!sha256(&part, 1, k->api_key[k->napi_keys]))
        return fail_set(why, "out of memory, or OpenSSL lacks SHA-256");
    k->napi_keys++;
    return 0;
}

static int load_secrets(struct keyring *k, const struct scheme *scheme,
                        const struct config_provider *p, char *const *environment, struct texts *t,
                        struct fail *why)
{
    if (p->secret.n == 0)
        return fail_set(why,
                        "%s: provider %s has no secret, so nothing could be verified; add a "
                        "line `secret = env:NAME` or `secret = file:/path`",
                        p->origin, p->name);
    if (read_list(&p->secret, environment, t, why) != 0)
        return -1;
    for (size_t i = 0; i < t->n; i++)
        if (add_secret(k, scheme, &t->text[i], why) != 0)
            return fail_prefix(why, "%s", t->origin[i]);
    return 0;
}

static int load_api_keys(struct keyring *k, const struct scheme *scheme,
                         const struct config_provider *p, char *const *environment, struct texts *t,
                         struct fail *why)
{
    if (scheme->api_key_header == NULL && p->api_key.n > 0)
        return fail_set(why,
                        "%s: the scheme %s has no API key, so this one would protect nothing; "
                        "remove the line",
                        p->api_key.item[0].origin, scheme->name);
    if (scheme->api_key_header != NULL && p->api_key.n == 0)
        return fail_set(why,
                        "%s: provider %s has no API key, which the scheme %s asks for in %s; "
                        "add a line `api_key = env:NAME` or `api_key = file:/path`",
                        p->origin, p->name, scheme->name, scheme->api_key_header);
    if (read_list(&p->api_key, environment, t, why) != 0)
        return -1;
    for (size_t i = 0; i < t->n; i++)
        if (add_api_key(k, &t->text[i], why) != 0)
            return fail_prefix(why, "%s", t->origin[i]);
    return 0;
}

struct keyring *keyring_load(const struct scheme *scheme, const struct config_provider *p,
                             char *const *environment, struct fail *why)
{
    struct keyring *k = calloc(1, sizeof *k);
    struct texts *t = calloc(1, sizeof *t); /* over 32 KiB: not for the stack */
    bool ok = false;

    if (k == NULL || t == NULL) {
        fail_set(why, "out of memory");
        goto done;
    }
    ok = load_secrets(k, scheme, p, environment, t, why) == 0 &&
         load_api_keys(k, scheme, p, environment, t, why) == 0;

done:
    if (t != NULL)
        secret_wipe(t->text, SECRETS_LIVE_MAX);
    free(t);
    if (ok)
        return k;
    keyring_free(k);
    return NULL;
}

void keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->nsecrets; i++)
        mac_free(k->secret[i].mac);
    explicit_bzero(k, sizeof *k);
    free(k);
}

static bool list_can_change(const struct config_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (strncmp(list->item[i].text, "file:", 5) == 0 ||
            strncmp(list->item[i].text, "dir:", 4) == 0)
            return true;
    return false;
}

bool keyring_can_change(const struct config_provider *p)
{
    return list_can_change(&p->secret) || list_can_change(&p->api_key);
}
