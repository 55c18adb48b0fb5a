/* The six types: what each does, and what it demands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/events_read.h"

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

static void does(const char *body, const char *changes)
{
    struct buf got = BUF_INIT(1 << 20);

    if (reader_read(&reader, &T4G, slice_of(body)) != EVENT_OK)
        fail_msg("%s: %s", body, reader.event.detail);
    changes_write(&reader.event, &got);
    assert_string_equal(got.p, changes);
    buf_free(&got);
}

/* Refused with the reason, in words that name the field. */
static void refuses(const char *body, const char *reason, const char *detail)
{
    enum event_status status = reader_read(&reader, &T4G, slice_of(body));

    if (status != EVENT_INVALID || strcmp(reader.event.reason, reason) != 0 ||
        strstr(reader.event.detail, detail) == NULL || reader.event.nchanges != 0)
        fail_msg("%s: status %d, %s: %s", body, (int)status,
                 reader.event.reason != NULL ? reader.event.reason : "-", reader.event.detail);
    assert_true(slice_is(reader.event.id, "w1"));
}

static void user_created(void **state)
{
    (void)state;
    does(BASE("user.created") ",\"user_id\":\"u1\",\"email\":\"a@b.de\"}",
         "earliest user:u1 created_at\n"
         "newer user:u1 email=a@b.de\n");
    does(BASE("user.created") ",\"name\":\"Ada\", \"user_id\":\"u1\",\"email\":\"a@b.de\" , "
                              "\"tags\" : [ 1.50, {\"email\": \"x\"} ] }",
         "earliest user:u1 created_at\n"
         "newer user:u1 email=a@b.de\n"
         "newer<64 user:u1 profile.name=\"Ada\"\n"
         "newer<64 user:u1 profile.tags=[ 1.50, {\"email\": \"x\"} ]\n");
    refuses(BASE("user.created") ",\"user_id\":\"u1\"}", "missing_field", "email is missing");
    refuses(BASE("user.created") ",\"email\":\"a@b\"}", "missing_field", "user_id is missing");
}

static void emails(void **state)
{
    static const char *const bad[] = {
        "\"\"",      "\"ab\"",     "\"a@b@c\"",      "\"@@\"",        "7",   "null",
        "[\"a@b\"]", "\"a@b\\n\"", "\"a\\u0000@b\"", "\"a@\\u007f\"", "true"};
    char body[1024], at[400];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(body, sizeof body, BASE("user.created") ",\"user_id\":\"u\",\"email\":%s}",
                       bad[i]);
        refuses(body, "wrong_type", "email must be a string of 1 to 320 bytes");
        (void)snprintf(body, sizeof body, BASE("user.updated") ",\"user_id\":\"u\",\"email\":%s}",
                       bad[i]);
        refuses(body, "wrong_type", "email must be");
    }
    memset(at, 'a', sizeof at);
    at[1] = '@';
    at[320] = '\0';
    (void)snprintf(body, sizeof body, BASE("user.created") ",\"user_id\":\"u\",\"email\":\"%s\"}",
                   at);
    assert_int_equal(reader_read(&reader, &T4G, slice_of(body)), EVENT_OK);
    at[320] = 'a';
    at[321] = '\0';
    (void)snprintf(body, sizeof body, BASE("user.created") ",\"user_id\":\"u\",\"email\":\"%s\"}",
                   at);
    refuses(body, "wrong_type", "320 bytes");
    does(BASE("user.created") ",\"user_id\":\"u\",\"email\":\"@\"}",
         "earliest user:u created_at\nnewer user:u email=@\n");
    does(BASE("user.created") ",\"user_id\":\"u\",\"email\":\"\\u00e9@\\u00e9\"}",
         "earliest user:u created_at\nnewer user:u email=é@é\n");
}

static void user_updated(void **state)
{
    (void)state;
    does(BASE("user.updated") ",\"user_id\":\"u1\"}",
         "newer user:u1 changed_at=1760524200000000\n");
    does(BASE("user.updated") ",\"age\": 7.0 ,\"user_id\":\"u1\",\"email\":\"a@b\",\"x\":null}",
         "newer user:u1 changed_at=1760524200000000\n"
         "newer user:u1 email=a@b\n"
         "newer<64 user:u1 profile.age=7.0\n"
         "newer<64 user:u1 profile.x=null\n");
    refuses(BASE("user.updated") ",\"name\":\"Ada\"}", "missing_field", "user_id is missing");
}

static void profile_names(void **state)
{
    char body[2048], name[200];

    (void)state;
    /* Names of ours, of the record's own book-keeping, empty, of control characters, too long. */
    does(BASE("user.updated") ",\"user_id\":\"u\",\"balance\":1,\"at.balance\":2,\"profile.x\":3,"
                              "\"count.profile\":4,\"\":5,\"a\\nb\":6,\"created_at\":7,"
                              "\"\\u00e9\":\"\\u00e9\",\"a b\":9}",
         "newer user:u changed_at=1760524200000000\n"
         "newer<64 user:u profile.balance=1\n"
         "newer<64 user:u profile.at.balance=2\n"
         "newer<64 user:u profile.profile.x=3\n"
         "newer<64 user:u profile.count.profile=4\n"
         "newer<64 user:u profile.created_at=7\n"
         "newer<64 user:u profile.é=\"\\u00e9\"\n"
         "newer<64 user:u profile.a b=9\n");
    for (size_t n = 128; n <= 129; n++) {
        memset(name, 'n', n);
        name[n] = '\0';
        (void)snprintf(body, sizeof body, BASE("user.updated") ",\"user_id\":\"u\",\"%s\":1}",
                       name);
        assert_int_equal(reader_read(&reader, &T4G, slice_of(body)), EVENT_OK);
        assert_int_equal(reader.event.nchanges, n == 128 ? 2 : 1);
    }
}

static void profile_of_many_fields(void **state)
{
    struct buf body = BUF_INIT(1 << 16);

    (void)state;
    buf_adds(&body, BASE("user.created") ",\"user_id\":\"u\",\"email\":\"a@b\"");
    for (int i = 0; i < 300; i++)
        buf_addf(&body, ",\"f%d\":{\"n\":%d}", i, i);
    buf_adds(&body, "}");
    assert_int_equal(reader_read(&reader, &T4G, buf_slice(&body)), EVENT_OK);
    assert_int_equal(reader.event.nchanges, 2 + PROFILE_FIELDS_MAX);
    assert_true(slice_is(reader.event.changes[2].field, "profile.f0"));
    assert_true(slice_is(reader.event.changes[65].field, "profile.f63"));
    assert_true(slice_is(reader.event.changes[65].value, "{\"n\":63}"));
    buf_free(&body);
}

static void payments(void **state)
{
    (void)state;
    does(BASE("lightning.payment_received") ",\"user_id\":\"u1\",\"amount_msat\":50000,"
                                            "\"payment_hash\":\"abc123\"}",
         "once/2 payment:received:abc123 user_id=u1 amount_msat=50000 event_id=w1 "
         "at=2025-10-15T10:30:00.000000Z\n"
         "add user:u1 received_msat=50000\n"
         "add user:u1 received_count=1\n"
         "append payments:u1 {\"direction\":\"received\",\"amount_msat\":50000,"
         "\"payment_hash\":\"abc123\",\"event_id\":\"w1\",\"at\":\"2025-10-15T10:30:00.000000Z\"}"
         "\n");
    does(BASE("lightning.payment_sent") ",\"user_id\":\"u1\",\"amount_msat\":0,"
                                        "\"payment_hash\":\"a:\\\"b\\\\\",\"name\":\"kept\"}",
         "once/2 payment:sent:a:\"b\\ user_id=u1 amount_msat=0 event_id=w1 "
         "at=2025-10-15T10:30:00.000000Z\n"
         "add user:u1 sent_msat=0\n"
         "add user:u1 sent_count=1\n"
         "append payments:u1 {\"direction\":\"sent\",\"amount_msat\":0,"
         "\"payment_hash\":\"a:\\\"b\\\\\",\"event_id\":\"w1\","
         "\"at\":\"2025-10-15T10:30:00.000000Z\"}\n");
    refuses(BASE("lightning.payment_sent") ",\"user_id\":\"u\",\"amount_msat\":1}", "missing_field",
            "payment_hash is missing");
    refuses(BASE("lightning.payment_sent") ",\"user_id\":\"u\",\"payment_hash\":\"h\"}",
            "missing_field", "amount_msat is missing");
    refuses(BASE("lightning.payment_sent") ",\"amount_msat\":1,\"payment_hash\":\"h\"}",
            "missing_field", "user_id is missing");
}

/* The longest ids, every byte escaped: the history entry has room. */
static void longest_payment(void **state)
{
    struct buf body = BUF_INIT(1 << 14);

    (void)state;
    buf_adds(&body, "{\"id\":\"");
    for (int i = 0; i < EVENT_ID_MAX; i++)
        buf_adds(&body, "\\\"");
    buf_adds(&body, "\",\"timestamp\":\"9999-12-31T23:59:59.999999Z\",\"source\":\"s\","
                    "\"event_type\":\"lightning.payment_received\",\"user_id\":\"u\","
                    "\"amount_msat\":9223372036854775807,\"payment_hash\":\"");
    for (int i = 0; i < EVENT_ID_MAX; i++)
        buf_adds(&body, "\\\\");
    buf_adds(&body, "\"}");
    assert_int_equal(reader_read(&reader, &T4G, buf_slice(&body)), EVENT_OK);
    assert_int_equal(reader.event.nchanges, 4);
    assert_true(reader.event.changes[3].value.n > (size_t)4 * EVENT_ID_MAX);
    buf_free(&body);
}

static void balance_updated(void **state)
{
    (void)state;
    does(BASE("t4g.balance_updated") ",\"user_id\":\"u1\",\"new_balance\":12}",
         "newer user:u1 balance=12\n");
    refuses(BASE("t4g.balance_updated") ",\"user_id\":\"u1\"}", "missing_field",
            "new_balance is missing");
}

static void level_up(void **state)
{
    (void)state;
    does(BASE("gamification.level_up") ",\"user_id\":\"u1\",\"new_level\":3,\"points\":250}",
         "newer user:u1 level=3\n"
         "newer user:u1 points=250\n"
         "append levels:u1 {\"level\":3,\"points\":250,\"event_id\":\"w1\","
         "\"at\":\"2025-10-15T10:30:00.000000Z\"}\n");
    refuses(BASE("gamification.level_up") ",\"user_id\":\"u1\",\"new_level\":3}", "missing_field",
            "points is missing");
    refuses(BASE("gamification.level_up") ",\"user_id\":\"u1\",\"points\":3}", "missing_field",
            "new_level is missing");
}

static void integers(void **state)
{
    static const char *const good[] = {"0",
                                       "1",
                                       "9007199254740993",
                                       "2100000000000000000",
                                       "9223372036854775806",
                                       "9223372036854775807"};
    static const char *const bad[] = {"-0",
                                      "-1",
                                      "1.0",
                                      "1e3",
                                      "1E3",
                                      "0.5",
                                      "0e0",
                                      "\"5\"",
                                      "\"\"",
                                      "null",
                                      "true",
                                      "[]",
                                      "{}",
                                      "[5]",
                                      "9223372036854775808",
                                      "18446744073709551616",
                                      "99999999999999999999999999",
                                      "9223372036854775807.0",
                                      "1e-1"};
    static const char *const fields[][2] = {
        {BASE("lightning.payment_sent") ",\"user_id\":\"u\",\"payment_hash\":\"h\"", "amount_msat"},
        {BASE("t4g.balance_updated") ",\"user_id\":\"u\"", "new_balance"},
        {BASE("gamification.level_up") ",\"user_id\":\"u\",\"points\":1", "new_level"},
        {BASE("gamification.level_up") ",\"user_id\":\"u\",\"new_level\":1", "points"},
    };
    char body[512], detail[128];

    (void)state;
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
            struct buf got = BUF_INIT(4096);
            (void)snprintf(body, sizeof body, "%s,\"%s\" : %s }", fields[f][0], fields[f][1],
                           good[i]);
            if (reader_read(&reader, &T4G, slice_of(body)) != EVENT_OK)
                fail_msg("%s: %s", body, reader.event.detail);
            changes_write(&reader.event, &got);
            assert_non_null(strstr(got.p, good[i]));
            buf_free(&got);
        }
        (void)snprintf(
            detail, sizeof detail,
            "%s must be an integer from 0 to 9223372036854775807, written with digits alone",
            fields[f][1]);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            (void)snprintf(body, sizeof body, "%s,\"%s\":%s}", fields[f][0], fields[f][1], bad[i]);
            refuses(body, "wrong_type", detail);
        }
    }
}

/* user_id and payment_hash, by the one rule of ids. */
static void ids(void **state)
{
    static const char *const bad[] = {"\"\"",        "7",           "null",         "false",
                                      "{}",          "[\"u\"]",     "\"a\\u0000\"", "\"a\\nb\"",
                                      "\"\\u001f\"", "\"\\u007f\"", "\"\\u0085\""};
    char body[1024], id[300];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(body, sizeof body, BASE("user.updated") ",\"user_id\":%s}", bad[i]);
        refuses(body, "wrong_type",
                "user_id must be a string of 1 to 256 bytes of UTF-8 without control characters");
        (void)snprintf(body, sizeof body,
                       BASE("lightning.payment_sent") ",\"user_id\":\"u\",\"amount_msat\":1,"
                                                      "\"payment_hash\":%s}",
                       bad[i]);
        refuses(body, "wrong_type", "payment_hash must be a string");
    }
    for (size_t n = 256; n <= 257; n++) {
        memset(id, 'u', n);
        id[n] = '\0';
        (void)snprintf(body, sizeof body, BASE("user.updated") ",\"user_id\":\"%s\"}", id);
        assert_int_equal(reader_read(&reader, &T4G, slice_of(body)),
                         n == 256 ? EVENT_OK : EVENT_INVALID);
    }
    does(BASE("user.updated") ",\"user_id\":\"{a}:b c\\u20ac\"}",
         "newer user:{a}:b c€ changed_at=1760524200000000\n");
}

/* The order of members and the way names are written do not matter; what lies deeper is not looked at. */
static void same_event_otherwise_written(void **state)
{
    (void)state;
    does("\n{ \"new\\u005fbalance\" :\t7 ,\"x\":{\"new_balance\":1,\"user_id\":[\"}\"]},"
         "\"user_id\":\"u\", \"event_type\":\"t4g.balance\\u005fupdated\",\"s\":\"\\\\\\\"}{\","
         "\"source\":\"s\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"\\u0069d\":\"w1\"}\r\n",
         "newer user:u balance=7\n");
    refuses(BASE("t4g.balance_updated") ",\"user_id\":\"u\",\"x\":{\"new_balance\":1}}",
            "missing_field", "new_balance");
    refuses(BASE("t4g.balance_updated") ",\"user_id\":\"u\",\"New_balance\":1}", "missing_field",
            "new_balance");
}

static void names_of_the_table(void **state)
{
    static const char *const want[] = {
        "user.created",           "user.updated",        "lightning.payment_received",
        "lightning.payment_sent", "t4g.balance_updated", "gamification.level_up"};

    (void)state;
    assert_int_equal(event_type_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(event_type_names[i], want[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_created),
        cmocka_unit_test(emails),
        cmocka_unit_test(user_updated),
        cmocka_unit_test(profile_names),
        cmocka_unit_test(profile_of_many_fields),
        cmocka_unit_test(payments),
        cmocka_unit_test(longest_payment),
        cmocka_unit_test(balance_updated),
        cmocka_unit_test(level_up),
        cmocka_unit_test(integers),
        cmocka_unit_test(ids),
        cmocka_unit_test(same_event_otherwise_written),
        cmocka_unit_test(names_of_the_table),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
