/* diagnose: the first byte says by which scheme, the first line is the signature header, the second the
 * time, the rest the body. Whatever a stranger sends, nothing but a signature with an empty key is
 * explained by a secret, and no text holds ours. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events/rewrite.h"
#include "verify/diagnose.h"

#define LINE_MAX_BYTES 600
#define SECRET         "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Cuts a line off as the value of that header's variable; a NUL ends it, as it would in CGI. */
static void take_line(struct slice *rest, const char *header, char out[static LINE_MAX_BYTES])
{
    const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    int at = snprintf(out, LINE_MAX_BYTES, "HTTP_%s=%.*s", header, (int)(n < 500 ? n : 500),
                      rest->n > 0 ? rest->p : "");

    require(at > 0 && at < LINE_MAX_BYTES);
    for (char *p = out; *p != '='; p++)
        *p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    *rest =
        (struct slice){rest->p + (end != NULL ? n + 1 : n), rest->n - (end != NULL ? n + 1 : n)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct secret_text secret = {.text = SECRET, .n = sizeof SECRET - 1};
    struct slice rest = {(const char *)data, n};
    const struct scheme *s = &scheme_table[n > 0 ? data[0] % scheme_count : 0];
    char signature[LINE_MAX_BYTES], time[LINE_MAX_BYTES];
    char *params[] = {signature, time, NULL};
    struct rewrite again[REWRITE_MAX];
    struct diagnose_body body[REWRITE_MAX];
    struct request r;
    struct diagnosis d;
    size_t nagain;

    if (n > 0)
        rest = slice_from(rest, 1);
    take_line(&rest, s->header, signature);
    take_line(&rest, s->time_header != NULL ? s->time_header : "x-nothing", time);
    request_init(&r, params);
    r.body = rest;
    nagain = rewrite_all(r.body, again);
    for (size_t i = 0; i < nagain; i++)
        body[i] = (struct diagnose_body){again[i].what, {again[i].text, again[i].n}};
    diagnose(&(struct diagnose_case){.scheme = s,
                                     .request = &r,
                                     .reason = SIGNATURE_MISMATCH,
                                     .secret = &secret,
                                     .nsecrets = 1,
                                     .body = body,
                                     .nbodies = nagain,
                                     .now_us = 1,
                                     .tolerance_us = s->tolerance_us,
                                     .work_max = 1u << 20},
             &d);
    require(strlen(d.text) > 0 && strlen(d.text) < sizeof d.text);
    require(strstr(d.text, SECRET) == NULL);
    require(d.secret == 1); /* none of ours */
    require(d.tried <= (1u << 20) / DIAGNOSE_TRY_BYTES);
    rewrite_free(again, nagain);
    return 0;
}
