#include "config/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/text.h"

#define IPV4_BITS 32U
#define IPV6_BITS 128U
/* The bits in front of an IPv4 address in its mapped form (RFC 4291 section 2.5.5.2). */
#define MAPPED_BITS 96U

static const uint8_t mapped_prefix[12] = {[10] = 0xFF, [11] = 0xFF};

/* The address as 16 bytes. A zone (fe80::1%eth0) is not compared. Returns the bits that the written
 * form has, or 0 when the text is no address. */
static unsigned address_parse(struct slice text, uint8_t out[static 16])
{
    char copy[INET6_ADDRSTRLEN];
    const char *zone = text.n > 0 ? memchr(text.p, '%', text.n) : NULL;
    size_t n = zone != NULL ? (size_t)(zone - text.p) : text.n;

    if (n == 0 || n >= sizeof(copy) || memchr(text.p, '\0', n) != NULL)
        return 0;
    memcpy(copy, text.p, n);
    copy[n] = '\0';
    if (inet_pton(AF_INET6, copy, out) == 1)
        return IPV6_BITS;
    memcpy(out, mapped_prefix, sizeof(mapped_prefix));
    return zone == NULL && inet_pton(AF_INET, copy, out + sizeof(mapped_prefix)) == 1 ? IPV4_BITS
                                                                                      : 0;
}

/* Whether the first `prefix` bits are equal. */
static bool same_network(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
    unsigned bytes = prefix / 8;
    unsigned bits = prefix % 8;

    if (memcmp(a, b, bytes) != 0)
        return false;
    return bits == 0 || (unsigned)(a[bytes] ^ b[bytes]) >> (8 - bits) == 0;
}

static bool is_zero_behind(const uint8_t address[static 16], unsigned prefix)
{
    for (unsigned i = prefix; i < IPV6_BITS; i++)
        if (address[i / 8] >> (7 - i % 8) & 1)
            return false;
    return true;
}

bool proxy_parse(struct slice text, struct config_proxy *out)
{
    struct config_proxy p = {.prefix = IPV6_BITS};
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
    struct slice address = {text.p, slash != NULL ? (size_t)(slash - text.p) : text.n};

    if (slice_is(text, "unix")) {
        *out = (struct config_proxy){.unix_peer = true};
        return true;
    }
    unsigned bits = address_parse(address, p.address);
    if (bits == 0 || (address.n > 0 && memchr(address.p, '%', address.n) != NULL))
        return false;
    if (slash != NULL) {
        int64_t prefix;
        if (!text_to_i64(slice_from(text, address.n + 1), &prefix) || prefix < 1 || prefix > bits)
            return false;
        p.prefix = (unsigned)prefix + (bits == IPV4_BITS ? MAPPED_BITS : 0);
    }
    if (!is_zero_behind(p.address, p.prefix))
        return false;
    *out = p;
    return true;
}

void proxy_text(const struct config_proxy *p, char out[static PROXY_TEXT_ROOM])
{
    char address[INET6_ADDRSTRLEN];
    bool is_ipv4 = p->prefix >= MAPPED_BITS && same_network(p->address, mapped_prefix, MAPPED_BITS);

    if (p->unix_peer)
        (void)snprintf(out, PROXY_TEXT_ROOM, "unix");
    else if (inet_ntop(is_ipv4 ? AF_INET : AF_INET6,
                       p->address + (is_ipv4 ? sizeof(mapped_prefix) : 0), address,
                       sizeof(address)) == NULL)
        out[0] = '\0'; /* cannot be: the family is known and the room is enough */
    else if (p->prefix == IPV6_BITS)
        (void)snprintf(out, PROXY_TEXT_ROOM, "%s", address);
    else
        (void)snprintf(out, PROXY_TEXT_ROOM, "%s/%u", address,
                       p->prefix - (is_ipv4 ? MAPPED_BITS : 0));
}

bool config_trusts(const struct config *c, struct slice address)
{
    uint8_t bytes[16];
    /* nginx writes "unix:" for a peer without an address. */
    bool unix_peer = address.n == 0 || slice_is(address, "unix:");

    if (!unix_peer && address_parse(address, bytes) == 0)
        return false;
    for (size_t i = 0; i < c->nproxies; i++) {
        const struct config_proxy *p = &c->proxy[i];
        if (unix_peer ? p->unix_peer : !p->unix_peer && same_network(p->address, bytes, p->prefix))
            return true;
    }
    return false;
}
