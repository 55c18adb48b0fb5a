#include "unit/store_conformance.h"

#include <stdio.h>
#include <stdlib.h>

#define DEADLINE_MS 5000
#define TESTS_MAX   128
#define FOUND_MAX   (2u << 20)
#define MINUTE_US   (60 * US_PER_S)

struct store_under_test *conformance_begin(void **state)
{
    struct store_under_test *t = *state;

    (void)snprintf(t->name, sizeof t->name, "test-%u", ++t->serial);
    t->provider = (struct store_provider){.name = t->name,
                                          .keep_ids_us = MINUTE_US,
                                          .audit_limit = 1000,
                                          .rate_window_us = MINUTE_US};
    t->found.max = FOUND_MAX;
    return t;
}

static void fill_member(struct store_member *m, const char *body)
{
    static uint64_t serial;

    m->body = slice_of(body);
    assert_true(sha256(&m->body, 1, m->body_sha256));
    serial++;
    memcpy(m->nonce, &serial, sizeof serial);
}

struct store_member conformance_event(const char *id, const char *body,
                                      const struct change *changes, size_t n)
{
    struct store_member m = {.kind = STORE_EVENT,
                             .id = slice_of(id),
                             .type = SLICE_LITERAL("test"),
                             .stamp_us = STAMP_US,
                             .changes = changes,
                             .nchanges = n};

    fill_member(&m, body);
    return m;
}

struct store_member conformance_note(const char *reason, const char *body)
{
    struct store_member m = {.kind = STORE_NOTE,
                             .id = SLICE_LITERAL("note-id"),
                             .reason = slice_of(reason),
                             .detail = SLICE_LITERAL("what was wrong")};

    fill_member(&m, body);
    return m;
}

void conformance_batch(struct store_under_test *t, const struct store_member *m, size_t n,
                       struct store_result *result)
{
    struct store_batch batch = {&t->provider, m, n, clock_monotonic_ms(t->clock) + DEADLINE_MS};

    memset(result, 0xa5, n * sizeof *result);
    store_commit(t->store, &batch, result);
}

struct store_result conformance_commit(struct store_under_test *t, struct store_member m)
{
    struct store_result r;

    conformance_batch(t, &m, 1, &r);
    return r;
}

void conformance_expect(struct store_result r, enum store_code code, const char *word)
{
    if (r.code != code || (word != NULL && (r.word == NULL || strcmp(r.word, word) != 0)))
        print_error("code %d, word %s, reason %s\n", (int)r.code,
                    r.word != NULL ? r.word : "(none)", r.reason);
    assert_int_equal(r.code, code);
    if (word != NULL)
        assert_string_equal(r.word, word);
}

static void expect_found(struct store_under_test *t, bool there, const char *what, const char *text)
{
    if (text == NULL) {
        if (there)
            print_error("%s is %s\n", what, t->found.p);
        assert_false(there);
        return;
    }
    if (!there)
        print_error("no %s\n", what);
    assert_true(there);
    assert_string_equal(t->found.n > 0 ? t->found.p : "", text);
}

void conformance_field(struct store_under_test *t, const char *key, const char *field,
                       const char *text)
{
    buf_reset(&t->found);
    expect_found(t, t->look->field(t->ctx, t->name, key, field, &t->found), field, text);
}

void conformance_history(struct store_under_test *t, const char *key, size_t n, const char *text)
{
    buf_reset(&t->found);
    expect_found(t, t->look->history(t->ctx, t->name, key, n, &t->found), key, text);
}

void conformance_entry(struct store_under_test *t, const char *list, size_t n, const char *field,
                       const char *text)
{
    buf_reset(&t->found);
    expect_found(t, t->look->entry(t->ctx, t->name, list, n, field, &t->found), field, text);
}

void conformance_count(struct store_under_test *t, const char *list, size_t n)
{
    assert_int_equal(t->look->count(t->ctx, t->name, list), n);
}

/* --- ids -------------------------------------------------------------------------------------- */

static void accepts_with_all_parts(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change c[] = {{.verb = CHANGE_SET,
                                .key = SLICE_LITERAL("user:u1"),
                                .field = SLICE_LITERAL("email"),
                                .value = SLICE_LITERAL("a@b")}};
    struct store_result r = conformance_commit(t, conformance_event("e1", "{\"a\":1}", c, 1));
    char at[24];

    expect_code(r, STORE_ACCEPTED);
    assert_null(r.word);
    assert_int_equal(r.flags, 0);
    (void)snprintf(at, sizeof at, "%lld", (long long)r.at_us);
    conformance_field(t, "user:u1", "email", "a@b");
    conformance_count(t, "events", 1);
    conformance_entry(t, "events", 0, "id", "e1");
    conformance_entry(t, "events", 0, "type", "test");
    conformance_entry(t, "events", 0, "at", at);
    conformance_entry(t, "events", 0, "body", "{\"a\":1}");
    conformance_count(t, "audit", 1);
    conformance_entry(t, "audit", 0, "outcome", "accepted");
    conformance_entry(t, "audit", 0, "id", "e1");
    conformance_entry(t, "audit", 0, "type", "test");
    conformance_entry(t, "audit", 0, "reason", NULL);
    conformance_count(t, "quarantine", 0);
}

static void audits_the_reason(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member m = conformance_event("e1", "b", NULL, 0);

    m.reason = SLICE_LITERAL("unknown_type");
    expect_code(conformance_commit(t, m), STORE_ACCEPTED);
    conformance_entry(t, "audit", 0, "reason", "unknown_type");
    t->provider.audit_limit = 0;
    expect_code(conformance_commit(t, conformance_event("e2", "b", NULL, 0)), STORE_ACCEPTED);
    conformance_count(t, "audit", 1);
}

static void knows_a_duplicate(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct change c[] = {{.verb = CHANGE_ADD,
                                .key = SLICE_LITERAL("user:u1"),
                                .field = SLICE_LITERAL("sum"),
                                .value = SLICE_LITERAL("5")}};
    struct store_result first = conformance_commit(t, conformance_event("e1", "b", c, 1));
    struct store_result r = conformance_commit(t, conformance_event("e1", "b", c, 1));

    expect_code(first, STORE_ACCEPTED);
    expect_code(r, STORE_DUPLICATE);
    assert_int_equal(r.at_us, first.at_us);
    conformance_field(t, "user:u1", "sum", "5");
    conformance_count(t, "events", 1);
    conformance_entry(t, "audit", 1, "outcome", "duplicate");
    /* another id is no duplicate */
    expect_code(conformance_commit(t, conformance_event("e2", "b", c, 1)), STORE_ACCEPTED);
    conformance_field(t, "user:u1", "sum", "10");
    conformance_count(t, "events", 2);
}

static void knows_its_own_request(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member m = conformance_event("e1", "b", NULL, 0);
    struct store_result first = conformance_commit(t, m), r = conformance_commit(t, m);

    expect_code(r, STORE_ACCEPTED);
    assert_int_equal(r.at_us, first.at_us);
    conformance_count(t, "events", 1);
    conformance_count(t, "audit", 1);
    m.nonce[15] ^= 1;
    expect_code(conformance_commit(t, m), STORE_DUPLICATE);
}

static void puts_a_conflict_in_quarantine(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member other = conformance_event("e1", "B", NULL, 0);

    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    for (int i = 0; i < 2; i++)
        expect_word(conformance_commit(t, other), STORE_CONFLICT, "conflict");
    conformance_count(t, "events", 1);
    conformance_count(t, "quarantine", 1);
    conformance_entry(t, "quarantine", 0, "reason", "conflict");
    conformance_entry(t, "quarantine", 0, "id", "e1");
    conformance_entry(t, "quarantine", 0, "body", "B");
    assert_int_equal(t->look->repeats(t->ctx, t->name, "conflict", other.body_sha256), 2);
    conformance_entry(t, "audit", 1, "outcome", "conflict");
    /* the first body is still the known one */
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_DUPLICATE);
    conformance_count(t, "quarantine", 1);
}

static void sees_ids_of_its_own_batch(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    const struct store_member m[] = {
        conformance_event("e1", "b", NULL, 0), conformance_event("e1", "b", NULL, 0),
        conformance_event("e1", "B", NULL, 0), conformance_event("e2", "b", NULL, 0)};
    struct store_result r[4];

    conformance_batch(t, m, 4, r);
    expect_code(r[0], STORE_ACCEPTED);
    expect_code(r[1], STORE_DUPLICATE);
    assert_int_equal(r[1].at_us, r[0].at_us);
    expect_code(r[2], STORE_CONFLICT);
    expect_code(r[3], STORE_ACCEPTED);
    conformance_count(t, "events", 2);
}

static void forgets_ids_in_time(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    t->provider.keep_ids_us = US_PER_S;
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_DUPLICATE);
    t->look->pass(t->ctx, US_PER_S + 100000);
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
}

static void takes_any_bytes(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    static const char body[] = "nul\0, \xff\xfe and\r\n";
    static const char id[] = "h\xc3\xa9 {x} :* 'q' \"\\";
    struct store_member m = conformance_event(id, "", NULL, 0);

    m.body = SLICE_LITERAL(body);
    m.type = SLICE_NONE;
    expect_code(conformance_commit(t, m), STORE_ACCEPTED);
    conformance_entry(t, "events", 0, "id", id);
    conformance_entry(t, "events", 0, "type", "");
    buf_reset(&t->found);
    assert_true(t->look->entry(t->ctx, t->name, "events", 0, "body", &t->found));
    assert_true(slice_equal(buf_slice(&t->found), m.body));
    m.nonce[15] ^= 1;
    expect_code(conformance_commit(t, m), STORE_DUPLICATE);
    m.id.n--;
    expect_code(conformance_commit(t, m), STORE_ACCEPTED);
}

static void keeps_providers_apart(void **state)
{
    struct store_under_test *t = conformance_begin(state);

    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    t = conformance_begin(state);
    expect_code(conformance_commit(t, conformance_event("e1", "B", NULL, 0)), STORE_ACCEPTED);
}

const struct CMUnitTest store_conformance_ids[] = {
    cmocka_unit_test(accepts_with_all_parts),
    cmocka_unit_test(audits_the_reason),
    cmocka_unit_test(knows_a_duplicate),
    cmocka_unit_test(knows_its_own_request),
    cmocka_unit_test(puts_a_conflict_in_quarantine),
    cmocka_unit_test(sees_ids_of_its_own_batch),
    cmocka_unit_test(forgets_ids_in_time),
    cmocka_unit_test(takes_any_bytes),
    cmocka_unit_test(keeps_providers_apart),
};
const size_t store_conformance_nids = sizeof store_conformance_ids / sizeof *store_conformance_ids;

static void add(struct CMUnitTest *all, size_t *n, const struct CMUnitTest *some, size_t count)
{
    assert_true(*n + count <= TESTS_MAX);
    memcpy(all + *n, some, count * sizeof *some);
    *n += count;
}

int store_conformance_run(const char *name, const struct CMUnitTest *own, size_t n,
                          CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    struct CMUnitTest all[TESTS_MAX];
    size_t count = 0;

    add(all, &count, store_conformance_ids, store_conformance_nids);
    add(all, &count, store_conformance_limits, store_conformance_nlimits);
    add(all, &count, store_conformance_changes, store_conformance_nchanges);
    add(all, &count, store_conformance_journal, store_conformance_njournal);
    add(all, &count, store_conformance_groups, store_conformance_ngroups);
    add(all, &count, store_conformance_step, store_conformance_nsteps);
    add(all, &count, own, n);
    return _cmocka_run_group_tests(name, all, count, set_up, tear_down);
}
