/* store_conformance: what every back end of store.h must do, as tests that take the store under
 * test.
 *
 * A program that runs them gives a struct store_under_test as the group's state. Every test works
 * on a provider of its own name, so that they do not see each other. */
#ifndef GUICHET_TESTS_STORE_CONFORMANCE_H
#define GUICHET_TESTS_STORE_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "base/buf.h"
#include "store/store.h"

/* How a test looks into the store, beside it. The text functions append what they find to `out`. */
struct store_look {
    /* A field of a record: of an entity, or "dirty". */
    bool (*field)(void *ctx, const char *provider, const char *key, const char *field,
                  struct buf *out);
    /* The n-th entry of a history from its start. */
    bool (*history)(void *ctx, const char *provider, const char *key, size_t n, struct buf *out);
    /* A field of the n-th entry of "events", "audit" or "quarantine". */
    bool (*entry)(void *ctx, const char *provider, const char *list, size_t n, const char *field,
                  struct buf *out);
    size_t (*count)(void *ctx, const char *provider, const char *list);
    /* How often (reason, body) was kept. */
    long (*repeats)(void *ctx, const char *provider, const char *reason,
                    const uint8_t *body_sha256);
    /* Lets time pass for the rate window; a negative time is a clock that steps back. */
    void (*pass_window)(void *ctx, const char *provider, int64_t us);
    /* Lets time pass for all. */
    void (*pass)(void *ctx, int64_t us);
};

struct store_under_test {
    struct store *store;
    const struct clock *clock; /* what the store's deadlines are measured by */
    const struct store_look *look;
    void *ctx;
    /* Of the test at hand; set by conformance_begin. */
    struct store_provider provider;
    char name[32];
    unsigned serial;
    struct buf found;
};

/* Not before 2017 and not after now. */
#define STAMP_US INT64_C(1500000000000000)

/* The suite in six parts; store_conformance_run runs all of it, then a program's own tests. */
extern const struct CMUnitTest store_conformance_ids[];
extern const size_t store_conformance_nids;
extern const struct CMUnitTest store_conformance_limits[];
extern const size_t store_conformance_nlimits;
extern const struct CMUnitTest store_conformance_changes[];
extern const size_t store_conformance_nchanges;
extern const struct CMUnitTest store_conformance_journal[];
extern const size_t store_conformance_njournal;
extern const struct CMUnitTest store_conformance_groups[];
extern const size_t store_conformance_ngroups;
extern const struct CMUnitTest store_conformance_step[];
extern const size_t store_conformance_nsteps;

int store_conformance_run(const char *name, const struct CMUnitTest *own, size_t n,
                          CMFixtureFunction set_up, CMFixtureFunction tear_down);

/* --- for the tests themselves, and for those of one back end ---------------------------------- */

/* A new provider: no limits but of audit entries, ids kept a minute. */
struct store_under_test *conformance_begin(void **state);

/* An event of type "test" with a nonce of its own. */
struct store_member conformance_event(const char *id, const char *body,
                                      const struct change *changes, size_t n);
struct store_member conformance_note(const char *reason, const char *body);
struct store_result conformance_commit(struct store_under_test *t, struct store_member m);
void conformance_batch(struct store_under_test *t, const struct store_member *m, size_t n,
                       struct store_result *result);

void conformance_expect(struct store_result r, enum store_code code, const char *word);
#define expect_code(r, code)       conformance_expect((r), (code), NULL)
#define expect_word(r, code, word) conformance_expect((r), (code), (word))

/* What lies in the store; text == NULL: nothing. */
void conformance_field(struct store_under_test *t, const char *key, const char *field,
                       const char *text);
void conformance_history(struct store_under_test *t, const char *key, size_t n, const char *text);
void conformance_entry(struct store_under_test *t, const char *list, size_t n, const char *field,
                       const char *text);
void conformance_count(struct store_under_test *t, const char *list, size_t n);

#endif
