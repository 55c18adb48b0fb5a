/* The case folders: the whole program from the bytes of a request to the answer, the audit line and the
 * stored effect, with a pretended clock; once with the store in memory and once with the one in a file.
 * tests/cases/README.md has the form of a case. The folder is $CASES, or tests/cases. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/text.h"
#include "events/event.h"
#include "receive.h"
#include "store/memory.h"
#include "store/step.h"
#include "temp_dir.h"
#include "unit/sqlite_look.h"
#include "verify/mac.h"

#define FILE_BYTES_MAX (4u << 20)
#define PARAMS_MAX     64
#define CASES_MAX      512

/* The settings of a case that brings none, and the secrets that `@sign` uses. */
static char *const ENVIRONMENT[] = {
    (char[]){"T4G_API_KEY=key-of-the-tests-0123456789abcdef"},
    (char[]){"T4G_WEBHOOK_SECRET=secret-of-the-tests-0123456789abcdef"},
    (char[]){"WEBHOOK_SECRET=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
    (char[]){"GUICHET_METRICS_TOKEN=token-of-the-tests"},
    (char[]){"GUICHET_STORE=unix:///nonexistent/redis.sock"},
    (char[]){"OLD_SECRET=old-secret-of-the-tests-0123456789"},
    (char[]){"STRIPE_SECRET=whsec_test_primary_32_byte_key_material"},
    NULL,
};

struct run {
    char folder[4096];
    char scratch[TEMP_DIR_ROOM];
    char spool_dir[64];      /* "": none */
    struct temp_dir secrets; /* "": none */
    struct config *config;
    struct state *state;
    struct log *log, *audit;
    struct clock clock, store_clock;
    int64_t now_us;      /* the store's time */
    int64_t step_us;     /* by how much the receiver's calendar is ahead of it */
    struct store *store; /* owned by the receiver */
    bool in_file;        /* it is the one in a file, below `scratch` */
    struct sqlite_look file;
    struct receiver *receiver;
    struct service service;
    /* The request that is being put together. */
    struct buf params[PARAMS_MAX];
    size_t nparams;
    struct buf body;
    size_t body_at;
    int64_t cut; /* bytes of the body that arrive; -1: all */
    bool plain_cgi, length_given;
    char sign_scheme[32], sign_secret[256];
    /* What came of it. */
    struct exchange exchange;
    struct buf answer;
    char *audit_line;
    int line_number;
};

#define check(r, condition, ...)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error("%s/case:%d: ", (r)->folder, (r)->line_number);                            \
            print_error(__VA_ARGS__);                                                              \
            print_error("\nanswer: %.*s\naudit: %s\n", (int)(r)->answer.n,                         \
                        (r)->answer.p ? (r)->answer.p : "",                                        \
                        (r)->audit_line ? (r)->audit_line : "");                                   \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static int64_t case_now(void *ctx)
{
    return ((struct run *)ctx)->now_us;
}

static int64_t case_stepped(void *ctx)
{
    return ((struct run *)ctx)->now_us + ((struct run *)ctx)->step_us;
}

static char *read_file(const char *folder, const char *name, size_t *n)
{
    char path[8192];
    char *p = NULL;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    p = malloc(FILE_BYTES_MAX + 1);
    if (p != NULL) {
        *n = fread(p, 1, FILE_BYTES_MAX, f);
        p[*n] = '\0';
    }
    fclose(f);
    return p;
}

/* --- one request --------------------------------------------------------------------------------- */

static void add_param(struct run *r, const char *name, const char *value)
{
    struct buf *b = &r->params[r->nparams++];

    assert_true(r->nparams < PARAMS_MAX);
    *b = BUF_INIT(FILE_BYTES_MAX);
    buf_addf(b, "%s=%s", name, value);
}

static void add_header(struct run *r, const char *name, const char *value)
{
    char param[256] = "HTTP_";
    bool content = strcasecmp(name, "content-type") == 0 || strcasecmp(name, "content-length") == 0;
    size_t at = content ? 0 : 5;

    for (const char *p = name; *p != '\0' && at < sizeof param - 1; p++)
        param[at++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    param[at] = '\0';
    if (strcmp(param, "CONTENT_LENGTH") == 0)
        r->length_given = true;
    add_param(r, param, value);
}

static void begin_request(struct run *r, char *line)
{
    char *target = strchr(line, ' ');

    for (size_t i = 0; i < r->nparams; i++)
        buf_free(&r->params[i]);
    r->nparams = 0;
    buf_reset(&r->body);
    r->body_at = 0;
    r->cut = -1;
    r->plain_cgi = r->length_given = false;
    r->sign_scheme[0] = '\0';
    check(r, target != NULL, "a request line is METHOD TARGET");
    *target++ = '\0';
    add_param(r, "REQUEST_METHOD", line);
    add_param(r, "REQUEST_URI", target);
    add_param(r, "GATEWAY_INTERFACE", "CGI/1.1");
    add_param(r, "REMOTE_ADDR", "192.0.2.1");
    add_param(r, "HTTPS", "on");
}

static void drop_param(struct run *r, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < r->nparams; i++) {
        if (strncmp(r->params[i].p, name, n) != 0 || r->params[i].p[n] != '=')
            continue;
        buf_free(&r->params[i]);
        r->params[i] = r->params[--r->nparams];
        r->params[r->nparams] = (struct buf){0};
    }
}

/* Cuts the last byte off the n-th entry of the spool. */
/* PROVIDER KEY FIELD VALUE: a field of a record, as a worker would have written it. */
static void put_field(struct run *r, char *value)
{
    struct arena *arena = arena_new(1 << 16);
    char *rest = value, *provider = strsep(&rest, " "), *key = strsep(&rest, " "),
         *field = strsep(&rest, " ");
    struct journal j = {r->store, provider, arena, 1000};
    struct fail why = {""};

    check(r, rest != NULL && arena != NULL, "@put PROVIDER KEY FIELD VALUE");
    check(r,
          step_apply(
              &j, &(struct step_change){STEP_PUT, slice_of(key), slice_of(field), slice_of(rest)},
              1, 0, &why) == STEP_DONE,
          "%s", why.text);
    arena_free(arena);
}

static void spoil(struct run *r, size_t n)
{
    struct spool_list list;
    char path[512], name[SPOOL_NAME_ROOM];

    assert_true(spool_list(r->service.spool, &list));
    check(r, n >= 1 && n <= list.n, "%zu entries in the spool", list.n);
    spool_item_name(&list.item[n - 1], name);
    (void)snprintf(path, sizeof path, "%s/%s", r->spool_dir, name);
    assert_int_equal(truncate(path, (off_t)list.item[n - 1].size - 1), 0);
    spool_list_free(&list);
}

static void directive(struct run *r, char *line)
{
    char *value = strchr(line, ' ');

    if (value != NULL)
        *value++ = '\0';
    else
        value = line + strlen(line);
    if (strcmp(line, "@sign") == 0) {
        check(r, sscanf(value, "%31s %255s", r->sign_scheme, r->sign_secret) == 2,
              "@sign SCHEME SECRET");
    } else if (strcmp(line, "@param") == 0) {
        char *equals = strchr(value, '=');
        check(r, equals != NULL, "@param NAME=value");
        *equals = '\0';
        add_param(r, value, equals + 1);
    } else if (strcmp(line, "@drop") == 0) {
        drop_param(r, value);
    } else if (strcmp(line, "@now") == 0) {
        check(r, rfc3339_parse(slice_of(value), &r->now_us), "@now takes an RFC 3339 time");
    } else if (strcmp(line, "@step") == 0) {
        r->step_us = atoll(value) * US_PER_S;
    } else if (strcmp(line, "@cut") == 0) {
        r->cut = atoll(value);
    } else if (strcmp(line, "@cgi") == 0) {
        r->plain_cgi = true;
    } else if (strcmp(line, "@repeat") == 0) { /* a body of so many copies of a text */
        char text[256];
        long n;
        check(r, sscanf(value, "%ld %255s", &n, text) == 2, "@repeat N TEXT");
        while (n-- > 0)
            buf_adds(&r->body, text);
    } else if (strcmp(line, "@hex") == 0) {
        uint8_t bytes[4096];
        ssize_t n = hex_decode(slice_of(value), bytes, sizeof bytes);
        check(r, n >= 0, "@hex takes hexadecimal digits");
        buf_add(&r->body, bytes, (size_t)n);
    } else if (strcmp(line, "@file") == 0) {
        size_t n = 0;
        char *p = read_file(r->folder, value, &n);
        check(r, p != NULL, "no file %s", value);
        buf_add(&r->body, p, n);
        free(p);
    } else if (strcmp(line, "@store") == 0) {
        memory_fail(r->store, strcmp(value, "up") == 0 ? "" : value);
    } else if (strcmp(line, "@drain") == 0) {
        while (receiver_drain(r->receiver))
            ;
    } else if (strcmp(line, "@put") == 0) {
        put_field(r, value);
    } else if (strcmp(line, "@spoil") == 0) {
        spoil(r, (size_t)atoi(value));
    } else {
        check(r, false, "what is %s?", line);
    }
}

static void sign(struct run *r)
{
    uint8_t key[256], digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1], value[256];
    ssize_t n = -1;
    struct slice body = buf_slice(&r->body);
    struct mac *m;

    if (r->sign_scheme[0] == '\0')
        return;
    if (strncmp(r->sign_secret, "hex:", 4) == 0)
        n = hex_decode(slice_of(r->sign_secret + 4), key, sizeof key);
    m = n >= 0 ? mac_new(key, (size_t)n)
               : mac_new((const uint8_t *)r->sign_secret, strlen(r->sign_secret));
    assert_non_null(m);
    if (strcmp(r->sign_scheme, "stripe") == 0) {
        char time[32];
        (void)snprintf(time, sizeof time, "%lld", (long long)(r->now_us / US_PER_S));
        struct slice part[] = {slice_of(time), SLICE_LITERAL("."), body};
        assert_true(mac_sign(m, part, 3, digest));
        hex_encode(digest, sizeof digest, hex);
        (void)snprintf(value, sizeof value, "t=%s,v1=%s", time, hex);
        add_header(r, "stripe-signature", value);
    } else {
        bool airtable = strcmp(r->sign_scheme, "airtable") == 0;
        assert_true(mac_sign(m, &body, 1, digest));
        hex_encode(digest, sizeof digest, hex);
        (void)snprintf(value, sizeof value, "%s=%s", airtable ? "hmac-sha256" : "sha256", hex);
        add_header(r, airtable ? "x-airtable-content-mac" : "x-t4g-signature", value);
    }
    mac_free(m);
}

static ssize_t read_body(void *ctx, char *out, size_t n)
{
    struct run *r = ctx;
    size_t all = r->cut >= 0 && (size_t)r->cut < r->body.n ? (size_t)r->cut : r->body.n;

    if (n > all - r->body_at)
        n = all - r->body_at;
    if (n > 100)
        n = 100; /* as it may come from a wire */
    if (n > 0)
        memcpy(out, r->body.p + r->body_at, n);
    r->body_at += n;
    return (ssize_t)n;
}

static bool body_broken(void *ctx)
{
    struct run *r = ctx;

    return r->cut >= 0 && (size_t)r->cut < r->body.n;
}

static void read_audit_line(struct run *r)
{
    size_t n = 0;
    char *all = read_file(r->scratch, "audit", &n), *last;

    free(r->audit_line);
    r->audit_line = NULL;
    if (all != NULL && n > 1) {
        all[n - 1] = '\0';
        last = strrchr(all, '\n');
        r->audit_line = strdup(last != NULL ? last + 1 : all);
    }
    free(all);
}

static void send_request(struct run *r)
{
    char *params[PARAMS_MAX + 1];
    struct exchange *x = &r->exchange;
    struct body_source source = {read_body, r->plain_cgi ? NULL : body_broken, r, r->plain_cgi};

    sign(r);
    if (!r->length_given && !r->plain_cgi) {
        char length[32];
        (void)snprintf(length, sizeof length, "%zu", r->body.n);
        add_param(r, "CONTENT_LENGTH", length);
    }
    for (size_t i = 0; i < r->nparams; i++)
        params[i] = r->params[i].p;
    params[r->nparams] = NULL;
    memset(&x->request, 0, sizeof x->request);
    request_init(&x->request, params);
    x->request.received_us = r->now_us + r->step_us;
    x->request.started_us = r->now_us;
    assert_true(request_read_body(&x->request, &source, (size_t)r->config->max_body, x->arena));
    receive_batch(r->receiver, &x, 1);
    buf_reset(&r->answer);
    response_write(&x->response, x->request.method == METHOD_HEAD, &r->answer);
    arena_reset(x->arena);
    read_audit_line(r);
}

/* --- expectations --------------------------------------------------------------------------------- */

static char *answer_header(struct run *r, const char *name)
{
    static char value[1024];
    char want[128];
    char *at;
    size_t n;

    (void)snprintf(want, sizeof want, "\r\n%s: ", name);
    at = r->answer.p != NULL ? strcasestr(r->answer.p, want) : NULL;
    if (at == NULL || at > strstr(r->answer.p, "\r\n\r\n"))
        return NULL;
    at += strlen(want);
    n = strcspn(at, "\r");
    (void)snprintf(value, sizeof value, "%.*s", (int)n, at);
    return value;
}

static void expect_answer(struct run *r, char *line)
{
    char *value = strstr(line, ": ");

    if (line[0] >= '1' && line[0] <= '9') {
        check(r, r->exchange.response.status == atoi(line), "status %d, not %s",
              r->exchange.response.status, line);
    } else if (strncmp(line, "body ", 5) == 0) {
        char *body = r->answer.p != NULL ? strstr(r->answer.p, "\r\n\r\n") : NULL;
        check(r, body != NULL && strcmp(body + 4, line + 5) == 0, "another body");
    } else if (strcmp(line, "body") == 0) {
        char *body = r->answer.p != NULL ? strstr(r->answer.p, "\r\n\r\n") : NULL;
        check(r, body != NULL && body[4] == '\0', "a body where none should be");
    } else if (line[0] == '~') {
        check(r, r->answer.p != NULL && strstr(r->answer.p, line + 1) != NULL, "without %s",
              line + 1);
    } else if (line[0] == '!') {
        check(r, answer_header(r, line + 1) == NULL, "a header %s", line + 1);
    } else {
        check(r, value != NULL, "what is < %s?", line);
        *value = '\0';
        char *have = answer_header(r, line);
        check(r, have != NULL && strcmp(have, value + 2) == 0, "%s: %s, not %s", line,
              have != NULL ? have : "(none)", value + 2);
    }
}

static bool found(struct slice s, struct buf *out)
{
    return s.p != NULL && buf_add_slice(out, s);
}

/* = PROVIDER field KEY FIELD VALUE | PROVIDER count LIST N | PROVIDER history KEY N VALUE |
 *   PROVIDER entry LIST N FIELD VALUE | spool N | audit TEXT | noaudit TEXT */
static void expect_effect(struct run *r, char *line)
{
    char provider[64], what[32], key[512], field[512];
    int at = 0;
    unsigned n;

    if (strncmp(line, "spool ", 6) == 0) {
        struct spool_list list;
        assert_true(spool_list(r->service.spool, &list));
        check(r, (long)list.n == atol(line + 6), "%zu entries in the spool", list.n);
        spool_list_free(&list);
        return;
    }
    if (strncmp(line, "audit ", 6) == 0 || strncmp(line, "noaudit ", 8) == 0) {
        bool want = line[0] == 'a';
        const char *text = strchr(line, ' ') + 1;
        bool there = r->audit_line != NULL && strstr(r->audit_line, text) != NULL;
        check(r, there == want, "audit %s %s", want ? "without" : "with", text);
        return;
    }
    check(r, sscanf(line, "%63s %31s %511s%n", provider, what, key, &at) == 3, "what is = %s?",
          line);
    if (strcmp(what, "count") == 0) {
        size_t have = r->in_file ? sqlite_look_count(&r->file, provider, key)
                                 : memory_count(r->store, provider, key);
        check(r, (long)have == atol(line + at), "%zu entries in %s", have, key);
        return;
    }
    struct buf have = BUF_INIT(FILE_BYTES_MAX);
    int more = 0;
    bool there;
    if (strcmp(what, "field") == 0) {
        check(r, sscanf(line + at, " %511s%n", field, &more) == 1, "field KEY FIELD VALUE");
        there = r->in_file ? sqlite_look_field(&r->file, provider, key, field, &have)
                           : found(memory_field(r->store, provider, key, field), &have);
    } else if (strcmp(what, "history") == 0) {
        check(r, sscanf(line + at, " %u%n", &n, &more) == 1, "history KEY N VALUE");
        there = r->in_file ? sqlite_look_history(&r->file, provider, key, n, &have)
                           : found(memory_history(r->store, provider, key, n), &have);
    } else {
        check(r,
              strcmp(what, "entry") == 0 && sscanf(line + at, " %u %511s%n", &n, field, &more) == 2,
              "what is = %s?", line);
        there = r->in_file ? sqlite_look_entry(&r->file, provider, key, n, field, &have)
                           : found(memory_entry(r->store, provider, key, n, field), &have);
    }
    const char *want = line + at + more;
    want += *want == ' ';
    if (strcmp(want, "-") == 0)
        check(r, !there, "there is %.*s", (int)have.n, have.p);
    else
        check(r, there && slice_is(buf_slice(&have), want), "it is %.*s, not %s",
              there ? (int)have.n : 6, there ? have.p : "(none)", want);
    buf_free(&have);
}

/* --- secrets in files --------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0 && write(fd, text, n) == (ssize_t)n);
    assert_int_equal(close(fd), 0);
}

/* A case's folder `secrets` in a folder that nobody else can read, and its configuration, `path`, with
 * that one's path for @secrets@. Returns the path of the new configuration. */
static void place_secrets(struct run *r, char path[static 8192])
{
    char folder[5000], to[TEMP_PATH_ROOM];
    size_t n = 0;
    struct buf text = BUF_INIT(FILE_BYTES_MAX);
    DIR *dir;

    (void)snprintf(folder, sizeof folder, "%s/secrets", r->folder);
    dir = opendir(folder);
    if (dir == NULL)
        return;
    r->secrets = temp_dir_new();
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        char *secret = read_file(folder, e->d_name, &n);
        temp_dir_path(&r->secrets, e->d_name, to);
        write_file(to, secret, n);
        free(secret);
    }
    closedir(dir);
    char *config = read_file(r->folder, "config", &n), *mark = strstr(config, "@secrets@");
    assert_non_null(mark);
    buf_add(&text, config, (size_t)(mark - config));
    buf_addf(&text, "%s%s", r->secrets.path, mark + strlen("@secrets@"));
    (void)snprintf(path, 8192, "%s/config", r->scratch);
    write_file(path, text.p, text.n);
    buf_free(&text);
    free(config);
}

/* --- a case ----------------------------------------------------------------------------------------- */

static void open_case(struct run *r)
{
    struct fail why = {""};
    char path[8192];
    struct stat st;
    struct config_options options = {NULL, NULL, ENVIRONMENT};

    temp_dir_pattern("case", r->scratch, sizeof r->scratch);
    assert_non_null(mkdtemp(r->scratch));
    (void)snprintf(path, sizeof path, "%s/config", r->folder);
    if (stat(path, &st) == 0) {
        options.file = path;
        place_secrets(r, path);
    }
    r->config = config_load(&options, &why);
    check(r, r->config != NULL, "%s", why.text);
    r->state = state_private(event_type_names, event_type_count);
    assert_non_null(r->state);
    r->clock = (struct clock){case_stepped, case_now, r};
    r->store_clock = (struct clock){case_now, case_now, r};
    assert_true(rfc3339_parse(slice_of("2025-10-15T10:30:05Z"), &r->now_us));
    r->log = log_open("off", &r->clock, &why);
    (void)snprintf(path, sizeof path, "%s/audit", r->scratch);
    r->audit = log_open(path, &r->clock, &why);
    check(r, r->log != NULL && r->audit != NULL, "%s", why.text);
    r->service =
        (struct service){r->config, ENVIRONMENT, r->state, r->log, r->audit, &r->clock, NULL};
    if (r->config->when_store_down == STORE_DOWN_SPOOL) { /* in a folder of this case's own */
        (void)snprintf(r->spool_dir, sizeof r->spool_dir, "/var/tmp/guichet-case-XXXXXX");
        assert_non_null(mkdtemp(r->spool_dir));
        r->service.spool =
            spool_open(r->spool_dir,
                       (struct spool_limits){r->config->spool_limit, r->config->spool_size}, &why);
        check(r, r->service.spool != NULL, "%s", why.text);
    }
    if (r->in_file) {
        (void)snprintf(r->file.path, sizeof r->file.path, "%s/store.db", r->scratch);
        (void)snprintf(path, sizeof path, "sqlite://%s", r->file.path);
        r->store = store_open(path, &r->store_clock, &why);
        check(r, r->store != NULL, "%s", why.text);
    } else {
        r->store = memory_new(&r->store_clock);
    }
    r->receiver = receiver_new(&r->service, r->store, &why);
    check(r, r->receiver != NULL, "%s", why.text);
    receiver_start(r->receiver);
    r->exchange.arena = arena_new(64u << 20);
    r->body = BUF_INIT(FILE_BYTES_MAX);
    r->answer = BUF_INIT(FILE_BYTES_MAX);
}

static void close_case(struct run *r)
{
    struct temp_dir scratch;

    receiver_free(r->receiver);
    sqlite_look_close(&r->file);
    spool_close(r->service.spool);
    if (r->spool_dir[0] != '\0') {
        struct temp_dir d;
        (void)snprintf(d.path, sizeof d.path, "%s", r->spool_dir);
        temp_dir_remove(&d);
    }
    log_close(r->audit);
    log_close(r->log);
    state_close(r->state);
    config_free(r->config);
    arena_free(r->exchange.arena);
    for (size_t i = 0; i < r->nparams; i++)
        buf_free(&r->params[i]);
    buf_free(&r->body);
    buf_free(&r->answer);
    free(r->audit_line);
    if (r->secrets.path[0] != '\0')
        temp_dir_remove(&r->secrets);
    (void)snprintf(scratch.path, sizeof scratch.path, "%s", r->scratch);
    temp_dir_remove(&scratch);
}

static void run_case(const char *folder, bool in_file)
{
    struct run r = {.in_file = in_file};
    size_t n = 0;
    bool open = false; /* a request is being put together */

    (void)snprintf(r.folder, sizeof r.folder, "%s", folder);
    char *text = read_file(r.folder, "case", &n), *rest = text, *line;
    check(&r, text != NULL, "no file `case`");
    open_case(&r);
    while ((line = strsep(&rest, "\n")) != NULL) {
        r.line_number++;
        if (line[0] == '>' && line[1] == ' ') {
            if (line[2] == '@')
                directive(&r, line + 2);
            else if (strstr(line, ": ") == NULL)
                begin_request(&r, line + 2);
            else {
                char *value = strstr(line, ": ");
                *value = '\0';
                add_header(&r, line + 2, value + 2);
            }
            open = true;
        } else if (line[0] == '|') {
            if (r.body.n > 0)
                buf_adds(&r.body, "\n");
            buf_adds(&r.body, line + (line[1] == ' ' ? 2 : 1));
        } else if (line[0] == '<' || line[0] == '=') {
            if (open)
                send_request(&r);
            open = false;
            if (line[0] == '<')
                expect_answer(&r, line + 2);
            else
                expect_effect(&r, line + 2);
        } else {
            check(&r, line[0] == '#' || line[0] == '\0', "what is %s?", line);
        }
    }
    free(text);
    close_case(&r);
}

static void run_in_memory(void **state)
{
    run_case(*state, false);
}

static void run_in_file(void **state)
{
    run_case(*state, true);
}

/* Whether the case can be run on a store in a file: only the one in memory can be told to fail. */
static bool runs_in_file(const char *folder)
{
    size_t n = 0;
    char *text = read_file(folder, "case", &n);
    bool runs = text == NULL || strstr(text, "\n> @store ") == NULL;

    free(text);
    return runs;
}

static int is_case(const struct dirent *d)
{
    return d->d_name[0] != '.' && strcmp(d->d_name, "README.md") != 0;
}

int main(void)
{
    const char *folder = getenv("CASES") != NULL ? getenv("CASES") : "tests/cases";
    static struct CMUnitTest test[2 * CASES_MAX];
    struct dirent **entry = NULL;
    int n = scandir(folder, &entry, is_case, alphasort);

    if (n <= 0 || n > CASES_MAX) {
        fprintf(stderr, "no cases in %s\n", folder);
        return 1;
    }
    size_t ntests = 0;
    for (int i = 0; i < n; i++) {
        char *path = NULL, *name = NULL;
        if (asprintf(&path, "%s/%s", folder, entry[i]->d_name) < 0 ||
            asprintf(&name, "%s (in a file)", entry[i]->d_name) < 0)
            return 1;
        test[ntests++] =
            (struct CMUnitTest){strdup(entry[i]->d_name), run_in_memory, NULL, NULL, path};
        if (runs_in_file(path))
            test[ntests++] =
                (struct CMUnitTest){strdup(name), run_in_file, NULL, NULL, strdup(path)};
        free(name);
        free(entry[i]);
    }
    free(entry);
    int failed = _cmocka_run_group_tests("cases", test, ntests, NULL, NULL);
    for (size_t i = 0; i < ntests; i++) {
        free(test[i].initial_state);
        free((void *)(uintptr_t)test[i].name);
    }
    return failed;
}
