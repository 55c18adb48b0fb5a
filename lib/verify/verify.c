#include "verify/verify.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "verify/keyring.h"
#include "verify/signature.h"

/* Bytes of an id or a type in a header; the events layer allows as many. */
#define HEADER_NAME_MAX 256

struct verifier {
    const struct scheme *scheme;
    const struct config_provider *provider;
    char *const *environment;
    int64_t tolerance_us; /* 0: no time is signed */
    struct keyring *keys;
    bool can_change;
    int64_t looked_us; /* when the files were read last */
};

static const struct scheme *find_scheme(const struct config_provider *p, struct fail *why)
{
    const struct scheme *s = scheme_find(p->scheme);
    struct buf names = BUF_INIT(256);

    if (s == NULL) {
        for (size_t i = 0; i < scheme_count; i++)
            buf_addf(&names, "%s%s", i > 0 ? ", " : "", scheme_table[i].name);
        fail_set(why, "%s: provider %s: there is no signature scheme `%s`; known are %s", p->origin,
                 p->name, p->scheme, names.p != NULL ? names.p : "none");
    }
    buf_free(&names);
    return s;
}

static int choose_tolerance(const struct scheme *s, const struct config_provider *p, int64_t *out,
                            struct fail *why)
{
    *out = p->tolerance_us >= 0 ? p->tolerance_us : s->tolerance_us;
    if (s->tolerance_us == 0 && *out != 0)
        return fail_set(
            why,
            "%s: provider %s: the scheme %s signs no time, so `tolerance` would protect "
            "nothing; remove it (max_age judges the event's own timestamp)",
            p->origin, p->name, s->name);
    if (s->tolerance_us != 0 && *out < US_PER_S)
        return fail_set(why,
                        "%s: provider %s: a `tolerance` below one second would refuse everything; "
                        "remove it to have the scheme's own, %lld s",
                        p->origin, p->name, (long long)(s->tolerance_us / US_PER_S));
    return 0;
}

struct verifier *verifier_new(const struct config_provider *p, char *const *environment,
                              int64_t now_us, struct fail *why)
{
    struct verifier *v = calloc(1, sizeof *v);

    if (v == NULL) {
        fail_set(why, "out of memory");
        return NULL;
    }
    v->provider = p;
    v->environment = environment;
    v->can_change = keyring_can_change(p);
    v->looked_us = now_us;
    v->scheme = find_scheme(p, why);
    if (v->scheme == NULL || choose_tolerance(v->scheme, p, &v->tolerance_us, why) != 0)
        goto failed;
    v->keys = keyring_load(v->scheme, p, environment, why);
    if (v->keys == NULL)
        goto failed;
    return v;

failed:
    verifier_free(v);
    return NULL;
}

void verifier_free(struct verifier *v)
{
    if (v == NULL)
        return;
    keyring_free(v->keys);
    free(v);
}

const struct scheme *verifier_scheme(const struct verifier *v)
{
    return v->scheme;
}

size_t verifier_secrets(const struct verifier *v)
{
    return v->keys->nsecrets;
}

/* The files are read rather than their times compared: a time has the grain of the kernel's tick and can
 * be set back, and reading a small file once a second costs some 10 µs. */
void verifier_refresh(struct verifier *v, int64_t now_us, struct fail *why)
{
    struct keyring *keys;

    why->text[0] = '\0';
    if (!v->can_change || (now_us >= v->looked_us && now_us - v->looked_us < US_PER_S))
        return;
    v->looked_us = now_us;
    keys = keyring_load(v->scheme, v->provider, v->environment, why);
    if (keys == NULL)
        return;
    keyring_free(v->keys);
    v->keys = keys;
}

/* --- the judgement -------------------------------------------------------------------------------- */

/* What a request shows; a slice stays empty where the scheme's row names no such header. */
struct shown {
    struct signature signature;
    struct slice id, time;
    int64_t time_us;
};

/* The value of a header that must be there once. NULL for its name: none is asked for. */
static enum signature_reason take(const struct request *r, const char *name, struct slice *out)
{
    unsigned times = 0;

    *out = SLICE_NONE;
    if (name == NULL)
        return SIGNATURE_OK;
    *out = request_header(r, name, &times);
    if (times > 1)
        return SIGNATURE_DOUBLED;
    return out->n > 0 ? SIGNATURE_OK : SIGNATURE_MISSING;
}

/* The same for one in whose value a comma can only be a server's, from joining two. */
static enum signature_reason take_single(const struct request *r, const char *name,
                                         struct slice *out)
{
    enum signature_reason reason = take(r, name, out);

    if (reason == SIGNATURE_OK && out->n > 0 && memchr(out->p, ',', out->n) != NULL)
        return SIGNATURE_DOUBLED;
    return reason;
}

static enum signature_reason take_name(const struct request *r, const char *name, struct slice *out)
{
    enum signature_reason reason = take_single(r, name, out);

    if (reason == SIGNATURE_OK && name != NULL && !text_is_plain(*out, 1, HEADER_NAME_MAX))
        return SIGNATURE_MALFORMED;
    return reason;
}

static enum signature_reason check_api_key(const struct verifier *v, const struct request *r)
{
    struct slice shown;
    enum signature_reason reason = take_single(r, v->scheme->api_key_header, &shown);
    uint8_t digest[SHA256_BYTES];
    unsigned known = 0;

    if (reason != SIGNATURE_OK || v->scheme->api_key_header == NULL)
        return reason;
    if (!sha256(&shown, 1, digest))
        return SIGNATURE_API_KEY;
    for (size_t i = 0; i < v->keys->napi_keys; i++)
        known |= equal_constant_time(digest, v->keys->api_key[i], SHA256_BYTES);
    return known != 0 ? SIGNATURE_OK : SIGNATURE_API_KEY;
}

static enum signature_reason gather(const struct scheme *s, const struct request *r,
                                    struct shown *out)
{
    struct slice value, type;
    enum signature_reason reason = take(r, s->header, &value);

    if (reason == SIGNATURE_OK)
        reason = signature_parse(s, value, &out->signature);
    if (reason == SIGNATURE_OK)
        reason = take_name(r, s->id_header, &out->id);
    if (reason == SIGNATURE_OK)
        reason = take_name(r, s->type_header, &type);
    if (reason == SIGNATURE_OK)
        reason = take_single(r, s->time_header, &out->time);
    if (reason != SIGNATURE_OK || s->tolerance_us == 0)
        return reason;
    if (s->time_header == NULL)
        out->time = out->signature.time;
    return signature_time(out->time, &out->time_us) ? SIGNATURE_OK : SIGNATURE_MALFORMED;
}

/* A bit for each secret by which one of the digests was made. */
static uint32_t find_secrets(const struct verifier *v, const struct shown *shown, struct slice body)
{
    struct slice part[SCHEME_PARTS_MAX];
    size_t nparts = scheme_content(v->scheme, shown->id, shown->time, body, part);
    uint32_t found = 0;

    _Static_assert(SECRETS_LIVE_MAX <= 32, "a bit for each secret");
    for (size_t i = 0; nparts > 0 && i < v->keys->nsecrets; i++) {
        uint8_t right[SHA256_BYTES];
        if (!mac_sign(v->keys->secret[i].mac, part, nparts, right))
            continue;
        for (size_t k = 0; k < shown->signature.n; k++)
            if (equal_constant_time(right, shown->signature.digest[k], SHA256_BYTES))
                found |= UINT32_C(1) << i;
    }
    return found;
}

static enum signature_reason judge(const struct verifier *v, const struct request *r,
                                   int64_t now_us, struct verified *out)
{
    struct shown shown = {.signature.n = 0};
    enum signature_reason key = check_api_key(v, r), form = gather(v->scheme, r, &shown);
    uint32_t matches;

    if (form != SIGNATURE_OK)
        return key != SIGNATURE_OK ? key : form;
    /* Also with a wrong API key: the time that a long body takes would tell a right one. */
    matches = find_secrets(v, &shown, r->body);
    if (key != SIGNATURE_OK)
        return key;
    if (matches == 0)
        return SIGNATURE_MISMATCH;
    if (v->tolerance_us > 0 &&
        (shown.time_us < now_us - v->tolerance_us || shown.time_us > now_us + v->tolerance_us))
        return SIGNATURE_STALE;
    out->matches = matches;
    while ((matches >> out->slot & 1) == 0)
        out->slot++;
    out->fingerprint = v->keys->secret[out->slot].fingerprint;
    out->time_us = shown.time_us;
    return SIGNATURE_OK;
}

void verifier_check(struct verifier *v, const struct request *r, int64_t now_us,
                    struct verified *out)
{
    *out = (struct verified){.slot = 0};
    out->reason = judge(v, r, now_us, out);
}

bool verifier_owns(const struct verifier *v, struct slice id, struct verified *out)
{
    for (unsigned i = 0; i < v->keys->nsecrets; i++) {
        const struct keyring_key *key = &v->keys->secret[i];
        if ((out->matches >> i & 1) == 0 || (key->owner[0] != '\0' && !slice_is(id, key->owner)))
            continue;
        out->slot = i;
        out->fingerprint = key->fingerprint;
        return true;
    }
    *out = (struct verified){.reason = SIGNATURE_MISMATCH};
    return false;
}
