/* verify_request: requests with the headers that a test gives them. */
#ifndef GUICHET_TESTS_UNIT_VERIFY_REQUEST_H
#define GUICHET_TESTS_UNIT_VERIFY_REQUEST_H

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "http/request.h"

#define HEADERS_MAX 12

struct headers {
    size_t n;
    struct header {
        char *name, *value;
    } header[HEADERS_MAX];
};

static inline char *headers_copy(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        abort();
    return copy;
}

static inline void headers_add(struct headers *h, const char *name, const char *value)
{
    if (h->n == HEADERS_MAX)
        abort();
    h->header[h->n++] = (struct header){headers_copy(name), headers_copy(value)};
}

static inline void headers_free(struct headers *h)
{
    for (size_t i = 0; i < h->n; i++) {
        free(h->header[i].name);
        free(h->header[i].value);
    }
    h->n = 0;
}

/* The CGI variables of the headers, each one of its own. */
static inline char **headers_params(const struct headers *h)
{
    char **params = calloc(h->n + 1, sizeof *params);
    if (params == NULL)
        abort();
    for (size_t i = 0; i < h->n; i++) {
        size_t n = strlen(h->header[i].name), v = strlen(h->header[i].value);
        char *p = malloc(5 + n + 1 + v + 1);
        if (p == NULL)
            abort();
        memcpy(p, "HTTP_", 5);
        for (size_t k = 0; k < n; k++) {
            char c = h->header[i].name[k];
            p[5 + k] = c == '-' ? '_' : (char)toupper((unsigned char)c);
        }
        p[5 + n] = '=';
        memcpy(p + 5 + n + 1, h->header[i].value, v + 1);
        params[i] = p;
    }
    return params;
}

static inline void params_free(char **params)
{
    for (char **p = params; *p != NULL; p++)
        free(*p);
    free(params);
}

#endif
