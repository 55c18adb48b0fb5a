/* sign: the headers by which a body verifies. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/codec.h"
#include "tool/input.h"
#include "tool/keys.h"
#include "tool/signing.h"
#include "verify/mac.h"
#include "verify/sign.h"

#define HEADER_ROOM 4096

/* A header, as it goes on the wire, or a member of the one JSON object. */
static void header(struct call *c, const char *name, struct slice value)
{
    if (out_is_json(c->out))
        out_text(c->out, name, value);
    else
        printf("%s: %.*s\n", name, (int)value.n, value.p);
}

/* What the options say, or what a sender would make up. */
struct given {
    char id[64], type[64], time[24];
};

static bool plain_option(struct call *c, const char *name, char *out, size_t room)
{
    const char *text = call_option(c, name);

    if (text == NULL)
        return true;
    for (const char *p = text; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == ',')
            text = "";
    if (text[0] == '\0' || strlen(text) >= room) {
        (void)call_end(c, VERDICT_USAGE,
                       "--%s must be 1 to %zu visible ASCII characters without a comma", name,
                       room - 1);
        return false;
    }
    (void)snprintf(out, room, "%s", text);
    return true;
}

static bool gather(struct call *c, struct given *g)
{
    long long now;
    uint8_t bytes[12];
    char hex[2 * sizeof bytes + 1];

    if (!call_number(c, "now", 0, 253402300799, (long long)time(NULL), &now) ||
        !random_bytes(bytes, sizeof bytes))
        return false;
    hex_encode(bytes, sizeof bytes, hex);
    (void)snprintf(g->time, sizeof g->time, "%lld", now);
    (void)snprintf(g->id, sizeof g->id, "msg_%s", hex);
    (void)snprintf(g->type, sizeof g->type, "test");
    return plain_option(c, "id", g->id, sizeof g->id) &&
           plain_option(c, "type", g->type, sizeof g->type);
}

static enum verdict print_headers(struct call *c, const struct signing *s, struct slice body)
{
    const struct scheme *scheme = s->scheme;
    struct secret_text text[SECRETS_LIVE_MAX];
    struct buf value = BUF_INIT(HEADER_ROOM);
    struct fail why = {""};
    struct given g;
    int rc;

    if (!gather(c, &g))
        return VERDICT_USAGE;
    live_texts(s->secret, text);
    rc = sign_value(scheme, text, s->secret->n, slice_of(g.id), slice_of(g.time), body, &value,
                    &why);
    secret_wipe(text, SECRETS_LIVE_MAX);
    if (rc != 0) {
        buf_free(&value);
        return call_end(c, VERDICT_USAGE, "%s", why.text);
    }
    header(c, "content-type", slice_of(scheme->media_type[0]));
    if (scheme->id_header != NULL)
        header(c, scheme->id_header, slice_of(g.id));
    if (scheme->type_header != NULL)
        header(c, scheme->type_header, slice_of(g.type));
    if (scheme->time_header != NULL)
        header(c, scheme->time_header, slice_of(g.time));
    if (scheme->api_key_header != NULL && s->api_key->n > 0)
        header(c, scheme->api_key_header,
               (struct slice){s->api_key->secret[0].text.text, s->api_key->secret[0].text.n});
    header(c, scheme->header, buf_slice(&value));
    if (out_is_json(c->out))
        out_end(c->out);
    buf_free(&value);
    return VERDICT_DONE;
}

static enum verdict sign(struct call *c)
{
    struct buf body = BUF_INIT(INPUT_BYTES_MAX);
    struct fail why = {""};
    struct signing s;
    enum verdict v = signing_open(c, &s);

    if (v == VERDICT_DONE && s.api_key->n > 1)
        v = call_end(c, VERDICT_USAGE, "a request has one API key; name one");
    if (v == VERDICT_DONE && input_read(call_option(c, "body"), &body, &why) != 0)
        v = call_end(c, VERDICT_AWAY, "%s", why.text);
    if (v == VERDICT_DONE)
        v = print_headers(c, &s, buf_slice(&body));
    buf_free(&body);
    signing_close(&s);
    return v;
}

static const struct option_row options[] = {
    SIGNING_OPTIONS,
    {"id", "ID", "the webhook's id, where a header has it; else a random one", false},
    {"type", "TYPE", "the event type, where a header has it; else `test`", false},
    {"now", "EPOCH", "the signed time, in seconds since 1970; else the present", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_sign = {
    "sign", "", "prints the headers by which a body verifies", options, 0, 0, sign};
