#include "base/codec.h"

#include <stdbool.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex_digits[bytes[i] >> 4];
        out[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that two digits spell, or -1. */
static int hex_byte(char high, char low)
{
    int h = hex_value(high);
    int l = hex_value(low);
    return h < 0 || l < 0 ? -1 : h * 16 + l;
}

ssize_t hex_decode(struct slice text, uint8_t *out, size_t room)
{
    if (text.n % 2 != 0 || text.n / 2 > room)
        return -1;
    for (size_t i = 0; i < text.n; i += 2) {
        int byte = hex_byte(text.p[i], text.p[i + 1]);
        if (byte < 0)
            return -1;
        out[i / 2] = (uint8_t)byte;
    }
    return (ssize_t)(text.n / 2);
}

void base64_encode(const uint8_t *bytes, size_t n, char *out)
{
    for (; n >= 3; n -= 3, bytes += 3) {
        *out++ = base64_digits[bytes[0] >> 2];
        *out++ = base64_digits[(bytes[0] & 3) << 4 | bytes[1] >> 4];
        *out++ = base64_digits[(bytes[1] & 15) << 2 | bytes[2] >> 6];
        *out++ = base64_digits[bytes[2] & 63];
    }
    if (n > 0) {
        unsigned second = n == 2 ? bytes[1] : 0;
        *out++ = base64_digits[bytes[0] >> 2];
        *out++ = base64_digits[(bytes[0] & 3U) << 4 | second >> 4];
        *out++ = n == 2 ? base64_digits[(second & 15) << 2] : '=';
        *out++ = '=';
    }
    *out = '\0';
}

/* The value of a digit of the standard alphabet, or -1. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* The number of digits in front of the padding, or -1 when there is padding that is not whole. */
static ssize_t base64_unpadded(struct slice text)
{
    size_t n = text.n;

    while (n > 0 && text.n - n < 2 && text.p[n - 1] == '=')
        n--;
    if (n < text.n && text.n % 4 != 0)
        return -1;
    return (ssize_t)n;
}

ssize_t base64_decode(struct slice text, uint8_t *out, size_t room)
{
    ssize_t digits = base64_unpadded(text);
    if (digits < 0 || digits % 4 == 1)
        return -1;
    size_t size = (size_t)digits / 4 * 3 + (digits % 4 > 0 ? (size_t)digits % 4 - 1 : 0);
    if (size > room)
        return -1;

    unsigned bits = 0; /* the lowest nbits of it are not yet written */
    unsigned nbits = 0;
    size_t at = 0;
    for (size_t i = 0; i < (size_t)digits; i++) {
        int value = base64_value(text.p[i]);
        if (value < 0)
            return -1;
        bits = bits << 6 | (unsigned)value;
        nbits += 6;
        if (nbits >= 8) {
            nbits -= 8;
            out[at++] = (uint8_t)(bits >> nbits);
            bits &= (1U << nbits) - 1;
        }
    }
    /* Bits left over would let several texts stand for the same bytes. */
    return bits == 0 ? (ssize_t)at : -1;
}

ssize_t percent_decode(struct slice text, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        int c = (unsigned char)text.p[i];
        if (c == '%') {
            if (text.n - i < 3)
                return -1;
            c = hex_byte(text.p[i + 1], text.p[i + 2]);
            if (c <= 0)
                return -1;
            i += 2;
        }
        if (n == room)
            return -1;
        out[n++] = (char)c;
    }
    return (ssize_t)n;
}
