/* http_params: the variables of a request, written as one text with a variable a line. */
#ifndef GUICHET_TESTS_UNIT_HTTP_PARAMS_H
#define GUICHET_TESTS_UNIT_HTTP_PARAMS_H

#include <stdlib.h>
#include <string.h>

#include "http/request.h"

#define HTTP_PARAMS_MAX 16

struct http_params {
    char text[2048];
    char *param[HTTP_PARAMS_MAX + 1];
};

/* Fills r from the lines, which p keeps. */
static inline void http_params_init(struct request *r, struct http_params *p, const char *lines)
{
    size_t n = 0;
    char *rest = p->text;

    if (strlen(lines) >= sizeof(p->text))
        abort();
    memcpy(p->text, lines, strlen(lines) + 1);
    while (rest != NULL && *rest != '\0') {
        if (n == HTTP_PARAMS_MAX)
            abort();
        p->param[n++] = strsep(&rest, "\n");
    }
    p->param[n] = NULL;
    request_init(r, p->param);
}

#endif
