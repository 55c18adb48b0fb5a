/* config: what the operator decided, read once, checked whole.
 *
 * Sources, strongest first: the file (`--config`, else $GUICHET_CONFIG, else guichet.conf beside
 * the program, else /etc/guichet/guichet.conf), then the environment, then the defaults. A file
 * that is named but cannot be read is an error; a file that does not exist is one only if it was
 * named.
 *
 * The file is INI text (libinih). Lines are read by us first, for libinih would cut long ones in
 * silence: a line over CONFIG_LINE_MAX bytes, white space and `;` behind a value (comments have
 * lines of their own), a control character, a byte that is not UTF-8, a line without `=`, an
 * unknown section or key, a section or key given twice (lists aside), a value of the wrong type or
 * out of range: each is an error with file, line and remedy, and nothing is loaded. A line that
 * begins with white space continues a list; for another key it is an error. A byte order mark and
 * CRLF are accepted.
 *
 * `include = PATH` (absolute, before the first section, once, not nested) continues with another
 * file; a file that includes may hold nothing else.
 *
 * A literal secret (secret, api_key, token, or a password in the store's address) is refused in a
 * file that lies in the folder of the program, which a web server may serve, and in one that others
 * than owner and group can read or write.
 *
 * Every key is a row of the table in keys.c: section, name, type, default, minimum, maximum,
 * whether it is secret, and a line of help. --check, the man page and the README's table follow
 * that table. */
#ifndef GUICHET_CONFIG_CONFIG_H
#define GUICHET_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/fail.h"
#include "base/slice.h"

#define CONFIG_LINE_MAX      198 /* bytes; Debian's libinih cuts at 199 */
#define CONFIG_LINES_MAX     4096
#define CONFIG_PROVIDERS_MAX 32
#define CONFIG_SECRETS_MAX   32 /* lines of `secret` or `api_key` of one provider */
#define CONFIG_PROXIES_MAX   32
#define CONFIG_NAME_MAX      32 /* bytes of a provider's name: a-z 0-9 - _ */
#define CONFIG_KEYS_MAX      48 /* rows of the table of keys */
#define CONFIG_NOTICES_MAX   8

enum config_durability { DURABILITY_ALWAYS, DURABILITY_EVERYSEC, DURABILITY_NONE };
enum config_status_page { STATUS_PAGE_PUBLIC, STATUS_PAGE_TOKEN, STATUS_PAGE_OFF };
enum config_store_down { STORE_DOWN_REJECT, STORE_DOWN_SPOOL };

/* Where a value came from: the file's name as it was found and the line, as in
 * "/home/user/guichet/guichet.conf:12", or "environment", or "default". */
#define CONFIG_ORIGIN_MAX 256

/* A list of texts, such as secrets: `env:NAME`, `file:PATH`, `dir:PATH` or a literal. Whether each
 * is a sound secret is judged by verify/secret.h, which reports under `origin`. */
struct config_list {
    size_t n;
    struct {
        char *text;   /* NUL-terminated */
        char *origin; /* for messages */
    } item[CONFIG_SECRETS_MAX];
};

struct config_provider {
    char name[CONFIG_NAME_MAX + 1];
    char *origin;               /* of its section */
    char *scheme;               /* the name of a row of verify/scheme.h */
    char *path;                 /* begins with '/', normalised, without base_path */
    struct config_list api_key; /* empty: the scheme asks for none */
    struct config_list secret;
    char *read_path; /* of a provider that keeps copies: below which they are read; or NULL */
    struct config_list read_token; /* opens them; empty: nobody reads */
    int64_t rate_count;            /* at most so many accepted events ... */
    int64_t rate_window_us;        /* ... in any window of this length; rate_count 0: no limit */
    int rate_limit_status;         /* 429 or 503 */
    int64_t tolerance_us;          /* of a signed timestamp; -1: the scheme's own */
    int64_t max_age_us;            /* of the event's own timestamp; 0: off */
    int64_t keep_ids_us;           /* how long an idempotency key is kept */
    int unknown_events;            /* 1 record, 0 reject, -1 the scheme's own */
    int64_t backlog_limit;         /* entries of the hand-off stream; 0: none */
    int64_t quarantine_limit;
    int64_t audit_limit;
    int64_t history_limit;
    bool retired;                      /* its path answers 410 */
    bool implicit;                     /* stands in no file: mounted by the environment alone */
    unsigned line_of[CONFIG_KEYS_MAX]; /* by row of keys.c: the line of `file`; 0: not set there */
};

/* An address or network, e.g. 127.0.0.1, ::1, 10.0.0.0/8, or "unix" for a peer without an
 * address. */
struct config_proxy {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned prefix;     /* bits of address that count, 0 to 128 */
    bool unix_peer;
};

struct config {
    char *file;  /* the file read, or NULL */
    char *store; /* URL as given; secret */
    char *store_origin;
    int64_t workers;
    int64_t max_body; /* bytes */
    bool require_https;
    struct config_proxy proxy[CONFIG_PROXIES_MAX];
    size_t nproxies;
    char *state_dir; /* absolute; chosen as config_load says when not given */
    bool state_dir_given;
    char *log;       /* "stderr", "syslog" or an absolute path */
    char *audit_log; /* the same, or "off" */
    int64_t deadline_us;
    enum config_durability durability;
    int64_t min_replicas; /* that must hold what is acknowledged; 0: none */
    enum config_store_down when_store_down;
    char *spool_dir;     /* absolute; there with STORE_DOWN_SPOOL, else perhaps NULL */
    int64_t spool_limit; /* entries */
    int64_t spool_size;  /* bytes */
    struct config_list
        audit_key;    /* the last one seals, all verify; empty: the audit is not sealed */
    char *base_path;  /* "" or "/prefix" without a slash at its end */
    char *public_url; /* "https://host[:port]", what stands before base_path outside; "": unknown */
    enum config_status_page status_page; /* who sees /status; with TOKEN metrics_token is there */
    char *metrics_token;                 /* the secret's spec, or NULL: not configured */
    char *metrics_token_origin;
    struct config_provider provider[CONFIG_PROVIDERS_MAX];
    size_t nproviders;
    unsigned line_of[CONFIG_KEYS_MAX]; /* of [server] and [metrics]; as a provider's */
    /* What the log should say at start although it stops nothing, e.g. "dazno is not mounted:
     * T4G_API_KEY and T4G_WEBHOOK_SECRET are not set". */
    char *notice[CONFIG_NOTICES_MAX];
    bool notice_is_error[CONFIG_NOTICES_MAX]; /* surely not meant, e.g. one of the two is set */
    size_t nnotices;
};

struct config_options {
    const char *file;         /* --config, or NULL */
    const char *program_dir;  /* the folder of the program, or NULL */
    char *const *environment; /* NAME=value strings, NULL-terminated: environ, never request data */
};

/* Reads and checks the configuration. NULL on failure, with the cause in *why.
 *
 * The providers `dazno` and `airtable` exist without being named in a file when their variables are
 * set (T4G_API_KEY with T4G_WEBHOOK_SECRET; WEBHOOK_SECRET), else a notice says why not; a section
 * of the file for one of them overrides its defaults key by key (with another scheme, api_key has
 * no default), and is an error when a variable that it relies on is not set. GUICHET_STORE gives
 * the store where the file does not; GUICHET_METRICS_TOKEN the token, also where the file names
 * just that variable: unset, metrics_token is NULL and a notice says so. Nothing chooses a store by
 * itself: without one this fails. A variable that is set but empty is a mistake, never a secret.
 *
 * state_dir, when not given: /run/guichet if it is a folder we can write, else `state` beside the
 * file, else (no file) guichet-<euid> below $TMPDIR or /tmp. It is not created here. */
struct config *config_load(const struct config_options *options, struct fail *why);
void config_free(struct config *c);

/* One line "section.key = value  (origin)" for each setting in use, for --check: as in "provider
 * dazno.rate_limit = 100/60s  (default)". `line` is called with each line, without a newline.
 * Secrets are masked: env:, file: and dir: are shown, a literal is "(set, 32 characters)", the
 * store is shown without user and password. */
void config_print(const struct config *c, void (*line)(void *ctx, const char *text), void *ctx);

/* The provider of that name, or NULL. */
const struct config_provider *config_find(const struct config *c, const char *name);

/* Whether the peer address (text, e.g. REMOTE_ADDR; empty or NULL: a unix peer) is a trusted
 * proxy. */
bool config_trusts(const struct config *c, struct slice address);

#endif
