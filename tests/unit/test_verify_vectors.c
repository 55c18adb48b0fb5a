/* Each scheme's vector verifies, and each of its twins, in which one detail alone is changed, does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/clock.h"
#include "unit/verify_request.h"
#include "verify/verify.h"

#define FILE_NAME "tests/vectors/schemes.json"

struct vector {
    const char *name;
    const struct scheme *scheme;
    struct config_provider provider;
    struct headers headers;
    char *body;
    size_t body_n;
    int64_t now_us;
};

static const char *text_of(const json_t *v, const char *name)
{
    const char *text = json_string_value(json_object_get(v, name));

    if (text == NULL)
        fail_msg(FILE_NAME ": no %s", name);
    return text;
}

static void list_add(struct config_list *l, const char *text)
{
    l->item[l->n].text = headers_copy(text);
    l->item[l->n++].origin = headers_copy("vector");
}

static void list_free(struct config_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->item[i].text);
        free(l->item[i].origin);
    }
}

static void vector_read(struct vector *v, json_t *from)
{
    const char *name;
    json_t *value;

    *v = (struct vector){.name = text_of(from, "name")};
    v->scheme = scheme_find(text_of(from, "scheme"));
    assert_non_null(v->scheme);
    assert_true(strlen(text_of(from, "source")) > 0);
    v->provider.origin = headers_copy("vector");
    v->provider.scheme = headers_copy(v->scheme->name);
    v->provider.tolerance_us = -1;
    list_add(&v->provider.secret, text_of(from, "secret"));
    if (json_object_get(from, "api_key") != NULL)
        list_add(&v->provider.api_key, text_of(from, "api_key"));
    v->now_us = json_integer_value(json_object_get(from, "now")) * US_PER_S;
    v->body = headers_copy(text_of(from, "body"));
    v->body_n = strlen(v->body);
    json_object_foreach(json_object_get(from, "headers"), name, value)
        headers_add(&v->headers, name, json_string_value(value));
}

static void vector_free(struct vector *v)
{
    list_free(&v->provider.secret);
    list_free(&v->provider.api_key);
    free(v->provider.origin);
    free(v->provider.scheme);
    headers_free(&v->headers);
    free(v->body);
}

static struct verified check(struct verifier *verifier, const struct vector *v, int64_t now_us)
{
    char **params = headers_params(&v->headers);
    struct request r = {.params = params, .body = {v->body, v->body_n}};
    struct verified out;

    verifier_check(verifier, &r, now_us, &out);
    params_free(params);
    if (out.reason != SIGNATURE_OK && (out.fingerprint != 0 || out.time_us != 0 || out.slot != 0))
        fail_msg("%s: something is told of a refused request", v->name);
    return out;
}

static void expect(struct verifier *verifier, const struct vector *v, int64_t now_us,
                   enum signature_reason reason, const char *what)
{
    enum signature_reason got = check(verifier, v, now_us).reason;

    if (got != reason)
        fail_msg("%s, %s: reason %d, not %d", v->name, what, (int)got, (int)reason);
}

static void twins_of_body(struct verifier *verifier, struct vector *v)
{
    for (size_t i = 0; i < v->body_n; i++)
        for (int bit = 0; bit < 8; bit++) {
            v->body[i] = (char)(v->body[i] ^ (1 << bit));
            expect(verifier, v, v->now_us, SIGNATURE_MISMATCH, "a bit of the body flipped");
            v->body[i] = (char)(v->body[i] ^ (1 << bit));
        }
    v->body_n--;
    expect(verifier, v, v->now_us, SIGNATURE_MISMATCH, "the body without its last byte");
    v->body_n += 2; /* the NUL behind it */
    expect(verifier, v, v->now_us, SIGNATURE_MISMATCH, "the body with one byte more");
    v->body_n--;
}

/* Whether a change of the header's content must be noticed: an unsigned one need only be there. */
static bool is_protected(const struct scheme *s, const char *name)
{
    bool is_id = s->id_header != NULL && strcmp(name, s->id_header) == 0;
    bool is_type = s->type_header != NULL && strcmp(name, s->type_header) == 0;

    return !is_type && (!is_id || strstr(s->content, "{id}") != NULL);
}

static void twins_of_headers(struct verifier *verifier, struct vector *v)
{
    for (size_t i = 0; i < v->headers.n; i++) {
        struct header *h = &v->headers.header[i], kept = *h;
        for (char *p = h->value; *p != '\0' && is_protected(v->scheme, h->name); p++) {
            *p = (char)(*p ^ 1);
            if (check(verifier, v, v->now_us).reason == SIGNATURE_OK)
                fail_msg("%s: %s: %s was accepted", v->name, h->name, h->value);
            *p = (char)(*p ^ 1);
        }
        *h = v->headers.header[--v->headers.n];
        expect(verifier, v, v->now_us, SIGNATURE_MISSING, "a header left out");
        *h = kept;
        v->headers.n++;
        h->value = headers_copy("");
        expect(verifier, v, v->now_us, SIGNATURE_MISSING, "a header empty");
        free(h->value);
        h->value = kept.value;
        headers_add(&v->headers, h->name, h->value);
        expect(verifier, v, v->now_us, SIGNATURE_DOUBLED, "a header twice");
        free(v->headers.header[--v->headers.n].name);
        free(v->headers.header[v->headers.n].value);
        h->value = malloc(2 * strlen(kept.value) + 3);
        assert_non_null(h->value);
        (void)snprintf(h->value, 2 * strlen(kept.value) + 3, "%s, %s", kept.value, kept.value);
        expect(verifier, v, v->now_us, SIGNATURE_DOUBLED, "a header joined with itself");
        free(h->value);
        h->value = kept.value;
    }
}

static void twins_of_time(struct verifier *verifier, const struct vector *v)
{
    int64_t tolerance = v->scheme->tolerance_us;

    if (tolerance == 0) {
        expect(verifier, v, v->now_us + INT64_C(400) * 86400 * US_PER_S, SIGNATURE_OK, "later");
        return;
    }
    expect(verifier, v, v->now_us + tolerance, SIGNATURE_OK, "as late as allowed");
    expect(verifier, v, v->now_us - tolerance, SIGNATURE_OK, "as early as allowed");
    expect(verifier, v, v->now_us + tolerance + 1, SIGNATURE_STALE, "too late");
    expect(verifier, v, v->now_us - tolerance - 1, SIGNATURE_STALE, "too early");
}

/* With another secret nothing of the request is wrong but its origin. */
static void twin_of_secret(struct vector *v)
{
    char *text = v->provider.secret.item[0].text;
    char *at = text + strlen(text) - 4;
    struct fail why = {""};
    struct verifier *other;

    *at = (char)(*at == 'A' ? 'B' : 'A');
    other = verifier_new(&v->provider, NULL, v->now_us, &why);
    if (other == NULL)
        fail_msg("%s: %s", v->name, why.text);
    expect(other, v, v->now_us, SIGNATURE_MISMATCH, "another secret");
    verifier_free(other);
}

static void vectors_and_twins(void **state)
{
    json_error_t error;
    json_t *root = json_load_file(FILE_NAME, JSON_REJECT_DUPLICATES, &error), *from;
    bool seen[16] = {false};
    size_t i;

    (void)state;
    if (root == NULL)
        fail_msg(FILE_NAME ": %s", error.text);
    json_array_foreach(json_object_get(root, "vectors"), i, from)
    {
        struct vector v;
        struct fail why = {""};
        struct verifier *verifier;
        struct verified out;

        vector_read(&v, from);
        verifier = verifier_new(&v.provider, NULL, v.now_us, &why);
        if (verifier == NULL)
            fail_msg("%s: %s", v.name, why.text);
        assert_ptr_equal(verifier_scheme(verifier), v.scheme);
        assert_int_equal(verifier_secrets(verifier), 1);
        out = check(verifier, &v, v.now_us);
        if (out.reason != SIGNATURE_OK)
            fail_msg("%s: reason %d", v.name, (int)out.reason);
        assert_true(out.fingerprint != 0);
        assert_int_equal(out.time_us, v.scheme->tolerance_us > 0 ? v.now_us : 0);
        twins_of_body(verifier, &v);
        twins_of_headers(verifier, &v);
        twins_of_time(verifier, &v);
        expect(verifier, &v, v.now_us, SIGNATURE_OK, "as it was at first");
        twin_of_secret(&v);
        seen[v.scheme - scheme_table] = true;
        verifier_free(verifier);
        vector_free(&v);
    }
    json_decref(root);
    for (i = 0; i < scheme_count; i++)
        if (!seen[i])
            fail_msg("the scheme %s has no vector", scheme_table[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_and_twins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
