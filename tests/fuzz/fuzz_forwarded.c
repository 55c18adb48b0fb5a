/* Fuzzes remote_address: the first line of the input is REMOTE_ADDR, every other one an X-Forwarded-For
 * parameter. Whatever comes out must be an address that stood there, and a peer that is not trusted is
 * never talked away. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>

#include "http/remote.h"

#define LINES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* "NAME=" and the line, NUL-terminated, on the heap. */
static char *make_param(const char *name, const uint8_t *line, size_t n)
{
    size_t prefix = strlen(name);
    char *param = malloc(prefix + n + 1);

    require(param != NULL);
    memcpy(param, name, prefix);
    if (n > 0)
        memcpy(param + prefix, line, n);
    param[prefix + n] = '\0';
    return param;
}

static void check(const struct config *c, const struct request *r)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    struct slice peer = request_param(r, "REMOTE_ADDR", NULL);
    struct slice address = remote_address(c, r);

    if (address.n == 0)
        return;
    require(address.n < sizeof(text));
    memcpy(text, address.p, address.n);
    text[address.n] = '\0';
    require(inet_pton(AF_INET, text, &parsed) == 1 || inet_pton(AF_INET6, text, &parsed) == 1);
    require(remote_is_proxy(c, r) || slice_equal(address, peer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* 127.0.0.0/8 and ::1 are trusted, and a peer on a Unix socket. */
    static struct config c = {
        .proxy = {{.address = {[10] = 0xFF, 0xFF, 127}, .prefix = 104},
                  {.address = {[15] = 1}, .prefix = 128},
                  {.unix_peer = true}},
        .nproxies = 3,
    };
    char *params[LINES_MAX + 1] = {NULL};
    struct request r;
    size_t n = 0;

    for (size_t at = 0; at <= size && n < LINES_MAX; n++) {
        const uint8_t *end = size > at ? memchr(data + at, '\n', size - at) : NULL;
        size_t length = end != NULL ? (size_t)(end - data) - at : size - at;
        params[n] =
            make_param(n == 0 ? "REMOTE_ADDR=" : "HTTP_X_FORWARDED_FOR=", data + at, length);
        at += length + 1;
    }
    request_init(&r, params);
    check(&c, &r);
    for (size_t i = 0; i < n; i++)
        free(params[i]);
    return 0;
}
