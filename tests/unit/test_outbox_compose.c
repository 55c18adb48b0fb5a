#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/text.h"
#include "events/event.h"
#include "outbox/compose.h"

static int64_t now_us(void *ctx)
{
    (void)ctx;
    return INT64_C(1760524205123456);
}

static const struct clock at = {now_us, now_us, NULL};

#define STAMP "2025-10-15T10:30:05.123456Z"

/* `U` in what is expected stands for a UUID. */
static const struct {
    const char *event, *body, *comment;
} good_case[] = {
    {"{\"id\":\"a\",\"timestamp\":\"2025-10-15T10:30:00Z\"}",
     "{\"id\":\"a\",\"timestamp\":\"2025-10-15T10:30:00Z\"}", "whole: as it stands"},
    {" {\r\n \"timestamp\" : \"2025-10-15T10:30:00Z\",\n\"x\": 1.50, \"id\":\"\\u0061\" }\n",
     " {\r\n \"timestamp\" : \"2025-10-15T10:30:00Z\",\n\"x\": 1.50, \"id\":\"\\u0061\" }\n",
     "every byte of it"},
    {"{}", "{\"id\":\"U\",\"timestamp\":\"" STAMP "\"}", "nothing is there"},
    {" { } ", " {\"id\":\"U\",\"timestamp\":\"" STAMP "\" } ", "nothing but space"},
    {"{\"x\":{}}", "{\"id\":\"U\",\"timestamp\":\"" STAMP "\",\"x\":{}}", "both are missing"},
    {"{\"id\":\"a\"}", "{\"timestamp\":\"" STAMP "\",\"id\":\"a\"}", "the time is"},
    {"{\"timestamp\":\"2025-10-15T10:30:00+02:00\"}",
     "{\"id\":\"U\",\"timestamp\":\"2025-10-15T10:30:00+02:00\"}", "the id is"},
    {"{\"x\":{\"id\":\"a\",\"timestamp\":\"b\"}}",
     "{\"id\":\"U\",\"timestamp\":\"" STAMP "\",\"x\":{\"id\":\"a\",\"timestamp\":\"b\"}}",
     "those of an object within are others"},
};

static bool is_uuid4(struct slice s)
{
    for (size_t i = 0; s.n == 36 && i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (s.p[i] == '-') || (!dash && strchr("0123456789abcdef", s.p[i]) == NULL))
            return false;
    }
    return s.n == 36 && s.p[14] == '4' && strchr("89ab", s.p[19]) != NULL;
}

/* The text with its `U` replaced by the id. */
static void expand(const char *text, struct slice id, char out[static 512])
{
    const char *u = strstr(text, "\"U\"");

    if (u == NULL)
        snprintf(out, 512, "%s", text);
    else
        snprintf(out, 512, "%.*s\"%.*s\"%s", (int)(u - text), text, (int)id.n, id.p, u + 3);
}

static void fills_in(void **state)
{
    struct arena *arena = arena_new(COMPOSE_ARENA_MAX);
    struct composed out;
    char expected[512];

    (void)state;
    for (size_t i = 0; i < sizeof good_case / sizeof good_case[0]; i++) {
        struct fail why = {""};
        arena_reset(arena);
        if (compose(slice_of(good_case[i].event), &at, arena, &out, &why) != 0)
            fail_msg("%s: %s", good_case[i].comment, why.text);
        expand(good_case[i].body, out.id, expected);
        if (!slice_is(out.body, expected))
            fail_msg("%s: %.*s", good_case[i].comment, (int)out.body.n, out.body.p);
        if (strstr(good_case[i].body, "\"U\"") != NULL && !is_uuid4(out.id))
            fail_msg("%s: %.*s is no UUID", good_case[i].comment, (int)out.id.n, out.id.p);
        /* What was made whole stays as it is, and so does its id. */
        struct composed again;
        assert_int_equal(compose(out.body, &at, arena, &again, NULL), 0);
        assert_true(slice_equal(out.body, again.body) && slice_equal(out.id, again.id) &&
                    slice_equal(out.timestamp, again.timestamp));
    }
    arena_free(arena);
}

static const struct {
    const char *event, *why;
} bad_case[] = {
    {"", "JSON object"},
    {"[]", "object"},
    {"{\"id\":\"a\"", "JSON object"},
    {"{\"id\":\"a\"} x", "follows its end"},
    {"{\"id\":\"a\",\"id\":\"b\"}", "two members"},
    {"{\"id\":1}", "\"id\""},
    {"{\"id\":null}", "\"id\""},
    {"{\"id\":\"\"}", "\"id\""},
    {"{\"id\":\"a\\nb\"}", "\"id\""},
    {"{\"timestamp\":1760524205}", "\"timestamp\""},
    {"{\"timestamp\":\"yesterday\"}", "\"timestamp\""},
    {"{\"timestamp\":null}", "\"timestamp\""},
};

static void refuses(void **state)
{
    struct arena *arena = arena_new(COMPOSE_ARENA_MAX);
    struct composed out;

    (void)state;
    for (size_t i = 0; i < sizeof bad_case / sizeof bad_case[0]; i++) {
        struct fail why = {""};
        arena_reset(arena);
        if (compose(slice_of(bad_case[i].event), &at, arena, &out, &why) != -1 ||
            strstr(why.text, bad_case[i].why) == NULL)
            fail_msg("%s: \"%s\"", bad_case[i].event, why.text);
    }
    arena_free(arena);
}

static void refuses_what_is_too_long(void **state)
{
    struct arena *arena = arena_new(COMPOSE_ARENA_MAX);
    char *p = malloc(COMPOSE_BODY_MAX);
    struct composed out;

    (void)state;
    memset(p, ' ', COMPOSE_BODY_MAX);
    p[0] = '{';
    p[COMPOSE_BODY_MAX - 1] = '}';
    assert_int_equal(compose((struct slice){p, COMPOSE_BODY_MAX}, &at, arena, &out, NULL), -1);
    p[COMPOSE_BODY_MAX - 1 - 1024] = '}';
    arena_reset(arena);
    assert_int_equal(compose((struct slice){p, COMPOSE_BODY_MAX - 1024}, &at, arena, &out, NULL),
                     0);
    free(p);
    arena_free(arena);
}

/* Each sample is an event that the receiver's own table accepts. */
static void samples_are_valid(void **state)
{
    const struct event_source source = {.id_field = "id",
                                        .type_field = "event_type",
                                        .stamp_field = "timestamp",
                                        .arrived_us = now_us(NULL),
                                        .t4g = true};
    struct arena *arena = arena_new(COMPOSE_ARENA_MAX);
    struct composed out;
    struct slice sample;
    struct event e;
    size_t k = 0;

    (void)state;
    for (; compose_sample(k, "u-1", arena, &sample); k++) {
        assert_int_equal(compose(sample, &at, arena, &out, NULL), 0);
        assert_true(slice_is(out.type, event_type_names[k]) && slice_is(out.user, "u-1"));
        if (event_read(&source, out.body, arena, &e) != EVENT_OK)
            fail_msg("%.*s: %s", (int)out.body.n, out.body.p, e.detail);
    }
    assert_int_equal(k, event_type_count);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_what_is_too_long),
        cmocka_unit_test(samples_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
