#include "tool/check_judge.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define DIFFERENT_MIN 8 /* characters; random hex digits of the shortest length hold more */

enum check_level judge_secret(const char *text, size_t n, size_t least)
{
    bool seen[256] = {false};
    size_t different = 0;

    if (n < least)
        return CHECK_FAIL;
    for (size_t i = 0; i < n; i++) {
        different += !seen[(unsigned char)text[i]];
        seen[(unsigned char)text[i]] = true;
    }
    return different < DIFFERENT_MIN ? CHECK_WARN : CHECK_OK;
}

static bool read_version(const char *version, int64_t *major, int64_t *minor)
{
    const char *dot = strchr(version, '.');
    size_t n = dot != NULL ? (size_t)(dot - version) : 0;

    return dot != NULL && text_to_i64((struct slice){version, n}, major) &&
           text_to_i64((struct slice){dot + 1, strcspn(dot + 1, ".")}, minor);
}

enum check_level judge_version(const char *version)
{
    int64_t major, minor;

    if (!read_version(version, &major, &minor))
        return CHECK_WARN;
    return major > 6 || (major == 6 && minor >= 2) ? CHECK_OK : CHECK_FAIL;
}

bool judge_version_shows_acl(const char *version)
{
    int64_t major, minor;

    return read_version(version, &major, &minor) && major >= 7;
}

enum check_level judge_clock(int64_t offset_us)
{
    int64_t off = offset_us < 0 ? -offset_us : offset_us;

    return off >= 30 * US_PER_S ? CHECK_FAIL : off >= US_PER_S ? CHECK_WARN : CHECK_OK;
}

enum check_level judge_fill(int64_t used, int64_t limit)
{
    if (limit <= 0 || used < 0)
        return CHECK_OK;
    return used >= limit ? CHECK_FAIL : used >= limit - limit / 5 ? CHECK_WARN : CHECK_OK;
}

int64_t judge_ids_bytes(int64_t rate_count, int64_t rate_window_us, int64_t keep_ids_us,
                        int64_t id_bytes)
{
    double ids;

    if (rate_count == 0 || rate_window_us == 0)
        return -1;
    ids = (double)rate_count * ((double)keep_ids_us / (double)rate_window_us);
    return ids * (double)id_bytes < 9e18 ? (int64_t)(ids * (double)id_bytes) : INT64_MAX;
}

enum check_level judge_memory(int64_t need, int64_t used, int64_t max)
{
    if (need < 0)
        return CHECK_WARN;
    if (max <= 0)
        return CHECK_OK;
    if (need > max || (used >= 0 && used >= max))
        return CHECK_FAIL;
    return need > max - max / 5 ? CHECK_WARN : CHECK_OK;
}

enum judge_replay judge_replay(const struct scheme *s, int64_t max_age_us, int64_t keep_ids_us)
{
    if (s->ping)
        return REPLAY_HARMLESS;
    if (s->tolerance_us > 0)
        return REPLAY_SIGNED_TIME;
    if (s->stamp_field == NULL)
        return REPLAY_NO_TIME;
    if (max_age_us == 0)
        return REPLAY_OPEN;
    return max_age_us > keep_ids_us ? REPLAY_GAP : REPLAY_MAX_AGE;
}

bool judge_retries_429(const struct scheme *s)
{
    static const char *const do_so[] = {"t4g", "standard-webhooks", "stripe"};

    for (size_t i = 0; i < sizeof do_so / sizeof do_so[0]; i++)
        if (strcmp(s->name, do_so[i]) == 0)
            return true;
    return false;
}
