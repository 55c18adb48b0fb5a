/* status: what a host receives, how fast, and whether it can, as a page and as JSON.
 *
 * It shows counts and times of this host alone: no event, no id, no address. */
#ifndef GUICHET_PAGES_STATUS_H
#define GUICHET_PAGES_STATUS_H

#include "base/buf.h"
#include "config/config.h"
#include "observe/state_day.h"

#define STATUS_BYTES_MAX (1u << 20)
#define STATUS_TYPE_JSON "application/json"

/* The last 24 hours, the minute at hand with them, in columns of so many minutes, aligned to them. The
 * first and the last are cut where the day is, so there is one more than fit into it. */
#define STATUS_COLUMN_MINUTES 30
#define STATUS_COLUMNS_MAX    (STATE_DAY_MINUTES / STATUS_COLUMN_MINUTES + 1)

/* A provider; -1: not known. */
struct status_provider {
    const struct config_provider *config;
    int64_t rate_used, backlog_entries, quarantine_entries;
};

/* What is read from elsewhere than the day. */
struct status_input {
    const struct config *config;
    struct status_provider provider[CONFIG_PROVIDERS_MAX]; /* as config->provider */
    int64_t now_us;
    bool up;
    int64_t since_us;                       /* 0: not known */
    int durable;                            /* 1, 0, -1: cannot be seen */
    bool spool;                             /* there is one: */
    int64_t spool_entries, spool_oldest_us; /* how long the oldest waits; -1: not known */
};

/* The whole day as it is shown, read once so that the parts agree. */
struct status_day {
    size_t ncolumns;
    struct status_column {
        int64_t from_us, to_us; /* without the latter */
        struct state_day_sum sum;
    } column[STATUS_COLUMNS_MAX];
    struct state_day_sum whole, hour;
};

void status_read_day(struct state *s, int64_t now_us, struct status_day *out);

void status_render(const struct status_input *in, const struct status_day *day, struct buf *out);
void status_render_json(const struct status_input *in, const struct status_day *day,
                        struct buf *out);

/* What can be said of the host in a word: "working", "spooling" (the store is away, and events are kept
 * on the disk) or "down". */
const char *status_word(const struct status_input *in);

/* All webhooks of a sum. */
uint64_t status_total(const struct state_day_sum *sum);

#endif
