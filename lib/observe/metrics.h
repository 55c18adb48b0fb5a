/* metrics: the state as Prometheus text (exposition format 0.0.4) or OpenMetrics 1.0. */
#ifndef GUICHET_OBSERVE_METRICS_H
#define GUICHET_OBSERVE_METRICS_H

#include "base/buf.h"
#include "observe/state.h"

#define METRICS_TYPE_TEXT        "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* What is read from the configuration and, at the scrape, from the store. A member that is -1 is not
 * known, and its line is left out. */
struct metrics_provider {
    const char *name;
    int64_t rate_limit; /* 0: none */
    int64_t rate_used;
    int64_t backlog_entries;
    int64_t quarantine_entries;
    int64_t unsealed_entries; /* of the audit */
    int64_t hook_expiry_s;    /* when the first hook of Airtable ends, since 1970 */
    int64_t copy_s; /* when the copy of a base that is furthest behind was known to be right */
};

struct metrics_input {
    const struct metrics_provider *provider; /* those configured, in order */
    size_t nproviders;
    int store_up;      /* 1 or 0 */
    int store_durable; /* 1, 0, or -1: cannot be seen */
    bool spool;        /* there is one, and it could be read: */
    uint64_t spool_entries;
    int64_t spool_oldest_us; /* how long the oldest has waited; 0: none */
    const char *version;
    bool openmetrics;
};

/* True when the Accept header asks for OpenMetrics rather than plain text (media ranges with q, RFC
 * 9110 section 12.5.1): a range names application/openmetrics-text itself, of version 1.0.0 or of none,
 * and no less gladly than plain text. At most METRICS_RANGES_MAX ranges are read. */
#define METRICS_RANGES_MAX 32
bool metrics_wants_openmetrics(struct slice accept);

/* Appends the whole exposition, `# EOF` included where the format has it. Series that were never
 * counted are left out, except for those that alerts watch, which start at 0: what went wrong before
 * verification, every reason of a signature's failure, and of each event type that came at all what was
 * accepted and what went wrong afterwards. Providers without a row in the state have no counters. */
void metrics_render(struct state *s, const struct metrics_input *in, struct buf *out);

#endif
