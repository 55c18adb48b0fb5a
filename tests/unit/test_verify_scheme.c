#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>

#include "base/buf.h"
#include "verify/scheme.h"

static void is_header_name(const char *name)
{
    if (name == NULL)
        return;
    for (; *name != '\0'; name++)
        assert_true(islower((unsigned char)*name) || isdigit((unsigned char)*name) || *name == '-');
}

/* What the code takes for granted of every row. */
static void rows_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < scheme_count; i++) {
        const struct scheme *s = &scheme_table[i];
        struct slice part[SCHEME_PARTS_MAX];
        bool signs_time = strstr(s->content, "{time}") != NULL;
        bool has_time = s->time_header != NULL || s->syntax == SYNTAX_FIELDS;

        assert_ptr_equal(scheme_find(s->name), s);
        assert_non_null(s->prefix[0]);
        assert_non_null(strstr(s->content, "{body}"));
        assert_true(scheme_content(s, SLICE_NONE, SLICE_NONE, SLICE_NONE, part) > 0);
        assert_true(s->digest == ENCODING_HEX || s->digest == ENCODING_BASE64);
        assert_true(s->key != ENCODING_HEX && s->key != ENCODING_BASE64);
        /* A time that is not signed, or signed but not judged, would be a mistake of the row. */
        assert_int_equal(signs_time, has_time);
        assert_int_equal(signs_time, s->tolerance_us > 0);
        assert_true(strstr(s->content, "{id}") == NULL || s->id_header != NULL);
        assert_true(s->id_header != NULL || s->id_field != NULL);
        assert_non_null(s->media_type[0]);
        is_header_name(s->header);
        is_header_name(s->api_key_header);
        is_header_name(s->time_header);
        is_header_name(s->id_header);
        is_header_name(s->type_header);
    }
    assert_null(scheme_find("T4G"));
    assert_null(scheme_find(""));
    assert_null(scheme_find("t4"));
}

static void content_is(const char *content, const char *want)
{
    struct scheme s = {.content = content};
    struct slice part[SCHEME_PARTS_MAX];
    struct buf all = BUF_INIT(256);
    size_t n =
        scheme_content(&s, SLICE_LITERAL("ID"), SLICE_LITERAL("TIME"), SLICE_LITERAL("{id}"), part);

    for (size_t i = 0; i < n; i++)
        buf_add_slice(&all, part[i]);
    assert_int_equal(n > 0, want != NULL);
    if (want != NULL)
        assert_string_equal(all.p, want);
    buf_free(&all);
}

static void content_is_filled_in_once(void **state)
{
    (void)state;
    content_is("{body}", "{id}"); /* what was filled in is not looked into again */
    content_is("{id}.{time}.{body}", "ID.TIME.{id}");
    content_is("{time}.{body}", "TIME.{id}");
    content_is("v0:{time}:{body}", "v0:TIME:{id}");
    content_is("{time}{body}", "TIME{id}");
    content_is("{body}.", "{id}.");
    content_is("{bod}", NULL);
    content_is("{body}{", NULL);
    content_is("{body}{nonce}", NULL);
    content_is("{id}{id}{id}{id}{id}{id}{id}{body}", "IDIDIDIDIDIDID{id}");
    content_is("{id}{id}{id}{id}{id}{id}{id}{id}{body}", NULL); /* never a part of it */
    content_is("", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sound),
        cmocka_unit_test(content_is_filled_in_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
