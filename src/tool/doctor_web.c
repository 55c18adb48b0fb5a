/* Through the web server: are the paths mounted, do headers and bodies of every size arrive? */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "tool/doctor.h"

#define JSON         "Content-Type: application/json"
#define SIZE_MAX_TRY (8u << 20) /* bytes; larger bodies are not tried */

/* Who waits this long found every process busy: mod_fcgid sleeps 1 s and tries again. With enough processes
 * one or two in a round do so; with one or two processes half of all, and fewer where the processor is busy,
 * for those that are sent at once do not arrive at once then. */
#define WAITED_US    (900 * 1000)
#define BURST        8 /* what a quiet host must bear */
#define BURST_ROUNDS 4
#define BURST_WAITS  (BURST * BURST_ROUNDS * 3 / 8) /* so many of them must wait */
#define BURST_TRIES                                                                                \
    10 /* rounds at most: a server that was just started may start processes slowly */
#define BURST_BYTES 32768

/* --- the mounts ------------------------------------------------------------------------------- */

/* What an answer of another's means. */
static enum finding meaning(const struct probe_answer *a)
{
    if (a->status == 0)
        return FINDING_PROGRAM_FAILS; /* the server answers: it hung up on this one */
    if (memcmp(a->body, "\177ELF", 4) == 0)
        return FINDING_DOWNLOAD;
    if (a->status >= 300 && a->status < 400)
        return FINDING_REDIRECTED;
    if (a->status == 401 || a->status == 403)
        return FINDING_DENIED;
    if (a->status == 500)
        return FINDING_PROGRAM_FAILS;
    return a->status > 501 ? FINDING_BACKEND : FINDING_NOT_MOUNTED;
}

static void find_foreign(struct doctor *d, const char *path, const struct probe_answer *a)
{
    char who[DOCTOR_WHO_ROOM];

    doctor_find(d, meaning(a), path, "Guichet does not answer there: %s", doctor_who(a, who));
}

/* An answer of ours that is not the 401 that an unsigned body deserves. */
static void find_ours(struct doctor *d, const char *path, const struct probe_answer *a)
{
    bool tls = strncmp(d->base, "https:", 6) == 0;

    if (a->status == 404)
        doctor_find(d, FINDING_PREFIX, path, "Guichet answers, but knows no such path");
    else if (a->status == 403)
        doctor_find(d, FINDING_PLAIN_HTTP, path,
                    tls ? "the address is https, but the program is not told so"
                        : "plain HTTP is refused there (require_https)");
    else if (a->status == 400)
        doctor_find(d, FINDING_BODY_EMPTIED, path, "a body was sent, and none arrived");
    else
        doctor_find(d, FINDING_PREFIX, path, "an unsigned body is answered %d, not 401", a->status);
}

static bool url_of(char out[static DOCTOR_URL_MAX], const char *base, const char *path)
{
    return snprintf(out, DOCTOR_URL_MAX, "%s%s", base, path) < DOCTOR_URL_MAX;
}

static bool check_health(struct doctor *d)
{
    char url[DOCTOR_URL_MAX];
    struct probe_answer a;

    if (!url_of(url, d->base, "/api/health"))
        return false;
    doctor_ask(d, url, (struct probe_request){.url = NULL}, &a);
    if (a.status == 0)
        doctor_find(d, FINDING_UNREACHABLE, d->base, "%s", a.why.text);
    else if (!doctor_is_ours(&a))
        find_foreign(d, "/api/health", &a);
    else if (a.status == 404)
        find_ours(d, "/api/health", &a);
    else if (a.status == 503)
        doctor_find(d, FINDING_STORE, "/api/health",
                    "the program that runs cannot commit to its store");
    return a.status != 0;
}

bool doctor_mounts(struct doctor *d)
{
    if (!check_health(d))
        return false;
    for (size_t i = 0; i < d->config->nproviders; i++) {
        const struct config_provider *p = &d->config->provider[i];
        char url[DOCTOR_URL_MAX];
        struct probe_answer a;
        if (p->retired || !url_of(url, d->base, p->path))
            continue;
        doctor_ask(d, url, (struct probe_request){.header = {JSON}, .body = SLICE_LITERAL("{}")},
                   &a);
        if (!doctor_is_ours(&a)) {
            find_foreign(d, p->path, &a);
        } else if (a.status != 401) {
            find_ours(d, p->path, &a);
        } else if (d->target == NULL ||
                   (strcmp(p->scheme, "t4g") == 0 && strcmp(d->target->scheme, "t4g") != 0)) {
            /* --send knows the events of that scheme. */
            d->target = p;
            (void)snprintf(d->target_url, sizeof d->target_url, "%s", url);
        }
    }
    return true;
}

/* --- the token -------------------------------------------------------------------------------- */

static void show_token(struct doctor *d, const char *url, const char *name, const char *token,
                       const char *other, struct probe_answer *a)
{
    char header[SECRET_BYTES_MAX + 64];

    (void)snprintf(header, sizeof header, "%s%s", name, token);
    doctor_ask(d, url, (struct probe_request){.header = {header, other}}, a);
    explicit_bzero(header, sizeof header);
}

void doctor_token(struct doctor *d)
{
    struct secret_text token;
    struct fail why = {""};
    struct probe_answer a;
    char url[DOCTOR_URL_MAX], who[DOCTOR_WHO_ROOM];

    if (d->config->metrics_token == NULL || !d->private_way ||
        !url_of(url, d->base, "/api/metrics"))
        return;
    if (secret_read(d->config->metrics_token, d->config->metrics_token_origin, environ, &token, 1,
                    &why) != 1) {
        doctor_find(d, FINDING_SECRET_MODE, "/api/metrics", "%s", why.text);
        return;
    }
    show_token(d, url, "x-api-key: ", token.text, NULL, &a);
    if (a.status != 200) {
        if (doctor_is_ours(&a) && a.status != 401)
            find_ours(d, "/api/metrics", &a);
        else if (doctor_is_ours(&a))
            doctor_find(d, FINDING_TOKEN, "/api/metrics",
                        "the token of this configuration is answered %s", doctor_who(&a, who));
        else
            find_foreign(d, "/api/metrics", &a);
    } else {
        show_token(d, url, "Authorization: Bearer ", token.text, NULL, &a);
        if (a.status == 401)
            doctor_find(d, FINDING_AUTHORIZATION, "/api/metrics",
                        "the token arrives as x-api-key, but not as Authorization");
        show_token(d, url, "x-api-key: ", token.text, "X_Api_Key: another", &a);
        if (a.status != 200)
            doctor_find(d, FINDING_UNDERSCORE, "/api/metrics",
                        "X_Api_Key arrives as a second x-api-key");
    }
    secret_wipe(&token, 1);
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void post(struct doctor *d, struct slice body, bool chunked, struct probe_answer *a)
{
    doctor_ask(d, d->target_url,
               (struct probe_request){.header = {JSON}, .body = body, .chunked = chunked}, a);
}

static void check_chunked(struct doctor *d)
{
    struct probe_answer a;
    char who[DOCTOR_WHO_ROOM];

    post(d, SLICE_LITERAL("{\"unsigned\":true}"), true, &a);
    if (a.status == 401 && doctor_is_ours(&a))
        return;
    doctor_find(d, a.status == 411 && doctor_is_ours(&a) ? FINDING_CHUNKED_CGI : FINDING_CHUNKED,
                d->target->path, "a body without Content-Length (chunked) is answered %s",
                doctor_who(&a, who));
}

void doctor_bodies(struct doctor *d)
{
    size_t most = d->config->max_body < SIZE_MAX_TRY ? (size_t)d->config->max_body : SIZE_MAX_TRY;
    const size_t try[] = {4096, 65536, 131072, 131073, 524288, most};
    char *bytes = malloc(most), who[DOCTOR_WHO_ROOM];
    size_t arrived = 0;
    struct probe_answer a;

    check_chunked(d);
    if (bytes == NULL)
        return;
    memset(bytes, ' ', most);
    for (size_t i = 0; i < sizeof try / sizeof try[0]; i++) {
        if (try[i] > most)
            continue;
        post(d, (struct slice){bytes, try[i]}, false, &a);
        if (a.status == 401 && doctor_is_ours(&a)) {
            arrived = try[i];
            continue;
        }
        doctor_find(
            d, a.status == 400 && doctor_is_ours(&a) ? FINDING_BODY_EMPTIED : FINDING_BODY_LIMIT,
            d->target->path,
            "a body of %zu bytes arrives, one of %zu is answered %s; max_body is %lld", arrived,
            try[i], doctor_who(&a, who), (long long)d->config->max_body);
        break;
    }
    free(bytes);
}

/* --- many at once ----------------------------------------------------------------------------- */

void doctor_burst(struct doctor *d)
{
    struct probe_answer *a = calloc(BURST, sizeof *a);
    static char bytes[BURST_BYTES];
    struct probe_request r = {
        .url = d->target_url, .header = {JSON}, .body = {bytes, sizeof bytes}};
    size_t late[BURST_TRIES] = {0}, refused = 0, waited = BURST * BURST_ROUNDS, k;
    char who[DOCTOR_WHO_ROOM] = "";

    memset(bytes, ' ', sizeof bytes);
    /* A round in which half waited is not the last: there may be one process after all. */
    for (k = 0; a != NULL && k < BURST_TRIES && (waited >= BURST_WAITS || late[k - 1] >= BURST / 2);
         k++) {
        probe_burst(d->probe, &r, BURST, a);
        d->probes += BURST;
        for (size_t i = 0; i < BURST; i++) {
            late[k] += a[i].took_us > WAITED_US;
            if (!doctor_is_ours(&a[i])) {
                refused++;
                (void)doctor_who(&a[i], who);
            }
        }
        if (k + 1 < BURST_ROUNDS)
            continue;
        waited = 0;
        for (size_t i = 0; i < BURST_ROUNDS; i++)
            waited += late[k - i];
    }
    if (refused > 0)
        doctor_find(d, FINDING_FEW_PROCESSES, d->target->path,
                    "of %d requests at once, %zu times, %zu were not served: %s", BURST, k, refused,
                    who);
    else if (a != NULL && waited >= BURST_WAITS)
        doctor_find(d, FINDING_FEW_PROCESSES, d->target->path,
                    "of %d requests at once, %d times, %zu waited for a process", BURST,
                    BURST_ROUNDS, waited);
    free(a);
}
