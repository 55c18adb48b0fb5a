#include "http/request.h"

static struct slice query_of(struct slice target)
{
    const char *mark = target.n > 0 ? memchr(target.p, '?', target.n) : NULL;
    struct slice query =
        mark != NULL ? slice_from(target, (size_t)(mark - target.p) + 1) : SLICE_NONE;
    const char *hash = query.n > 0 ? memchr(query.p, '#', query.n) : NULL;

    return hash != NULL ? (struct slice){query.p, (size_t)(hash - query.p)} : query;
}

static bool take(struct slice part, struct query_field *field, size_t n)
{
    const char *equals = memchr(part.p, '=', part.n);
    struct slice name = {part.p, equals != NULL ? (size_t)(equals - part.p) : 0};

    for (size_t i = 0; equals != NULL && i < n; i++)
        if (slice_is(name, field[i].name) && field[i].value.p == NULL) {
            field[i].value = (struct slice){equals + 1, part.n - name.n - 1};
            return true;
        }
    return false;
}

bool request_query(const struct request *r, struct query_field *field, size_t n,
                   struct slice *wrong)
{
    struct slice rest = query_of(request_param(r, "REQUEST_URI", NULL));

    for (size_t i = 0; i < n; i++)
        field[i].value = SLICE_NONE;
    while (rest.n > 0) {
        const char *and = memchr(rest.p, '&', rest.n);
        struct slice part = {rest.p, and != NULL ? (size_t)(and-rest.p) : rest.n};
        if (part.n > 0 && !take(part, field, n)) {
            *wrong = part;
            return false;
        }
        rest = slice_from(rest, and != NULL ? part.n + 1 : part.n);
    }
    return true;
}
