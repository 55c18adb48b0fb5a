/* verify: is a request authentic, and if not, which mistake was made? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "events/rewrite.h"
#include "tool/input.h"
#include "tool/keys.h"
#include "tool/signing.h"
#include "verify/diagnose.h"
#include "verify/verify.h"

#define HEADERS_MAX      64
#define HEADERS_BYTES    65536
#define WORK_MAX         (UINT64_C(8) << 30)
#define ENVIRONMENT_ROOM (SECRET_BYTES_MAX + 16)

/* The request that is judged. */
struct trial {
    struct request request;
    char *params[HEADERS_MAX + 1];
    size_t nparams;
    struct buf body, headers;
};

/* --- the request ------------------------------------------------------------------------------------ */

/* "Name: value" becomes "HTTP_NAME=value", as a web server would have it. */
static bool add_header(struct trial *t, struct slice line)
{
    const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
    size_t n = colon != NULL ? (size_t)(colon - line.p) : 0;
    struct slice value;
    char *param;

    if (n == 0 || n > 64 || t->nparams == HEADERS_MAX)
        return false;
    value = text_trim(slice_from(line, n + 1));
    param = malloc(5 + n + 1 + value.n + 1);
    if (param == NULL)
        return false;
    memcpy(param, "HTTP_", 5);
    for (size_t i = 0; i < n; i++) {
        char c = line.p[i];
        param[5 + i] = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    param[5 + n] = '=';
    if (value.n > 0)
        memcpy(param + 5 + n + 1, value.p, value.n);
    param[5 + n + 1 + value.n] = '\0';
    t->params[t->nparams++] = param;
    return true;
}

static bool is_header(struct slice line, const char *name)
{
    size_t n = name != NULL ? strlen(name) : 0;

    return n > 0 && line.n > n && line.p[n] == ':' &&
           text_equal_nocase((struct slice){line.p, n}, slice_of(name));
}

static enum verdict take_options(struct call *c, struct trial *t, const struct scheme *scheme)
{
    const char *text;

    for (size_t i = 0; (text = call_each(c, "header", i)) != NULL; i++) {
        struct slice line = slice_of(text);
        if (is_header(line, scheme->api_key_header))
            return call_end(c, VERDICT_USAGE,
                            "the header %s is a secret, and others can see arguments; put the "
                            "headers in a file and name it with --headers",
                            scheme->api_key_header);
        if (!add_header(t, line))
            return call_end(c, VERDICT_USAGE, "--header must be `Name: value`, %d of them at most",
                            HEADERS_MAX);
    }
    return VERDICT_DONE;
}

/* A file of header lines, as from a capture; an empty line ends them, and what is no header (a request
 * or status line) is passed over. */
static enum verdict take_file(struct call *c, struct trial *t)
{
    const char *file = call_option(c, "headers");
    struct fail why = {""};
    struct slice rest;

    if (file == NULL)
        return VERDICT_DONE;
    if (strcmp(file, "-") == 0)
        return call_end(c, VERDICT_USAGE, "--headers must name a file");
    if (input_read(file, &t->headers, &why) != 0)
        return call_end(c, VERDICT_AWAY, "%s", why.text);
    rest = buf_slice(&t->headers);
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        struct slice line = {rest.p, end != NULL ? (size_t)(end - rest.p) : rest.n};
        rest = slice_from(rest, end != NULL ? line.n + 1 : line.n);
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            break;
        if (!add_header(t, line) && t->nparams == HEADERS_MAX)
            return call_end(c, VERDICT_USAGE, "%s holds more than %d headers", file, HEADERS_MAX);
    }
    return VERDICT_DONE;
}

/* --- the judgement ------------------------------------------------------------------------------------ */

/* A provider with these secrets, which the verifier reads as variables of an environment of their own. */
struct court {
    struct config_provider provider;
    char *environment[2 * SECRETS_LIVE_MAX + 2];
    size_t n;
    char spec[2 * SECRETS_LIVE_MAX + 2][8];
    char origin[16];
};

static bool summon(struct court *t, struct config_list *list, const char *text, size_t n)
{
    char *variable = malloc(ENVIRONMENT_ROOM);

    if (variable == NULL)
        return false;
    (void)snprintf(variable, ENVIRONMENT_ROOM, "S%zu=%.*s", t->n, (int)n, text);
    (void)snprintf(t->spec[t->n], sizeof t->spec[0], "env:S%zu", t->n);
    list->item[list->n].text = t->spec[t->n];
    list->item[list->n++].origin = t->origin;
    t->environment[t->n++] = variable;
    return true;
}

static bool summon_all(struct court *t, struct config_list *list, const struct live *l)
{
    bool ok = true;

    for (size_t i = 0; ok && i < l->n; i++)
        ok = summon(t, list, l->secret[i].text.text, l->secret[i].text.n);
    return ok;
}

static void dismiss(struct court *t)
{
    for (size_t i = 0; i < t->n; i++) {
        explicit_bzero(t->environment[i], ENVIRONMENT_ROOM);
        free(t->environment[i]);
    }
    free(t);
}

/* Without --api-key the header counts for nothing: it is not looked at. */
#define NO_API_KEY "unchecked"

static bool without_api_key(struct trial *t, struct court *court, const char *header)
{
    size_t n = 0;
    char line[96];

    for (size_t i = 0; i < t->nparams; i++) {
        struct request one = {.params = (char *[]){t->params[i], NULL}};
        if (request_header(&one, header, NULL).p != NULL)
            free(t->params[i]);
        else
            t->params[n++] = t->params[i];
    }
    t->nparams = n;
    t->params[n] = NULL;
    (void)snprintf(line, sizeof line, "%s: %s", header, NO_API_KEY);
    return add_header(t, slice_of(line)) &&
           summon(court, &court->provider.api_key, NO_API_KEY, strlen(NO_API_KEY));
}

static enum verdict judge(struct call *c, const struct signing *s, struct trial *t, int64_t now_us,
                          struct verified *out)
{
    const char *api_key_header = s->scheme->api_key_header;
    struct court *court = calloc(1, sizeof *court);
    char scheme[64];
    struct verifier *verifier = NULL;
    struct fail why = {"no memory"};
    bool ok;

    if (court == NULL)
        return call_end(c, VERDICT_AWAY, "no memory");
    (void)snprintf(scheme, sizeof scheme, "%s", s->scheme->name);
    (void)snprintf(court->origin, sizeof court->origin, "the secret");
    court->provider = (struct config_provider){.name = "given",
                                               .origin = court->origin,
                                               .scheme = scheme,
                                               .tolerance_us = s->tolerance_us};
    ok = summon_all(court, &court->provider.secret, s->secret) &&
         summon_all(court, &court->provider.api_key, s->api_key);
    if (ok && api_key_header != NULL && s->api_key->n == 0)
        ok = without_api_key(t, court, api_key_header);
    if (ok)
        verifier = verifier_new(&court->provider, court->environment, now_us, &why);
    if (verifier != NULL) {
        request_init(&t->request, t->params);
        t->request.body = buf_slice(&t->body);
        verifier_check(verifier, &t->request, now_us, out);
    }
    verifier_free(verifier);
    dismiss(court);
    return verifier != NULL ? VERDICT_DONE : call_end(c, VERDICT_USAGE, "%s", why.text);
}

/* --- telling ------------------------------------------------------------------------------------------ */

static void tell_secret(struct call *c, const struct signing *s, size_t slot)
{
    char fingerprint[17];

    out_number(c->out, "slot", (int64_t)slot);
    out_text(c->out, "secret", slice_of(s->secret->secret[slot].where));
    (void)snprintf(fingerprint, sizeof fingerprint, "%016llx",
                   (unsigned long long)secret_fingerprint(&s->secret->secret[slot].text));
    out_text(c->out, "fingerprint", slice_of(fingerprint));
}

static enum verdict tell_yes(struct call *c, const struct signing *s, const struct verified *v)
{
    out_form(c->out, OUT_FACTS);
    out_bool(c->out, "verified", true);
    out_text(c->out, "scheme", slice_of(s->scheme->name));
    tell_secret(c, s, v->slot);
    if (s->scheme->api_key_header != NULL)
        out_bool(c->out, "api_key_checked", s->api_key->n > 0);
    if (v->time_us != 0)
        out_time(c->out, "signed_at", v->time_us);
    out_end(c->out);
    return VERDICT_DONE;
}

static enum verdict tell_no(struct call *c, const struct signing *s, const struct trial *t,
                            const struct verified *v, int64_t now_us)
{
    struct rewrite again[REWRITE_MAX];
    struct diagnose_body body[REWRITE_MAX];
    struct secret_text secret[SECRETS_LIVE_MAX], api_key[SECRETS_LIVE_MAX];
    size_t nagain = rewrite_all(t->request.body, again);
    struct diagnosis d;

    for (size_t i = 0; i < nagain; i++)
        body[i] = (struct diagnose_body){again[i].what, {again[i].text, again[i].n}};
    live_texts(s->secret, secret);
    live_texts(s->api_key, api_key);
    diagnose(
        &(struct diagnose_case){
            .scheme = s->scheme,
            .request = &t->request,
            .reason = v->reason,
            .secret = secret,
            .nsecrets = s->secret->n,
            .api_key = api_key,
            .napi_keys = s->api_key->n,
            .body = body,
            .nbodies = nagain,
            .url = slice_of(call_option(c, "url")),
            .now_us = now_us,
            .tolerance_us = s->tolerance_us >= 0 ? s->tolerance_us : s->scheme->tolerance_us,
            .work_max = WORK_MAX,
        },
        &d);
    secret_wipe(secret, SECRETS_LIVE_MAX);
    secret_wipe(api_key, SECRETS_LIVE_MAX);
    rewrite_free(again, nagain);
    out_form(c->out, OUT_FACTS);
    out_bool(c->out, "verified", false);
    out_text(c->out, "scheme", slice_of(s->scheme->name));
    out_text(c->out, "reason", slice_of(state_reason_name(v->reason)));
    out_bool(c->out, "explained", d.found);
    out_text(c->out, "mistake", slice_of(d.text));
    if (d.secret < s->secret->n)
        tell_secret(c, s, d.secret);
    out_end(c->out);
    return VERDICT_NO;
}

static enum verdict verify(struct call *c)
{
    struct trial *t = calloc(1, sizeof *t);
    struct signing s = {.secret = NULL};
    struct verified found = {.reason = SIGNATURE_MISSING};
    struct fail why = {""};
    long long now = 0;
    enum verdict v = t != NULL ? signing_open(c, &s) : call_end(c, VERDICT_AWAY, "no memory");

    if (t == NULL)
        return v;
    t->body = BUF_INIT(INPUT_BYTES_MAX);
    t->headers = BUF_INIT(HEADERS_BYTES);
    if (v == VERDICT_DONE &&
        !call_number(c, "now", 0, 253402300799, clock_now_us(&clock_system) / US_PER_S, &now))
        v = VERDICT_USAGE;
    if (v == VERDICT_DONE)
        v = take_options(c, t, s.scheme);
    if (v == VERDICT_DONE)
        v = take_file(c, t);
    if (v == VERDICT_DONE && input_read(call_option(c, "body"), &t->body, &why) != 0)
        v = call_end(c, VERDICT_AWAY, "%s", why.text);
    if (v == VERDICT_DONE)
        v = judge(c, &s, t, now * US_PER_S, &found);
    if (v == VERDICT_DONE)
        v = found.reason == SIGNATURE_OK ? tell_yes(c, &s, &found)
                                         : tell_no(c, &s, t, &found, now * US_PER_S);
    for (size_t i = 0; i < t->nparams; i++)
        free(t->params[i]);
    buf_free(&t->body);
    buf_free(&t->headers);
    free(t);
    signing_close(&s);
    return v;
}

static const struct option_row options[] = {
    SIGNING_OPTIONS,
    {"header", "'NAME: VALUE'", "a header of the request", true},
    {"headers", "FILE", "a file of its header lines, for those that are secret", false},
    {"url", "URL", "where it was sent, to notice a sender that signs that", false},
    {"now", "EPOCH", "when it came, in seconds since 1970; else the present", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_verify = {
    "verify", "", "says whether a request is authentic, and if not, why", options, 0, 0, verify};
