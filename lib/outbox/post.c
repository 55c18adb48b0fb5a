#include "outbox/post.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROTOCOLS        "http,https"
#define HEADER_MAX       4096 /* of a header that we send */
#define RETRY_AFTER_ROOM 64
#define HEAD_MAX         (64u * 1024) /* bytes of an answer's headers */

struct post {
    CURLM *multi;
    char *ca_file;
    struct transfer *first; /* all under way, and ended ones that were not told yet */
};

struct transfer {
    CURL *easy;
    struct curl_slist *headers;
    void *tag;
    size_t head_n, answer_n; /* bytes that came */
    bool too_long;           /* more than we read; the transfer was ended for it */
    char retry_after[RETRY_AFTER_ROOM];
    char answer[256]; /* of struct post_result */
    char error[CURL_ERROR_SIZE];
    struct transfer *next;
};

static void start_library(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, start_library);
}

/* --- where to ------------------------------------------------------------------------------------------ */

/* 127.0.0.1.example.org is a name, and of another host. */
static bool is_this_host(const char *host)
{
    struct in_addr address;

    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && inet_pton(AF_INET, host, &address) == 1);
}

static int judge(CURLU *u, bool plain_http, struct fail *why)
{
    char *scheme = NULL, *host = NULL, *user = NULL, *fragment = NULL;
    int result = -1;

    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        fail_set(why, "it has no host");
    else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        fail_set(why, "it must begin with https://");
    else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
        fail_set(why, "it must not hold a user or password, which others could read");
    else if (curl_url_get(u, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
        fail_set(why, "it must not hold a fragment (#...), which is never sent");
    else if (strcmp(scheme, "http") == 0 && !plain_http && !is_this_host(host))
        fail_set(why, "the API key and the event would be readable on the way; use https://, or "
                      "--plain-http where the way is your own");
    else
        result = 0;
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(fragment);
    return result;
}

int post_check_url(const char *url, bool plain_http, struct fail *why)
{
    CURLU *u;
    int result;

    ready();
    if (strlen(url) > POST_URL_MAX)
        return fail_set(why, "the URL has more than %d bytes", POST_URL_MAX);
    u = curl_url();
    if (u == NULL)
        return fail_set(why, "no memory");
    if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        result = fail_set(why, "it is no URL such as https://example.org/api/webhooks/dazno");
    else
        result = judge(u, plain_http, why);
    curl_url_cleanup(u);
    return result == 0 ? 0 : fail_prefix(why, "the URL cannot be used");
}

/* --- requests ------------------------------------------------------------------------------------------ */

struct post *post_new(const char *ca_file, struct fail *why)
{
    struct post *p = calloc(1, sizeof *p);

    ready();
    if (p != NULL)
        p->multi = curl_multi_init();
    if (p == NULL || p->multi == NULL ||
        (ca_file != NULL && (p->ca_file = strdup(ca_file)) == NULL)) {
        fail_set(why, "no memory");
        post_free(p);
        return NULL;
    }
    return p;
}

static void transfer_free(struct transfer *t)
{
    if (t == NULL)
        return;
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    free(t);
}

static void unlink_transfer(struct post *p, struct transfer *t)
{
    struct transfer **at = &p->first;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    (void)curl_multi_remove_handle(p->multi, t->easy);
}

void post_free(struct post *p)
{
    if (p == NULL)
        return;
    while (p->first != NULL) {
        struct transfer *t = p->first;
        unlink_transfer(p, t);
        transfer_free(t);
    }
    if (p->multi != NULL)
        (void)curl_multi_cleanup(p->multi);
    free(p->ca_file);
    free(p);
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
    static const char name[] = "retry-after:";
    struct transfer *t = ctx;
    size_t bytes = size * n, value_n = bytes;
    const char *value = line + sizeof name - 1;

    t->head_n += bytes;
    if (t->head_n > HEAD_MAX) {
        t->too_long = true;
        return 0;
    }
    /* Headers of an interim answer (1xx) or of a proxy's come first: the last block counts. */
    if (bytes >= 5 && memcmp(line, "HTTP/", 5) == 0)
        t->retry_after[0] = '\0';
    if (bytes < sizeof name || strncasecmp(line, name, sizeof name - 1) != 0)
        return bytes;
    value_n -= sizeof name - 1;
    while (value_n > 0 && (value[value_n - 1] == '\r' || value[value_n - 1] == '\n'))
        value_n--;
    if (value_n < sizeof t->retry_after)
        (void)snprintf(t->retry_after, sizeof t->retry_after, "%.*s", (int)value_n, value);
    return bytes;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t have = t->answer_n, came = size * n;

    if (have < sizeof t->answer - 1) {
        size_t take = sizeof t->answer - 1 - have < came ? sizeof t->answer - 1 - have : came;
        memcpy(t->answer + have, bytes, take);
        t->answer[have + take] = '\0';
    }
    t->answer_n += came;
    t->too_long = t->answer_n > POST_ANSWER_MAX;
    return t->too_long ? 0 : came;
}

static bool add_header(struct transfer *t, const char *name, const char *value)
{
    char line[HEADER_MAX];
    int n = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *more = NULL;

    if (n > 0 && n < (int)sizeof line && strpbrk(line, "\r\n") == NULL)
        more = curl_slist_append(t->headers, line);
    if (more != NULL)
        t->headers = more;
    explicit_bzero(line, sizeof line);
    return more != NULL;
}

static bool set_options(const struct post *p, struct transfer *t, const char *url,
                        struct slice body)
{
    CURL *e = t->easy;
    bool ok = true;

#define SET(option, value) ok = ok && curl_easy_setopt(e, option, value) == CURLE_OK
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, PROTOCOLS);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (p->ca_file != NULL) {
        SET(CURLOPT_CAINFO, p->ca_file);
        SET(CURLOPT_CAPATH, (char *)NULL);
    }
    /* What is not encrypted goes to this host, or a way of one's own: through no proxy. */
    if (strncasecmp(url, "http:", 5) == 0)
        SET(CURLOPT_PROXY, "");
    SET(CURLOPT_TIMEOUT_MS, (long)POST_TIMEOUT_MS);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "guichet/" GUICHET_VERSION);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    SET(CURLOPT_POSTFIELDS, body.p);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_PRIVATE, t);
#undef SET
    return ok;
}

int post_start(struct post *p, const char *url, const struct post_header *header, size_t nheaders,
               struct slice body, void *tag, struct fail *why)
{
    struct transfer *t = calloc(1, sizeof *t);
    /* Without it a larger body waits a second for a 100 that few servers send. */
    bool ok = t != NULL && add_header(t, "Expect", "");

    if (ok)
        ok = (t->easy = curl_easy_init()) != NULL;
    for (size_t i = 0; ok && i < nheaders; i++)
        ok = add_header(t, header[i].name, header[i].value);
    ok = ok && set_options(p, t, url, body);
    if (ok) {
        t->tag = tag;
        t->next = p->first;
        p->first = t;
        ok = curl_multi_add_handle(p->multi, t->easy) == CURLM_OK;
        if (!ok)
            p->first = t->next;
    }
    if (!ok) {
        transfer_free(t);
        return fail_set(why, "no memory for a request, or a header that is too long");
    }
    return 0;
}

/* Those that ended and were not taken yet are in the list as well. */
static size_t count_transfers(const struct post *p)
{
    size_t n = 0;

    for (const struct transfer *t = p->first; t != NULL; t = t->next)
        n++;
    return n;
}

void post_wait(struct post *p, struct pollfd *fd, size_t nfds, int timeout_ms)
{
    struct curl_waitfd extra[POST_FDS_MAX];
    int running;

    (void)curl_multi_perform(p->multi, &running);
    /* What ended just now, as a refused connection does, has no descriptor left that would wake the poll. */
    if ((size_t)running < count_transfers(p))
        timeout_ms = 0;
    for (size_t i = 0; i < nfds; i++)
        extra[i] = (struct curl_waitfd){.fd = fd[i].fd, .events = CURL_WAIT_POLLIN};
    (void)curl_multi_poll(p->multi, extra, (unsigned)nfds, timeout_ms, NULL);
    for (size_t i = 0; i < nfds; i++)
        fd[i].revents = extra[i].revents;
    (void)curl_multi_perform(p->multi, &running);
}

/* --- results ------------------------------------------------------------------------------------------- */

/* Codes that tell why no answer came; another one counts as a cut connection. */
static enum try_end end_of_code(CURLcode code)
{
    static const struct {
        CURLcode code;
        enum try_end end;
    } known[] = {
        {CURLE_COULDNT_RESOLVE_PROXY, TRY_CONNECT},
        {CURLE_COULDNT_RESOLVE_HOST, TRY_CONNECT},
        {CURLE_COULDNT_CONNECT, TRY_CONNECT},
        {CURLE_INTERFACE_FAILED, TRY_CONNECT},
        {CURLE_PROXY, TRY_CONNECT},
        {CURLE_OPERATION_TIMEDOUT, TRY_TIMEOUT},
        {CURLE_SSL_CONNECT_ERROR, TRY_TLS},
        {CURLE_PEER_FAILED_VERIFICATION, TRY_TLS},
        {CURLE_SSL_CIPHER, TRY_TLS},
        {CURLE_SSL_CERTPROBLEM, TRY_TLS},
        {CURLE_SSL_ISSUER_ERROR, TRY_TLS},
        {CURLE_SSL_INVALIDCERTSTATUS, TRY_TLS},
        {CURLE_SSL_CACERT_BADFILE, TRY_SETTINGS},
        {CURLE_OUT_OF_MEMORY, TRY_SETTINGS},
        {CURLE_UNSUPPORTED_PROTOCOL, TRY_SETTINGS},
        {CURLE_URL_MALFORMAT, TRY_SETTINGS},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].code == code)
            return known[i].end;
    return TRY_CUT;
}

static void describe(struct transfer *t, CURLcode code, int64_t now_us, struct post_result *out)
{
    curl_off_t total_us = 0;
    long status = 0;

    *out = (struct post_result){.tag = t->tag};
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    out->status = (int)status;
    out->duration_us = (int64_t)total_us;
    (void)snprintf(out->answer, sizeof out->answer, "%s", t->answer);
    /* The answer was longer than we read: it is an answer. */
    if (code == CURLE_OK || (t->too_long && status >= 200)) {
        out->end = try_end_of_status(out->status);
    } else {
        out->end = end_of_code(code);
        (void)snprintf(out->text, sizeof out->text, "%.200s",
                       t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
    }
    /* Also of an answer whose end did not come. */
    out->retry_after_us = schedule_retry_after(slice_of(t->retry_after), now_us);
}

bool post_next(struct post *p, int64_t now_us, struct post_result *out)
{
    CURLMsg *m;
    char *private = NULL;
    int left;

    do {
        m = curl_multi_info_read(p->multi, &left);
        if (m == NULL)
            return false;
    } while (m->msg != CURLMSG_DONE ||
             curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private) != CURLE_OK);
    struct transfer *t = (struct transfer *)(void *)private;
    describe(t, m->data.result, now_us, out);
    unlink_transfer(p, t);
    transfer_free(t);
    return true;
}
