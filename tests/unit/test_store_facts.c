/* What a store tells of itself; one that tells nothing is "not known". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/memory.h"

static void nothing_is_known(const struct store_facts *f)
{
    assert_string_equal(f->version, "");
    assert_int_equal(f->clock_us, 0);
    assert_int_equal(f->memory_used, -1);
    assert_int_equal(f->memory_max, -1);
    assert_int_equal(f->id_bytes, 0);
}

static void a_store_in_memory(void **state)
{
    struct store *s = memory_new(&clock_system);
    struct store_facts f;

    (void)state;
    assert_non_null(s);
    assert_true(store_read_facts(s, "dazno", INT64_MAX, &f));
    assert_true(f.clock_us > 0);
    assert_string_equal(f.version, "");
    assert_int_equal(f.memory_max, -1);
    memory_fail(s, "store_unreachable");
    assert_false(store_read_facts(s, "dazno", INT64_MAX, &f));
    store_free(s);
}

static void a_store_that_tells_nothing(void **state)
{
    static const struct store_ops none;
    struct store s = {.ops = &none};
    struct store_facts f;

    (void)state;
    assert_false(store_read_facts(&s, "dazno", INT64_MAX, &f));
    nothing_is_known(&f);
}

static void a_server_that_is_away(void **state)
{
    struct fail why = {""};
    struct store *s = store_open("unix:///nonexistent/redis.sock", &clock_system, &why);
    struct store_facts f;

    (void)state;
    assert_non_null(s);
    assert_false(store_read_facts(s, "dazno", clock_monotonic_ms(&clock_system) + 200, &f));
    nothing_is_known(&f);
    store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_in_memory),
        cmocka_unit_test(a_store_that_tells_nothing),
        cmocka_unit_test(a_server_that_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
