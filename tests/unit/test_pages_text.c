#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "pages/html.h"
#include "pages/jsonw.h"

#define ROOM 4096

static void assert_html(const char *text, size_t n, const char *want)
{
    struct buf out = BUF_INIT(ROOM);

    html_text(&out, (struct slice){text, n});
    assert_false(out.overflow);
    assert_string_equal(out.p != NULL ? out.p : "", want);
    buf_free(&out);
}

static void test_escaping(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *want;
    } row[] = {
        {"", ""},
        {"plain", "plain"},
        {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
        {"\" onload=\"x", "&quot; onload=&quot;x"},
        {"' onload='x", "&#39; onload=&#39;x"},
        {"&amp;", "&amp;amp;"},
        {"]]>--><!--", "]]&gt;--&gt;&lt;!--"},
        {"\xC3\xA9 \xF0\x9F\x8E\x89", "\xC3\xA9 \xF0\x9F\x8E\x89"},
        {"tab\tline\n", "tab\tline\n"},
        {"a\x1B[31m\x7F", "a\xEF\xBF\xBD[31m\xEF\xBF\xBD"},
        {"\xC2\x9B", "\xEF\xBF\xBD"},                         /* CSI, C1 */
        {"\xC0\xBCscript", "\xEF\xBF\xBD\xEF\xBF\xBDscript"}, /* an overlong < */
        {"\xE2\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},             /* cut off */
        {"$ and % are text", "$ and % are text"},
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        assert_html(row[i].text, strlen(row[i].text), row[i].want);
    assert_html("a\0<", 3, "a\xEF\xBF\xBD&lt;");
}

static void test_markup(void **unused)
{
    (void)unused;
    struct buf out = BUF_INIT(ROOM);

    html_put(&out, "<b>$</b><i title=\"$\">", "<$>", "\"");
    assert_string_equal(out.p, "<b>&lt;$&gt;</b><i title=\"&quot;\">");
    buf_reset(&out);
    html_put(&out, "<hr>", NULL);
    assert_string_equal(out.p, "<hr>");
    html_put(&out, "$$", "one alone");
    assert_true(out.overflow);
    buf_reset(&out);
    html_put(&out, "$", "one", "one too many");
    assert_true(out.overflow);
    buf_free(&out);

    out = BUF_INIT(12); /* bounded: all of it, or a mark */
    html_put(&out, "<b>$</b>", "<<<<");
    assert_true(out.overflow);
    assert_true(out.n <= 12);
    buf_free(&out);
}

static void test_table(void **unused)
{
    (void)unused;
    struct buf out = BUF_INIT(ROOM);

    html_table(&out, "", "Fields", "<a>", "Name", "#Count");
    assert_non_null(strstr(out.p, "aria-label=\"Fields of &lt;a&gt;\""));
    assert_non_null(
        strstr(out.p, "<th scope=\"col\">Name</th><th class=\"n\" scope=\"col\">Count<"));
    buf_free(&out);
}

static void test_numbers(void **unused)
{
    (void)unused;
    char n[HTML_NUMBER_ROOM];
#define NARROW "\xE2\x80\xAF"

    assert_string_equal(html_number(0, n), "0");
    assert_string_equal(html_number(999, n), "999");
    assert_string_equal(html_number(1000, n), "1" NARROW "000");
    assert_string_equal(html_number(123456, n), "123" NARROW "456");
    assert_string_equal(html_number(UINT64_MAX, n), "18" NARROW "446" NARROW "744" NARROW
                                                    "073" NARROW "709" NARROW "551" NARROW "615");
}

static void test_json(void **unused)
{
    (void)unused;
    struct buf out = BUF_INIT(ROOM);
    struct jsonw j = {.out = &out};

    jsonw_open(&j, NULL);
    jsonw_text(&j, "a\"b", "x\"\\\n\x01</script>");
    jsonw_open_list(&j, "list");
    jsonw_number(&j, NULL, INT64_MIN);
    jsonw_known(&j, NULL, -1);
    jsonw_known(&j, NULL, 0);
    jsonw_bool(&j, NULL, true);
    jsonw_open(&j, NULL);
    jsonw_close(&j);
    jsonw_close_list(&j);
    jsonw_seconds(&j, "s", 1500001);
    jsonw_seconds(&j, "none", -1);
    jsonw_raw(&j, "raw", SLICE_LITERAL("{\"k\":[]}"));
    jsonw_null(&j, "null");
    jsonw_close(&j);
    assert_string_equal(out.p, "{\"a\\\"b\":\"x\\\"\\\\\\n\\u0001</script>\","
                               "\"list\":[-9223372036854775808,null,0,true,{}],\"s\":1.500001,"
                               "\"none\":null,\"raw\":{\"k\":[]},\"null\":null}");
    json_t *read = json_loads(out.p, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(read);
    json_decref(read);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escaping), cmocka_unit_test(test_markup),
        cmocka_unit_test(test_table),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
