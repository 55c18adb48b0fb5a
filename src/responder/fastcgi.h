/* fastcgi: one request through libfcgi (nothing else includes it). */
#ifndef GUICHET_RESPONDER_FASTCGI_H
#define GUICHET_RESPONDER_FASTCGI_H

#include <stdbool.h>
#include "base/clock.h"
#include "receive.h"

/* An answer must be taken within so long. */
#define FASTCGI_SEND_S 2

struct fastcgi;

/* Prepares libfcgi; once, before any thread. Closing then does not wait for the peer to close first:
 * requests are read to their end, so there is nothing that could be lost. False if it failed. */
bool fastcgi_start(void);

struct fastcgi *fastcgi_new(void);
void fastcgi_free(struct fastcgi *f);

/* Reads a whole request (see gather.h) from `from` into the exchange; the answer will go to
 * `connection`. `from` is either the connection itself or a descriptor of gather_open, which is closed
 * here. The exchange's request points into f until fastcgi_answer. On failure the connection is
 * closed and false returned. */
bool fastcgi_read(struct fastcgi *f, int from, int connection, size_t max_body,
                  const struct clock *clock, struct exchange *x);

/* Sends the answer and ends the request. Returns the connection if the web server keeps it for its next
 * request, else closes it and returns -1. */
int fastcgi_answer(struct fastcgi *f, const struct exchange *x);

/* From here on a peer of this connection that does not take its answer is given up after
 * FASTCGI_SEND_S. fastcgi_answer sees to it where an answer might not fit into a buffer that is
 * empty; a connection that is kept for further requests needs it. */
void fastcgi_be_patient(int connection);

#endif
