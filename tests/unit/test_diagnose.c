/* Each mistake of an honest sender is named; a stranger's request is not explained, and no text tells
 * a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "events/rewrite.h"
#include "unit/verify_request.h"
#include "verify/diagnose.h"
#include "verify/mac.h"

#define HEX    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX_UP "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
#define B64    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define WHSEC  "whsec_" B64
#define API    "key-of-the-tests-0123456789abcdef"
#define TIME   "1760524205"
#define NOW    (INT64_C(1760524205) * US_PER_S)
#define BODY   "{\"id\": \"w1\", \"amount\": 49.9, \"url\": \"a/b\"}"

enum writing { IN_HEX, IN_BASE64, IN_BASE64URL, HEX_IN_BASE64, CUT };

/* How the sender does it. What a row leaves out is as it is due. */
struct mistake {
    const char *scheme, *secret; /* ours */
    const char *key;             /* the sender's, as the bytes they stand for ... */
    enum { PLAIN, FROM_HEX, FROM_BASE64 } key_form;
    enum mac_hash hash;
    const char *before; /* signed before the body */
    const char *body;   /* that is signed */
    const char *sent;   /* that arrives */
    const char *value;  /* of the header, %s the digest */
    enum writing writing;
    const char *header; /* if another */
    const char *named;  /* is in the text */
};

static const struct mistake mistakes[] = {
    /* The key. */
    {"airtable", HEX, HEX, PLAIN, 0, "", BODY, BODY, "hmac-sha256=%s", IN_HEX, NULL,
     "takes the secret's characters as they stand"},
    {"t4g", HEX, HEX, FROM_HEX, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL, "as hex digits"},
    {"github", B64, B64, FROM_BASE64, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL, "as base64"},
    {"stripe", WHSEC, B64, FROM_BASE64, 0, TIME ".", BODY, BODY, "t=" TIME ",v1=%s", IN_HEX, NULL,
     "takes `whsec_` off the secret and decodes"},
    {"standard-webhooks", WHSEC, WHSEC, PLAIN, 0, "msg_1." TIME ".", BODY, BODY, "v1,%s", IN_BASE64,
     NULL, "characters as they stand"},
    {"standard-webhooks", WHSEC, B64, PLAIN, 0, "msg_1." TIME ".", BODY, BODY, "v1,%s", IN_BASE64,
     NULL, "uses the rest as text"},
    {"airtable", "base64:" B64, B64, PLAIN, 0, "", BODY, BODY, "hmac-sha256=%s", IN_HEX, NULL,
     "base64 text itself"},
    {"t4g", HEX, HEX "\n", PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "ends in a newline"},
    {"t4g", HEX, HEX "\r\n", PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "ends in a carriage return and a newline"},
    {"t4g", HEX, HEX "\r", PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "ends in a carriage return (a file"},
    {"t4g", HEX, HEX " ", PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL, "ends in a space"},
    {"t4g", HEX, " " HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "begins with a space"},
    {"t4g", HEX " ", HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "the secret here has white space"},
    {"t4g", "\"" HEX "\"", HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL, "in quotes"},
    {"t4g", "v1," HEX, HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "begins with `v1,`"},
    {"t4g", HEX, HEX_UP, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL, "capital letters"},
    {"t4g", HEX_UP, HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL, "small letters"},
    {"t4g", HEX, "", PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL, "empty secret"},
    {"t4g", HEX, API, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "signs with the API key"},
    /* The hash and the digest. */
    {"t4g", HEX, HEX, PLAIN, MAC_SHA1, "", BODY, BODY, "sha1=%s", IN_HEX, NULL, "SHA-1"},
    {"t4g", HEX, HEX, PLAIN, MAC_SHA512, "", BODY, BODY, "sha256=%s", IN_HEX, NULL, "SHA-512"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_BASE64, NULL,
     "in base64 where hex is due"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_BASE64URL, NULL, "base64url"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", HEX_IN_BASE64, NULL,
     "base64 of the hex digits"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", CUT, NULL, "cut to 16 of 32 bytes"},
    {"standard-webhooks", WHSEC, B64, FROM_BASE64, 0, "msg_1." TIME ".", BODY, BODY, "v1,%s",
     IN_HEX, NULL, "in hex where base64 is due"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "%s", IN_HEX, NULL, "stands alone"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "hmac-sha256=%s", IN_HEX, NULL,
     "`hmac-sha256=` stands before the digest"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "v1,%s", IN_HEX, NULL, "`v1,` stands before"},
    {"stripe", HEX, HEX, PLAIN, 0, TIME ".", BODY, BODY, "t=" TIME ",v0=%s", IN_HEX, NULL,
     "`v0=` stands before"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s, x", IN_HEX, NULL, "holds more"},
    /* The body. */
    {"t4g", HEX, HEX, PLAIN, 0, "", "{\"id\":\"w1\",\"amount\":49.9,\"url\":\"a/b\"}", BODY,
     "sha256=%s", IN_HEX, NULL, "JSON.stringify"},
    {"t4g", HEX, HEX, PLAIN, 0, "", "{\"id\":\"w1\",\"amount\":49.9,\"url\":\"a\\/b\"}", BODY,
     "sha256=%s", IN_HEX, NULL, "PHP's json_encode"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, "{\"id\":\"w1\",\"amount\":49.9,\"url\":\"a/b\"}",
     "sha256=%s", IN_HEX, NULL, "json.dumps"},
    {"t4g", HEX, HEX, PLAIN, 0, "", "{\"amount\":49.9,\"id\":\"w1\",\"url\":\"a/b\"}", BODY,
     "sha256=%s", IN_HEX, NULL, "members sorted"},
    {"t4g", HEX, HEX, PLAIN, 0, "",
     "{\n  \"id\": \"w1\",\n  \"amount\": 49.9,\n  \"url\": \"a/b\"\n}", BODY, "sha256=%s", IN_HEX,
     NULL, "pretty-printed by 2"},
    {"t4g", HEX, HEX, PLAIN, 0, "", "\"{\\\"id\\\": 1}\"", "{\"id\": 1}", "sha256=%s", IN_HEX, NULL,
     "serialised a second time"},
    {"t4g", HEX, HEX, PLAIN, 0, "", "{\"id\": 1}", "\"{\\\"id\\\": 1}\"", "sha256=%s", IN_HEX, NULL,
     "before it was JSON-escaped"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY "\n", BODY, "sha256=%s", IN_HEX, NULL,
     "with a newline at its end"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY "\n", "sha256=%s", IN_HEX, NULL,
     "without the newline"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, " " BODY "\r\n", "sha256=%s", IN_HEX, NULL, "trimmed"},
    {"t4g", HEX, HEX, PLAIN, 0, "", "{\r\n\"id\":1}", "{\n\"id\":1}", "sha256=%s", IN_HEX, NULL,
     "CRLF for LF"},
    {"t4g", HEX, HEX, PLAIN, 0, "", "{\n\"id\":1}", "{\r\n\"id\":1}", "sha256=%s", IN_HEX, NULL,
     "LF for CRLF"},
    {"t4g", HEX, HEX, PLAIN, 0, "", "\xEF\xBB\xBF" BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "with a byte order mark"},
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, "\xEF\xBB\xBF" BODY, "sha256=%s", IN_HEX, NULL,
     "without the byte order mark"},
    {"t4g", HEX, HEX, PLAIN, 0, "", "", BODY, "sha256=%s", IN_HEX, NULL, "when it is empty"},
    /* Another scheme. */
    {"t4g", HEX, HEX, PLAIN, 0, "", BODY, BODY, "sha256=%s", IN_HEX, "x-hub-signature-256",
     "x-hub-signature-256 is there instead"},
    {"stripe", HEX, HEX, PLAIN, 0, "", BODY, BODY, "t=" TIME ",v1=%s", IN_HEX, NULL,
     "signs `{body}`, where stripe signs `{time}.{body}`"},
    {"t4g", HEX, HEX, PLAIN, 0, "v0:" TIME ":", BODY, BODY, "sha256=%s", IN_HEX, NULL, "Slack"},
    {"t4g", HEX, HEX, PLAIN, 0, "https://example.org/hook", BODY, BODY, "sha256=%s", IN_HEX, NULL,
     "as Square does"},
    /* Two at a time. */
    {"t4g", HEX, HEX "\n", PLAIN, MAC_SHA1, "", BODY, BODY, "sha1=%s", IN_BASE64, NULL,
     "ends in a newline"},
    {"t4g", HEX, HEX, FROM_HEX, 0, "", BODY "\n", BODY, "sha256=%s", IN_HEX, NULL,
     "with a newline at its end"},
};

static void write_digest(enum writing w, const uint8_t *mac, size_t n, char *out)
{
    char hex[2 * MAC_BYTES_MAX + 1];

    hex_encode(mac, n, hex);
    switch (w) {
    case IN_HEX:
        memcpy(out, hex, 2 * n + 1);
        break;
    case CUT:
        hex[32] = '\0';
        memcpy(out, hex, 33);
        break;
    case HEX_IN_BASE64:
        base64_encode((const uint8_t *)hex, 2 * n, out);
        break;
    case IN_BASE64:
    case IN_BASE64URL:
        base64_encode(mac, n, out);
        for (char *p = out; w == IN_BASE64URL && *p != '\0'; p++)
            *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }
}

static size_t key_bytes(const struct mistake *m, uint8_t out[static 256])
{
    ssize_t n = (ssize_t)strlen(m->key);

    if (m->key_form == PLAIN)
        memcpy(out, m->key, (size_t)n);
    else
        n = (m->key_form == FROM_HEX ? hex_decode : base64_decode)(slice_of(m->key), out, 256);
    assert_true(n >= 0);
    return (size_t)n;
}

static struct secret_text text_of(const char *text)
{
    struct secret_text s = {.n = strlen(text)};

    memcpy(s.text, text, s.n + 1);
    return s;
}

/* The request of such a sender, looked at with `ours` as the secret. */
static struct diagnosis look(const struct mistake *m, const char *ours, uint64_t work_max)
{
    const struct scheme *scheme = scheme_find(m->scheme);
    struct slice part[] = {slice_of(m->before), slice_of(m->body)};
    uint8_t key[256], mac[MAC_BYTES_MAX];
    char digest[256], value[512];
    struct headers h = {0};
    struct request r;
    struct rewrite again[REWRITE_MAX];
    struct diagnose_body body[REWRITE_MAX];
    struct secret_text secret[2] = {text_of("quite-another-one"), text_of(ours)};
    struct secret_text api_key = text_of(API);
    struct diagnosis out;
    size_t n = mac_once(m->hash, key, key_bytes(m, key), part, 2, mac), nagain;
    char **params;

    assert_true(n > 0);
    write_digest(m->writing, mac, n, digest);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(value, sizeof value, m->value, digest);
#pragma GCC diagnostic pop
    headers_add(&h, m->header != NULL ? m->header : scheme->header, value);
    headers_add(&h, "x-api-key", API);
    headers_add(&h, "webhook-id", "msg_1");
    headers_add(&h, "webhook-timestamp", TIME);
    headers_add(&h, "x-github-event", "ping");
    headers_add(&h, "x-github-delivery", "d1");
    params = headers_params(&h);
    request_init(&r, params);
    r.body = slice_of(m->sent);
    nagain = rewrite_all(r.body, again);
    for (size_t i = 0; i < nagain; i++)
        body[i] = (struct diagnose_body){again[i].what, {again[i].text, again[i].n}};
    diagnose(
        &(struct diagnose_case){
            .scheme = scheme,
            .request = &r,
            .reason = SIGNATURE_MISMATCH,
            .secret = secret,
            .nsecrets = 2,
            .api_key = &api_key,
            .napi_keys = 1,
            .body = body,
            .nbodies = nagain,
            .url = SLICE_LITERAL("https://example.org/hook"),
            .now_us = NOW,
            .tolerance_us = 300 * US_PER_S,
            .work_max = work_max,
        },
        &out);
    rewrite_free(again, nagain);
    params_free(params);
    headers_free(&h);
    assert_null(strstr(out.text, ours));
    assert_null(strstr(out.text, digest));
    return out;
}

static void every_mistake_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const struct mistake *m = &mistakes[i];
        struct diagnosis d = look(m, m->secret, 1u << 30);
        if (!d.found || strstr(d.text, m->named) == NULL)
            fail_msg("row %zu (%s): want \"%s\", got %d \"%s\"", i, m->scheme, m->named, d.found,
                     d.text);
        if (m->header == NULL)
            assert_int_equal(d.secret, m->key[0] == '\0' || strcmp(m->key, API) == 0 ? 2 : 1);
    }
}

/* The twin: the same requests say nothing to who has another secret. */
static void a_stranger_is_not_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const struct mistake *m = &mistakes[i];
        struct diagnosis d;
        if (m->header != NULL || m->key[0] == '\0' || strcmp(m->key, API) == 0)
            continue;
        d = look(m, "whsec_C2FtZS1sZW5ndGgtYnV0LW5vdC1pdC0tLS0t", 1u << 30);
        if (d.found || strstr(d.text, "no known mistake") == NULL)
            fail_msg("row %zu (%s): got \"%s\"", i, m->scheme, d.text);
        assert_true(d.tried > 100 && d.complete);
        assert_int_equal(d.secret, 2);
    }
}

static void work_is_bounded(void **state)
{
    struct diagnosis d = look(&mistakes[0], "another-secret", 10 * (DIAGNOSE_TRY_BYTES + 64));

    (void)state;
    assert_false(d.found);
    assert_false(d.complete);
    assert_in_range(d.tried, 5, 12);
    assert_non_null(strstr(d.text, "too long for more"));
}

/* What is wrong with times, API keys and missing headers. */
struct plain {
    const char *scheme, *header[4], *value[4];
    enum signature_reason reason;
    bool found;
    const char *named;
};

static void headers_and_times(void **state)
{
    static const struct plain rows[] = {
        {"t4g", {"x-api-key"}, {API}, SIGNATURE_MISSING, true, "x-t4g-signature is missing"},
        {"t4g",
         {"x-t4g-signature"},
         {"sha256=" HEX},
         SIGNATURE_MISSING,
         true,
         "x-api-key is missing"},
        {"t4g",
         {"x-t4g-signature", "x-t4g-signature"},
         {"a", "b"},
         SIGNATURE_DOUBLED,
         true,
         "came 2 times"},
        {"t4g", {"x-t4g-signature", "x-api-key"}, {"", API}, SIGNATURE_MISSING, true, "is empty"},
        {"t4g",
         {"x-t4g-signature", "x-api-key"},
         {"what?", API},
         SIGNATURE_MALFORMED,
         false,
         "no digest can be read"},
        {"t4g",
         {"x-t4g-signature", "x-api-key"},
         {"sha256=" HEX, HEX_UP},
         SIGNATURE_API_KEY,
         true,
         "holds the signing secret"},
        {"t4g",
         {"x-t4g-signature", "x-api-key"},
         {"sha256=" HEX, " " API " "},
         SIGNATURE_API_KEY,
         true,
         "white space"},
        {"t4g",
         {"x-t4g-signature", "x-api-key"},
         {"sha256=" HEX, "KEY-OF-THE-TESTS-0123456789ABCDEF"},
         SIGNATURE_API_KEY,
         true,
         "capital and small"},
        {"t4g",
         {"x-t4g-signature", "x-api-key"},
         {"sha256=" HEX, "nonsense"},
         SIGNATURE_API_KEY,
         false,
         "not one of ours"},
        {"stripe",
         {"stripe-signature"},
         {"t=1760523205,v1=" HEX},
         SIGNATURE_STALE,
         true,
         "lies 1000 s before now and 300 s"},
        {"stripe",
         {"stripe-signature"},
         {"t=1760525205,v1=" HEX},
         SIGNATURE_STALE,
         true,
         "lies 1000 s after now"},
        {"stripe",
         {"stripe-signature"},
         {"t=1760524205000,v1=" HEX},
         SIGNATURE_MALFORMED,
         true,
         "milliseconds"},
        {"standard-webhooks",
         {"webhook-signature", "webhook-id", "webhook-timestamp"},
         {"v1," HEX, "m", "2025-10-15T10:30:05Z"},
         SIGNATURE_MALFORMED,
         true,
         "is a date"},
        {"standard-webhooks",
         {"webhook-signature", "webhook-id", "webhook-timestamp"},
         {"v1," HEX, "m", "soon"},
         SIGNATURE_MALFORMED,
         true,
         "not a number of seconds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct plain *row = &rows[i];
        struct secret_text secret = text_of(HEX_UP), api_key = text_of(API);
        struct headers h = {0};
        struct request r;
        struct diagnosis d;
        char **params;
        for (size_t k = 0; k < 4 && row->header[k] != NULL; k++)
            headers_add(&h, row->header[k], row->value[k]);
        params = headers_params(&h);
        request_init(&r, params);
        r.body = SLICE_LITERAL(BODY);
        diagnose(&(struct diagnose_case){.scheme = scheme_find(row->scheme),
                                         .request = &r,
                                         .reason = row->reason,
                                         .secret = &secret,
                                         .nsecrets = 1,
                                         .api_key = &api_key,
                                         .napi_keys = 1,
                                         .now_us = NOW,
                                         .tolerance_us = 300 * US_PER_S,
                                         .work_max = 1u << 20},
                 &d);
        if (d.found != row->found || strstr(d.text, row->named) == NULL)
            fail_msg("row %zu: want \"%s\", got %d \"%s\"", i, row->named, d.found, d.text);
        assert_null(strstr(d.text, HEX));
        params_free(params);
        headers_free(&h);
    }
}

/* Small letters in escapes, as Python, PHP and JavaScript write them; a backslash that is escaped
 * begins none. */
static void escapes_are_those_of_the_libraries(void **state)
{
    static const char *const expected[] = {
        "{\"a\": \"\\u00e9/\\u0001\\u20ac\\ud83d\\ude00\", \"b\": \"\\\\uABCD\"}",
        "{\"a\":\"\\u00e9\\/\\u0001\\u20ac\\ud83d\\ude00\",\"b\":\"\\\\uABCD\"}",
        "{\n  \"a\": \"\\u00e9/\\u0001\\u20ac\\ud83d\\ude00\",\n  \"b\": \"\\\\uABCD\"\n}",
        "{\n    \"a\": \"\\u00e9/\\u0001\\u20ac\\ud83d\\ude00\",\n    \"b\": \"\\\\uABCD\"\n}",
    };
    struct rewrite out[REWRITE_MAX];
    size_t n = rewrite_all(SLICE_LITERAL("{ \"a\":\"\xc3\xa9/\\u0001\xe2\x82\xac\xf0\x9f\x98\x80\","
                                         "\"b\":\"\\\\uABCD\"}"),
                           out);

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found = found || (out[k].n == strlen(expected[i]) &&
                              memcmp(out[k].text, expected[i], out[k].n) == 0);
        if (!found)
            fail_msg("nothing is rewritten as %s", expected[i]);
    }
    rewrite_free(out, n);
}

static void no_json_is_not_rewritten(void **state)
{
    struct rewrite out[REWRITE_MAX];
    size_t n;

    (void)state;
    assert_int_equal(rewrite_all(SLICE_LITERAL("{\"id\":"), out), 0);
    assert_int_equal(rewrite_all(SLICE_NONE, out), 0);
    n = rewrite_all(SLICE_LITERAL("{\"a\":1}"), out);
    assert_true(n >= 3);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(out[i].n == out[k].n && memcmp(out[i].text, out[k].text, out[k].n) == 0);
    rewrite_free(out, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_those_of_the_libraries),
        cmocka_unit_test(every_mistake_is_named),
        cmocka_unit_test(a_stranger_is_not_explained),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(headers_and_times),
        cmocka_unit_test(no_json_is_not_rewritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
