/* The in-memory store: the conformance suite with a pretended clock, and its way to be away. */
#include "unit/store_conformance.h"

#include <stdlib.h>
#include "store/memory.h"

struct pretended {
    int64_t now_us;
    struct store *store;
};

static int64_t pretended_us(void *ctx)
{
    return ((struct pretended *)ctx)->now_us;
}

static bool found(struct slice s, struct buf *out)
{
    return s.p != NULL && buf_add_slice(out, s);
}

static bool look_field(void *ctx, const char *provider, const char *key, const char *field,
                       struct buf *out)
{
    return found(memory_field(((struct pretended *)ctx)->store, provider, key, field), out);
}

static bool look_history(void *ctx, const char *provider, const char *key, size_t n,
                         struct buf *out)
{
    return found(memory_history(((struct pretended *)ctx)->store, provider, key, n), out);
}

static bool look_entry(void *ctx, const char *provider, const char *list, size_t n,
                       const char *field, struct buf *out)
{
    return found(memory_entry(((struct pretended *)ctx)->store, provider, list, n, field), out);
}

static size_t look_count(void *ctx, const char *provider, const char *list)
{
    return memory_count(((struct pretended *)ctx)->store, provider, list);
}

static long look_repeats(void *ctx, const char *provider, const char *reason, const uint8_t *sha256)
{
    struct store *s = ((struct pretended *)ctx)->store;

    (void)sha256; /* the tests keep one body for each reason they count */
    for (size_t i = 0; i < memory_count(s, provider, "quarantine"); i++) {
        if (slice_is(memory_entry(s, provider, "quarantine", i, "reason"), reason))
            return strtol(memory_entry(s, provider, "quarantine", i, "count").p, NULL, 10);
    }
    return 0;
}

static void pass(void *ctx, int64_t us)
{
    ((struct pretended *)ctx)->now_us += us;
}

static void pass_window(void *ctx, const char *provider, int64_t us)
{
    (void)provider;
    pass(ctx, us);
}

static const struct store_look look = {look_field,   look_history, look_entry, look_count,
                                       look_repeats, pass_window,  pass};

static struct pretended world = {.now_us = INT64_C(1760524205000000)};
static const struct clock pretended_clock = {pretended_us, pretended_us, &world};

static int set_up(void **state)
{
    static struct store_under_test t;

    world.store = memory_new(&pretended_clock);
    t = (struct store_under_test){
        .store = world.store, .clock = &pretended_clock, .look = &look, .ctx = &world};
    *state = &t;
    return world.store == NULL;
}

static int tear_down(void **state)
{
    struct store_under_test *t = *state;

    buf_free(&t->found);
    store_free(t->store);
    return 0;
}

static void can_be_away(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct fail why;

    memory_fail(t->store, "store_timeout");
    expect_word(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_UNAVAILABLE,
                "store_timeout");
    assert_false(store_probe(t->store, 10, &why));
    memory_fail(t->store, "");
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    assert_true(store_probe(t->store, 10, &why));
}

int main(void)
{
    static const struct CMUnitTest own[] = {cmocka_unit_test(can_be_away)};

    return store_conformance_run("store_memory", own, sizeof own / sizeof *own, set_up, tear_down);
}
