#include "config/setting.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"
#include "config/proxy.h"
#include "config/value.h"

#define SHOWN_VALUE_MAX 60 /* bytes of a refused value that are told */

static_assert(sizeof(enum config_durability) == sizeof(int) &&
                  sizeof(enum config_store_down) == sizeof(int),
              "KEY_CHOICE writes an int");

/* What became of a value. */
enum verdict { TAKEN, MALFORMED, FULL, NO_MEMORY };

static void *member(void *base, const struct key *k)
{
    return (char *)base + k->offset;
}

static const struct key_word *find_word(const struct key *k, struct slice text)
{
    for (size_t i = 0; i < KEY_WORDS_MAX && k->word[i].text != NULL; i++)
        if (slice_is(text, k->word[i].text))
            return &k->word[i];
    return NULL;
}

static bool in_range(const struct key *k, int64_t v)
{
    return v >= k->min && v <= k->max;
}

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* file: and dir: need absolute paths, for the working folder of a FastCGI program is the
 * server's. */
static bool is_secret_spec(struct slice s)
{
    if (slice_begins(s, "env:"))
        return value_is_variable(slice_from(s, 4));
    if (slice_begins(s, "file:"))
        return slice_begins(s, "file:/");
    return slice_begins(s, "dir:") ? slice_begins(s, "dir:/") : true;
}

/* "scheme://" and something behind it. Which schemes there are is the store's to say. */
static bool is_address(struct slice s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] >= 'a' && s.p[n] <= 'z')
        n++;
    return n > 0 && slice_begins(slice_from(s, n), "://") && s.n > n + 3;
}

static bool is_text_of(const struct key *k, struct slice s)
{
    if (s.n < (size_t)k->min || !text_is_plain(s, 0, (size_t)k->max))
        return false;
    switch (k->type) {
    case KEY_NAME:
        return value_is_name(s);
    case KEY_STORE:
        return is_address(s);
    case KEY_SECRET:
    case KEY_SECRETS:
        return is_secret_spec(s);
    case KEY_FOLDER:
        return s.p[0] == '/';
    case KEY_TARGET:
        return s.p[0] == '/' || find_word(k, s) != NULL;
    case KEY_URL_PATH:
        return value_is_url_path(s);
    case KEY_URL_PREFIX:
        return s.n == 0 || (value_is_url_path(s) && s.p[s.n - 1] != '/');
    case KEY_ORIGIN:
        return s.n == 0 || value_is_origin(s);
    default:
        return false;
    }
}

/* Whether the member is a char *. */
static bool is_text(enum key_type type)
{
    switch (type) {
    case KEY_NAME:
    case KEY_STORE:
    case KEY_SECRET:
    case KEY_FOLDER:
    case KEY_TARGET:
    case KEY_URL_PATH:
    case KEY_URL_PREFIX:
    case KEY_ORIGIN:
        return true;
    default:
        return false;
    }
}

static enum verdict set_text(void *base, const struct key *k, struct slice value)
{
    char **at = member(base, k);

    if (!is_text_of(k, value))
        return MALFORMED;
    char *copy = strndup(value.n > 0 ? value.p : "", value.n);
    if (copy == NULL)
        return NO_MEMORY;
    free_secret(*at);
    *at = copy;
    return TAKEN;
}

static enum verdict add_secret(void *base, const struct key *k, struct slice value,
                               const char *origin)
{
    struct config_list *list = member(base, k);

    if (!is_text_of(k, value))
        return MALFORMED;
    if (list->n == CONFIG_SECRETS_MAX)
        return FULL;
    char *text = strndup(value.p, value.n);
    char *where = strdup(origin);
    if (text == NULL || where == NULL) {
        free_secret(text);
        free(where);
        return NO_MEMORY;
    }
    list->item[list->n].text = text;
    list->item[list->n].origin = where;
    list->n++;
    return TAKEN;
}

static enum verdict set_number(void *base, const struct key *k, struct slice value)
{
    int64_t *at = member(base, k);
    const struct key_word *word = find_word(k, value);
    int64_t v = 0;
    bool ok = k->type == KEY_SIZE       ? value_size(value, &v)
              : k->type == KEY_DURATION ? value_duration(value, &v)
                                        : text_to_i64(value, &v);

    if (word == NULL && (!ok || !in_range(k, v)))
        return MALFORMED;
    *at = word != NULL ? word->value : v;
    return TAKEN;
}

static enum verdict set_rate(struct config_provider *p, const struct key *k, struct slice value)
{
    int64_t count = 0;
    int64_t window_us = 0;

    if (find_word(k, value) == NULL &&
        (!value_rate(value, &count, &window_us) || !in_range(k, count) ||
         window_us < KEY_RATE_WINDOW_MIN_US || window_us > KEY_RATE_WINDOW_MAX_US))
        return MALFORMED;
    p->rate_count = count;
    p->rate_window_us = window_us;
    return TAKEN;
}

static enum verdict set_word(void *base, const struct key *k, struct slice value)
{
    const struct key_word *word = find_word(k, value);
    if (word == NULL)
        return MALFORMED;

    if (k->type == KEY_SWITCH) {
        bool *at = member(base, k);
        *at = word->value != 0;
    } else {
        int v = (int)word->value;
        memcpy(member(base, k), &v, sizeof(v)); /* an int or an enum */
    }
    return TAKEN;
}

static enum verdict set_proxies(struct config *c, struct slice value)
{
    struct config_proxy proxy[CONFIG_PROXIES_MAX];
    size_t n = 0;

    for (size_t at = 0; at <= value.n;) {
        struct slice rest = slice_from(value, at);
        const char *comma = rest.n > 0 ? memchr(rest.p, ',', rest.n) : NULL;
        struct slice item = {rest.p, comma != NULL ? (size_t)(comma - rest.p) : rest.n};
        if (n == CONFIG_PROXIES_MAX)
            return FULL;
        if (!proxy_parse(text_trim(item), &proxy[n++]))
            return MALFORMED;
        at += item.n + 1;
    }
    memcpy(c->proxy, proxy, n * sizeof(proxy[0]));
    c->nproxies = n;
    return TAKEN;
}

static enum verdict set(void *base, const struct key *k, struct slice value, const char *origin)
{
    switch (k->type) {
    case KEY_SECRETS:
        return add_secret(base, k, value, origin);
    case KEY_INTEGER:
    case KEY_SIZE:
    case KEY_DURATION:
        return set_number(base, k, value);
    case KEY_RATE:
        return set_rate(base, k, value);
    case KEY_CHOICE:
    case KEY_SWITCH:
        return set_word(base, k, value);
    case KEY_PROXIES:
        return set_proxies(base, value);
    default:
        return set_text(base, k, value);
    }
}

/* Appends what the row's values look like. */
static void describe(const struct key *k, struct buf *out)
{
    static const char *const form[] = {
        [KEY_NAME] = "a name of a-z, 0-9, - and _",
        [KEY_STORE] = "an address such as unix:///run/redis/redis-server.sock, "
                      "redis://127.0.0.1:6379/0 or sqlite:///var/lib/guichet/store.db",
        [KEY_SECRET] = "env:NAME, file:/PATH, dir:/PATH or the secret itself",
        [KEY_SECRETS] = "env:NAME, file:/PATH, dir:/PATH or the secret itself",
        [KEY_FOLDER] = "an absolute path",
        [KEY_TARGET] = "an absolute path",
        [KEY_URL_PATH] = "a path: a / in front, no empty, . or .. segment, no %-escape, no ? or #",
        [KEY_URL_PREFIX] = "empty or a path: a / in front and none at its end, no empty, . or .. "
                           "segment, no %-escape",
        [KEY_ORIGIN] = "empty, or scheme and host such as https://hooks.example.org, without a "
                       "path, which base_path is",
        [KEY_INTEGER] = "a whole number",
        [KEY_SIZE] = "a size such as 500000, 64KiB or 2MiB",
        [KEY_DURATION] = "a duration such as 500ms, 2s, 5m, 1h or 30d",
        [KEY_RATE] = "a number and a duration such as 100/60s, at most 1000000 in 1s to 1d",
        [KEY_PROXIES] = "addresses, networks (10.0.0.0/8, no bits set behind the prefix, not /0) "
                        "and unix, with commas between",
    };
    void (*const text)(int64_t, char *) = k->type == KEY_SIZE       ? value_size_text
                                          : k->type == KEY_DURATION ? value_duration_text
                                                                    : NULL;
    bool words_only = k->type == KEY_CHOICE || k->type == KEY_SWITCH;

    if (!words_only)
        buf_adds(out, form[k->type]);
    if (k->type == KEY_INTEGER) {
        buf_addf(out, " from %lld to %lld", (long long)k->min, (long long)k->max);
    } else if (text != NULL) {
        char min[VALUE_TEXT_ROOM], max[VALUE_TEXT_ROOM];
        text(k->min, min);
        text(k->max, max);
        buf_addf(out, ", from %s to %s", min, max);
    }
    for (size_t i = 0; i < KEY_WORDS_MAX && k->word[i].text != NULL; i++)
        buf_addf(out, "%s%s", i == 0 && words_only ? "" : " or ", k->word[i].text);
}

/* At most SHOWN_VALUE_MAX bytes of a UTF-8 text, cut at a character. */
static size_t shown_length(struct slice value)
{
    size_t n = value.n;

    if (n > SHOWN_VALUE_MAX)
        for (n = SHOWN_VALUE_MAX; n > 0 && ((unsigned char)value.p[n] & 0xC0) == 0x80;)
            n--;
    return n;
}

int setting_set(void *base, const struct key *k, struct slice value, const char *origin,
                struct fail *why)
{
    struct buf form = BUF_INIT(FAIL_TEXT_MAX);
    enum verdict r = set(base, k, value, origin);

    switch (r) {
    case TAKEN:
        return 0;
    case FULL:
        return fail_set(why, "too many values for `%s`: at most %d are possible", k->name,
                        k->type == KEY_PROXIES ? CONFIG_PROXIES_MAX : CONFIG_SECRETS_MAX);
    case NO_MEMORY:
        return fail_set(why, "out of memory");
    case MALFORMED:
        break;
    }
    describe(k, &form);
    const char *right = form.p != NULL ? form.p : "of another form";
    if (value.n == 0)
        fail_set(why, "`%s` has no value; it must be %s", k->name, right);
    else if (k->sensitive)
        fail_set(why, "the value of `%s` (not shown here) must be %s", k->name, right);
    else
        fail_set(why, "`%s = %.*s%s` cannot be used; `%s` must be %s", k->name,
                 (int)shown_length(value), value.p, value.n > SHOWN_VALUE_MAX ? "..." : "", k->name,
                 right);
    buf_free(&form);
    return -1;
}

static void free_list(struct config_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free_secret(list->item[i].text);
        free(list->item[i].origin);
    }
    list->n = 0;
}

void setting_free(void *base, const struct key *k)
{
    if (k->type == KEY_SECRETS) {
        free_list(member(base, k));
    } else if (is_text(k->type)) {
        char **at = member(base, k);
        free_secret(*at);
        *at = NULL;
    }
}

size_t setting_scheme_length(struct slice url)
{
    size_t n = 0;

    while (n + 3 <= url.n && memcmp(url.p + n, "://", 3) != 0)
        n++;
    return n + 3 <= url.n ? n + 3 : 0;
}

size_t setting_credentials_end(struct slice url)
{
    size_t scheme = setting_scheme_length(url);
    const char *at = NULL;

    /* A path that follows at once, as in unix:///run/a@b.sock, has no user before it. Else
     * everything up to the last @ goes, so that a password with an unescaped @ or / is not shown in
     * part. */
    if (scheme < url.n && url.p[scheme] != '/')
        at = memrchr(url.p + scheme, '@', url.n - scheme);
    return at != NULL ? (size_t)(at - url.p) + 1 : scheme;
}

bool setting_is_literal(const struct key *k, struct slice text)
{
    size_t scheme = setting_scheme_length(text);

    if (k->type == KEY_STORE)
        return memchr(text.p + scheme, ':', setting_credentials_end(text) - scheme) != NULL;
    return k->sensitive && !slice_begins(text, "env:") && !slice_begins(text, "file:") &&
           !slice_begins(text, "dir:");
}
