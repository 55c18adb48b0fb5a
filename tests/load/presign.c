/* presign: writes N signed Dazno events, one a line, `<hex signature> <body>`, for load generators that
 * cannot sign. Ids and payment hashes are unique: they begin with PREFIX. The types take turns.
 * With SIZE, a body has so many bytes, for a last member fills it up.
 *
 *   presign N PREFIX [SIZE] < secret */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/text.h"
#include "verify/mac.h"

#define SIZE_MAX_BYTES (1 << 20)

static int body(char *out, size_t room, int64_t i, const char *prefix)
{
    static const char *const types[] = {
        "\"lightning.payment_received\",\"user_id\":\"user_%d\",\"amount_msat\":%" PRId64
        ",\"payment_hash\":\"%s%016" PRIx64 "\"",
        "\"t4g.balance_updated\",\"user_id\":\"user_%d\",\"new_balance\":%" PRId64
        ",\"note\":\"%s%016" PRIx64 "\"",
        "\"gamification.level_up\",\"user_id\":\"user_%d\",\"new_level\":7,\"points\":%" PRId64
        ",\"badge\":\"%s%016" PRIx64 "\"",
    };
    char fields[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(fields, sizeof fields, types[i % 3], (int)(i % 1000), i + 1, prefix, (uint64_t)i);
#pragma GCC diagnostic pop
    return snprintf(out, room,
                    "{\"id\":\"%s-%" PRId64 "\",\"timestamp\":\"2025-10-15T10:30:00Z\","
                    "\"source\":\"dazno.de\",\"event_type\":%s}",
                    prefix, i, fields);
}

/* Fills the body up to `size` bytes with a member of its own. */
static size_t pad(char *line, size_t n, size_t size)
{
    static const char before[] = ",\"pad\":\"", after[] = "\"}";
    size_t at = n - 1; /* the last brace */

    if (n + sizeof before - 1 + 1 > size)
        return n;
    memcpy(line + at, before, sizeof before - 1);
    at += sizeof before - 1;
    memset(line + at, 'x', size - at - (sizeof after - 1));
    memcpy(line + size - (sizeof after - 1), after, sizeof after);
    return size;
}

int main(int argc, char *argv[])
{
    static char line[SIZE_MAX_BYTES + 1];
    char secret[1024], hex[2 * SHA256_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    int64_t n, size = 0;
    struct mac *m;

    if (argc < 3 || argc > 4 || !text_to_i64(slice_of(argv[1]), &n) ||
        (argc == 4 && (!text_to_i64(slice_of(argv[3]), &size) || size > SIZE_MAX_BYTES)) ||
        fgets(secret, sizeof secret, stdin) == NULL) {
        fputs("usage: presign N PREFIX [SIZE] < secret\n", stderr);
        return 2;
    }
    secret[strcspn(secret, "\n")] = '\0';
    m = mac_new((const uint8_t *)secret, strlen(secret));
    if (m == NULL)
        return 1;
    for (int64_t i = 0; i < n; i++) {
        struct slice s = {line, (size_t)body(line, sizeof line, i, argv[2])};
        s.n = pad(line, s.n, (size_t)size);
        if (!mac_sign(m, &s, 1, digest))
            return 1;
        hex_encode(digest, sizeof digest, hex);
        printf("%s %s\n", hex, line);
    }
    mac_free(m);
    return ferror(stdout) != 0;
}
