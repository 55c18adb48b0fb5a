/* gather: the first byte says in which pieces the rest arrives. However it is cut, the verdict is the
 * same, and what is laid out again is judged alike. */

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/responder/gather.h"

#define BODY_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum gather_verdict feed(struct gather *g, const uint8_t *p, size_t n, size_t piece)
{
    enum gather_verdict v = GATHER_MORE;

    for (size_t at = 0; at < n && v != GATHER_BAD; at += piece)
        v = gather_feed(g, p + at, n - at < piece ? n - at : piece);
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t again[4 * (BODY_MAX + GATHER_PARAMS_MAX)];
    struct gather whole, pieces;
    enum gather_verdict v;
    ssize_t got;
    int fd;

    if (n < 2)
        return 0;
    gather_init(&whole, true, BODY_MAX);
    gather_init(&pieces, true, BODY_MAX);
    v = feed(&whole, data + 1, n - 1, n);
    if (feed(&pieces, data + 1, n - 1, 1u + data[0]) != v)
        abort();
    if (v == GATHER_DONE) {
        fd = gather_open(&whole);
        if (fd < 0)
            abort();
        got = read(fd, again, sizeof again);
        close(fd);
        gather_free(&pieces);
        gather_init(&pieces, true, BODY_MAX);
        if (got < 0 || feed(&pieces, again, (size_t)got, sizeof again) != GATHER_DONE)
            abort();
    }
    gather_free(&whole);
    gather_free(&pieces);
    return 0;
}
