#include "http/remote.h"

#include <arpa/inet.h>

#include "base/text.h"

/* Hops that are walked at most; beyond them the chain is not believed. */
#define REMOTE_HOPS_MAX 32

static bool is_address(struct slice s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr parsed; /* the larger of the two */

    if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n) != NULL)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET, text, &parsed) == 1 || inet_pton(AF_INET6, text, &parsed) == 1;
}

static bool is_port(struct slice s)
{
    if (s.n == 0 || s.n > 5)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

/* The address in an entry "1.2.3.4", "1.2.3.4:5678", "::1", "[::1]" or "[::1]:80"; else nothing. */
static struct slice entry_address(struct slice entry)
{
    struct slice address = entry;
    struct slice port = SLICE_NONE;
    bool has_port = false;

    if (slice_begins(entry, "[")) {
        const char *end = memchr(entry.p, ']', entry.n);
        if (end == NULL)
            return SLICE_NONE;
        address = (struct slice){entry.p + 1, (size_t)(end - entry.p) - 1};
        struct slice rest = slice_from(entry, (size_t)(end - entry.p) + 1);
        if (memchr(address.p, ':', address.n) == NULL || (rest.n > 0 && rest.p[0] != ':'))
            return SLICE_NONE;
        has_port = rest.n > 0;
        port = has_port ? slice_from(rest, 1) : SLICE_NONE;
    } else if (entry.n > 0) {
        const char *colon = memchr(entry.p, ':', entry.n);
        const char *dot = memchr(entry.p, '.', entry.n);
        if (colon != NULL && dot != NULL && dot < colon) { /* not ::ffff:1.2.3.4 */
            address.n = (size_t)(colon - entry.p);
            port = slice_from(entry, address.n + 1);
            has_port = true;
        }
    }
    return is_address(address) && (!has_port || is_port(port)) ? address : SLICE_NONE;
}

/* REMOTE_ADDR; empty for a peer on a Unix socket, which nginx writes as "unix:". */
static struct slice peer_address(const struct request *r)
{
    struct slice peer = request_param(r, "REMOTE_ADDR", NULL);

    return slice_is(peer, "unix:") ? SLICE_NONE : peer;
}

bool remote_is_proxy(const struct config *c, const struct request *r)
{
    return config_trusts(c, peer_address(r));
}

/* Takes the last entry off the list. */
static struct slice last_entry(struct slice *list)
{
    size_t at = list->n;

    while (at > 0 && list->p[at - 1] != ',')
        at--;
    struct slice entry = slice_from(*list, at);
    list->n = at > 0 ? at - 1 : 0;
    return text_trim(entry);
}

/* Walks one X-Forwarded-For value from the right. *address is the last hop that is vouched for. True
 * while that is a trusted proxy, whose word on the hop before it counts. */
static bool walk(const struct config *c, struct slice list, unsigned *hops, struct slice *address)
{
    while (list.n > 0) {
        struct slice entry = last_entry(&list);
        if (++*hops > REMOTE_HOPS_MAX)
            return false;
        if (entry.n == 0) /* empty list elements count for nothing (RFC 9110 section 5.6.1) */
            continue;
        struct slice hop = entry_address(entry);
        if (hop.n == 0)
            return false;
        *address = hop;
        if (!config_trusts(c, hop))
            return false;
    }
    return true;
}

struct slice remote_address(const struct config *c, const struct request *r)
{
    static const char name[] = "HTTP_X_FORWARDED_FOR=";
    struct slice peer = peer_address(r);
    struct slice address = is_address(peer) ? peer : SLICE_NONE;
    unsigned hops = 0;
    char *const *end = r->params;

    if (!config_trusts(c, peer) || request_param(r, "HTTP_X_FORWARDED_FOR", NULL).p == NULL)
        return address;
    while (*end != NULL)
        end++;
    /* A server may pass the header's lines as parameters of their own: the last one is the nearest. */
    for (char *const *p = end; p != r->params;) {
        struct slice param = slice_of(*--p);
        if (slice_begins(param, name) &&
            !walk(c, slice_from(param, sizeof(name) - 1), &hops, &address))
            break;
    }
    return address;
}
