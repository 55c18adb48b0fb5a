#include "gather.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/write.h"

enum { HEADER_BYTES = 8, RECORD_MAX = 65528 };
enum record_type { BEGIN_REQUEST = 1, PARAMS = 4, STDIN = 5 };

void gather_init(struct gather *g, bool keep, size_t body_max)
{
    memset(g, 0, sizeof *g);
    g->keep = keep;
    g->body_max = body_max;
    g->length_need = 1;
    g->head = BUF_INIT(GATHER_PARAMS_MAX + GATHER_PARAMS_MAX / 8 + 64);
    g->body = BUF_INIT(body_max + 1);
}

void gather_free(struct gather *g)
{
    buf_free(&g->head);
    buf_free(&g->body);
}

/* Bytes of the pairs at the beginning that are here whole and whose lengths have one byte each. */
static size_t usual_pairs(const uint8_t *p, size_t n)
{
    size_t at = 0;

    while (n - at >= 2 && ((p[at] | p[at + 1]) & 0x80) == 0) {
        size_t pair = 2 + (size_t)p[at] + p[at + 1];
        if (pair > n - at)
            break;
        at += pair;
    }
    return at;
}

/* Walks the name-value pairs: each length is one byte, or four if its high bit is set. */
static bool walk_params(struct gather *g, const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        if (g->pair_skip > 0) {
            size_t step = n - i < g->pair_skip ? n - i : g->pair_skip;
            g->pair_skip -= (uint32_t)step;
            i += step;
            continue;
        }
        if (g->length_have == 0 && !g->name_read) {
            size_t usual = usual_pairs(p + i, n - i);
            i += usual;
            if (usual > 0)
                continue;
        }
        if (g->length_have == 0 && (p[i] & 0x80) != 0) {
            g->length_need = 4;
            g->length_value = p[i] & 0x7fu;
        } else {
            g->length_value = g->length_value << 8 | p[i];
        }
        i++;
        if (++g->length_have < g->length_need)
            continue;
        if (g->length_value > GATHER_PARAMS_MAX)
            return false;
        if (g->name_read) {
            g->pair_skip = g->name_length + g->length_value;
        } else {
            g->name_length = g->length_value;
        }
        g->name_read = !g->name_read;
        g->length_have = 0;
        g->length_need = 1;
        g->length_value = 0;
    }
    return true;
}

/* Judges a record by its header, before its content comes. */
static bool begin_record(struct gather *g)
{
    const uint8_t *h = g->header;
    uint16_t id = (uint16_t)(h[2] << 8 | h[3]);

    g->content_left = (uint32_t)h[4] << 8 | h[5];
    g->padding_left = h[6];
    if (h[0] != 1 || id == 0 || (g->begun && id != g->request_id))
        return false;
    switch (h[1]) {
    case BEGIN_REQUEST:
        if (g->begun || g->content_left != HEADER_BYTES)
            return false;
        g->begun = true;
        g->request_id = id;
        break;
    case PARAMS:
        if (!g->begun || g->params_done)
            return false;
        g->params_bytes += g->content_left;
        if (g->params_bytes > GATHER_PARAMS_MAX)
            return false;
        g->params_done = g->content_left == 0;
        if (g->params_done && (g->pair_skip > 0 || g->length_have > 0 || g->name_read))
            return false;
        break;
    case STDIN:
        if (!g->params_done)
            return false;
        g->stdin_bytes += g->content_left;
        g->done = g->content_left == 0;
        return true;
    default: /* ABORT_REQUEST, DATA, GET_VALUES, what no one has defined */
        return false;
    }
    if (g->keep) {
        uint8_t plain[HEADER_BYTES] = {h[0], h[1], h[2], h[3], h[4], h[5], 0, 0};
        return buf_add(&g->head, plain, sizeof plain);
    }
    return true;
}

static bool take_content(struct gather *g, const uint8_t *p, size_t n)
{
    if (g->header[1] == PARAMS && !walk_params(g, p, n))
        return false;
    if (!g->keep)
        return true;
    if (g->header[1] != STDIN)
        return buf_add(&g->head, p, n);
    size_t room = g->body_max + 1 - g->body.n;
    return buf_add(&g->body, p, n < room ? n : room);
}

/* Takes what it can from p; returns the bytes taken, 0 for a bad record. */
static size_t step(struct gather *g, const uint8_t *p, size_t n)
{
    size_t take;

    if (g->header_have < HEADER_BYTES) {
        take = HEADER_BYTES - g->header_have < n ? HEADER_BYTES - g->header_have : n;
        memcpy(g->header + g->header_have, p, take);
        g->header_have += (unsigned)take;
        if (g->header_have == HEADER_BYTES && !begin_record(g))
            return 0;
    } else if (g->content_left > 0) {
        take = g->content_left < n ? g->content_left : n;
        if (!take_content(g, p, take))
            return 0;
        g->content_left -= (uint32_t)take;
    } else {
        take = g->padding_left < n ? g->padding_left : n;
        g->padding_left -= (uint32_t)take;
    }
    if (g->header_have == HEADER_BYTES && g->content_left == 0 && g->padding_left == 0 && !g->done)
        g->header_have = 0;
    return take;
}

enum gather_verdict gather_feed(struct gather *g, const uint8_t *bytes, size_t n)
{
    while (n > 0 && !g->bad) {
        if (g->done && g->padding_left == 0) {
            g->bad = true;
            break;
        }
        size_t taken = step(g, bytes, n);
        g->bad = taken == 0;
        bytes += taken;
        n -= taken;
    }
    if (g->bad)
        return GATHER_BAD;
    return g->done && g->padding_left == 0 ? GATHER_DONE : GATHER_MORE;
}

int gather_open(const struct gather *g)
{
    int fd = memfd_create("guichet-request", MFD_CLOEXEC);
    size_t at = 0;
    bool ok;

    if (fd < 0)
        return -1;
    ok = write_all(fd, g->head.p, g->head.n);
    while (ok) {
        size_t n = g->body.n - at < RECORD_MAX ? g->body.n - at : RECORD_MAX;
        const uint8_t header[HEADER_BYTES] = {1,
                                              STDIN,
                                              (uint8_t)(g->request_id >> 8),
                                              (uint8_t)g->request_id,
                                              (uint8_t)(n >> 8),
                                              (uint8_t)n};
        ok = write_all(fd, header, sizeof header) && write_all(fd, g->body.p + at, n);
        at += n;
        if (n == 0)
            break;
    }
    if (!ok || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}
