/* probe: requests as any client would send them, and what came back (the doctor's only way out; the only
 * libcurl here). HTTP/1.1, no redirect is followed, certificates are verified. */
#ifndef GUICHET_TOOL_PROBE_H
#define GUICHET_TOOL_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/fail.h"
#include "base/slice.h"

#define PROBE_HEADERS_MAX 6
#define PROBE_BODY_MAX    8192 /* bytes of an answer that are kept */
#define PROBE_BURST_MAX   64
#define PROBE_TIMEOUT_MS  20000

struct probe_request {
    const char *url;
    const char *header[PROBE_HEADERS_MAX]; /* "name: value"; unused ones NULL */
    struct slice body;                     /* p == NULL: a GET, else a POST */
    bool chunked;                          /* the body without a length */
};

struct probe_answer {
    int status; /* 0: none came; why says why */
    char type[64], server[64], authenticate[64];
    int64_t date_us; /* of the header Date; 0: none */
    int64_t took_us;
    char body[PROBE_BODY_MAX + 1]; /* its beginning, and a NUL */
    size_t n;
    struct fail why;
};

struct probe;

/* ca_file: trusted in place of the system's authorities; or NULL. NULL: no memory. */
struct probe *probe_new(const char *ca_file);
void probe_free(struct probe *p);

void probe_ask(struct probe *p, const struct probe_request *r, struct probe_answer *out);
/* The same n times at once (at most PROBE_BURST_MAX). */
void probe_burst(struct probe *p, const struct probe_request *r, size_t n,
                 struct probe_answer *out);

#endif
