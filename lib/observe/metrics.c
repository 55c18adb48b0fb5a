#include "observe/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

enum family_type { FAMILY_COUNTER, FAMILY_GAUGE, FAMILY_HISTOGRAM };

static const char *const type_name[] = {
    [FAMILY_COUNTER] = "counter",
    [FAMILY_GAUGE] = "gauge",
    [FAMILY_HISTOGRAM] = "histogram",
};

/* What a family is rendered from, and into. */
struct page {
    struct state *state;
    const struct metrics_input *in;
    struct buf *out;
    const struct family *family;
    bool described; /* its HELP and TYPE stand there; they come with its first sample */
};

struct family {
    const char *name; /* of a counter without `_total` */
    enum family_type type;
    const char *help;
    /* One of them gives the samples: */
    void (*whole)(struct page *p);                           /* all of them */
    void (*row)(struct page *p, struct state_provider *row); /* those of one provider's row */
    int64_t (*number)(const struct metrics_provider *m);     /* one for each provider, -1: none */
};

struct label {
    const char *name;
    const char *value;
};

#define LABELS_MAX 3

static void describe(struct page *p)
{
    const struct family *f = p->family;
    /* OpenMetrics names a counter's family without the suffix of its samples. */
    const char *suffix = f->type == FAMILY_COUNTER && !p->in->openmetrics ? "_total" : "";

    if (p->described)
        return;
    p->described = true;
    buf_addf(p->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", f->name, suffix, f->help, f->name, suffix,
             type_name[f->type]);
}

static void add_label_value(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            buf_adds(out, "\\n");
        else if (*value == '"' || *value == '\\')
            buf_add(out, (const char[]){'\\', *value}, 2);
        else
            buf_add(out, value, 1);
    }
}

/* A sample up to its value; labels end at a NULL name. */
static void sample_start(struct page *p, const char *suffix, const struct label label[LABELS_MAX])
{
    describe(p);
    buf_adds(p->out, p->family->name);
    buf_adds(p->out, suffix);
    for (size_t i = 0; i < LABELS_MAX && label[i].name != NULL; i++) {
        buf_adds(p->out, i == 0 ? "{" : ",");
        buf_addf(p->out, "%s=\"", label[i].name);
        add_label_value(p->out, label[i].value);
        buf_adds(p->out, "\"");
    }
    buf_adds(p->out, label[0].name != NULL ? "} " : " ");
}

static void sample(struct page *p, const struct label label[LABELS_MAX], uint64_t value)
{
    sample_start(p, p->family->type == FAMILY_COUNTER ? "_total" : "", label);
    buf_add_u64(p->out, value);
    buf_adds(p->out, "\n");
}

/* Gauges of what may not be known (-1). */
static void known(struct page *p, const struct label label[LABELS_MAX], int64_t value)
{
    if (value >= 0)
        sample(p, label, (uint64_t)value);
}

static void add_seconds(struct buf *out, uint64_t us)
{
    buf_addf(out, "%" PRIu64 ".%06" PRIu64, us / (uint64_t)US_PER_S, us % (uint64_t)US_PER_S);
}

/* A bucket's upper bound as `le` wants it: the shortest decimal with at least one digit after the
 * point, for the text is the label's identity. */
static void bound_text(size_t bucket, char *out, size_t room)
{
    if (bucket == STATE_BUCKETS - 1) {
        snprintf(out, room, "+Inf");
        return;
    }
    int64_t us = state_bucket_us[bucket];
    snprintf(out, room, "%" PRId64 ".%06" PRId64, us / US_PER_S, us % US_PER_S);
    for (size_t n = strlen(out); out[n - 1] == '0' && out[n - 2] != '.'; n--)
        out[n - 1] = '\0';
}

static void histogram(struct page *p, const char *provider, struct state_histogram *h)
{
    const struct label own = {provider != NULL ? "provider" : NULL, provider};
    const struct label whole[LABELS_MAX] = {own};
    uint64_t count = 0;

    for (size_t i = 0; i < STATE_BUCKETS; i++) {
        char bound[32];
        struct label label[LABELS_MAX] = {own};
        bound_text(i, bound, sizeof(bound));
        label[provider != NULL ? 1 : 0] = (struct label){"le", bound};
        count += atomic_load(&h->bucket[i]);
        sample_start(p, "_bucket", label);
        buf_addf(p->out, "%" PRIu64 "\n", count);
    }
    sample_start(p, "_sum", whole);
    add_seconds(p->out, atomic_load(&h->sum_us));
    buf_adds(p->out, "\n");
    sample_start(p, "_count", whole);
    buf_addf(p->out, "%" PRIu64 "\n", count);
}

#define OUTCOME_BIT(o) (1U << (o))

/* A rate() never sees the step from absent to 1; so what is watched is there as 0 before. */
static const unsigned watched_unverified = OUTCOME_BIT(OUTCOME_UNAUTHORIZED) |
                                           OUTCOME_BIT(OUTCOME_UNAVAILABLE) |
                                           OUTCOME_BIT(OUTCOME_ERROR);
static const unsigned watched_verified =
    OUTCOME_BIT(OUTCOME_ACCEPTED) | OUTCOME_BIT(OUTCOME_UNAVAILABLE) | OUTCOME_BIT(OUTCOME_ERROR);

static void type_webhooks(struct page *p, struct state_provider *row, unsigned type)
{
    uint64_t n[OUTCOME_COUNT];
    uint64_t all = 0;
    unsigned watched = watched_unverified;

    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        all += n[o] = atomic_load(&row->webhooks[type][o]);
    if (type != state_type_none(p->state))
        watched = all > 0 ? watched_verified : 0;
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        if (n[o] > 0 || (watched & OUTCOME_BIT(o)) != 0)
            sample(p,
                   (const struct label[LABELS_MAX]){
                       {"provider", row->name},
                       {"event_type", state_type_name(p->state, type)},
                       {"outcome", state_outcome_name((enum outcome)o)},
                   },
                   n[o]);
}

static void row_webhooks(struct page *p, struct state_provider *row)
{
    for (unsigned type = 0; type < state_type_count(p->state); type++)
        type_webhooks(p, row, type);
}

static void row_signature_failures(struct page *p, struct state_provider *row)
{
    for (unsigned r = SIGNATURE_OK + 1; r < SIGNATURE_REASON_COUNT; r++)
        sample(p,
               (const struct label[LABELS_MAX]){
                   {"provider", row->name},
                   {"reason", state_reason_name((enum signature_reason)r)},
               },
               atomic_load(&row->signature_failures[r]));
}

static void row_secret_used(struct page *p, struct state_provider *row)
{
    for (unsigned slot = 0; slot < STATE_SECRETS_MAX; slot++) {
        char number[12];
        uint64_t n = atomic_load(&row->secret_used[slot]);
        snprintf(number, sizeof(number), "%u", slot);
        if (n > 0)
            sample(p, (const struct label[LABELS_MAX]){{"provider", row->name}, {"slot", number}},
                   n);
    }
}

static void row_last_accepted(struct page *p, struct state_provider *row)
{
    int64_t us = atomic_load(&row->last_accepted_us);

    if (us <= 0)
        return;
    sample_start(p, "", (const struct label[LABELS_MAX]){{"provider", row->name}});
    add_seconds(p->out, (uint64_t)us);
    buf_adds(p->out, "\n");
}

static void row_request(struct page *p, struct state_provider *row)
{
    histogram(p, row->name, &row->request);
}

static void store_duration(struct page *p)
{
    histogram(p, NULL, &state_shared(p->state)->store);
}

static void store_up(struct page *p)
{
    known(p, (const struct label[LABELS_MAX]){{NULL, NULL}}, p->in->store_up);
}

static void store_durable(struct page *p)
{
    known(p, (const struct label[LABELS_MAX]){{NULL, NULL}}, p->in->store_durable);
}

static void spool_entries(struct page *p)
{
    if (p->in->spool)
        sample(p, (const struct label[LABELS_MAX]){{NULL, NULL}}, p->in->spool_entries);
}

static void spool_oldest(struct page *p)
{
    if (!p->in->spool)
        return;
    sample_start(p, "", (const struct label[LABELS_MAX]){{NULL, NULL}});
    add_seconds(p->out, (uint64_t)(p->in->spool_oldest_us > 0 ? p->in->spool_oldest_us : 0));
    buf_adds(p->out, "\n");
}

static void build_info(struct page *p)
{
    sample(p, (const struct label[LABELS_MAX]){{"version", p->in->version}}, 1);
}

static int64_t rate_limit(const struct metrics_provider *m)
{
    return m->rate_limit > 0 ? m->rate_limit : -1;
}

static int64_t rate_used(const struct metrics_provider *m)
{
    return m->rate_used;
}

static int64_t backlog_entries(const struct metrics_provider *m)
{
    return m->backlog_entries;
}

static int64_t quarantine_entries(const struct metrics_provider *m)
{
    return m->quarantine_entries;
}

static int64_t unsealed_entries(const struct metrics_provider *m)
{
    return m->unsealed_entries;
}

static int64_t hook_expiry(const struct metrics_provider *m)
{
    return m->hook_expiry_s;
}

static int64_t copy_time(const struct metrics_provider *m)
{
    return m->copy_s;
}

static const struct family family[] = {
    {"guichet_webhooks", FAMILY_COUNTER,
     "Requests by provider, event type (other: not in the table; none: not verified) and outcome.",
     .row = row_webhooks},
    {"guichet_request_duration_seconds", FAMILY_HISTOGRAM,
     "Time from the start of a request to the end of its answer.", .row = row_request},
    {"guichet_store_duration_seconds", FAMILY_HISTOGRAM, "Time of one round trip to the store.",
     .whole = store_duration},
    {"guichet_store_up", FAMILY_GAUGE, "1 if the store answers, else 0.", .whole = store_up},
    {"guichet_store_durable", FAMILY_GAUGE,
     "1 if the store keeps what it acknowledged as the configuration says, 0 if it keeps less; "
     "absent "
     "if that cannot be seen.",
     .whole = store_durable},
    {"guichet_rate_limit", FAMILY_GAUGE,
     "Events accepted at most in one window; absent without a limit.", .number = rate_limit},
    {"guichet_rate_limit_used", FAMILY_GAUGE, "Events accepted in the window that ends now.",
     .number = rate_used},
    {"guichet_signature_failures", FAMILY_COUNTER, "Requests that did not verify, by reason.",
     .row = row_signature_failures},
    {"guichet_secret_used", FAMILY_COUNTER,
     "Requests that verified, by the secret's place in the configuration.", .row = row_secret_used},
    {"guichet_last_accepted_timestamp_seconds", FAMILY_GAUGE, "When an event was last accepted.",
     .row = row_last_accepted},
    {"guichet_backlog_entries", FAMILY_GAUGE, "Events handed off that no consumer has trimmed yet.",
     .number = backlog_entries},
    {"guichet_quarantine_entries", FAMILY_GAUGE, "Entries of the quarantine.",
     .number = quarantine_entries},
    {"guichet_audit_unsealed_entries", FAMILY_GAUGE,
     "Entries of the audit that no seal covers yet.", .number = unsealed_entries},
    {"guichet_airtable_hook_expiry_timestamp_seconds", FAMILY_GAUGE,
     "When the first hook of Airtable that is kept alive here ends.", .number = hook_expiry},
    {"guichet_airtable_copy_timestamp_seconds", FAMILY_GAUGE,
     "When the copy of a base that is furthest behind was last known to be right.",
     .number = copy_time},
    {"guichet_spool_entries", FAMILY_GAUGE, "Events that wait on the disk for the store.",
     .whole = spool_entries},
    {"guichet_spool_oldest_seconds", FAMILY_GAUGE, "How long the oldest of them has waited; or 0.",
     .whole = spool_oldest},
    {"guichet_build_info", FAMILY_GAUGE, "Always 1; the version is the label.",
     .whole = build_info},
};

static void render_provider(struct page *p, const struct metrics_provider *m)
{
    const struct family *f = p->family;
    struct state_provider *row = f->row != NULL ? state_provider(p->state, m->name) : NULL;

    if (row != NULL)
        f->row(p, row);
    if (f->number != NULL)
        known(p, (const struct label[LABELS_MAX]){{"provider", m->name}}, f->number(m));
}

void metrics_render(struct state *s, const struct metrics_input *in, struct buf *out)
{
    struct page p = {.state = s, .in = in, .out = out};

    for (size_t i = 0; i < sizeof(family) / sizeof(family[0]); i++) {
        p.family = &family[i];
        p.described = false;
        if (p.family->whole != NULL)
            p.family->whole(&p);
        for (size_t k = 0; k < in->nproviders; k++)
            render_provider(&p, &in->provider[k]);
    }
    if (in->openmetrics)
        buf_adds(out, "# EOF\n");
}
