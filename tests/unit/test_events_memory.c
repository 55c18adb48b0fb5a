/* Where the memory of a document comes from: a piece of the arena, and the heap for what does not fit. Under
 * the sanitizers a leak, or a free of what is none, ends the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <pthread.h>

#include "events/document.h"
#include "events/peek.h"
#include "unit/events_read.h"

#define MEMBERS_SMALL 2
#define MEMBERS_LARGE 400             /* far more than the piece of the arena holds */
#define PIECE_MAX     (4 * 1024 + 64) /* and what tells of it */
#define THREADS       4
#define ROUNDS        50

/* A body with so many members besides the envelope, and what is at its end. */
static void write_body(struct buf *out, size_t members, const char *end)
{
    buf_reset(out);
    buf_adds(out, BASE("user.updated") ",\"user_id\":\"u\"");
    for (size_t i = 0; i < members; i++)
        buf_addf(out, ",\"m%zu\":{\"a\":[1,true,\"text %zu\"],\"b\":{\"c\":null}}", i, i);
    buf_adds(out, end);
}

static const size_t sizes[] = {MEMBERS_SMALL, MEMBERS_LARGE};

/* --- small and large ------------------------------------------------------------------------------ */

/* What was read stays when the document, and with it what is on the heap, is gone. */
static void outlives_the_document(void **state)
{
    struct reader r = reader_new();
    struct buf body = BUF_INIT(BODY_MAX), text = BUF_INIT(BODY_MAX);
    struct slice user;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        write_body(&body, sizes[i], "}");
        assert_int_equal(reader_read(&r, &T4G, buf_slice(&body)), EVENT_OK);
        assert_true(slice_is(r.event.id, "w1"));
        buf_reset(&text);
        changes_write(&r.event, &text);
        assert_non_null(
            strstr(text.p, "profile.m1={\"a\":[1,true,\"text 1\"],\"b\":{\"c\":null}}"));
        assert_true(peek_text(buf_slice(&body), "user_id", r.arena, &user));
        assert_true(slice_is(user, "u"));
    }
    buf_free(&text);
    buf_free(&body);
    reader_free(&r);
}

/* A refused document leaves nothing, wherever the fault is. */
static void refused(void **state)
{
    static const char *const ends[] = {"",
                                       ",}",
                                       ",\"x\":1e999}",
                                       ",\"id\":\"again\"}",
                                       ",\"x\":\"\xff\"}",
                                       "}x",
                                       ",\"x\":[[[[{\"a\":"};
    struct reader r = reader_new();
    struct buf body = BUF_INIT(BODY_MAX);

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
            write_body(&body, sizes[i], ends[k]);
            assert_int_equal(reader_read(&r, &T4G, buf_slice(&body)), EVENT_INVALID);
            buf_reset(&body);
            buf_adds(&body, "[");
            for (size_t m = 0; m < sizes[i]; m++)
                buf_adds(&body, "{\"a\":\"text\"},");
            buf_adds(&body, "1]");
            assert_int_equal(reader_read(&r, &T4G, buf_slice(&body)), EVENT_INVALID);
        }
    buf_free(&body);
    reader_free(&r);
}

/* A document takes of the arena what it needs, but however large it is no more than its piece. */
static void spares_the_arena(void **state)
{
    struct reader r = reader_new();
    struct buf body = BUF_INIT(BODY_MAX);
    struct document *d;
    struct event e = {.reason = NULL};
    size_t used[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        arena_reset(r.arena);
        write_body(&body, sizes[i], "}");
        assert_int_equal(document_read(buf_slice(&body), r.arena, &d, &e), EVENT_OK);
        document_free(d);
        used[i] = arena_used(r.arena);
    }
    assert_true(used[0] < used[1]);
    assert_true(used[1] <= PIECE_MAX);
    buf_free(&body);
    reader_free(&r);
}

/* --- short memory --------------------------------------------------------------------------------- */

/* The linker leads malloc here (GNUmakefile). */
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

static _Thread_local long until_failure = -1; /* calls; negative: none fails */
static _Thread_local bool fails_once;

void *__wrap_malloc(size_t n)
{
    if (until_failure == 0) {
        until_failure = fails_once ? -1 : 0;
        return NULL;
    }
    until_failure -= until_failure > 0;
    return __real_malloc(n);
}

/* Each allocation on the heap fails in turn, alone or with all behind it: that is never the sender's
 * fault, and no text is cut short by it. */
static void fails_anywhere(void **state)
{
    struct reader r = reader_new();
    struct buf body = BUF_INIT(BODY_MAX);

    (void)state;
    write_body(&body, MEMBERS_LARGE / 8, ",\"long\":\"twenty bytes and twenty more of them\"}");
    for (int once = 0; once < 2; once++) {
        enum event_status status = EVENT_NO_MEMORY;
        long failures = 0;
        while (status != EVENT_OK) {
            fails_once = once != 0;
            until_failure = failures++;
            status = reader_read(&r, &T4G, buf_slice(&body));
            until_failure = -1;
            if (status != EVENT_OK && status != EVENT_NO_MEMORY)
                fail_msg("allocation %ld: status %d, %s", failures, (int)status, r.event.detail);
        }
        assert_true(failures > 100);
    }
    buf_free(&body);
    reader_free(&r);
}

/* --- threads -------------------------------------------------------------------------------------- */

/* Documents of both sizes, read in turn, while Jansson is used for other things as well. */
static void *read_many(void *wrong)
{
    struct reader r = reader_new();
    struct buf body[2] = {BUF_INIT(BODY_MAX), BUF_INIT(BODY_MAX)};
    json_t *other = json_object();
    bool *failed = wrong;

    for (size_t i = 0; i < 2; i++)
        write_body(&body[i], sizes[i], "}");
    for (size_t i = 0; i < ROUNDS; i++) {
        json_t *value = json_string("of somebody else");
        *failed = reader_read(&r, &T4G, buf_slice(&body[i % 2])) != EVENT_OK || *failed;
        *failed = !slice_is(r.event.id, "w1") || *failed;
        *failed = json_object_set_new(other, "value", value) != 0 || *failed;
    }
    json_decref(other);
    buf_free(&body[0]);
    buf_free(&body[1]);
    reader_free(&r);
    return NULL;
}

static void many_threads(void **state)
{
    pthread_t thread[THREADS];
    bool failed[THREADS] = {false};

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, read_many, &failed[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_false(failed[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outlives_the_document), cmocka_unit_test(refused),
        cmocka_unit_test(spares_the_arena),      cmocka_unit_test(fails_anywhere),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
