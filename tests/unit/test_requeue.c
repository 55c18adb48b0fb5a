/* Letting in again what is in quarantine: once, whatever is killed in between and whoever else does it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "events/event.h"
#include "receive.h"
#include "store/memory.h"

#define HOUR_US (3600 * US_PER_S)
/* The time of the events' own stamps. */
#define STAMP_US INT64_C(1760524200000000)

static char *const ENVIRONMENT[] = {(char[]){"T4G_API_KEY=key-of-the-tests-0123456789abcdef"},
                                    (char[]){"T4G_WEBHOOK_SECRET=secret-of-the-tests-0123456789"},
                                    (char[]){"GUICHET_STORE=unix:///nonexistent"}, NULL};

struct fixture {
    int64_t now_us;
    struct clock clock;
    struct config *config;
    struct state *state;
    struct log *log;
    struct service service;
    struct store *store; /* the receiver's */
    struct receiver *receiver;
    struct journal j;
    struct journal_ops ops; /* the store's */
};

static int64_t tell(void *ctx)
{
    return ((struct fixture *)ctx)->now_us;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct config_options options = {.environment = ENVIRONMENT};
    struct fail why = {""};

    f->now_us = STAMP_US;
    f->clock = (struct clock){tell, tell, f};
    f->config = config_load(&options, &why);
    f->state = state_private(event_type_names, event_type_count);
    f->log = log_open("off", &f->clock, &why);
    f->service =
        (struct service){f->config, ENVIRONMENT, f->state, f->log, f->log, &f->clock, NULL};
    f->config->provider[0].rate_count = 1;
    f->store = memory_new(&f->clock);
    f->receiver = receiver_new(&f->service, f->store, &why);
    if (f->receiver == NULL)
        fail_msg("%s", why.text);
    f->j = (struct journal){f->store, "dazno", arena_new(8u << 20), 1000};
    f->ops = *f->store->journal;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    receiver_free(f->receiver);
    arena_free(f->j.arena);
    log_close(f->log);
    state_close(f->state);
    config_free(f->config);
    free(f);
    return 0;
}

/* Puts a payment of that id and amount in quarantine, as too old. */
static void refuse(struct fixture *f, const char *id, const char *msat)
{
    const struct store_provider p = {
        .name = "dazno", .keep_ids_us = HOUR_US, .audit_limit = 100, .quarantine_limit = 100};
    struct store_member note = {.kind = STORE_NOTE,
                                .id = slice_of(id),
                                .type = SLICE_LITERAL("lightning.payment_received"),
                                .reason = SLICE_LITERAL("too_old")};
    struct store_batch batch = {&p, &note, 1, INT64_MAX};
    struct store_result r;
    char body[300];

    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"dazno\","
             "\"event_type\":\"lightning.payment_received\",\"user_id\":\"u1\",\"amount_msat\":%s,"
             "\"payment_hash\":\"%s%s\"}",
             id, msat, id, msat);
    note.body = slice_of(body);
    assert_true(sha256(&note.body, 1, note.body_sha256));
    store_commit(f->store, &batch, &r);
    assert_int_equal(r.code, STORE_ACCEPTED);
}

/* The n-th entry. */
static struct journal_entry entry(struct fixture *f, size_t n)
{
    struct journal_page page;
    struct fail why;

    arena_reset(f->j.arena);
    assert_true(
        journal_read(&f->j, JOURNAL_QUARANTINE, &(struct journal_range){.max = 9}, &page, &why));
    assert_true(n < page.n);
    return page.entry[n];
}

static struct requeued requeue(struct fixture *f, size_t n, bool dry_run)
{
    struct journal_entry e = entry(f, n);
    struct requeued r;
    struct fail why = {""};
    bool ok = receiver_requeue(f->receiver, &f->j, &e, dry_run, &r, &why);

    assert_int_equal(ok, r.code != REQUEUE_AWAY);
    assert_int_equal(why.text[0] != '\0', !ok);
    return r;
}

static void expect_counts(struct fixture *f, size_t events, size_t kept, const char *received)
{
    struct slice total = memory_field(f->store, "dazno", "user:u1", "received_msat");

    assert_int_equal(memory_count(f->store, "dazno", "events"), events);
    assert_int_equal(memory_count(f->store, "dazno", "quarantine"), kept);
    assert_true(slice_is(total, received) || (received[0] == '\0' && total.p == NULL));
}

static size_t audited(struct fixture *f, const char *outcome)
{
    size_t n = 0;

    for (size_t i = 0; i < memory_count(f->store, "dazno", "audit"); i++)
        n += slice_is(memory_entry(f->store, "dazno", "audit", i, "outcome"), outcome);
    return n;
}

static void lets_in_what_passes(void **state)
{
    struct fixture *f = *state;

    refuse(f, "e1", "5");
    refuse(f, "e2", "-5");
    refuse(f, "e3", "7");
    assert_int_equal(requeue(f, 0, true).code, REQUEUE_DONE);
    expect_counts(f, 0, 3, "");
    assert_int_equal(requeue(f, 0, false).code, REQUEUE_DONE);
    expect_counts(f, 1, 2, "5");
    assert_true(slice_is(memory_entry(f->store, "dazno", "audit", 3, "reason"), "requeued"));
    struct requeued r = requeue(f, 0, false);
    assert_int_equal(r.code, REQUEUE_STAYS);
    assert_string_equal(r.reason, "wrong_type");
    assert_non_null(strstr(r.detail, "amount_msat"));
    /* The rate window, of one event, does not hold it back. */
    assert_int_equal(requeue(f, 1, false).code, REQUEUE_DONE);
    expect_counts(f, 2, 1, "12");
}

static void judges_the_age_by_the_arrival(void **state)
{
    struct fixture *f = *state;

    f->config->provider[0].max_age_us = HOUR_US;
    f->now_us = STAMP_US + HOUR_US / 2;
    refuse(f, "e1", "5");
    f->now_us = STAMP_US + 2 * HOUR_US;
    refuse(f, "e2", "7");
    f->now_us = STAMP_US + 20000 * HOUR_US;
    assert_int_equal(requeue(f, 0, false).code, REQUEUE_DONE);
    struct requeued r = requeue(f, 0, false);
    assert_int_equal(r.code, REQUEUE_STAYS);
    assert_string_equal(r.reason, "too_old");
    expect_counts(f, 1, 1, "5");
}

static void refuses_a_body_that_was_changed(void **state)
{
    struct fixture *f = *state;

    refuse(f, "e1", "5");
    struct journal_entry e = entry(f, 0);
    struct requeued r;
    struct fail why = {""};
    for (size_t i = 0; i < e.nfields; i++)
        if (slice_is(e.field[i].name, "body"))
            e.field[i].value.n--;
    assert_true(receiver_requeue(f->receiver, &f->j, &e, false, &r, &why));
    assert_int_equal(r.code, REQUEUE_STAYS);
    assert_string_equal(r.reason, "digest");
    expect_counts(f, 0, 1, "");
}

/* --- killed, and two at once ------------------------------------------------------------------------ */

static bool dead_remove(const struct journal *j, enum journal_list list, const char *const *id,
                        size_t n, int64_t *removed, struct fail *why)
{
    (void)j;
    (void)list;
    (void)id;
    (void)n;
    (void)removed;
    fail_set(why, "killed");
    return false;
}

static void killed_before_the_removal_it_is_applied_once(void **state)
{
    struct fixture *f = *state;
    struct journal_ops dead = f->ops;

    dead.remove = dead_remove;
    refuse(f, "e1", "5");
    f->store->journal = &dead;
    assert_int_equal(requeue(f, 0, false).code, REQUEUE_AWAY);
    expect_counts(f, 1, 1, "5");
    f->store->journal = &f->ops;
    f->now_us += US_PER_S;
    struct requeued r = requeue(f, 0, false);
    assert_int_equal(r.code, REQUEUE_DONE);
    assert_false(r.by_another);
    assert_int_equal(r.at_us, STAMP_US); /* the first time */
    expect_counts(f, 1, 0, "5");
    /* One request to the store, not one and a duplicate of it. */
    assert_int_equal(audited(f, "accepted"), 1);
    assert_int_equal(audited(f, "duplicate"), 0);
}

static struct fixture *rival;

static bool remove_after_rival(const struct journal *j, enum journal_list list,
                               const char *const *id, size_t n, int64_t *removed, struct fail *why)
{
    struct journal own = *j;
    struct journal_page page;
    struct requeued r;

    rival->store->journal = &rival->ops;
    own.arena = arena_new(8u << 20);
    assert_true(journal_read(&own, list, &(struct journal_range){.max = 1}, &page, why));
    assert_true(receiver_requeue(rival->receiver, &own, &page.entry[0], false, &r, why));
    assert_int_equal(r.code, REQUEUE_DONE);
    assert_false(r.by_another);
    arena_free(own.arena);
    return rival->ops.remove(j, list, id, n, removed, why);
}

static void two_at_once_apply_it_once(void **state)
{
    struct fixture *f = *state;
    struct journal_ops slow = f->ops;

    rival = f;
    slow.remove = remove_after_rival;
    refuse(f, "e1", "5");
    f->store->journal = &slow;
    struct requeued r = requeue(f, 0, false);
    assert_int_equal(r.code, REQUEUE_DONE);
    assert_true(r.by_another);
    expect_counts(f, 1, 0, "5");
    assert_int_equal(audited(f, "accepted"), 1);
    assert_int_equal(audited(f, "duplicate"), 0);
}

/* The corrected event was faster: the first one stays as it was, without a second copy. */
static void a_conflict_stays_as_it_was(void **state)
{
    struct fixture *f = *state;

    refuse(f, "e1", "5");
    refuse(f, "e1", "6");
    assert_int_equal(requeue(f, 0, false).code, REQUEUE_DONE);
    for (int i = 0; i < 3; i++) {
        struct requeued r = requeue(f, 0, false);
        assert_int_equal(r.code, REQUEUE_STAYS);
        assert_string_equal(r.reason, "conflict");
        expect_counts(f, 1, 1, "5");
        assert_true(
            slice_is(memory_entry(f->store, "dazno", "quarantine", 0, "reason"), "too_old"));
    }
}

static void a_store_that_is_away_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct journal_entry e;
    struct requeued r;
    struct fail why = {""};

    refuse(f, "e1", "5");
    e = entry(f, 0);
    memory_fail(f->store, "store_unreachable");
    assert_false(receiver_requeue(f->receiver, &f->j, &e, false, &r, &why));
    assert_int_equal(r.code, REQUEUE_AWAY);
    memory_fail(f->store, "");
    expect_counts(f, 0, 1, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lets_in_what_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(judges_the_age_by_the_arrival, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_body_that_was_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killed_before_the_removal_it_is_applied_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(two_at_once_apply_it_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_conflict_stays_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_is_away_changes_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("requeue", tests, NULL, NULL);
}
