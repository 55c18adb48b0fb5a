#include "http/problem.h"

#include "base/fail.h"

#define PROBLEM_TYPE "application/problem+json"

/* A detail of FAIL_TEXT_MAX bytes in which every one is escaped, and what stands around it. */
#define PROBLEM_MAX ((size_t)6 * FAIL_TEXT_MAX + 256)

void problem(struct response *r, int status, const char *detail, struct arena *arena)
{
    struct buf text = BUF_INIT(PROBLEM_MAX);

    response_init(r, status);
    r->type = PROBLEM_TYPE;
    r->body = SLICE_LITERAL("{\"received\":false}"); /* what can be said when memory is short */

    buf_adds(&text, "{\"type\":\"about:blank\",\"title\":\"");
    buf_adds(&text, response_reason(status));
    buf_adds(&text, "\",\"status\":");
    buf_add_i64(&text, status);
    if (detail != NULL) {
        buf_adds(&text, ",\"detail\":\"");
        buf_add_json(&text, slice_of(detail), FAIL_TEXT_MAX);
        buf_adds(&text, "\"");
    }
    buf_adds(&text, ",\"received\":false}");
    if (!text.overflow) {
        struct slice body = arena_copy(arena, buf_slice(&text));
        if (body.p != NULL)
            r->body = body;
    }
    buf_free(&text);
}
