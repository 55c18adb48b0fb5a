#include "tool/printable.h"

#include "base/text.h"

void printable_add(struct buf *out, struct slice s)
{
    while (s.n > 0) {
        size_t n = utf8_length(s);
        const unsigned char *p = (const unsigned char *)s.p;
        bool steers =
            n == 0 || p[0] < 0x20 || p[0] == 0x7F || (p[0] == 0xC2 && p[1] < 0xA0) ||
            (p[0] == 0xE2 &&
             ((p[1] == 0x80 && (p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE))) ||
              (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9)));
        if (n == 0)
            n = 1;
        if (steers)
            for (size_t i = 0; i < n; i++)
                buf_addf(out, "\\x%02x", p[i]);
        else
            buf_add(out, s.p, n);
        s = slice_from(s, n);
    }
}
