/* mac: message authentication, digests and random bytes (with secret.c the only users of OpenSSL). */
#ifndef GUICHET_VERIFY_MAC_H
#define GUICHET_VERIFY_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

#define SHA256_BYTES 32

/* An HMAC-SHA256 key, prepared once (RFC 2104). Not to be shared between threads. */
struct mac;

/* NULL when the key is empty (a weak setting fails closed) or memory is short. */
struct mac *mac_new(const uint8_t *key, size_t n);
void mac_free(struct mac *m);

/* HMAC over the concatenation of the parts. False on an internal error; out is then all zeros and must
 * not be compared. */
bool mac_sign(struct mac *m, const struct slice *part, size_t nparts,
              uint8_t out[static SHA256_BYTES]);

/* An HMAC by a hash that a sender may have chosen wrongly, with a key that may be empty: to name a
 * mistake (diagnose.h), never to accept. Returns the length, 0 on an internal error. */
enum mac_hash { MAC_SHA256, MAC_SHA1, MAC_SHA512 };
#define MAC_BYTES_MAX 64
size_t mac_once(enum mac_hash hash, const uint8_t *key, size_t n, const struct slice *part,
                size_t nparts, uint8_t out[static MAC_BYTES_MAX]);

/* SHA-256 over the concatenation of the parts. */
bool sha256(const struct slice *part, size_t nparts, uint8_t out[static SHA256_BYTES]);

/* Equal in constant time for equal n. */
bool equal_constant_time(const void *a, const void *b, size_t n);

/* Cryptographically strong random bytes. False when there are none to be had. */
bool random_bytes(uint8_t *out, size_t n);

#endif
