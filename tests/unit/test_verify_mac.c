#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/codec.h"
#include "verify/mac.h"

#define BYTES_MAX 256

/* The member of a vector, decoded from hex. */
static struct slice bytes_of(const json_t *vector, const char *name, uint8_t out[static BYTES_MAX])
{
    const char *text = json_string_value(json_object_get(vector, name));
    ssize_t n = text != NULL ? hex_decode(slice_of(text), out, BYTES_MAX) : -1;

    if (n < 0)
        fail_msg("tests/vectors/mac.json: no %s", name);
    return (struct slice){(const char *)out, (size_t)n};
}

static json_t *vectors(void)
{
    json_error_t error;
    json_t *root = json_load_file("tests/vectors/mac.json", JSON_REJECT_DUPLICATES, &error);

    if (root == NULL)
        fail_msg("tests/vectors/mac.json: %s", error.text);
    return root;
}

/* Cuts the data at `at`, so that parts and whole must agree. */
static void hmac_in_two(struct mac *m, struct slice data, size_t at, const uint8_t *want)
{
    struct slice part[] = {{data.p, at}, SLICE_NONE, slice_from(data, at)};
    uint8_t got[SHA256_BYTES];

    assert_true(mac_sign(m, part, 3, got));
    assert_memory_equal(got, want, SHA256_BYTES);
}

static void hmac_vectors(void **state)
{
    json_t *root = vectors(), *list = json_object_get(root, "hmac_sha256"), *v;
    size_t i;

    (void)state;
    assert_true(json_array_size(list) >= 6);
    json_array_foreach(list, i, v)
    {
        uint8_t k[BYTES_MAX], d[BYTES_MAX], x[BYTES_MAX], other[SHA256_BYTES];
        struct slice key = bytes_of(v, "key", k), data = bytes_of(v, "data", d);
        struct slice digest = bytes_of(v, "digest", x);
        struct mac *m = mac_new((const uint8_t *)key.p, key.n);
        assert_non_null(m);
        assert_int_equal(digest.n, SHA256_BYTES);
        /* Again and again: a prepared key is not used up. */
        for (size_t at = 0; at <= data.n; at++)
            hmac_in_two(m, data, at, x);
        d[0] ^= 1;
        assert_true(mac_sign(m, &data, 1, other));
        assert_memory_not_equal(other, x, SHA256_BYTES);
        d[0] ^= 1;
        mac_free(m);
        k[0] ^= 1;
        m = mac_new((const uint8_t *)key.p, key.n);
        assert_non_null(m);
        assert_true(mac_sign(m, &data, 1, other));
        assert_memory_not_equal(other, x, SHA256_BYTES);
        mac_free(m);
    }
    json_decref(root);
}

static void sha256_vectors(void **state)
{
    json_t *root = vectors(), *list = json_object_get(root, "sha256"), *v;
    size_t i;

    (void)state;
    assert_true(json_array_size(list) >= 3);
    json_array_foreach(list, i, v)
    {
        uint8_t d[BYTES_MAX], x[BYTES_MAX], got[SHA256_BYTES];
        struct slice data = bytes_of(v, "data", d);
        (void)bytes_of(v, "digest", x);
        for (size_t at = 0; at <= data.n; at++) {
            struct slice part[] = {{data.p, at}, slice_from(data, at)};
            assert_true(sha256(part, 2, got));
            assert_memory_equal(got, x, SHA256_BYTES);
        }
    }
    json_decref(root);
}

static void empty_key_is_refused(void **state)
{
    (void)state;
    assert_null(mac_new((const uint8_t *)"", 0));
    mac_free(NULL);
}

static void equality(void **state)
{
    (void)state;
    assert_true(equal_constant_time("abc", "abc", 3));
    assert_false(equal_constant_time("abc", "abd", 3));
    assert_false(equal_constant_time("abc", "bbc", 3));
    assert_true(equal_constant_time("abc", "abd", 2));
    assert_true(equal_constant_time("a", "b", 0));
}

static void randomness(void **state)
{
    static uint8_t a[5000], b[5000], zero[16];

    (void)state;
    assert_true(random_bytes(a, sizeof a));
    assert_true(random_bytes(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a + sizeof a - sizeof zero, zero, sizeof zero);
    assert_true(random_bytes(a, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_vectors),         cmocka_unit_test(sha256_vectors),
        cmocka_unit_test(empty_key_is_refused), cmocka_unit_test(equality),
        cmocka_unit_test(randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
