/* A whole event, signed, all the way into the store, and once more: the same answer. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "tool/doctor.h"
#include "verify/keyring.h"

#define HEADER_ROOM (SECRET_BYTES_MAX + 64)

/* The signature's header. */
static bool sign(const struct doctor *d, const struct scheme *s, struct slice body,
                 char out[static HEADER_ROOM], struct fail *why)
{
    struct keyring *k = keyring_load(s, d->target, environ, why);
    struct slice part[SCHEME_PARTS_MAX];
    size_t n = scheme_content(s, SLICE_NONE, SLICE_NONE, body, part);
    uint8_t mac[SHA256_BYTES];
    char hex[2 * sizeof mac + 1];
    bool ok = k != NULL && n > 0 && mac_sign(k->secret[0].mac, part, n, mac);

    if (ok) {
        hex_encode(mac, sizeof mac, hex);
        (void)snprintf(out, HEADER_ROOM, "%s: %s%s", s->header, s->prefix[0], hex);
    }
    keyring_free(k);
    return ok;
}

static bool api_key(const struct doctor *d, const struct scheme *s, char out[static HEADER_ROOM],
                    struct fail *why)
{
    const struct config_list *l = &d->target->api_key;
    struct secret_text text;

    if (s->api_key_header == NULL || l->n == 0)
        return true;
    if (secret_read(l->item[0].text, l->item[0].origin, environ, &text, 1, why) < 1)
        return false;
    (void)snprintf(out, HEADER_ROOM, "%s: %s", s->api_key_header, text.text);
    secret_wipe(&text, 1);
    return true;
}

static void send_twice(struct doctor *d, const struct probe_request *r)
{
    struct probe_answer first, again;
    char who[DOCTOR_WHO_ROOM];

    doctor_ask(d, d->target_url, *r, &first);
    if (first.status != 200 && first.status != 202) {
        doctor_find(d, FINDING_NOT_ACCEPTED, d->target->path, "a signed event is answered %s",
                    doctor_who(&first, who));
        return;
    }
    doctor_ask(d, d->target_url, *r, &again);
    if (again.status != first.status || strcmp(again.body, first.body) != 0)
        doctor_find(d, FINDING_NOT_ACCEPTED, d->target->path,
                    "the same event again is answered otherwise: %s", doctor_who(&again, who));
}

void doctor_send(struct doctor *d)
{
    const struct scheme *s = scheme_find(d->target->scheme);
    char signature[HEADER_ROOM] = "", key[HEADER_ROOM] = "", body[256], at[RFC3339_ROOM];
    struct fail why = {""};
    uint8_t random[8];
    char hex[2 * sizeof random + 1];

    /* Only these events are known here. */
    if (s == NULL || strcmp(s->name, "t4g") != 0 || !d->private_way || !random_bytes(random, 8)) {
        doctor_find(d, FINDING_NOT_ACCEPTED, d->target->path,
                    "nothing was sent: it takes a provider of the scheme t4g, and https");
        return;
    }
    hex_encode(random, sizeof random, hex);
    rfc3339_format(clock_now_us(&clock_system), at);
    (void)snprintf(body, sizeof body,
                   "{\"id\":\"doctor-%s\",\"timestamp\":\"%s\",\"source\":\"guichet doctor\","
                   "\"event_type\":\"user.updated\",\"user_id\":\"guichet-doctor\"}",
                   hex, at);
    if (sign(d, s, slice_of(body), signature, &why) && api_key(d, s, key, &why))
        send_twice(d, &(struct probe_request){.header = {"Content-Type: application/json",
                                                         signature, key[0] != '\0' ? key : NULL},
                                              .body = slice_of(body)});
    else
        doctor_find(d, FINDING_NOT_ACCEPTED, d->target->path, "%s", why.text);
    explicit_bzero(key, sizeof key);
}
