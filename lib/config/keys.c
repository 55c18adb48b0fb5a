#include "config/keys.h"

#include <assert.h>

#include "base/clock.h"
#include "config/config.h"

#define KIB   INT64_C(1024)
#define MIB   (1024 * KIB)
#define MS_US INT64_C(1000)
#define HOUR  (3600 * US_PER_S)
#define DAY   (24 * HOUR)
#define YEAR  (365 * DAY)

#define SERVER(member)                                                                             \
    .section = SECTION_SERVER, .name = #member, .offset = offsetof(struct config, member)
#define PROVIDER(member)                                                                           \
    .section = SECTION_PROVIDER, .name = #member, .offset = offsetof(struct config_provider, member)

/* Where the member's name says its unit, the key's does not. */
#define DURATION(key)                                                                              \
    .section = SECTION_PROVIDER, .name = #key, .type = KEY_DURATION,                               \
    .offset = offsetof(struct config_provider, key##_us)

/* A limit of entries: as far as a 64-bit counter of anything that fits in memory will go. */
#define ENTRIES_MAX INT64_C(1000000000)

const struct key keys_table[] = {
    {SERVER(store), .type = KEY_STORE, .min = 1, .max = 1024, .sensitive = true,
     .help = "address of the store; no default"},
    {SERVER(workers), .type = KEY_INTEGER, .initial = "3", .min = 1, .max = 64,
     .help = "threads; mod_fcgid and plain CGI use one"},
    {SERVER(max_body), .type = KEY_SIZE, .initial = "1MiB", .min = 1, .max = 64 * MIB,
     .help = "largest body of a request; more is answered 413"},
    {SERVER(require_https), .type = KEY_SWITCH, .initial = "yes",
     .word = {{"yes", true}, {"no", false}},
     .help = "answer 403 to plain HTTP on paths that carry credentials"},
    {SERVER(base_path), .type = KEY_URL_PREFIX, .initial = "", .max = 128,
     .help = "prefix below which all paths live"},
    {SERVER(public_url), .type = KEY_ORIGIN, .initial = "", .max = 256,
     .help = "scheme and host that senders use, for the documentation's addresses"},
    {SERVER(status_page), .type = KEY_CHOICE, .initial = "public",
     .word = {{"public", STATUS_PAGE_PUBLIC},
              {"token", STATUS_PAGE_TOKEN},
              {"off", STATUS_PAGE_OFF}},
     .help = "who sees /status: everybody, who shows the token of /api/metrics, or nobody"},
    {.section = SECTION_SERVER,
     .name = "trusted_proxies",
     .type = KEY_PROXIES,
     .initial = "127.0.0.1, ::1, unix",
     .offset = offsetof(struct config, proxy),
     .help = "peers whose X-Forwarded-For and X-Forwarded-Proto count"},
    {SERVER(state_dir), .type = KEY_FOLDER, .min = 1, .max = 1024,
     .help = "folder of what processes share; default /run/guichet, else beside the file"},
    {SERVER(log), .type = KEY_TARGET, .initial = "stderr", .min = 1, .max = 1024,
     .word = {{"stderr", 0}, {"syslog", 0}}, .help = "where messages for the operator go"},
    {SERVER(audit_log), .type = KEY_TARGET, .initial = "stderr", .min = 1, .max = 1024,
     .word = {{"stderr", 0}, {"syslog", 0}, {"off", 0}},
     .help = "where one JSON line a request goes"},
    {.section = SECTION_SERVER,
     .name = "deadline",
     .type = KEY_DURATION,
     .initial = "2s",
     .min = 100 * MS_US,
     .max = 60 * US_PER_S,
     .offset = offsetof(struct config, deadline_us),
     .help = "how long the store may take before the answer is 503"},
    {SERVER(durability), .type = KEY_CHOICE, .initial = "always",
     .word = {{"always", DURABILITY_ALWAYS},
              {"everysec", DURABILITY_EVERYSEC},
              {"none", DURABILITY_NONE}},
     .help = "what the operator believes of the store; compared at start"},
    {SERVER(min_replicas), .type = KEY_INTEGER, .initial = "0", .max = 8,
     .help = "replicas of the store that must hold an event before it is acknowledged"},
    {SERVER(when_store_down), .type = KEY_CHOICE, .initial = "reject",
     .word = {{"reject", STORE_DOWN_REJECT}, {"spool", STORE_DOWN_SPOOL}},
     .help = "answer 503 while the store is away, or keep events in spool_dir and answer 202"},
    {SERVER(spool_dir), .type = KEY_FOLDER, .min = 1, .max = 1024,
     .help = "folder on a local disk for events that wait for the store; no default"},
    {SERVER(spool_limit), .type = KEY_INTEGER, .initial = "10000", .min = 1, .max = 100000,
     .help = "events that may wait there; more are answered 503"},
    {SERVER(spool_size), .type = KEY_SIZE, .initial = "256MiB", .min = MIB, .max = 64 * 1024 * MIB,
     .help = "bytes that they may take; more are answered 503"},

    {SERVER(audit_key), .type = KEY_SECRETS, .min = 1, .max = 1024, .sensitive = true,
     .help = "seals the audit, so that a change of it shows; the last one seals; no default"},

    {.section = SECTION_METRICS,
     .name = "token",
     .type = KEY_SECRET,
     .min = 1,
     .max = 1024,
     .sensitive = true,
     .offset = offsetof(struct config, metrics_token),
     .help = "opens /api/metrics; default env:GUICHET_METRICS_TOKEN"},

    /* The scheme stands before api_key: whether that has a default depends on it. */
    {PROVIDER(scheme), .type = KEY_NAME, .min = 1, .max = 64,
     .help = "how the sender signs: a row of the table of schemes"},
    {PROVIDER(path), .type = KEY_URL_PATH, .min = 1, .max = 1024,
     .help = "where its webhooks arrive, below base_path"},
    {PROVIDER(retired), .type = KEY_SWITCH, .initial = "no", .word = {{"yes", true}, {"no", false}},
     .help = "answer 410 on its path"},
    {PROVIDER(api_key), .type = KEY_SECRETS, .min = 1, .max = 1024, .sensitive = true,
     .help = "API keys, one a line, for schemes that have one"},
    {PROVIDER(secret), .type = KEY_SECRETS, .min = 1, .max = 1024, .sensitive = true,
     .help = "signing secrets, one a line; all are live side by side"},
    {PROVIDER(read_path), .type = KEY_URL_PATH, .min = 2, .max = 512,
     .help = "where copies of Airtable's bases are read, below base_path"},
    {PROVIDER(read_token), .type = KEY_SECRETS, .min = 1, .max = 1024, .sensitive = true,
     .help = "tokens that open read_path, one a line; without one it answers 403"},
    {.section = SECTION_PROVIDER,
     .name = "rate_limit",
     .type = KEY_RATE,
     .initial = "none",
     .min = 1,
     .max = 1000000,
     .offset = offsetof(struct config_provider, rate_count),
     .word = {{"none", 0}},
     .help = "accepted events in any window, e.g. 100/60s"},
    {PROVIDER(rate_limit_status), .type = KEY_CHOICE, .initial = "429",
     .word = {{"429", 429}, {"503", 503}},
     .help = "answer over the limit; 503 for senders that "
             "retry only 5xx"},
    {DURATION(tolerance), .initial = "scheme", .min = US_PER_S, .max = 30 * DAY,
     .word = {{"scheme", -1}}, .help = "how far a signed time may be from now"},
    {DURATION(max_age), .initial = "off", .min = US_PER_S, .max = 10 * YEAR, .word = {{"off", 0}},
     .help = "refuse events whose own timestamp is older"},
    {DURATION(keep_ids), .initial = "30d", .min = HOUR, .max = 10 * YEAR,
     .help = "how long ids are remembered: the protection against replay"},
    {PROVIDER(unknown_events), .type = KEY_CHOICE, .initial = "scheme",
     .word = {{"record", 1}, {"reject", 0}, {"scheme", -1}},
     .help = "what to do with an event_type that is not in the table"},
    {PROVIDER(backlog_limit), .type = KEY_INTEGER, .initial = "1000000", .max = ENTRIES_MAX,
     .help = "entries on the hand-off stream before the answer is 503; 0 none"},
    {PROVIDER(quarantine_limit), .type = KEY_INTEGER, .initial = "10000", .min = 1,
     .max = ENTRIES_MAX, .help = "entries kept in quarantine"},
    {PROVIDER(audit_limit), .type = KEY_INTEGER, .initial = "100000", .min = 1, .max = ENTRIES_MAX,
     .help = "entries kept of the audit stream"},
    {PROVIDER(history_limit), .type = KEY_INTEGER, .initial = "10000", .min = 1, .max = ENTRIES_MAX,
     .help = "entries kept of each user's histories"},
};
const size_t keys_count = sizeof(keys_table) / sizeof(keys_table[0]);

static_assert(sizeof(keys_table) / sizeof(keys_table[0]) <= CONFIG_KEYS_MAX,
              "line_of[] has room for every row");

const struct key *keys_find(enum key_section section, struct slice name)
{
    for (size_t i = 0; i < keys_count; i++)
        if (keys_table[i].section == section && slice_is(name, keys_table[i].name))
            return &keys_table[i];
    return NULL;
}

bool keys_is_name(struct slice name)
{
    return keys_find(SECTION_SERVER, name) != NULL || keys_find(SECTION_METRICS, name) != NULL ||
           keys_find(SECTION_PROVIDER, name) != NULL;
}

size_t keys_index(const struct key *k)
{
    return (size_t)(k - keys_table);
}
