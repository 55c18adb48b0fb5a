/* keys: the table of everything that can be set.
 *
 * The reader, the defaults, the messages, config_print and the documentation all follow it: to add
 * a key is to add a row here and a member to struct config. */
#ifndef GUICHET_CONFIG_KEYS_H
#define GUICHET_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

enum key_section { SECTION_SERVER, SECTION_METRICS, SECTION_PROVIDER };

/* What a value must look like, and the C type that holds it. */
enum key_type {
    KEY_NAME,       /* char *: a-z 0-9 - _ */
    KEY_STORE,      /* char *: scheme://... */
    KEY_SECRET,     /* char *: env:NAME, file:PATH, dir:PATH or a literal */
    KEY_SECRETS,    /* struct config_list of those: the key may be given many times */
    KEY_FOLDER,     /* char *: an absolute path */
    KEY_TARGET,     /* char *: one of the words, or an absolute path */
    KEY_URL_PATH,   /* char *: "/..." as request_path leaves a path */
    KEY_URL_PREFIX, /* char *: the same without a slash at its end, or empty */
    KEY_ORIGIN,     /* char *: http:// or https://, host, perhaps a port; or empty */
    KEY_INTEGER,    /* int64_t */
    KEY_SIZE,       /* int64_t, bytes: 1000, 64KiB, 1MiB */
    KEY_DURATION,   /* int64_t, µs: 500ms, 2s, 5m, 1h, 30d; or one of the words */
    KEY_RATE,       /* rate_count and rate_window_us: 100/60s; or one of the words */
    KEY_CHOICE,     /* int: the value of one of the words */
    KEY_SWITCH,     /* bool: yes or no */
    KEY_PROXIES     /* proxy[] and nproxies */
};

#define KEY_WORDS_MAX 3

/* Of KEY_RATE, min and max are the count's; these are the window's. */
#define KEY_RATE_WINDOW_MIN_US INT64_C(1000000)
#define KEY_RATE_WINDOW_MAX_US INT64_C(86400000000)

struct key_word {
    const char *text;
    int64_t value;
};

struct key {
    enum key_section section;
    const char *name;
    enum key_type type;
    const char *initial; /* the default as it would be written in the file; NULL: none */
    int64_t min, max;    /* of the number; of a text: its length in bytes */
    bool sensitive;      /* never shown as it is */
    size_t offset;       /* in struct config, or of SECTION_PROVIDER in struct config_provider */
    struct key_word word[KEY_WORDS_MAX]; /* text == NULL: no more */
    const char *help;                    /* one line, for the documentation */
};

extern const struct key keys_table[];
extern const size_t keys_count; /* at most CONFIG_KEYS_MAX */

/* The row, or NULL. */
const struct key *keys_find(enum key_section section, struct slice name);

/* Whether a section of any kind has a key of that name. */
bool keys_is_name(struct slice name);

/* The row's position in the table: an index for line_of[]. */
size_t keys_index(const struct key *k);

#endif
