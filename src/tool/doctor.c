#include "tool/doctor.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "program.h"

#define SOCKET_USUAL "/run/guichet/guichet.sock"
/* The header Date has whole seconds, and an answer takes a while. */
#define CLOCK_APART_MAX_US (5 * US_PER_S)

void doctor_find(struct doctor *d, enum finding f, const char *at, const char *format, ...)
{
    const struct finding_row *row = &finding_table[f];
    char what[FAIL_TEXT_MAX + 256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    *(strcmp(row->level, "fault") == 0 ? &d->faults : &d->notes) += 1;
    out_form(d->c->out, OUT_FACTS);
    out_text(d->c->out, "finding", slice_of(row->name));
    out_word(d->c->out, "level", row->level,
             strcmp(row->level, "fault") == 0 ? OUT_BAD : OUT_DOUBT);
    out_text(d->c->out, "at", slice_of(at));
    out_text(d->c->out, "what", slice_of(what));
    out_text(d->c->out, "remedy", slice_of(row->remedy));
    out_end(d->c->out);
    out_say(d->c->out, "%s", "");
}

void doctor_ask(struct doctor *d, const char *url, struct probe_request r, struct probe_answer *out)
{
    int64_t apart_us;

    r.url = url;
    d->probes++;
    probe_ask(d->probe, &r, out);
    apart_us = out->date_us != 0 ? out->date_us - clock_now_us(&clock_system) : 0;
    if (d->probes > 1 || (apart_us < CLOCK_APART_MAX_US && apart_us > -CLOCK_APART_MAX_US))
        return;
    doctor_find(d, FINDING_CLOCK, d->base, "the web server's clock is %lld s %s this host's",
                (long long)((apart_us < 0 ? -apart_us : apart_us) / US_PER_S),
                apart_us < 0 ? "behind" : "ahead of");
}

bool doctor_is_ours(const struct probe_answer *a)
{
    if (a->status == 200)
        return strcmp(a->body, "{\"status\":\"ok\"}") == 0;
    return strncmp(a->type, "application/problem+json", 24) == 0 &&
           strstr(a->body, "\"received\":false}") != NULL;
}

const char *doctor_who(const struct probe_answer *a, char out[static DOCTOR_WHO_ROOM])
{
    if (a->status == 0)
        (void)snprintf(out, DOCTOR_WHO_ROOM, "no answer (%.70s)", a->why.text);
    else
        (void)snprintf(out, DOCTOR_WHO_ROOM, "%d from %s", a->status,
                       doctor_is_ours(a)      ? "Guichet"
                       : a->server[0] != '\0' ? a->server
                                              : "the web server");
    return out;
}

/* The site, with what stands before /api: of the address itself, else the configuration's. */
static bool read_url(struct doctor *d)
{
    const char *url = d->c->operand[0], *host, *path;
    size_t n = strlen(url);

    host = strncmp(url, "https://", 8) == 0  ? url + 8
           : strncmp(url, "http://", 7) == 0 ? url + 7
                                             : NULL;
    if (host == NULL || *host == '\0' || *host == '/' || strpbrk(url, "?#@ ") != NULL ||
        n + CONFIG_LINE_MAX >= DOCTOR_URL_MAX)
        return false;
    while (url[n - 1] == '/')
        n--;
    path = strchr(host, '/');
    (void)snprintf(d->base, sizeof d->base, "%.*s%s", (int)n, url,
                   path == NULL || path[1] == '\0' ? d->config->base_path : "");
    d->host = d->base + (host - url);
    d->private_way = strncmp(url, "https:", 6) == 0 || strncmp(host, "127.", 4) == 0 ||
                     strncmp(host, "[::1]", 5) == 0 || strncmp(host, "localhost", 9) == 0;
    return true;
}

static bool read_users(struct doctor *d)
{
    const char *user = call_option(d->c, "user"), *web = call_option(d->c, "web-user");

    reach_self(&d->user);
    if (user != NULL && !reach_find(user, &d->user)) {
        (void)call_end(d->c, VERDICT_USAGE, "--user: there is no user %s", user);
        return false;
    }
    if (!reach_find(web != NULL ? web : "www-data", &d->web_user)) {
        if (web != NULL) {
            (void)call_end(d->c, VERDICT_USAGE, "--web-user: there is no user %s", web);
            return false;
        }
        d->web_user = d->user;
    }
    return true;
}

static void examine(struct doctor *d)
{
    doctor_host(d);
    if (!doctor_mounts(d))
        return;
    doctor_files(d);
    if (d->target == NULL)
        return;
    doctor_token(d);
    doctor_bodies(d);
    doctor_burst(d);
    if (call_option(d->c, "send") != NULL)
        doctor_send(d);
}

static struct config *load(struct call *c)
{
    static struct program program;
    struct fail why = {""};
    struct config *config;

    program_locate(&program);
    config = config_load(&(struct config_options){.file = c->config_file,
                                                  .program_dir = program.dir,
                                                  .environment = environ},
                         &why);
    if (config == NULL)
        (void)call_end(c, VERDICT_USAGE, "%s", why.text);
    return config;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static enum verdict doctor(struct call *c)
{
    struct doctor d = {.c = c, .program = call_option(c, "program")};
    struct config *config = load(c);
    enum verdict v = VERDICT_USAGE;
    struct stat st;

    if (config == NULL)
        return v;
    d.config = config;
    d.socket = call_option(c, "socket");
    if (d.socket == NULL && stat(SOCKET_USUAL, &st) == 0)
        d.socket = SOCKET_USUAL;
    if (!read_url(&d)) {
        (void)call_end(c, v,
                       "the address must be as in https://example.org, or with what stands "
                       "before /api: https://example.org/hooks");
        goto done;
    }
    if (!read_users(&d))
        goto done;
    d.probe = probe_new(call_option(c, "ca"));
    if (d.probe == NULL) {
        v = call_end(c, VERDICT_AWAY, "no memory");
        goto done;
    }
    examine(&d);
    out_say(c->out, "%zu request%s to %s: %zu fault%s, %zu note%s", d.probes, plural(d.probes),
            d.base, d.faults, plural(d.faults), d.notes, plural(d.notes));
    v = d.faults > 0 ? VERDICT_NO : VERDICT_DONE;

done:
    probe_free(d.probe);
    config_free(config);
    return v;
}

static const struct option_row options[] = {
    {"program", "FILE", "guichet.fcgi as it is deployed: owner and modes are looked at", false},
    {"socket", "FILE", "its socket; else " SOCKET_USUAL " if that is there", false},
    {"user", "NAME", "whom the program runs as; else who runs this", false},
    {"web-user", "NAME", "whom the web server runs as (www-data)", false},
    {"ca", "FILE", "certificates to trust in place of the system's", false},
    {"send", NULL, "also send a signed event, twice: it touches the user guichet-doctor", false},
    {0}};

const struct verb verb_doctor = {
    "doctor", "URL", "finds what is wrong between a site's address and the program", options, 1,
    1,        doctor};
