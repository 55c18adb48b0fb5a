#include "outbox/attempt.h"

#include <inttypes.h>
#include <stdio.h>

#include "verify/secret.h"
#include "verify/sign.h"

#define SCHEME     "t4g"
#define SPEC_ROOM  (ENTRY_LINE_MAX + 1)
#define TEXT_MAX   512 /* of one text in the log */
#define HEADER_MAX 2   /* beside those of the signature: media type, API key */

int attempt_check_spec(const char *spec, const char *what, struct fail *why)
{
    if (strncmp(spec, "file:", 5) == 0 && spec[5] != '/')
        return fail_set(why, "%s: `file:` must be followed by an absolute path", what);
    if ((strncmp(spec, "env:", 4) != 0 && strncmp(spec, "file:", 5) != 0) ||
        strchr(spec, '\n') != NULL || strlen(spec) > ENTRY_LINE_MAX)
        return fail_set(
            why,
            "%s must say where the secret is, env:NAME or file:/PATH; the secret itself "
            "would be seen by others on this host",
            what);
    return 0;
}

static int read_one(struct slice spec, const char *origin, char *const *environment,
                    struct secret_text *out, struct fail *why)
{
    char text[SPEC_ROOM];

    (void)snprintf(text, sizeof text, "%.*s", (int)spec.n, spec.p);
    if (attempt_check_spec(text, origin, why) != 0)
        return -1;
    return secret_read(text, origin, environment, out, 1, why) == 1 ? 0 : -1;
}

static struct mac *key_of(const struct scheme *s, const struct secret_text *secret,
                          struct fail *why)
{
    uint8_t key[SECRET_BYTES_MAX];
    int n = secret_decode(s->key, secret, key, why);
    struct mac *mac = n > 0 ? mac_new(key, (size_t)n) : NULL;

    if (n > 0 && mac == NULL)
        fail_set(why, "no memory for a key");
    explicit_bzero(key, sizeof key);
    return mac;
}

int attempt_start(struct post *p, const struct entry_content *e, const struct clock *clock,
                  char *const *environment, void *tag, struct fail *why)
{
    const struct scheme *s = scheme_find(SCHEME);
    struct sign_header signature[SIGN_HEADERS_MAX];
    struct post_header header[HEADER_MAX + SIGN_HEADERS_MAX];
    struct secret_text secret = {.n = 0}, api_key = {.n = 0};
    struct mac *mac = NULL;
    char url[POST_URL_MAX + 1];
    size_t n = 0;
    int signatures, result = -1;

    (void)snprintf(url, sizeof url, "%.*s", (int)e->url.n, e->url.p);
    if (read_one(e->api_key, "the API key", environment, &api_key, why) != 0 ||
        read_one(e->secret, "the webhook secret", environment, &secret, why) != 0)
        goto done;
    mac = key_of(s, &secret, why);
    if (mac == NULL)
        goto done;
    signatures = sign_headers(s, mac, e->id, clock_now_us(clock), e->body, signature, why);
    if (signatures < 0)
        goto done;
    header[n++] = (struct post_header){"Content-Type", s->media_type[0]};
    header[n++] = (struct post_header){s->api_key_header, api_key.text};
    for (int i = 0; i < signatures; i++)
        header[n++] = (struct post_header){signature[i].name, signature[i].value};
    result = post_start(p, url, header, n, e->body, tag, why);

done:
    mac_free(mac);
    secret_wipe(&secret, 1);
    secret_wipe(&api_key, 1);
    return result;
}

void attempt_reason(const struct post_result *r, char *out, size_t room)
{
    if (r->text[0] != '\0')
        (void)snprintf(out, room, "%s: %s", try_end_name(r->end), r->text);
    else if (r->status >= 300 && r->status < 400)
        (void)snprintf(out, room,
                       "%s: it was answered %d, a redirect, which is not followed; the "
                       "URL must be the one that takes events",
                       try_end_name(r->end), r->status);
    else
        (void)snprintf(out, room, "%s: it was answered %d", try_end_name(r->end), r->status);
}

static void add_text(struct buf *b, const char *name, struct slice text)
{
    buf_addf(b, ",\"%s\":", name);
    if (text.n == 0) {
        buf_adds(b, "null");
        return;
    }
    buf_adds(b, "\"");
    buf_add_json(b, text, TEXT_MAX);
    buf_adds(b, "\"");
}

bool attempt_describe(const struct attempt_line *l, struct buf *out)
{
    static const char *const next_name[] = {
        [SCHEDULE_DONE] = "done", [SCHEDULE_AGAIN] = "again", [SCHEDULE_FAILED] = "failed"};
    const struct post_result *r = l->result;
    char at[RFC3339_US_ROOM];

    rfc3339_format_us(l->at_us, at);
    buf_addf(out, "{\"time\":\"%s\"", at);
    add_text(out, "id", l->event->id);
    add_text(out, "timestamp", l->event->timestamp);
    add_text(out, "event_type", l->event->type);
    add_text(out, "url", l->event->url);
    buf_addf(out, ",\"try\":%u,\"end\":\"%s\"", l->tried, try_end_name(r->end));
    if (r->status > 0)
        buf_addf(out, ",\"status\":%d", r->status);
    else
        buf_adds(out, ",\"status\":null");
    buf_addf(out, ",\"duration_ms\":%.3f", (double)r->duration_us / 1000);
    add_text(out, "error", slice_of(r->text));
    buf_addf(out, ",\"next\":\"%s\"", next_name[l->next]);
    if (l->next == SCHEDULE_AGAIN)
        buf_addf(out, ",\"wait_s\":%.3f", (double)l->wait_us / US_PER_S);
    buf_adds(out, "}");
    return !out->overflow;
}
