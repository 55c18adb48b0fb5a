#include "outbox/schedule.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

#define DATE_MAX 64 /* bytes of an HTTP date; the longest that is one has 33 */

/* By how a try ended: its name, and whether another one may end differently. */
static const struct {
    const char *name;
    enum schedule_step step;
} ends[TRY_ENDS] = {
    [TRY_DELIVERED] = {"delivered", SCHEDULE_DONE}, [TRY_REFUSED] = {"refused", SCHEDULE_FAILED},
    [TRY_LIMITED] = {"limited", SCHEDULE_AGAIN},    [TRY_SERVER] = {"server", SCHEDULE_AGAIN},
    [TRY_CONNECT] = {"connect", SCHEDULE_AGAIN},    [TRY_TLS] = {"tls", SCHEDULE_AGAIN},
    [TRY_TIMEOUT] = {"timeout", SCHEDULE_AGAIN},    [TRY_CUT] = {"cut", SCHEDULE_AGAIN},
    [TRY_SETTINGS] = {"settings", SCHEDULE_AGAIN},
};

/* After try 1, 2, ... */
static const int64_t wait_us[SCHEDULE_TRIES - 1] = {
    5 * US_PER_S,
    30 * US_PER_S,
    300 * US_PER_S,
    1800 * US_PER_S,
};

const char *try_end_name(enum try_end e)
{
    return ends[e].name;
}

enum try_end try_end_of_status(int status)
{
    if (status >= 200 && status < 300)
        return TRY_DELIVERED;
    if (status == 429)
        return TRY_LIMITED;
    return status >= 500 && status < 600 ? TRY_SERVER : TRY_REFUSED;
}

enum schedule_step schedule_next(unsigned tried, unsigned most, enum try_end end,
                                 int64_t retry_after_us, int64_t ended_us, int64_t *due_us)
{
    int64_t wait;

    if (ends[end].step != SCHEDULE_AGAIN)
        return ends[end].step;
    if (tried == 0 || tried >= most || tried >= SCHEDULE_TRIES)
        return SCHEDULE_FAILED;
    wait = wait_us[tried - 1];
    if (retry_after_us > wait)
        wait = retry_after_us < SCHEDULE_WAIT_MAX_US ? retry_after_us : SCHEDULE_WAIT_MAX_US;
    *due_us = ended_us + wait;
    return SCHEDULE_AGAIN;
}

static bool is_digits(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static int64_t seconds_of(struct slice digits)
{
    int64_t v = 0;

    for (size_t i = 0; i < digits.n && v <= SCHEDULE_RETRY_AFTER_MAX_S; i++)
        v = v * 10 + (digits.p[i] - '0');
    return v;
}

/* The program never leaves the C locale, so strptime knows the English names. */
static bool read_date(struct slice s, int64_t *out_s)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    };
    char text[DATE_MAX];

    if (s.n >= sizeof text || memchr(s.p, '\0', s.n) != NULL)
        return false;
    (void)snprintf(text, sizeof text, "%.*s", (int)s.n, s.p);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm t = {0};
        const char *end = strptime(text, forms[i], &t);
        if (end != NULL && *end == '\0') {
            *out_s = timegm(&t);
            return true;
        }
    }
    return false;
}

int64_t schedule_retry_after(struct slice value, int64_t now_us)
{
    struct slice s = text_trim(value);
    int64_t at_s, wait;

    if (is_digits(s))
        wait = seconds_of(s) * US_PER_S;
    else if (s.n > 0 && read_date(s, &at_s))
        wait = at_s * US_PER_S - now_us;
    else
        return 0;
    if (wait < 0)
        return 0;
    return wait < SCHEDULE_WAIT_MAX_US ? wait : SCHEDULE_WAIT_MAX_US;
}
