#include "tool/when.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/text.h"

#define AGO_MAX (INT64_C(100) * 365 * 86400)

bool when_parse(const char *text, int64_t now_us, int64_t *out_us)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t n = strlen(text);
    char midnight[32];
    int64_t number;

    for (size_t i = 0; n > 1 && i < sizeof units / sizeof units[0]; i++)
        if (text[n - 1] == units[i].letter && text_to_i64((struct slice){text, n - 1}, &number) &&
            number <= AGO_MAX / units[i].seconds) {
            *out_us = now_us - number * units[i].seconds * US_PER_S;
            return true;
        }
    (void)snprintf(midnight, sizeof midnight, "%.10sT00:00:00Z", text);
    return rfc3339_parse(n == 10 ? slice_of(midnight) : slice_of(text), out_us);
}
