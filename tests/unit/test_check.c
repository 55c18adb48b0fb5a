/* What the checklist and the verb secrets hold to be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "tool/check_judge.h"
#include "tool/secrets.h"

#define DAY (86400 * US_PER_S)

static void secrets_must_be_long_and_varied(void **state)
{
    static const struct {
        const char *text;
        size_t least;
        enum check_level level;
    } rows[] = {
        {"0123456789abcdef0123456789abcdef", 32, CHECK_OK},
        {"0123456789abcdef0123456789abcde", 32, CHECK_FAIL},
        {"", 32, CHECK_FAIL},
        {"01230123012301230123012301230123", 32, CHECK_WARN},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 32, CHECK_WARN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(judge_secret(rows[i].text, strlen(rows[i].text), rows[i].least),
                         rows[i].level);
}

static void versions(void **state)
{
    (void)state;
    assert_int_equal(judge_version("6.2.0"), CHECK_OK);
    assert_int_equal(judge_version("7.0.15"), CHECK_OK);
    assert_int_equal(judge_version("10.0"), CHECK_OK);
    assert_int_equal(judge_version("6.0.16"), CHECK_FAIL);
    assert_int_equal(judge_version("5.9.9"), CHECK_FAIL);
    assert_int_equal(judge_version("unstable"), CHECK_WARN);
    assert_true(judge_version_shows_acl("7.0.0"));
    assert_false(judge_version_shows_acl("6.2.7"));
    assert_false(judge_version_shows_acl(""));
}

static void clocks_and_fill(void **state)
{
    (void)state;
    assert_int_equal(judge_clock(0), CHECK_OK);
    assert_int_equal(judge_clock(-US_PER_S + 1), CHECK_OK);
    assert_int_equal(judge_clock(-US_PER_S), CHECK_WARN);
    assert_int_equal(judge_clock(30 * US_PER_S - 1), CHECK_WARN);
    assert_int_equal(judge_clock(30 * US_PER_S), CHECK_FAIL);
    assert_int_equal(judge_fill(79, 100), CHECK_OK);
    assert_int_equal(judge_fill(80, 100), CHECK_WARN);
    assert_int_equal(judge_fill(99, 100), CHECK_WARN);
    assert_int_equal(judge_fill(100, 100), CHECK_FAIL);
    assert_int_equal(judge_fill(1000, 0), CHECK_OK);
    assert_int_equal(judge_fill(-1, 100), CHECK_OK);
    assert_int_equal(judge_fill(1, 1), CHECK_FAIL);
}

static void memory_of_the_ids(void **state)
{
    (void)state;
    /* 100 a minute for 30 days */
    assert_int_equal(judge_ids_bytes(100, 60 * US_PER_S, 30 * DAY, 280), INT64_C(1209600000));
    assert_int_equal(judge_ids_bytes(0, 60 * US_PER_S, 30 * DAY, 280), -1);
    assert_int_equal(judge_ids_bytes(1000000, US_PER_S, 3650 * DAY, 1000000), INT64_MAX);
    assert_int_equal(judge_memory(1000, 0, 0), CHECK_OK);
    assert_int_equal(judge_memory(800, 0, 1000), CHECK_OK);
    assert_int_equal(judge_memory(801, 0, 1000), CHECK_WARN);
    assert_int_equal(judge_memory(1001, 0, 1000), CHECK_FAIL);
    assert_int_equal(judge_memory(1, 1000, 1000), CHECK_FAIL);
    assert_int_equal(judge_memory(-1, 0, 1000), CHECK_WARN);
}

static void replays(void **state)
{
    static const struct {
        const char *scheme;
        int64_t max_age_us;
        enum judge_replay replay;
    } rows[] = {
        {"t4g", 0, REPLAY_OPEN},
        {"t4g", 30 * DAY, REPLAY_MAX_AGE},
        {"t4g", 30 * DAY + 1, REPLAY_GAP},
        {"stripe", 0, REPLAY_SIGNED_TIME},
        {"github", DAY, REPLAY_NO_TIME},
        {"airtable", 0, REPLAY_HARMLESS},
        {"standard-webhooks", 0, REPLAY_SIGNED_TIME},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(judge_replay(scheme_find(rows[i].scheme), rows[i].max_age_us, 30 * DAY),
                         rows[i].replay);
    assert_true(judge_retries_429(scheme_find("t4g")));
    assert_false(judge_retries_429(scheme_find("github")));
}

static void when_a_secret_can_go(void **state)
{
    static const int64_t never[2] = {0, 0}, fresh[2] = {100 * DAY, 0},
                         changed[2] = {100 * DAY, 101 * DAY},
                         three[3] = {90 * DAY, 100 * DAY, 101 * DAY};

    (void)state;
    assert_int_equal(secrets_judge(fresh, 1, 0, 200 * DAY, DAY), SECRETS_ONLY);
    assert_int_equal(secrets_judge(never, 2, 0, 200 * DAY, DAY), SECRETS_UNUSED);
    assert_int_equal(secrets_judge(fresh, 2, 0, 200 * DAY, DAY), SECRETS_IN_USE);
    assert_int_equal(secrets_judge(fresh, 2, 1, 200 * DAY, DAY), SECRETS_NOT_YET);
    assert_int_equal(secrets_judge(changed, 2, 1, 101 * DAY, DAY), SECRETS_IN_USE);
    assert_int_equal(secrets_judge(changed, 2, 0, 101 * DAY - 1, DAY), SECRETS_WAIT);
    assert_int_equal(secrets_judge(changed, 2, 0, 101 * DAY, DAY), SECRETS_CAN_GO);
    assert_int_equal(secrets_judge(three, 3, 0, 101 * DAY, DAY), SECRETS_CAN_GO);
    assert_int_equal(secrets_judge(three, 3, 1, 101 * DAY - 1, DAY), SECRETS_WAIT);
    assert_int_equal(secrets_judge(three, 3, 2, 101 * DAY, DAY), SECRETS_IN_USE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_must_be_long_and_varied),
        cmocka_unit_test(versions),
        cmocka_unit_test(clocks_and_fill),
        cmocka_unit_test(memory_of_the_ids),
        cmocka_unit_test(replays),
        cmocka_unit_test(when_a_secret_can_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
