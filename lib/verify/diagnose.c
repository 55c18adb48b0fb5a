#include "verify/diagnose.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/text.h"
#include "verify/diagnose_search.h"
#include "verify/signature.h"

static struct slice first_header(const struct request *r, const char *own, bool times)
{
    struct slice value = own != NULL ? request_header(r, own, NULL) : SLICE_NONE;

    for (size_t i = 0; i < scheme_count && value.n == 0; i++) {
        const char *name = times ? scheme_table[i].time_header : scheme_table[i].id_header;
        if (name != NULL)
            value = request_header(r, name, NULL);
    }
    if (value.n == 0 && times)
        value = request_header(r, "x-slack-request-timestamp", NULL);
    return value.n <= SIGNATURE_BYTES_MAX ? value : SLICE_NONE;
}

/* The value that is looked at: the scheme's header, else that of another one. */
static struct slice signature_value(const struct diagnose_case *c, const struct scheme **whose)
{
    struct slice value = request_header(c->request, c->scheme->header, NULL);

    *whose = c->scheme;
    for (size_t i = 0; i < scheme_count && value.n == 0; i++) {
        *whose = &scheme_table[i];
        value = request_header(c->request, scheme_table[i].header, NULL);
    }
    return value;
}

static void tell_header(struct diagnosis *out, const struct request *r, const char *name)
{
    unsigned times = 0;
    struct slice value = name != NULL ? request_header(r, name, &times) : SLICE_NONE;

    if (name == NULL || (times == 1 && value.n > 0))
        return;
    out->found = true;
    if (times > 1)
        diagnose_say(out, "the header %s came %u times", name, times);
    else
        diagnose_say(out, "the header %s is %s", name, times == 1 ? "empty" : "missing");
}

/* What is wrong with a request that lacks a header, or has one twice. */
static void tell_headers(const struct diagnose_case *c, struct diagnosis *out)
{
    const char *const names[] = {c->scheme->header, c->scheme->id_header, c->scheme->type_header,
                                 c->scheme->time_header, c->scheme->api_key_header};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        tell_header(out, c->request, names[i]);
}

/* The signed time, where it is why the request is refused. */
static bool tell_time(const struct diagnose_case *c, struct slice time, struct diagnosis *out)
{
    int64_t time_us, number, off_us;

    if (c->scheme->tolerance_us == 0 || time.n == 0)
        return false;
    if (!signature_time(time, &time_us)) {
        out->found = true;
        if (text_to_i64(time, &number))
            diagnose_say(out, "the signed time is not in seconds but, it seems, in milliseconds");
        else if (rfc3339_parse(time, &time_us))
            diagnose_say(out,
                         "the signed time is a date; it must be the number of seconds since 1970");
        else
            diagnose_say(out, "the signed time is not a number of seconds since 1970");
        return true;
    }
    off_us = c->now_us - time_us;
    if (c->reason != SIGNATURE_STALE || (off_us <= c->tolerance_us && off_us >= -c->tolerance_us))
        return false;
    out->found = true;
    diagnose_say(out,
                 "the signature is right, but its time lies %" PRId64 " s %s now and %" PRId64
                 " s are allowed: %s",
                 (off_us > 0 ? off_us : -off_us) / US_PER_S, off_us > 0 ? "before" : "after",
                 c->tolerance_us / US_PER_S,
                 off_us > 0 ? "an old request that was sent again, or a clock that is off"
                            : "the sender's clock is ahead, or ours behind");
    return true;
}

static bool equal(struct slice a, struct slice b)
{
    return a.n == b.n && equal_constant_time(a.p, b.p, a.n);
}

static bool tell_api_key(const struct diagnose_case *c, struct diagnosis *out)
{
    struct slice shown_key = request_header(c->request, c->scheme->api_key_header, NULL);
    struct slice trimmed = text_trim(shown_key);

    for (size_t i = 0; i < c->nsecrets; i++)
        if (equal(trimmed, (struct slice){c->secret[i].text, c->secret[i].n}))
            out->found = true;
    if (out->found) {
        diagnose_say(
            out,
            "the header %s holds the signing secret, where the API key is due: the two were "
            "swapped; the secret must now be changed, for it was sent",
            c->scheme->api_key_header);
        return true;
    }
    for (size_t i = 0; i < c->napi_keys && !out->found; i++) {
        struct slice key = {c->api_key[i].text, c->api_key[i].n};
        out->found = true;
        if (equal(trimmed, key))
            diagnose_say(out, "the API key has white space at an end; send it without");
        else if (text_equal_nocase(trimmed, key))
            diagnose_say(out, "the API key differs from ours in capital and small letters");
        else
            out->found = false;
    }
    return out->found;
}

static void look(const struct diagnose_case *c, struct diagnosis *out)
{
    const struct scheme *whose;
    struct slice value = signature_value(c, &whose), time = SLICE_NONE;
    struct diagnose_shown shown = {.ndigests = 0};

    if (value.n == 0 || value.n > SIGNATURE_BYTES_MAX)
        return;
    shown.ndigests = diagnose_digests(value, shown.digest, &time);
    shown.id = first_header(c->request, c->scheme->id_header, false);
    shown.time = first_header(c->request, c->scheme->time_header, true);
    if (time.n > 0 && (c->scheme->syntax == SYNTAX_FIELDS || shown.time.n == 0))
        shown.time = time;
    if (tell_time(c, shown.time, out) && c->reason == SIGNATURE_STALE)
        return;
    if (whose != c->scheme) {
        out->found = true;
        diagnose_say(out, "the header %s is there instead, which is the scheme %s's", whose->header,
                     whose->name);
    }
    if (shown.ndigests == 0)
        diagnose_say(out, "no digest can be read in the header %s", whose->header);
    else if (!diagnose_search(c, &shown, out) && whose != c->scheme)
        diagnose_say(out, "it was not made with a secret of ours");
}

void diagnose(const struct diagnose_case *c, struct diagnosis *out)
{
    *out = (struct diagnosis){.secret = c->nsecrets, .complete = true};
    if (c->reason == SIGNATURE_API_KEY) {
        if (!tell_api_key(c, out))
            diagnose_say(out, "the API key is not one of ours");
        return;
    }
    tell_headers(c, out);
    look(c, out);
    if (out->text[0] != '\0')
        return;
    if (out->found)
        diagnose_say(out,
                     "the digest is right, but the header %s holds more than the scheme has "
                     "there",
                     c->scheme->header);
    else if (c->reason == SIGNATURE_MALFORMED)
        diagnose_say(
            out,
            "the header %s is not in the form of the scheme %s (a prefix, a character or the "
            "digest's length is wrong), and no known mistake explains it (%u combinations "
            "tried); `guichet sign` shows the form",
            c->scheme->header, c->scheme->name, out->tried);
    else
        diagnose_say(out,
                     "no known mistake explains it (%u combinations tried%s): most likely the "
                     "sender has another secret, or something on the way changed the body",
                     out->tried, out->complete ? "" : ", the body is too long for more");
}
