/* remote: who sent the request, as far as trusted proxies vouch for it. */
#ifndef GUICHET_HTTP_REMOTE_H
#define GUICHET_HTTP_REMOTE_H

#include "config/config.h"
#include "http/request.h"

/* Whether the peer (REMOTE_ADDR) is one of trusted_proxies. */
bool remote_is_proxy(const struct config *c, const struct request *r);

/* The remote address. If the peer is trusted, X-Forwarded-For is walked from the right, several of
 * them in the order in which they came, for as long as the entries are trusted proxies: the first that
 * is none is the answer. An entry that is no address ("1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80"), or
 * the end of the list, leaves the last one that was. Else it is the peer's own. Text of an address (at
 * most 45 bytes) out of the request's variables, or empty: a peer on a Unix socket. */
struct slice remote_address(const struct config *c, const struct request *r);

#endif
