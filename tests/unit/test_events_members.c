#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "events/members.h"
#include "unit/base_guard.h"

/* The values of the body's object, a `|` behind each. */
static void values(struct guard_page page, const char *body, struct buf *out)
{
    struct members m = members_of(guard_page_copy(page, slice_of(body)));
    struct slice value;

    buf_reset(out);
    buf_adds(out, "");
    while (members_next(&m, &value)) {
        buf_add_slice(out, value);
        buf_adds(out, "|");
    }
}

static void walks(void **state)
{
    static const struct {
        const char *body, *values;
    } cases[] = {
        {"{}", ""},
        {" \t\r\n{ } ", ""},
        {"{\"a\":1}", "1|"},
        {"{\"a\" : 1 }", "1|"},
        {"{\"a\":1,\"b\":-2.50e+3 ,\n\"c\":null}", "1|-2.50e+3|null|"},
        {"{\"a\":\"\"}", "\"\"|"},
        {"{\"a\\\"}:\":\"\\\\\",\"b\":\"\\\"}\"}", "\"\\\\\"|\"\\\"}\"|"},
        {"{\"a\":\"\\\\\\\"\",\"b\":\"\\\\\\\\\"}", "\"\\\\\\\"\"|\"\\\\\\\\\"|"},
        {"{\"a\":{},\"b\":[]}", "{}|[]|"},
        {"{\"a\": { \"x\" : [ \"]}\" , {} ] } ,\"b\":[[[\"[\"]]]}",
         "{ \"x\" : [ \"]}\" , {} ] }|[[[\"[\"]]]|"},
        {"{\"a\":[{\"b\":\"\\\\\"}]}", "[{\"b\":\"\\\\\"}]|"},
        {"{\"a\":true,\"b\":false}", "true|false|"},
        {"{\"a\":\"\xc3\xa9{\"}", "\"\xc3\xa9{\"|"},
        {"[1]", ""},
        {"", ""},
        {"7", ""},
    };
    struct guard_page page = guard_page_new();
    struct buf got = BUF_INIT(4096);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        values(page, cases[i].body, &got);
        if (!slice_is(buf_slice(&got), cases[i].values))
            fail_msg("%s: %.*s", cases[i].body, (int)got.n, got.p);
    }
    buf_free(&got);
    guard_page_free(page);
}

/* Of what is no JSON it gives nonsense, but ends, within the bytes: every prefix, and every byte changed. */
static void survives_damage(void **state)
{
    static const char whole[] = " {\"a\\\"\" : [ {\"b\":\"\\\\\"} ] , \"c\" :-1.5,\"d\":\"}\"} ";
    static const char damage[] = "\"\\{}[],: x";
    struct guard_page page = guard_page_new();
    struct buf got = BUF_INIT(4096);
    char body[sizeof whole];

    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        memcpy(body, whole, n);
        body[n] = '\0';
        values(page, body, &got);
        for (size_t i = 0; i < n; i++)
            for (const char *d = damage; *d != '\0'; d++) {
                body[i] = *d;
                values(page, body, &got);
                body[i] = whole[i];
            }
    }
    buf_free(&got);
    guard_page_free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
