/* proxy: the addresses and networks of trusted_proxies. config_trusts is in config.h. */
#ifndef GUICHET_CONFIG_PROXY_H
#define GUICHET_CONFIG_PROXY_H

#include "config/config.h"

/* One item: an address, a network in CIDR form without bits set behind its prefix, or "unix". A
 * network of everybody (/0) is refused, for then anybody could write X-Forwarded-For. False if it
 * is neither. */
bool proxy_parse(struct slice text, struct config_proxy *out);

/* The form that proxy_parse reads, and a NUL. */
#define PROXY_TEXT_ROOM 64
void proxy_text(const struct config_proxy *p, char out[static PROXY_TEXT_ROOM]);

#endif
