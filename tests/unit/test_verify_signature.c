#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "unit/base_guard.h"
#include "verify/signature.h"

#define Z32 "00000000000000000000000000000000"
#define HEX Z32 "0123456789abcdefABCDEF0123456789"        /* 64 digits of both cases */
#define B64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* 32 bytes, unpadded */

struct header_case {
    const char *scheme;
    const char *value;
    enum signature_reason reason;
    size_t digests; /* when understood */
    const char *comment;
};

static const struct header_case CASES[] = {
    {"t4g", "sha256=" HEX, SIGNATURE_OK, 1, "as documented"},
    {"t4g", "", SIGNATURE_MISSING, 0, "empty"},
    {"t4g", HEX, SIGNATURE_MALFORMED, 0, "no prefix"},
    {"t4g", "sha256=", SIGNATURE_MALFORMED, 0, "the prefix alone"},
    {"t4g", "sha256", SIGNATURE_MALFORMED, 0, "a part of the prefix"},
    {"t4g", "SHA256=" HEX, SIGNATURE_MALFORMED, 0, "prefix in upper case"},
    {"t4g", "sha512=" HEX, SIGNATURE_MALFORMED, 0, "another algorithm"},
    {"t4g", "hmac-sha256=" HEX, SIGNATURE_MALFORMED, 0, "another scheme's prefix"},
    {"t4g", "sha256=" Z32, SIGNATURE_MALFORMED, 0, "half a digest"},
    {"t4g", "sha256=" HEX "0", SIGNATURE_MALFORMED, 0, "65 digits"},
    {"t4g", "sha256=" HEX "00", SIGNATURE_MALFORMED, 0, "66 digits"},
    {"t4g", "sha256=" Z32 "0123456789abcdefABCDEF012345678", SIGNATURE_MALFORMED, 0, "63 digits"},
    {"t4g", "sha256=" Z32 "0123456789abcdefABCDEF012345678g", SIGNATURE_MALFORMED, 0, "no digit"},
    {"t4g", "sha256= " HEX, SIGNATURE_MALFORMED, 0, "a space before the digest"},
    {"t4g", "sha256=" HEX " ", SIGNATURE_MALFORMED, 0, "a space behind it"},
    {"t4g", "sha256=" B64 "=", SIGNATURE_MALFORMED, 0, "base64 for hex"},
    {"t4g", "sha256=" HEX ", sha256=" HEX, SIGNATURE_DOUBLED, 0, "joined by a server"},
    {"t4g", "sha256=" HEX ",", SIGNATURE_DOUBLED, 0, "joined with an empty one"},

    {"airtable", "hmac-sha256=" HEX, SIGNATURE_OK, 1, "Airtable's prefix"},
    {"airtable", "sha256=" HEX, SIGNATURE_OK, 1, "the other one"},
    {"airtable", "hmac-sha256-" HEX, SIGNATURE_MALFORMED, 0, "a mistake seen in the wild"},
    {"airtable", "hmac-sha256=sha256=" HEX, SIGNATURE_MALFORMED, 0, "both prefixes"},
    {"airtable", "hmac-sha256=" B64 "=", SIGNATURE_MALFORMED, 0, "base64 for hex"},

    {"github", "sha256=" HEX, SIGNATURE_OK, 1, "as documented"},
    {"github", "sha1=" HEX, SIGNATURE_MALFORMED, 0, "the retired algorithm"},

    {"standard-webhooks", "v1," B64 "=", SIGNATURE_OK, 1, "padded"},
    {"standard-webhooks", "v1," B64, SIGNATURE_OK, 1, "unpadded"},
    {"standard-webhooks", "v1," B64 "= v1," B64 "=", SIGNATURE_OK, 2, "two"},
    {"standard-webhooks", "v1,x v1a," B64 " v2," B64 " v1 garbage v1," B64 "=", SIGNATURE_OK, 1,
     "the last of many, the others malformed or of other versions"},
    {"standard-webhooks", "  v1," B64 "=  ", SIGNATURE_OK, 1, "more spaces"},
    {"standard-webhooks", "v1a," B64 "=", SIGNATURE_MALFORMED, 0, "only another version"},
    {"standard-webhooks", "v1", SIGNATURE_MALFORMED, 0, "no digest"},
    {"standard-webhooks", "v1,", SIGNATURE_MALFORMED, 0, "an empty digest"},
    {"standard-webhooks", "," B64, SIGNATURE_MALFORMED, 0, "no version"},
    {"standard-webhooks", " ", SIGNATURE_MALFORMED, 0, "nothing in the list"},
    {"standard-webhooks", "v1," B64 "==", SIGNATURE_MALFORMED, 0, "too much padding"},
    {"standard-webhooks", "v1,AAAA" B64 "=", SIGNATURE_MALFORMED, 0, "35 bytes"},
    {"standard-webhooks", "v1,AAAA", SIGNATURE_MALFORMED, 0, "3 bytes"},
    {"standard-webhooks", "v1," HEX, SIGNATURE_MALFORMED, 0, "hex for base64: 48 bytes"},
    {"standard-webhooks", "v1," B64 "=, v1," B64 "=", SIGNATURE_DOUBLED, 0, "joined by a server"},
    {"standard-webhooks", "v1," B64 "=,v1," B64 "=", SIGNATURE_DOUBLED, 0, "without a space"},
    {"standard-webhooks",
     "v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64
     " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64,
     SIGNATURE_OK, SIGNATURE_DIGESTS_MAX, "as many as are looked at"},
    {"standard-webhooks",
     "v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64
     " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64 " v1," B64
     " v1," B64,
     SIGNATURE_MALFORMED, 0, "one more"},

    {"stripe", "t=1,v1=" HEX, SIGNATURE_OK, 1, "as documented"},
    {"stripe", "v1=" HEX ",t=1", SIGNATURE_OK, 1, "the other way round"},
    {"stripe", "t=1,v1=" HEX ",v1=" HEX ",v0=" HEX, SIGNATURE_OK, 2, "two and an old one"},
    {"stripe", "t=1,v1=x,v1=" HEX, SIGNATURE_OK, 1, "one of them malformed"},
    {"stripe", "t=1,garbage,=,v1=" HEX ",", SIGNATURE_OK, 1, "other fields are passed over"},
    {"stripe", "v1=" HEX, SIGNATURE_MALFORMED, 0, "no time"},
    {"stripe", "t=1", SIGNATURE_MALFORMED, 0, "no digest"},
    {"stripe", "t=1,v0=" HEX, SIGNATURE_MALFORMED, 0, "only the old version"},
    {"stripe", "t=1,v1=" HEX "00", SIGNATURE_MALFORMED, 0, "too long"},
    {"stripe", "t=1,t=1,v1=" HEX, SIGNATURE_DOUBLED, 0, "two times"},
    {"stripe", "t=1,v1=" HEX ", t=1,v1=" HEX, SIGNATURE_DOUBLED, 0, "joined by a server"},
    {"stripe", "t=1,v1=" HEX ", v1=" HEX, SIGNATURE_DOUBLED, 0, "joined with one without time"},
};

static void headers(void **state)
{
    struct guard_page page = guard_page_new();
    struct signature s;

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct header_case *c = &CASES[i];
        struct slice value = guard_page_copy(page, slice_of(c->value));
        enum signature_reason reason = signature_parse(scheme_find(c->scheme), value, &s);
        if (reason != c->reason || (reason == SIGNATURE_OK && s.n != c->digests))
            fail_msg("%s: %s (%s): reason %d, %zu digests", c->scheme, c->comment, c->value,
                     (int)reason, s.n);
    }
    guard_page_free(page);
}

static void digest_and_time_are_given_out(void **state)
{
    struct signature s;
    const char *value = "t=1700000000,v1=" Z32 "0123456789abcdefABCDEF0123456789";

    (void)state;
    assert_int_equal(signature_parse(scheme_find("stripe"), slice_of(value), &s), SIGNATURE_OK);
    assert_true(slice_is(s.time, "1700000000"));
    assert_int_equal(s.digest[0][16], 0x01);
    assert_int_equal(s.digest[0][23], 0xef);
    assert_int_equal(s.digest[0][24], 0xab);
    assert_int_equal(s.digest[0][31], 0x89);
}

static void long_header(void **state)
{
    static char value[SIGNATURE_BYTES_MAX + 2];
    struct signature s;

    (void)state;
    memset(value, ' ', sizeof value);
    memcpy(value, "v1," B64 "=", 47);
    assert_int_equal(signature_parse(scheme_find("standard-webhooks"),
                                     (struct slice){value, SIGNATURE_BYTES_MAX}, &s),
                     SIGNATURE_OK);
    assert_int_equal(signature_parse(scheme_find("standard-webhooks"),
                                     (struct slice){value, SIGNATURE_BYTES_MAX + 1}, &s),
                     SIGNATURE_MALFORMED);
}

static void times(void **state)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      "01",
                                      "1.0",
                                      "1e9",
                                      " 1",
                                      "1 ",
                                      "0x10",
                                      "253402300800",
                                      "1a",
                                      "now",
                                      "1\n",
                                      "1,1",
                                      "9223372036854775807",
                                      "٣",
                                      "99999999999999999999999"};
    int64_t us = -7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (signature_time(slice_of(bad[i]), &us) || us != -7)
            fail_msg("accepted as a time: %s", bad[i]);
    assert_true(signature_time(slice_of("1614265330"), &us));
    assert_int_equal(us, 1614265330 * US_PER_S);
    assert_true(signature_time(slice_of("0"), &us));
    assert_int_equal(us, 0);
    assert_true(signature_time(slice_of("253402300799"), &us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(digest_and_time_are_given_out),
        cmocka_unit_test(long_header),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
