#include "tool/signing.h"

#include <string.h>

#include "base/buf.h"

static enum verdict find_scheme(struct call *c, const char *name, const struct scheme **out)
{
    struct buf names = BUF_INIT(256);

    *out = scheme_find(name);
    for (size_t i = 0; i < scheme_count; i++)
        buf_addf(&names, "%s%s", i > 0 ? ", " : "", scheme_table[i].name);
    if (*out == NULL)
        (void)call_end(c, VERDICT_USAGE, "there is no scheme \"%s\"; known are %s", name,
                       names.p != NULL ? names.p : "none");
    buf_free(&names);
    return *out != NULL ? VERDICT_DONE : VERDICT_USAGE;
}

static enum verdict from_configuration(struct call *c, struct signing *s, const char *provider)
{
    struct fail why = {""};
    enum verdict v = host_open(c, &s->host);
    const struct config_provider *p;

    if (v != VERDICT_DONE)
        return v;
    p = host_provider(c, &s->host, provider);
    if (p == NULL)
        return VERDICT_USAGE;
    s->tolerance_us = p->tolerance_us;
    if (live_add_list(s->secret, &p->secret, &why) != 0 ||
        live_add_list(s->api_key, &p->api_key, &why) != 0)
        return call_end(c, VERDICT_USAGE, "%s", why.text);
    return find_scheme(c, p->scheme, &s->scheme);
}

/* Standard input can be one thing. */
static bool stdin_is_free(struct call *c)
{
    const char *body = call_option(c, "body");
    int users = body == NULL || strcmp(body, "-") == 0;
    const char *text;

    for (size_t i = 0; (text = call_each(c, "secret", i)) != NULL; i++)
        users += strcmp(text, "-") == 0;
    for (size_t i = 0; (text = call_each(c, "api-key", i)) != NULL; i++)
        users += strcmp(text, "-") == 0;
    return users < 2;
}

static enum verdict from_options(struct call *c, struct signing *s)
{
    const char *scheme = call_option(c, "scheme"), *text;
    struct fail why = {""};

    if (scheme == NULL || call_option(c, "secret") == NULL)
        return call_end(c, VERDICT_USAGE,
                        "give --scheme and --secret, or --provider to take both from the "
                        "configuration");
    if (!stdin_is_free(c))
        return call_end(c, VERDICT_USAGE,
                        "standard input can be one thing; give the body with --body FILE");
    for (size_t i = 0; (text = call_each(c, "secret", i)) != NULL; i++)
        if (live_add_option(s->secret, "secret", text, &why) != 0)
            return call_end(c, VERDICT_USAGE, "%s", why.text);
    for (size_t i = 0; (text = call_each(c, "api-key", i)) != NULL; i++)
        if (live_add_option(s->api_key, "api-key", text, &why) != 0)
            return call_end(c, VERDICT_USAGE, "%s", why.text);
    return find_scheme(c, scheme, &s->scheme);
}

enum verdict signing_open(struct call *c, struct signing *s)
{
    const char *provider = call_option(c, "provider");
    enum verdict v;

    *s = (struct signing){.tolerance_us = -1, .secret = live_new(), .api_key = live_new()};
    if (s->secret == NULL || s->api_key == NULL)
        return call_end(c, VERDICT_AWAY, "no memory");
    if (provider != NULL && (call_option(c, "scheme") != NULL || call_option(c, "secret") != NULL ||
                             call_option(c, "api-key") != NULL))
        return call_end(c, VERDICT_USAGE,
                        "--provider takes scheme and secrets from the configuration; leave out the "
                        "others");
    v = provider != NULL ? from_configuration(c, s, provider) : from_options(c, s);
    if (v == VERDICT_DONE && s->scheme->api_key_header == NULL && s->api_key->n > 0)
        v = call_end(c, VERDICT_USAGE, "the scheme %s has no API key", s->scheme->name);
    return v;
}

void signing_close(struct signing *s)
{
    live_free(s->secret);
    live_free(s->api_key);
    if (s->host.config != NULL || s->host.program.config != NULL)
        host_close(&s->host);
}
