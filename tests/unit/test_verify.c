#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "unit/verify_request.h"
#include "verify/mac.h"
#include "verify/secret.h"
#include "verify/verify.h"
#include "unit/temp_dir.h"

#define BODY "{\"id\":\"w1\"}"
#define NOW  (INT64_C(1760524205) * US_PER_S)

static struct fail why;

/* A provider whose lists are filled by the test; freed with provider_free. */
static struct config_provider provider(const char *scheme)
{
    struct config_provider p = {.name = "test", .tolerance_us = -1};

    p.origin = headers_copy("guichet.conf:1");
    p.scheme = headers_copy(scheme);
    return p;
}

static void list_add(struct config_list *l, const char *text)
{
    char origin[32];

    (void)snprintf(origin, sizeof origin, "guichet.conf:%zu", l->n + 10);
    l->item[l->n].text = headers_copy(text);
    l->item[l->n++].origin = headers_copy(origin);
}

static void provider_free(struct config_provider *p)
{
    struct config_list *lists[] = {&p->secret, &p->api_key};

    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < lists[k]->n; i++) {
            free(lists[k]->item[i].text);
            free(lists[k]->item[i].origin);
        }
    free(p->origin);
    free(p->scheme);
}

static struct verifier *sound(const struct config_provider *p)
{
    struct verifier *v = verifier_new(p, NULL, NOW, &why);

    if (v == NULL)
        fail_msg("%s", why.text);
    return v;
}

static void unsound(const struct config_provider *p, const char *cause, const char *remedy)
{
    struct verifier *v = verifier_new(p, NULL, NOW, &why);

    assert_null(v);
    if (strncmp(why.text, "guichet.conf:", 13) != 0 || strstr(why.text, cause) == NULL ||
        strstr(why.text, remedy) == NULL)
        fail_msg("the message does not say `%s` and `%s`: %s", cause, remedy, why.text);
}

/* "sha256=" and the digest of BODY under the secret's text. */
static void sign(const char *secret, char out[static 80])
{
    struct mac *m = mac_new((const uint8_t *)secret, strlen(secret));
    struct slice body = SLICE_LITERAL(BODY);
    uint8_t digest[SHA256_BYTES];

    assert_non_null(m);
    assert_true(mac_sign(m, &body, 1, digest));
    memcpy(out, "sha256=", 7);
    hex_encode(digest, sizeof digest, out + 7);
    mac_free(m);
}

/* What is judged of BODY, signed with the secret, under the API key (NULL: none). */
static struct verified judge(struct verifier *v, const char *secret, const char *api_key)
{
    struct headers h = {.n = 0};
    struct request r = {.body = SLICE_LITERAL(BODY)};
    struct verified out;
    char signature[80];
    char **params;

    sign(secret, signature);
    headers_add(&h, "x-t4g-signature", signature);
    if (api_key != NULL)
        headers_add(&h, "x-api-key", api_key);
    params = headers_params(&h);
    r.params = params;
    verifier_check(v, &r, NOW, &out);
    params_free(params);
    headers_free(&h);
    return out;
}

static void rotation(void **state)
{
    struct config_provider p = provider("t4g");
    struct verifier *v;
    struct secret_text text = {.text = "new", .n = 3};
    struct verified out;

    (void)state;
    list_add(&p.secret, "old");
    list_add(&p.secret, "new");
    list_add(&p.secret, "new"); /* the first of equal ones counts */
    list_add(&p.api_key, "key-a");
    list_add(&p.api_key, "key-b");
    v = sound(&p);
    assert_int_equal(verifier_secrets(v), 3);
    out = judge(v, "new", "key-b");
    assert_int_equal(out.reason, SIGNATURE_OK);
    assert_int_equal(out.slot, 1);
    assert_true(out.fingerprint == secret_fingerprint(&text));
    assert_int_equal(out.time_us, 0);
    out = judge(v, "old", "key-a");
    assert_int_equal(out.reason, SIGNATURE_OK);
    assert_int_equal(out.slot, 0);
    assert_true(out.fingerprint != secret_fingerprint(&text));
    assert_int_equal(judge(v, "older", "key-a").reason, SIGNATURE_MISMATCH);
    verifier_free(v);
    provider_free(&p);
}

static void api_keys(void **state)
{
    static const struct {
        const char *shown;
        enum signature_reason reason;
    } cases[] = {
        {"key-a", SIGNATURE_OK},         {NULL, SIGNATURE_MISSING},
        {"", SIGNATURE_MISSING},         {"key-A", SIGNATURE_API_KEY},
        {"key-", SIGNATURE_API_KEY},     {"key-aa", SIGNATURE_API_KEY},
        {"k", SIGNATURE_API_KEY},        {"key-a ", SIGNATURE_API_KEY},
        {" key-a", SIGNATURE_API_KEY},   {"key-a,key-a", SIGNATURE_DOUBLED},
        {"key-a, x", SIGNATURE_DOUBLED}, {"kéy-a", SIGNATURE_API_KEY},
    };
    struct config_provider p = provider("t4g");
    struct verifier *v;

    (void)state;
    list_add(&p.secret, "secret");
    list_add(&p.api_key, "key-a");
    v = sound(&p);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (judge(v, "secret", cases[i].shown).reason != cases[i].reason)
            fail_msg("%s", cases[i].shown != NULL ? cases[i].shown : "(none)");
    /* Judged first, whatever the signature. */
    assert_int_equal(judge(v, "wrong", "wrong").reason, SIGNATURE_API_KEY);
    assert_int_equal(judge(v, "wrong", "key-a").reason, SIGNATURE_MISMATCH);
    verifier_free(v);
    provider_free(&p);
}

static void unsound_api_keys(void **state)
{
    static const char *const bad[] = {"a,b", "a b", "kéy", "\x7f", "a\x01z", "tab\t"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct config_provider p = provider("t4g");
        list_add(&p.secret, "secret");
        list_add(&p.api_key, "good");
        list_add(&p.api_key, bad[i]);
        unsound(&p, "guichet.conf:11: ", "");
        provider_free(&p);
    }
}

static void unsound_settings(void **state)
{
    struct config_provider p = provider("t4h");

    (void)state;
    list_add(&p.secret, "secret");
    unsound(&p, "`t4h`", "t4g, airtable, standard-webhooks, github, stripe");
    provider_free(&p);

    p = provider("t4g");
    list_add(&p.api_key, "key");
    unsound(&p, "no secret", "secret = env:NAME");
    list_add(&p.secret, "secret");
    p.api_key.n = 0;
    unsound(&p, "no API key", "api_key = env:NAME");
    p.api_key.n = 1;
    p.tolerance_us = 300 * US_PER_S;
    unsound(&p, "signs no time", "max_age");
    p.tolerance_us = -1;
    list_add(&p.secret, "");
    unsound(&p, "guichet.conf:11: the secret is empty", "openssl rand");
    provider_free(&p);

    p = provider("github");
    list_add(&p.secret, "secret");
    list_add(&p.api_key, "key");
    unsound(&p, "has no API key", "remove the line");
    provider_free(&p);

    p = provider("airtable");
    list_add(&p.secret, "c2VjcmV0LWtleQ==");
    unsound(&p, "guichet.conf:10: ", "`base64:`");
    provider_free(&p);

    p = provider("stripe");
    list_add(&p.secret, "whsec_x");
    p.tolerance_us = 0;
    unsound(&p, "below one second", "300 s");
    p.tolerance_us = US_PER_S;
    verifier_free(sound(&p));
    provider_free(&p);
    verifier_free(NULL);
}

static void too_many_secrets(void **state)
{
    struct config_provider p = provider("t4g");

    (void)state;
    list_add(&p.api_key, "key");
    for (int i = 0; i < CONFIG_SECRETS_MAX; i++)
        list_add(&p.secret, "secret");
    verifier_free(sound(&p));
    provider_free(&p);
}

static void own_tolerance(void **state)
{
    struct config_provider p = provider("stripe");
    struct verifier *v;
    struct headers h = {.n = 0};
    struct request r = {.body = SLICE_LITERAL("{\"id\":\"evt_1\",\"ok\":true}")};
    struct verified out;
    char **params;
    const int64_t signed_us = INT64_C(1700000000) * US_PER_S;

    (void)state;
    list_add(&p.secret, "whsec_test_primary_32_byte_key_material");
    headers_add(&h, "stripe-signature",
                "t=1700000000,"
                "v1=4baa0848f825cb0ac3bb399a74627fed469f817c39cce6dc8c379ee6bbe24675");
    params = headers_params(&h);
    r.params = params;
    p.tolerance_us = 10 * US_PER_S;
    v = sound(&p);
    verifier_check(v, &r, signed_us + 10 * US_PER_S, &out);
    assert_int_equal(out.reason, SIGNATURE_OK);
    assert_true(out.time_us == signed_us);
    verifier_check(v, &r, signed_us + 10 * US_PER_S + 1, &out);
    assert_int_equal(out.reason, SIGNATURE_STALE);
    /* Stale and forged: the forgery is what counts. */
    r.body = SLICE_LITERAL("{}");
    verifier_check(v, &r, signed_us + 11 * US_PER_S, &out);
    assert_int_equal(out.reason, SIGNATURE_MISMATCH);
    verifier_free(v);
    params_free(params);
    headers_free(&h);
    provider_free(&p);
}

/* --- files that change ------------------------------------------------------------------------------ */

static void put(const char *path, const char *content, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void files_are_read_again(void **state)
{
    char folder[TEMP_DIR_ROOM], path[256], spec[300], second[256];
    struct config_provider p = provider("t4g");
    struct verifier *v;

    (void)state;
    temp_dir_pattern("verify", folder, sizeof folder);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/1", folder);
    (void)snprintf(second, sizeof second, "%s/2", folder);
    (void)snprintf(spec, sizeof spec, "dir:%s", folder);
    put(path, "one\n", 0600);
    list_add(&p.secret, spec);
    list_add(&p.api_key, "key");
    v = sound(&p);
    assert_int_equal(judge(v, "one", "key").reason, SIGNATURE_OK);

    put(path, "two\n", 0600);
    put(second, "three", 0600);
    verifier_refresh(v, NOW + US_PER_S - 1, &why); /* not yet */
    assert_int_equal(judge(v, "one", "key").reason, SIGNATURE_OK);
    assert_int_equal(judge(v, "two", "key").reason, SIGNATURE_MISMATCH);
    verifier_refresh(v, NOW + US_PER_S, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(verifier_secrets(v), 2);
    assert_int_equal(judge(v, "one", "key").reason, SIGNATURE_MISMATCH);
    assert_int_equal(judge(v, "two", "key").reason, SIGNATURE_OK);
    assert_int_equal(judge(v, "three", "key").slot, 1);

    put(path, "", 0600); /* a bad state of the files takes nothing away */
    verifier_refresh(v, NOW + 2 * US_PER_S, &why);
    assert_non_null(strstr(why.text, "is empty"));
    assert_int_equal(judge(v, "two", "key").reason, SIGNATURE_OK);
    verifier_refresh(v, NOW + 2 * US_PER_S + 1, &why);
    assert_string_equal(why.text, "");
    put(path, "four", 0644);
    verifier_refresh(v, NOW + US_PER_S, &why); /* the clock stepped back */
    assert_non_null(strstr(why.text, "chmod 600"));
    assert_int_equal(judge(v, "four", "key").reason, SIGNATURE_MISMATCH);
    assert_int_equal(chmod(path, 0600), 0);
    verifier_refresh(v, NOW + 3 * US_PER_S, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(judge(v, "four", "key").reason, SIGNATURE_OK);

    verifier_free(v);
    provider_free(&p);
    assert_int_equal(unlink(path) + unlink(second) + rmdir(folder), 0);
}

/* Under a scheme of several hooks a file of a folder is named after its hook; a scheme without them
 * takes any name. */
static void files_named_after_hooks(void **state)
{
    static const struct {
        const char *name;
        bool sound;
    } cases[] = {
        {"ach00000000000000", true},
        {"achA", true},
        {"ach", false},
        {"new", false},
        {"ach00000000000000.old", false},
        {"Ach00000000000000", false},
        {"0", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char folder[] = "/tmp/guichet-verify-XXXXXX", path[64], spec[80];
        struct config_provider p = provider("airtable");
        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        (void)snprintf(spec, sizeof spec, "dir:%s", folder);
        put(path, "hex:00ff", 0600);
        list_add(&p.secret, spec);
        if (cases[i].sound)
            verifier_free(sound(&p));
        else
            unsound(&p, cases[i].name, "rename it");
        provider_free(&p);
        p = provider("t4g");
        list_add(&p.secret, spec);
        list_add(&p.api_key, "key");
        verifier_free(sound(&p));
        provider_free(&p);
        (void)unlink(path);
        (void)rmdir(folder);
    }
}

/* Of secrets that are equal the one that belongs to the id counts. */
static void the_owner_among_equal_secrets(void **state)
{
    char folder[] = "/tmp/guichet-verify-XXXXXX", path[2][64], spec[80];
    struct config_provider p = provider("airtable");
    struct headers h = {.n = 0};
    struct request r = {.body = SLICE_LITERAL(BODY)};
    struct verified out;
    struct verifier *v;
    char signature[80], **params;

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/ach%d", folder, i);
        put(path[i], "hex:6b6579", 0600);
    }
    (void)snprintf(spec, sizeof spec, "dir:%s", folder);
    list_add(&p.secret, spec);
    v = sound(&p);
    sign("key", signature);
    headers_add(&h, "x-airtable-content-mac", signature);
    params = headers_params(&h);
    r.params = params;
    verifier_check(v, &r, NOW, &out);
    assert_int_equal(out.reason, SIGNATURE_OK);
    assert_int_equal(out.matches, 3);
    assert_true(verifier_owns(v, slice_of("ach1"), &out));
    assert_int_equal(out.slot, 1);
    assert_false(verifier_owns(v, slice_of("ach2"), &out));
    assert_int_equal(out.reason, SIGNATURE_MISMATCH);
    assert_int_equal(out.fingerprint, 0);
    params_free(params);
    headers_free(&h);
    verifier_free(v);
    provider_free(&p);
    for (int i = 0; i < 2; i++)
        (void)unlink(path[i]);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotation),
        cmocka_unit_test(api_keys),
        cmocka_unit_test(unsound_api_keys),
        cmocka_unit_test(unsound_settings),
        cmocka_unit_test(too_many_secrets),
        cmocka_unit_test(own_tolerance),
        cmocka_unit_test(files_are_read_again),
        cmocka_unit_test(files_named_after_hooks),
        cmocka_unit_test(the_owner_among_equal_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
