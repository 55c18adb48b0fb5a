/* Syntax and envelope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/events_read.h"

#define BALANCE BASE("t4g.balance_updated") ",\"user_id\":\"u\",\"new_balance\":1"

static struct reader reader;

static int set_up(void **state)
{
    (void)state;
    reader = reader_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    reader_free(&reader);
    return 0;
}

static void accepts(struct slice body)
{
    if (reader_read(&reader, &T4G, body) != EVENT_OK)
        fail_msg("%.*s: %s: %s", (int)(body.n < 300 ? body.n : 300), body.p, reader.event.reason,
                 reader.event.detail);
}

static void refuses_bytes(struct slice body, const char *reason, const char *detail)
{
    enum event_status status = reader_read(&reader, &T4G, body);

    if (status != EVENT_INVALID || strcmp(reader.event.reason, reason) != 0 ||
        strstr(reader.event.detail, detail) == NULL)
        fail_msg("%.*s: status %d, %s: %s", (int)(body.n < 300 ? body.n : 300), body.p, (int)status,
                 reader.event.reason != NULL ? reader.event.reason : "-", reader.event.detail);
    assert_int_equal(reader.event.nchanges, 0);
}

static void refuses(const char *body, const char *reason, const char *detail)
{
    refuses_bytes(slice_of(body), reason, detail);
}

struct syntax_case {
    const char *tail;   /* behind a sound event without its last brace */
    const char *reason; /* NULL: accepted */
    const char *detail;
};

static void syntax(void **state)
{
    static const struct syntax_case cases[] = {
        {"}", NULL, ""},
        {"} \t\r\n", NULL, ""},
        {",\"x\":99999999999999999999999999999999}", NULL, ""},
        {",\"x\":-99999999999999999999999999999999}", NULL, ""},
        {",\"x\":1e308}", NULL, ""},
        {",\"x\":1e-400}", NULL, ""},
        {",\"x\":\"\\u0000\"}", NULL, ""},
        {",\"x\":\"\\ud83d\\ude00\"}", NULL, ""},
        {",\"x\":[[],{},null,true,false,-0.0e+1]}", NULL, ""},
        {"", "not_json", "ends too early"},
        {"}x", "not_json", "something follows its end"},
        {"}{}", "not_json", "something follows its end"},
        {"},", "not_json", "something follows its end"},
        {",}", "not_json", "invalid syntax"},
        {",\"x\"}", "not_json", "invalid syntax"},
        {",\"x\":}", "not_json", "invalid syntax"},
        {",'x':1}", "not_json", "invalid syntax"},
        {",x:1}", "not_json", "invalid syntax"},
        {",\"x\":01}", "not_json", "invalid syntax"},
        {",\"x\":1.}", "not_json", "invalid syntax"},
        {",\"x\":.5}", "not_json", "invalid syntax"},
        {",\"x\":+1}", "not_json", "invalid syntax"},
        {",\"x\":NaN}", "not_json", "invalid syntax"},
        {",\"x\":Infinity}", "not_json", "invalid syntax"},
        {",\"x\":0x10}", "not_json", "invalid syntax"},
        {",\"x\":nul}", "not_json", "invalid syntax"},
        {",\"x\":[1,]}", "not_json", "invalid syntax"},
        {",\"x\":[1}", "not_json", "invalid syntax"},
        {",\"x\":\"a\nb\"}", "not_json", "invalid syntax"},
        {",\"x\":\"\\x\"}", "not_json", "invalid syntax"},
        {",\"x\":\"\\ud83d\"}", "not_json", "invalid syntax"},
        {",\"x\":\"\\ude00\"}", "not_json", "invalid syntax"},
        {",\"x\":\"\xff\"}", "not_json", "not UTF-8"},
        {",\"x\":\"\xc0\xaf\"}", "not_json", "not UTF-8"},
        {",\"x\":\"\xed\xa0\x80\"}", "not_json", "not UTF-8"},
        {",\"x\":\"\xe2\x82\"}", "not_json", "not UTF-8"},
        {",\"\xff\":1}", "not_json", "not UTF-8"},
        {",\"a\\u0000b\":1}", "not_json", "\\u0000"},
        {"/**/}", "not_json", "invalid syntax"},
        {",\"x\":1e309}", "number_range", "double"},
        {",\"x\":-1e309}", "number_range", "double"},
        {",\"x\":1,\"x\":1}", "duplicate_key", "two members of one name"},
        {",\"id\":\"w1\"}", "duplicate_key", "two members of one name"},
        {",\"\\u0069d\":\"w2\"}", "duplicate_key", "two members of one name"},
        {",\"x\":{\"a\":1,\"b\":2,\"a\":1}}", "duplicate_key", "two members of one name"},
        {",\"x\":[{\"a\":[{\"b\":1,\"b\":1}]}]}", "duplicate_key", "two members of one name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf body = BUF_INIT(4096);
        buf_adds(&body, BALANCE);
        buf_adds(&body, cases[i].tail);
        if (cases[i].reason == NULL)
            accepts(buf_slice(&body));
        else
            refuses_bytes(buf_slice(&body), cases[i].reason, cases[i].detail);
        buf_free(&body);
    }
}

static void other_bodies(void **state)
{
    (void)state;
    refuses("", "not_json", "line 1");
    refuses(" ", "not_json", "line 1");
    refuses("[]", "wrong_type", "not an array");
    refuses("[" BALANCE "}]", "wrong_type", "not an array");
    refuses("7", "not_json", "invalid syntax");
    refuses("\""
            "id"
            "\"",
            "not_json", "invalid syntax");
    refuses("null", "not_json", "invalid syntax");
    refuses("\xef\xbb\xbf" BALANCE "}", "not_json", "");
    refuses("{}", "missing_field", "id is missing");
    refuses_bytes(SLICE_LITERAL(BALANCE "\0}"), "not_json", "no byte is zero");
    refuses_bytes(SLICE_LITERAL(BALANCE "}\0"), "not_json", "");
    refuses_bytes(SLICE_LITERAL("\0"), "not_json", "");
    accepts(SLICE_LITERAL(BALANCE "}"));
}

/* No prefix of a sound event is one. */
static void truncated(void **state)
{
    struct slice body = SLICE_LITERAL(BALANCE ",\"x\":[{\"a\":\"\\u00e9\"},1.5e3]}");

    (void)state;
    accepts(body);
    for (size_t n = 0; n < body.n; n++)
        refuses_bytes((struct slice){body.p, n}, "not_json", "");
}

static void nest(struct buf *body, size_t depth)
{
    buf_reset(body);
    buf_adds(body, BALANCE ",\"x\":");
    for (size_t i = 0; i < depth; i++)
        buf_adds(body, i % 2 == 0 ? "[" : "{\"x\":");
    if (depth % 2 == 0)
        buf_adds(body, "1");
    for (size_t i = depth; i-- > 0;)
        buf_adds(body, i % 2 == 0 ? "]" : "}");
    buf_adds(body, "}");
}

static void depth(void **state)
{
    struct buf body = BUF_INIT(1 << 20);

    (void)state;
    nest(&body, 2000);
    accepts(buf_slice(&body));
    nest(&body, 2048);
    refuses_bytes(buf_slice(&body), "too_deep", "2048 levels");
    nest(&body, 100000);
    refuses_bytes(buf_slice(&body), "too_deep", "2048 levels");
    buf_free(&body);
}

static void base_fields(void **state)
{
    (void)state;
    refuses("{\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"s\",\"event_type\":\"x\"}",
            "missing_field", "id is missing");
    refuses("{\"id\":\"w1\",\"source\":\"s\",\"event_type\":\"x\"}", "missing_field",
            "timestamp is missing");
    refuses("{\"id\":\"w1\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"event_type\":\"x\"}",
            "missing_field", "source is missing");
    refuses("{\"id\":\"w1\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"s\"}",
            "missing_field", "event_type is missing");
    refuses(
        "{\"id\":7,\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"s\",\"event_type\":\"x\"}",
        "wrong_type", "id must be a string");
    refuses("{\"id\":\"\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"s\","
            "\"event_type\":\"x\"}",
            "wrong_type", "id must be a string of 1 to 256 bytes");
    refuses("{\"id\":\"a\\u0000b\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"s\","
            "\"event_type\":\"x\"}",
            "wrong_type", "id must be a string");
    refuses("{\"id\":\"w1\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"\","
            "\"event_type\":\"x\"}",
            "wrong_type", "source must be a string");
    refuses("{\"id\":\"w1\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"a\\tb\","
            "\"event_type\":\"x\"}",
            "wrong_type", "source must be a string");
    refuses("{\"id\":\"w1\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"s\","
            "\"event_type\":null}",
            "wrong_type", "event_type must be a string");
    assert_true(slice_is(reader.event.id, "w1"));
    /* What can be read of a refused event is told, and its first fault. */
    refuses("{\"id\":\"w1\",\"timestamp\":5,\"source\":6,\"event_type\":\"user.created\"}",
            "wrong_type", "timestamp must be");
    assert_true(slice_is(reader.event.id, "w1"));
    assert_true(slice_is(reader.event.type, "user.created"));
    assert_null(strstr(reader.event.detail, "source"));
}

struct time_case {
    const char *text;
    int64_t us; /* -1: refused */
};

static void timestamps(void **state)
{
    static const struct time_case cases[] = {
        {"\"2025-10-15T10:30:00Z\"", STAMP_US},
        {"\"2025-10-15t10:30:00z\"", STAMP_US},
        {"\"2025-10-15 10:30:00Z\"", STAMP_US},
        {"\"2025-10-15T12:30:00+02:00\"", STAMP_US},
        {"\"2025-10-15T10:30:00.123456789Z\"", STAMP_US + 123456},
        {"\"1970-01-01T00:00:00Z\"", 0},
        {"\"9999-12-31T23:59:59Z\"", INT64_C(253402300799) * US_PER_S},
        {"\"1969-12-31T23:59:59Z\"", -1},
        {"\"2025-10-15T10:30:00\"", -1},
        {"\"2025-10-15\"", -1},
        {"\"2025-02-30T10:30:00Z\"", -1},
        {"\"2025-10-15T10:30:00Z \"", -1},
        {"\"2025-10-15T10:30:00Z\\u0000\"", -1},
        {"\"\"", -1},
        {"1760524200", -1},
        {"null", -1},
    };
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(body, sizeof body,
                       "{\"id\":\"w1\",\"timestamp\":%s,\"source\":\"s\",\"event_type\":"
                       "\"user.updated\",\"user_id\":\"u\"}",
                       cases[i].text);
        if (cases[i].us < 0) {
            refuses(body, "wrong_type", "timestamp must be a string of RFC 3339");
            assert_true(reader.event.stamp_us == ARRIVED_US);
        } else {
            accepts(slice_of(body));
            assert_true(reader.event.stamp_us == cases[i].us);
        }
    }
}

static void unknown_types(void **state)
{
    (void)state;
    assert_int_equal(reader_read(&reader, &T4G, SLICE_LITERAL(BASE("user.deleted") "}")),
                     EVENT_UNKNOWN);
    assert_true(slice_is(reader.event.id, "w1"));
    assert_true(slice_is(reader.event.type, "user.deleted"));
    assert_int_equal(reader.event.nchanges, 0);
    assert_null(reader.event.reason);
    assert_int_equal(reader_read(&reader, &T4G, SLICE_LITERAL(BASE("User.created") "}")),
                     EVENT_UNKNOWN);
}

/* --- other senders ----------------------------------------------------------------------------------- */

static void names_from_headers(void **state)
{
    struct event_source github = {
        .id = SLICE_LITERAL("72d3162e"), .type = SLICE_LITERAL("push"), .arrived_us = ARRIVED_US};

    (void)state;
    assert_int_equal(reader_read(&reader, &github, SLICE_LITERAL("{\"id\":7,\"type\":[]}")),
                     EVENT_UNKNOWN);
    assert_true(slice_is(reader.event.id, "72d3162e"));
    assert_true(slice_is(reader.event.type, "push"));
    assert_true(reader.event.stamp_us == ARRIVED_US);
    github.type = SLICE_LITERAL("a\nb");
    assert_int_equal(reader_read(&reader, &github, SLICE_LITERAL("{}")), EVENT_INVALID);
    assert_string_equal(reader.event.reason, "wrong_type");
    github.type = SLICE_NONE;
    assert_int_equal(reader_read(&reader, &github, SLICE_LITERAL("[]")), EVENT_INVALID);
}

static void names_from_the_body(void **state)
{
    const struct event_source stripe = {.id_field = "id", .type_field = "type"};

    (void)state;
    assert_int_equal(
        reader_read(&reader, &stripe, SLICE_LITERAL("{\"id\":\"evt_1\",\"type\":\"x\"}")),
        EVENT_UNKNOWN);
    assert_true(slice_is(reader.event.type, "x"));
    /* A type of the table is not one of ours. */
    assert_int_equal(reader_read(&reader, &stripe,
                                 SLICE_LITERAL("{\"id\":\"evt_1\",\"type\":\"user.created\"}")),
                     EVENT_UNKNOWN);
    assert_int_equal(reader_read(&reader, &stripe, SLICE_LITERAL("{\"id\":\"evt_1\"}")),
                     EVENT_UNKNOWN);
    assert_int_equal(reader.event.type.n, 0);
    assert_int_equal(reader_read(&reader, &stripe, SLICE_LITERAL("{\"type\":\"x\"}")),
                     EVENT_INVALID);
    assert_string_equal(reader.event.reason, "missing_field");
    assert_int_equal(reader_read(&reader, &stripe, SLICE_LITERAL("{\"id\":\"e\",\"type\":1}")),
                     EVENT_INVALID);
    assert_string_equal(reader.event.reason, "wrong_type");
}

static void pings(void **state)
{
    const struct event_source airtable = {.id_field = "webhook.id",
                                          .also_field = "base.id",
                                          .stamp_field = "timestamp",
                                          .arrived_us = ARRIVED_US,
                                          .ping = true};
    static const char *const bad[] = {
        "{}",
        "{\"webhook\":{\"id\":\"ach1\"}}",
        "{\"base\":{\"id\":\"app1\"}}",
        "{\"base\":{\"id\":\"app1\"},\"webhook\":{\"id\":7}}",
        "{\"base\":{\"id\":7},\"webhook\":{\"id\":\"ach1\"}}",
        "{\"base\":{\"id\":\"app1\"},\"webhook\":\"ach1\"}",
        "{\"base\":{\"id\":\"app1\"},\"webhook\":[\"id\"]}",
        "{\"base\":{\"id\":\"app1\"},\"webhook\":{\"id\":\"\"}}",
        "{\"base\":{\"id\":\"app1\"},\"webhook.id\":\"ach1\"}",
        "{\"base\":{\"id\":\"app1\"},\"webhook\":{\"id\":\"ach1\",\"id\":\"ach2\"}}",
    };

    (void)state;
    assert_int_equal(
        reader_read(&reader, &airtable,
                    SLICE_LITERAL("{\"base\":{\"id\":\"app1\"},\"webhook\":{\"id\":"
                                  "\"ach1\"},\"timestamp\":\"2025-10-15T10:30:00Z\"}")),
        EVENT_OK);
    assert_true(slice_is(reader.event.id, "ach1"));
    assert_int_equal(reader.event.type.n, 0);
    assert_true(reader.event.stamp_us == STAMP_US);
    assert_int_equal(reader_read(&reader, &airtable,
                                 SLICE_LITERAL("{\"base\":{\"id\":\"app1\"},\"webhook\":{\"id\":"
                                               "\"ach1\"},\"timestamp\":\"then\"}")),
                     EVENT_OK);
    assert_true(reader.event.stamp_us == ARRIVED_US);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (reader_read(&reader, &airtable, slice_of(bad[i])) != EVENT_INVALID)
            fail_msg("accepted: %s", bad[i]);
}

/* Whatever is refused, nothing that a sender wrote is told. */
static void details_quote_nothing(void **state)
{
    static const char *const bodies[] = {
        "{\"id\":\"w1\",\"sekret\":1,\"sekret\":2}",
        "{\"id\":\"w1\",sekret}",
        "{\"id\":\"w1\"} sekret",
        "{\"id\":\"sekret\\n\"}",
        "{\"sekret\":\"\xff\"}",
        "{\"sekret\":1e999}",
        "{\"id\":\"w1\",\"timestamp\":\"sekret\"}",
        "{\"sekret\\u0000\":1}",
        "sekret",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_int_equal(reader_read(&reader, &T4G, slice_of(bodies[i])), EVENT_INVALID);
        if (strstr(reader.event.detail, "sekret") != NULL || reader.event.detail[0] == '\0')
            fail_msg("%s: %s", bodies[i], reader.event.detail);
    }
}

static void short_memory(void **state)
{
    struct slice body = SLICE_LITERAL(BALANCE "}");
    bool enough = false;

    (void)state;
    for (size_t max = 1; max < 8192 && !enough; max += 16) {
        struct arena *arena = arena_new(max);
        struct event e;
        enum event_status status;
        assert_non_null(arena);
        status = event_read(&T4G, body, arena, &e);
        if (status != EVENT_OK && status != EVENT_NO_MEMORY)
            fail_msg("%zu bytes: status %d", max, (int)status);
        enough = status == EVENT_OK;
        assert_int_equal(e.nchanges, enough ? 1 : 0); /* all of them or none */
        arena_free(arena);
    }
    assert_true(enough);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax),
        cmocka_unit_test(other_bodies),
        cmocka_unit_test(truncated),
        cmocka_unit_test(depth),
        cmocka_unit_test(base_fields),
        cmocka_unit_test(timestamps),
        cmocka_unit_test(unknown_types),
        cmocka_unit_test(names_from_headers),
        cmocka_unit_test(names_from_the_body),
        cmocka_unit_test(pings),
        cmocka_unit_test(details_quote_nothing),
        cmocka_unit_test(short_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
