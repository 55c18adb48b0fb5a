/* What is signed is what the vectors say, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/clock.h"
#include "verify/secret.h"
#include "verify/sign.h"

#define FILE_NAME "tests/vectors/schemes.json"

static const char *text_of(const json_t *v, const char *name)
{
    return json_string_value(json_object_get(v, name));
}

static struct mac *mac_of(const struct scheme *s, const char *secret)
{
    struct secret_text text = {.n = strlen(secret)};
    uint8_t key[SECRET_BYTES_MAX];
    int n;

    memcpy(text.text, secret, text.n + 1);
    n = secret_decode(s->key, &text, key, NULL);
    assert_true(n > 0);
    return mac_new(key, (size_t)n);
}

static void as_the_vectors(void **state)
{
    json_t *root = json_load_file(FILE_NAME, 0, NULL), *v;
    size_t i;

    (void)state;
    assert_true(json_array_size(json_object_get(root, "vectors")) >= scheme_count);
    json_array_foreach(json_object_get(root, "vectors"), i, v)
    {
        const struct scheme *s = scheme_find(text_of(v, "scheme"));
        const json_t *headers = json_object_get(v, "headers");
        struct mac *mac = mac_of(s, text_of(v, "secret"));
        struct slice id =
            slice_of(s->id_header != NULL ? text_of(headers, s->id_header) : "not used");
        struct sign_header out[SIGN_HEADERS_MAX];
        int n = sign_headers(s, mac, id, json_integer_value(json_object_get(v, "now")) * US_PER_S,
                             slice_of(text_of(v, "body")), out, NULL);

        assert_true(n >= 1);
        assert_string_equal(out[0].name, s->header);
        for (int k = 0; k < n; k++)
            assert_string_equal(out[k].value, text_of(headers, out[k].name));
        /* One byte less is another signature. */
        struct slice less = slice_of(text_of(v, "body"));
        less.n--;
        assert_true(sign_headers(s, mac, id,
                                 json_integer_value(json_object_get(v, "now")) * US_PER_S, less,
                                 out, NULL) == n);
        assert_string_not_equal(out[0].value, text_of(headers, out[0].name));
        mac_free(mac);
    }
    json_decref(root);
}

static void no_header_is_smuggled_in(void **state)
{
    const struct scheme *s = scheme_find("standard-webhooks");
    struct mac *mac = mac_new((const uint8_t *)"key", 3);
    struct sign_header out[SIGN_HEADERS_MAX];
    struct fail why = {""};

    (void)state;
    assert_int_equal(
        sign_headers(s, mac, SLICE_LITERAL("a\r\nx-api-key: b"), 0, SLICE_LITERAL("{}"), out, &why),
        -1);
    assert_non_null(strstr(why.text, "webhook-id"));
    assert_int_equal(sign_headers(s, mac, SLICE_NONE, 0, SLICE_LITERAL("{}"), out, &why), -1);
    mac_free(mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_vectors),
        cmocka_unit_test(no_header_is_smuggled_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
