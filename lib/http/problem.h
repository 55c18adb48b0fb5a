/* problem: errors as application/problem+json (RFC 9457) with "received":false. */
#ifndef GUICHET_HTTP_PROBLEM_H
#define GUICHET_HTTP_PROBLEM_H

#include "base/arena.h"
#include "http/response.h"

/* Makes r the answer for the status: {"type":"about:blank","title":...,"status":...,"detail":...,
 * "received":false}. detail is for the sender: what is wrong, never what would help a forger; NULL
 * leaves it out. Headers are the caller's to add, afterwards. When memory is short the body is
 * {"received":false} alone. */
void problem(struct response *r, int status, const char *detail, struct arena *arena);

#endif
