/* check_judge: what the checklist holds to be right. Pure. */
#ifndef GUICHET_TOOL_CHECK_JUDGE_H
#define GUICHET_TOOL_CHECK_JUDGE_H

#include <stddef.h>
#include <stdint.h>
#include "tool/check.h"
#include "verify/scheme.h"

#define JUDGE_API_KEY_MIN 32 /* characters: 128 bits as hex digits */
#define JUDGE_SECRET_MIN  32
#define JUDGE_TOKEN_MIN   24

/* A secret's text: too short to withstand guessing (fail), or of few different characters (warn). */
enum check_level judge_secret(const char *text, size_t n, size_t least);

/* "7.0.15" against 6.2: less is a failure, no number a warning. */
enum check_level judge_version(const char *version);
/* Whether a server of that version can say which of its commands a user lacks (7.0). */
bool judge_version_shows_acl(const char *version);

/* How far two clocks are apart: 1 s is worth a warning, 30 s a failure. */
enum check_level judge_clock(int64_t offset_us);

/* How full something is: four fifths is a warning. limit 0: none. */
enum check_level judge_fill(int64_t used, int64_t limit);

/* Bytes that the ids of a provider take when it is always at its limit; -1: there is no limit. */
int64_t judge_ids_bytes(int64_t rate_count, int64_t rate_window_us, int64_t keep_ids_us,
                        int64_t id_bytes);
/* That in a store with `used` of at most `max` bytes (0: no limit of its own). */
enum check_level judge_memory(int64_t need, int64_t used, int64_t max);

/* Can a request that somebody kept be sent again when its id is forgotten? */
enum judge_replay {
    REPLAY_SIGNED_TIME, /* no: its signed time is too old */
    REPLAY_MAX_AGE,     /* no: its own time is */
    REPLAY_GAP,         /* yes: max_age is longer than the ids are kept */
    REPLAY_OPEN,        /* yes: nothing judges its age */
    REPLAY_NO_TIME,     /* yes, and the scheme has no time that could be judged */
    REPLAY_HARMLESS     /* yes, but a ping changes nothing */
};
enum judge_replay judge_replay(const struct scheme *s, int64_t max_age_us, int64_t keep_ids_us);

/* Whether the sender tries a 429 again, by its documentation. */
bool judge_retries_429(const struct scheme *s);

#endif
