/* http_client: one request at a time to one address, with headers that go with each of them; the only
 * libcurl.
 *
 * No redirect is followed and nothing but https:// is spoken, for the headers may hold a token; plain
 * http:// is for a server on this host (127.0.0.1, [::1], localhost). */
#ifndef GUICHET_AIRTABLE_HTTP_CLIENT_H
#define GUICHET_AIRTABLE_HTTP_CLIENT_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/fail.h"
#include "base/slice.h"

#define HTTP_CONNECT_MS 10000
#define HTTP_TOTAL_MS   60000
#define HTTP_ANSWER_MAX 67108864 /* bytes */
#define HTTP_URL_MAX    2048
#define HTTP_HEADER_MAX 2048

struct http_client;

/* `header`: lines of printable ASCII such as "Authorization: Bearer ...", the last one NULL; copied, and
 * wiped at the end. Every request has Content-Type: application/json besides. `tick` is called about once
 * a second while a request runs; when it returns false the request is given up. NULL: none. NULL with the
 * cause when the address or a header is not sound or memory is short. */
struct http_client *http_client_new(const char *url, const char *const *header,
                                    bool (*tick)(void *ctx), void *ctx, struct fail *why);
void http_client_free(struct http_client *c);

/* Sends a request to url + path. body: JSON, or empty. True: *status and the whole answer. False: none
 * came, or not all of it. The answer is the caller's to free. */
bool http_client_send(struct http_client *c, const char *method, const char *path,
                      struct slice body, long *status, struct buf *answer, struct fail *why);

#endif
