/* Every bit of what is signed or shown counts: with any one of them changed the request is refused, so no
 * comparison stops early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "unit/verify_request.h"
#include "verify/mac.h"
#include "verify/verify.h"

#define SECRET  "0123456789abcdef0123456789abcdef"
#define API_KEY "d4f1c2b3a4958677"
#define TIME    "1760524205"
#define NOW     (INT64_C(1760524205) * US_PER_S)
#define BODY    "{\"id\":\"w1\",\"amount_msat\":1000}"

/* A scheme, with the header that shows the digest, and what stands in it before the digest. */
struct row {
    const char *scheme, *header, *before;
    const char *api_key; /* NULL: it has none */
    const char *signed_before_body;
};

static const struct row rows[] = {
    {"t4g", "x-t4g-signature", "sha256=", API_KEY, ""},
    {"github", "x-hub-signature-256", "sha256=", NULL, ""},
    {"stripe", "stripe-signature", "t=" TIME ",v1=", NULL, TIME "."},
};

/* The request as it stands on the wire; a test changes one bit of it. */
struct wire {
    char body[sizeof BODY];
    char signature[128];
    char api_key[sizeof API_KEY];
};

static struct wire sound_wire(const struct row *row)
{
    struct wire w = {BODY, "", API_KEY};
    struct mac *m = mac_new((const uint8_t *)SECRET, strlen(SECRET));
    struct slice part[] = {slice_of(row->signed_before_body), SLICE_LITERAL(BODY)};
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];

    assert_non_null(m);
    assert_true(mac_sign(m, part, 2, digest));
    mac_free(m);
    hex_encode(digest, sizeof digest, hex);
    (void)snprintf(w.signature, sizeof w.signature, "%s%s", row->before, hex);
    return w;
}

static bool accepts(struct verifier *v, const struct row *row, const struct wire *w)
{
    struct headers h = {.n = 0};
    struct request r = {.body = {w->body, sizeof BODY - 1}};
    struct verified out;
    char **params;

    headers_add(&h, row->header, w->signature);
    headers_add(&h, "x-github-delivery", "w1");
    headers_add(&h, "x-github-event", "push");
    if (row->api_key != NULL)
        headers_add(&h, "x-api-key", w->api_key);
    params = headers_params(&h);
    r.params = params;
    verifier_check(v, &r, NOW, &out);
    params_free(params);
    headers_free(&h);
    return out.reason == SIGNATURE_OK;
}

/* Whether the two texts are the same digest: hex digits of either case are. */
static bool same_digest(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* Changes each bit of `text`, which is a part of *w, and puts it back. */
static void expect_every_bit(struct verifier *v, const struct row *row, struct wire *w, char *text)
{
    char before[sizeof w->signature];
    size_t n = strlen(text);

    (void)snprintf(before, sizeof before, "%s", text);
    for (size_t i = 0; i < 8 * n; i++) {
        text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
        bool same = text == w->signature && same_digest(text, before);
        bool cut = text[i / 8] == '\0';
        if (!same && !cut && accepts(v, row, w))
            fail_msg("%s: accepts `%s` for `%s`", row->scheme, text, before);
        (void)snprintf(text, n + 1, "%s", before);
    }
}

static void counts(void **state)
{
    const struct row *row = *state;
    struct config_provider p = {.name = "test", .tolerance_us = -1};
    struct fail why;
    struct wire w = sound_wire(row);

    p.origin = headers_copy("guichet.conf:1");
    p.scheme = headers_copy(row->scheme);
    p.secret.item[0].text = headers_copy(SECRET);
    p.secret.item[0].origin = headers_copy("guichet.conf:2");
    p.secret.n = 1;
    p.api_key.item[0].text = headers_copy(API_KEY);
    p.api_key.item[0].origin = headers_copy("guichet.conf:3");
    p.api_key.n = row->api_key != NULL ? 1 : 0;
    struct verifier *v = verifier_new(&p, NULL, NOW, &why);
    assert_non_null(v);

    assert_true(accepts(v, row, &w));
    expect_every_bit(v, row, &w, w.body);
    expect_every_bit(v, row, &w, w.signature);
    if (row->api_key != NULL)
        expect_every_bit(v, row, &w, w.api_key);
    assert_true(accepts(v, row, &w)); /* it was put back each time */

    verifier_free(v);
    free(p.secret.item[0].text);
    free(p.secret.item[0].origin);
    free(p.api_key.item[0].text);
    free(p.api_key.item[0].origin);
    free(p.origin);
    free(p.scheme);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof *rows];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        tests[i] =
            (struct CMUnitTest){rows[i].scheme, counts, NULL, NULL, (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests_name("verify_every_bit", tests, NULL, NULL);
}
