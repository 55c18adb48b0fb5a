#include "tool/probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

/* A server that refuses chunked bodies takes those that are there with the head. */
#define BODY_PAUSE_NS 200000000L

struct probe {
    const char *ca_file;
    CURLM *multi;
};

/* One request under way. */
struct flight {
    CURL *easy;
    struct curl_slist *headers;
    struct slice body;
    size_t sent;
    struct probe_answer *answer;
    char error[CURL_ERROR_SIZE];
};

struct probe *probe_new(const char *ca_file)
{
    struct probe *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    p->ca_file = ca_file;
    p->multi = curl_multi_init();
    if (p->multi == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

void probe_free(struct probe *p)
{
    if (p == NULL)
        return;
    curl_multi_cleanup(p->multi);
    curl_global_cleanup();
    free(p);
}

/* What is beyond the room is read and let go. */
static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct probe_answer *a = ((struct flight *)ctx)->answer;
    size_t room = PROBE_BODY_MAX - a->n;
    size_t take = size * n < room ? size * n : room;

    memcpy(a->body + a->n, bytes, take);
    a->n += take;
    return size * n;
}

static size_t on_read(char *out, size_t size, size_t n, void *ctx)
{
    struct flight *f = ctx;
    size_t left = f->body.n - f->sent;
    size_t take = size * n < left ? size * n : left;
    const struct timespec pause = {0, BODY_PAUSE_NS};

    if (f->sent == 0)
        (void)nanosleep(&pause, NULL);
    memcpy(out, f->body.p + f->sent, take);
    f->sent += take;
    return take;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *ctx)
{
    struct probe_answer *a = ((struct flight *)ctx)->answer;
    struct slice line = {bytes, size * n};
    char date[64];
    const struct {
        const char *name;
        char *to;
        size_t room;
    } wanted[] = {
        {"content-type:", a->type, sizeof a->type},
        {"server:", a->server, sizeof a->server},
        {"www-authenticate:", a->authenticate, sizeof a->authenticate},
        {"date:", date, sizeof date},
    };

    while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
        line.n--;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        size_t k = strlen(wanted[i].name);
        if (line.n < k || strncasecmp(line.p, wanted[i].name, k) != 0)
            continue;
        struct slice value = text_trim(slice_from(line, k));
        (void)snprintf(wanted[i].to, wanted[i].room, "%.*s", (int)value.n, value.p);
        if (wanted[i].to == date) {
            time_t t = curl_getdate(date, NULL);
            a->date_us = t > 0 ? (int64_t)t * US_PER_S : 0;
        }
    }
    return size * n;
}

static bool add_header(struct flight *f, const char *text)
{
    struct curl_slist *longer = curl_slist_append(f->headers, text);

    if (longer == NULL)
        return false;
    f->headers = longer;
    return true;
}

#define SET(option, value) (ok = curl_easy_setopt(f->easy, (option), (value)) == CURLE_OK && ok)

static bool set_body(struct flight *f, const struct probe_request *r)
{
    bool ok = true;

    SET(CURLOPT_POST, 1L);
    if (r->chunked) {
        SET(CURLOPT_READFUNCTION, on_read);
        SET(CURLOPT_READDATA, f);
        return ok && add_header(f, "Transfer-Encoding: chunked");
    }
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
    SET(CURLOPT_POSTFIELDS, r->body.p);
    return ok;
}

static bool prepare(const struct probe *p, struct flight *f, const struct probe_request *r)
{
    bool ok = true;

    f->body = r->body;
    f->easy = curl_easy_init();
    /* Else curl waits for 100 Continue, or refuses to send. */
    if (f->easy == NULL || !add_header(f, "Expect:"))
        return false;
    for (size_t i = 0; i < PROBE_HEADERS_MAX; i++)
        if (r->header[i] != NULL && !add_header(f, r->header[i]))
            return false;
    SET(CURLOPT_URL, r->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)PROBE_TIMEOUT_MS);
    SET(CURLOPT_USERAGENT, "guichet-doctor/" GUICHET_VERSION);
    if (p->ca_file != NULL)
        SET(CURLOPT_CAINFO, p->ca_file);
    if (r->body.p != NULL)
        ok = set_body(f, r) && ok;
    SET(CURLOPT_HTTPHEADER, f->headers);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, f);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, f);
    SET(CURLOPT_ERRORBUFFER, f->error);
    SET(CURLOPT_PRIVATE, f);
    return ok;
}

static void land(struct flight *f, CURLcode code)
{
    struct probe_answer *a = f->answer;
    curl_off_t took = 0;
    long status = 0;

    (void)curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME_T, &took);
    a->took_us = took;
    /* A server that refuses a body may close while it is sent: the answer counts. */
    a->status = (int)status;
    if (status == 0)
        fail_set(&a->why, "%s",
                 f->error[0] != '\0' ? f->error
                 : code != CURLE_OK  ? curl_easy_strerror(code)
                                     : "no answer");
    a->body[a->n] = '\0';
}

static void fly(struct probe *p)
{
    int running = 1, left;
    struct CURLMsg *m;
    struct flight *f;

    /* Each transfer has its own time-out, so this ends. */
    while (running > 0) {
        if (curl_multi_perform(p->multi, &running) != CURLM_OK)
            return;
        while ((m = curl_multi_info_read(p->multi, &left)) != NULL)
            if (m->msg == CURLMSG_DONE &&
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f) == CURLE_OK)
                land(f, m->data.result);
        if (running > 0)
            (void)curl_multi_poll(p->multi, NULL, 0, 1000, NULL);
    }
}

void probe_burst(struct probe *p, const struct probe_request *r, size_t n, struct probe_answer *out)
{
    struct flight *flight = calloc(n, sizeof *flight);

    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        fail_set(&out[i].why, "no memory");
    for (size_t i = 0; flight != NULL && i < n; i++) {
        flight[i].answer = &out[i];
        if (prepare(p, &flight[i], r))
            (void)curl_multi_add_handle(p->multi, flight[i].easy);
    }
    if (flight != NULL)
        fly(p);
    for (size_t i = 0; flight != NULL && i < n; i++) {
        if (flight[i].easy != NULL)
            (void)curl_multi_remove_handle(p->multi, flight[i].easy);
        curl_easy_cleanup(flight[i].easy);
        curl_slist_free_all(flight[i].headers);
    }
    free(flight);
}

void probe_ask(struct probe *p, const struct probe_request *r, struct probe_answer *out)
{
    probe_burst(p, r, 1, out);
}
