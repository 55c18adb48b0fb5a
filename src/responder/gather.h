/* gather: has a FastCGI request arrived whole?
 *
 * libfcgi reads with blocking calls, so a sender that drips its body would hold up the worker and the
 * batch that it is in. So bytes are looked at first, as they come: only a request whose last record is
 * there is given to libfcgi, which then never waits. What arrived in pieces is kept here and laid out
 * again as one stream. It also keeps from libfcgi what it cannot take: FCGI_GET_VALUES (its answer
 * overflows a buffer), parameters whose lengths do not add up (it aborts), more parameters than
 * GATHER_PARAMS_MAX, and multiplexed requests.
 *
 * Source: FastCGI Specification 1.0, sections 3.3 (records), 3.4 (name-value pairs), 5 (records of an
 * application), 8 (types). */
#ifndef GUICHET_RESPONDER_GATHER_H
#define GUICHET_RESPONDER_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

#define GATHER_PARAMS_MAX (1u << 20) /* bytes of the PARAMS stream */

enum gather_verdict {
    GATHER_MORE, /* the request is not whole yet */
    GATHER_DONE, /* it is */
    GATHER_BAD   /* it is not one that we take: close the connection */
};

/* The state of one request's arrival. */
struct gather {
    uint8_t header[8]; /* of the record that is being read */
    unsigned header_have;
    uint32_t content_left, padding_left;
    uint16_t request_id;
    bool begun, params_done, done, bad;
    uint32_t params_bytes;
    uint64_t stdin_bytes;
    /* The walk over the PARAMS stream: a length of length_need bytes is being read, or pair_skip bytes
     * of name and value are passed over. */
    uint8_t length_have, length_need;
    bool name_read; /* the name's length is known, the value's comes */
    uint32_t length_value, name_length, pair_skip;
    /* What is kept; unused while keep == false. */
    bool keep;
    size_t body_max;
    struct buf head; /* BEGIN_REQUEST and PARAMS records, padding left out */
    struct buf body; /* content of STDIN, at most body_max + 1 bytes */
};

/* A new state. keep: store what is fed, with at most body_max + 1 bytes of body (one more than is
 * allowed, so that the reader sees that there was too much). */
void gather_init(struct gather *g, bool keep, size_t body_max);
void gather_free(struct gather *g);

/* Feeds the next n bytes of the connection. Once DONE or BAD was said it stays so; bytes behind the end
 * of the request are BAD (a server that keeps connections waits for the answer first). */
enum gather_verdict gather_feed(struct gather *g, const uint8_t *bytes, size_t n);

/* A file descriptor, positioned at its start, from which the whole request can be read as FastCGI
 * records; -1 with errno on failure. Only when keep was set and DONE was said. */
int gather_open(const struct gather *g);

#endif
