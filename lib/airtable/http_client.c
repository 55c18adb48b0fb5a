#include "airtable/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_client {
    CURL *curl;
    struct curl_slist *header;
    char url[HTTP_URL_MAX];
    bool (*tick)(void *ctx);
    void *ctx;
    char error[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_library(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool url_is_sound(const char *url)
{
    static const char *const near[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};

    if (strlen(url) > HTTP_URL_MAX / 2)
        return false;
    if (strncmp(url, "https://", 8) == 0)
        return url[8] != '\0';
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        size_t n = strlen(near[i]);
        if (strncmp(url, near[i], n) == 0 && (url[n] == '\0' || url[n] == ':' || url[n] == '/'))
            return strchr(url + 7, '@') == NULL;
    }
    return false;
}

static size_t take(char *bytes, size_t size, size_t n, void *ctx)
{
    struct buf *answer = ctx;

    return buf_add(answer, bytes, size * n) ? size * n : 0;
}

static int progress(void *ctx, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
                    curl_off_t ulnow)
{
    struct http_client *c = ctx;

    (void)dltotal;
    (void)dlnow;
    (void)ultotal;
    (void)ulnow;
    return c->tick != NULL && !c->tick(c->ctx);
}

static bool add_header(struct http_client *c, const char *text)
{
    struct curl_slist *more = curl_slist_append(c->header, text);

    if (more != NULL)
        c->header = more;
    return more != NULL;
}

static bool add_headers(struct http_client *c, const char *const *header)
{
    for (; *header != NULL; header++) {
        size_t n = strlen(*header);
        if (n == 0 || n > HTTP_HEADER_MAX)
            return false;
        for (size_t i = 0; i < n; i++)
            if ((*header)[i] < ' ' || (*header)[i] > '~')
                return false;
        if (!add_header(c, *header))
            return false;
    }
    return add_header(c, "Content-Type: application/json") && add_header(c, "Expect:");
}

static void set_options(struct http_client *c)
{
    bool plain = strncmp(c->url, "http:", 5) == 0;

    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)HTTP_TOTAL_MS);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "guichet/" GUICHET_VERSION);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->header);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
    curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(c->curl, CURLOPT_ACCEPT_ENCODING, "");
}

struct http_client *http_client_new(const char *url, const char *const *header,
                                    bool (*tick)(void *ctx), void *ctx, struct fail *why)
{
    struct http_client *c = NULL;
    size_t n;

    if (!url_is_sound(url)) {
        fail_set(why, "an address must begin with https:// (or with http:// and this host: "
                      "127.0.0.1, [::1], localhost)");
        return NULL;
    }
    (void)pthread_once(&once, start_library);
    c = calloc(1, sizeof *c);
    if (c == NULL || (c->curl = curl_easy_init()) == NULL) {
        fail_set(why, "no memory for a connection");
        goto failed;
    }
    n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    memcpy(c->url, url, n);
    c->tick = tick;
    c->ctx = ctx;
    if (!add_headers(c, header)) {
        fail_set(why, "a header (or the token in it) must be 1 to %d printable ASCII characters",
                 HTTP_HEADER_MAX);
        goto failed;
    }
    set_options(c);
    return c;

failed:
    http_client_free(c);
    return NULL;
}

void http_client_free(struct http_client *c)
{
    if (c == NULL)
        return;
    for (struct curl_slist *h = c->header; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(c->header);
    if (c->curl != NULL)
        curl_easy_cleanup(c->curl);
    free(c);
}

bool http_client_send(struct http_client *c, const char *method, const char *path,
                      struct slice body, long *status, struct buf *answer, struct fail *why)
{
    char url[2 * HTTP_URL_MAX];
    CURLcode code;
    int n = snprintf(url, sizeof url, "%s%s", c->url, path);

    *status = 0;
    *answer = BUF_INIT(HTTP_ANSWER_MAX);
    if (n < 0 || (size_t)n >= sizeof url)
        return fail_set(why, "the address of a request is too long") == 0;
    c->error[0] = '\0';
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L); /* forgets the last request's body */
    if (strcmp(method, "POST") == 0) {
        curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)body.n);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.n > 0 ? body.p : "");
    }
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    code = curl_easy_perform(c->curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, status);
    if (code == CURLE_OK)
        return true;
    buf_free(answer);
    *status = 0;
    return fail_set(why, "%s: %s", c->url,
                    c->error[0] != '\0' ? c->error : curl_easy_strerror(code)) == 0;
}
