/* The store in a file: the conformance suite with a pretended calendar, and what is its own. */
#include "unit/sqlite_look.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/journal.h"
#include "unit/temp_dir.h"

#define DEADLINE_MS 5000

static struct {
    struct sqlite_look look; /* first: what the look functions are given */
    struct temp_dir dir;
    char url[600];
    int64_t ahead_us; /* of the machine's calendar */
} world;

static int64_t calendar(void *ctx)
{
    (void)ctx;
    return clock_now_us(&clock_system) + world.ahead_us;
}

static int64_t monotonic(void *ctx)
{
    (void)ctx;
    return clock_monotonic_us(&clock_system);
}

static const struct clock pretended = {calendar, monotonic, NULL};

static void pass(void *ctx, int64_t us)
{
    (void)ctx;
    world.ahead_us += us;
}

static void pass_window(void *ctx, const char *provider, int64_t us)
{
    (void)provider;
    pass(ctx, us);
}

static const struct store_look look = {sqlite_look_field,
                                       sqlite_look_history,
                                       sqlite_look_entry,
                                       sqlite_look_count,
                                       sqlite_look_repeats,
                                       pass_window,
                                       pass};

static struct store *open_store(void)
{
    struct fail why = {""};
    struct store *s = store_open(world.url, &pretended, &why);

    if (s == NULL)
        print_error("%s\n", why.text);
    return s;
}

static int set_up(void **state)
{
    static struct store_under_test t;

    world.dir = temp_dir_new();
    temp_dir_path(&world.dir, "store.db", world.look.path);
    (void)snprintf(world.url, sizeof world.url, "sqlite://%s", world.look.path);
    t = (struct store_under_test){
        .store = open_store(), .clock = &pretended, .look = &look, .ctx = &world};
    *state = &t;
    return t.store == NULL;
}

static int tear_down(void **state)
{
    struct store_under_test *t = *state;

    buf_free(&t->found);
    store_free(t->store);
    sqlite_look_close(&world.look);
    temp_dir_remove(&world.dir);
    return 0;
}

/* --- the file --------------------------------------------------------------------------------- */

static void is_its_users_alone(void **state)
{
    static const char *const name[] = {"store.db", "store.db-wal", "store.db-shm", "store.db-lock"};
    struct store_under_test *t = conformance_begin(state);
    char path[TEMP_PATH_ROOM];
    struct stat st;

    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        temp_dir_path(&world.dir, name[i], path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    buf_reset(&t->found);
    assert_true(sqlite_look_text(&world.look, &t->found, "PRAGMA journal_mode", NULL, NULL));
    assert_string_equal(t->found.p, "wal");
    assert_int_equal(sqlite_look_number(&world.look, "PRAGMA user_version", NULL, NULL), 1);
}

static void says_how_durable_it_is(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_findings f;

    store_examine(t->store, &t->provider, 1, clock_monotonic_ms(t->clock) + DEADLINE_MS, &f);
    assert_int_equal(f.self_test, 1);
    assert_int_equal(f.evicting, 0);
    /* Where /tmp lies in memory it is not. */
    if (f.durable != 2)
        assert_non_null(strstr(f.durability.text, "memory"));
    assert_non_null(strstr(f.durability.text, "synchronous 2"));
    t->store->thorough = true;
    store_examine(t->store, &t->provider, 1, clock_monotonic_ms(t->clock) + DEADLINE_MS, &f);
    t->store->thorough = false;
    assert_int_equal(f.self_test, 1);
}

/* A new file at the path is another store, and what is stored is stored there. */
static void follows_the_name_of_its_file(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    char other[TEMP_PATH_ROOM], before[48], after[48];
    int64_t deadline_ms = clock_monotonic_ms(t->clock) + DEADLINE_MS;
    struct fail why = {""};
    unsigned connections;

    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    assert_true(store_run_id(t->store, deadline_ms, before, &why));
    connections = t->store->connections;
    sqlite_look_close(&world.look);
    temp_dir_path(&world.dir, "aside.db", other);
    assert_int_equal(rename(world.look.path, other), 0);
    temp_dir_path(&world.dir, "store.db-wal", other);
    assert_int_equal(unlink(other), 0);
    temp_dir_path(&world.dir, "store.db-shm", other);
    assert_int_equal(unlink(other), 0);
    expect_code(conformance_commit(t, conformance_event("e1", "b", NULL, 0)), STORE_ACCEPTED);
    conformance_count(t, "events", 1);
    assert_true(store_run_id(t->store, deadline_ms, after, &why));
    assert_string_not_equal(before, after);
    assert_int_equal(t->store->connections, connections + 1);
}

static void numbers_entries_as_redis_does(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    long long ms[3], seq[3];
    char id[8];

    for (int i = 0; i < 3; i++) {
        if (i == 2)
            t->look->pass(t->ctx, -3600 * US_PER_S); /* the clock stepped back */
        (void)snprintf(id, sizeof id, "e%d", i);
        struct store_result r = conformance_commit(t, conformance_event(id, "b", NULL, 0));
        expect_code(r, STORE_ACCEPTED);
        buf_reset(&t->found);
        assert_true(t->look->entry(t->ctx, t->name, "events", (size_t)i, "sid", &t->found));
        assert_int_equal(sscanf(t->found.p, "%lld-%lld", &ms[i], &seq[i]), 2);
        if (i < 2)
            assert_true(ms[i] == r.at_us / 1000 || (i > 0 && ms[i] == ms[i - 1]));
        assert_true(i == 0 || ms[i] > ms[i - 1] || (ms[i] == ms[i - 1] && seq[i] > seq[i - 1]));
        if (i == 1) /* also when the list was emptied */
            sqlite_look_run(&world.look, "DELETE FROM events WHERE id = 'e0' OR id = 'e1'");
        if (i == 1) {
            conformance_count(t, "events", 0);
            (void)conformance_commit(t, conformance_event("x", "b", NULL, 0));
            (void)conformance_commit(t, conformance_event("y", "b", NULL, 0));
        }
    }
    conformance_entry(t, "audit", 0, "outcome", "accepted");
    t->look->pass(t->ctx, 3600 * US_PER_S);
}

static void names_what_it_audits(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct store_member m = conformance_event("e1", "b", NULL, 0);
    struct buf sid = BUF_INIT(64);

    m.stamp_us = calendar(NULL) + 60 * US_PER_S;
    expect_word(conformance_commit(t, m), STORE_ACCEPTED, "future");
    assert_true(t->look->entry(t->ctx, t->name, "events", 0, "sid", &sid));
    conformance_entry(t, "audit", 0, "sid", sid.p);
    conformance_entry(t, "audit", 0, "flags", "future");
    expect_code(conformance_commit(t, conformance_event("e1", "B", NULL, 0)), STORE_CONFLICT);
    buf_reset(&sid);
    assert_true(t->look->entry(t->ctx, t->name, "quarantine", 0, "sid", &sid));
    conformance_entry(t, "audit", 1, "sid", sid.p);
    conformance_entry(t, "audit", 1, "reason", "conflict");
    conformance_entry(t, "audit", 1, "flags", NULL);
    buf_free(&sid);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void forgets_what_expired_step_by_step(void **state)
{
    static const char ids[] = "SELECT count(*) FROM ids WHERE provider = ?";
    struct store_under_test *t = conformance_begin(state);
    int64_t left;
    char id[16];

    t->provider.keep_ids_us = 10 * US_PER_S;
    t->look->pass(t->ctx, 3600 * US_PER_S); /* what other tests left goes first */
    for (int i = 0; i < 200; i++) {
        (void)snprintf(id, sizeof id, "a%d", i);
        expect_code(conformance_commit(t, conformance_event(id, "b", NULL, 0)), STORE_ACCEPTED);
    }
    assert_int_equal(sqlite_look_number(&world.look, ids, t->name, NULL), 200);
    t->look->pass(t->ctx, 10 * US_PER_S + 1);
    expect_code(conformance_commit(t, conformance_event("b0", "b", NULL, 0)), STORE_ACCEPTED);
    left = sqlite_look_number(&world.look, ids, t->name, NULL);
    assert_in_range(left, 180, 199); /* some, not all at once */
    for (int i = 1; i <= 30; i++) {
        (void)snprintf(id, sizeof id, "b%d", i);
        expect_code(conformance_commit(t, conformance_event(id, "b", NULL, 0)), STORE_ACCEPTED);
    }
    assert_int_equal(sqlite_look_number(&world.look, ids, t->name, NULL), 31);
}

static void bounds_audit_and_window(void **state)
{
    static const char stamps[] = "SELECT count(*) FROM rate WHERE provider = ?";
    struct store_under_test *t = conformance_begin(state);
    char id[16];

    t->provider.audit_limit = 10;
    t->provider.rate_count = 5;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(id, sizeof id, "a%d", i);
        expect_code(conformance_commit(t, conformance_event(id, "b", NULL, 0)), STORE_ACCEPTED);
        t->look->pass_window(t->ctx, t->name, 20 * US_PER_S);
    }
    conformance_count(t, "audit", 10);
    conformance_entry(t, "audit", 9, "id", "a39");
    assert_int_equal(sqlite_look_number(&world.look, stamps, t->name, NULL), 5);
    /* a lower limit is reached in steps */
    t->provider.audit_limit = 2;
    expect_code(conformance_commit(t, conformance_event("b", "b", NULL, 0)), STORE_ACCEPTED);
    conformance_count(t, "audit", 7);
    for (int i = 0; i < 3; i++)
        (void)conformance_commit(t, conformance_event("b", "b", NULL, 0));
    conformance_count(t, "audit", 2);
}

/* The WAL goes back into the file again and again, also while somebody reads. */
static void bounds_its_wal(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    char id[16], path[TEMP_PATH_ROOM], *body = malloc(65536);
    struct stat st;

    assert_non_null(body);
    memset(body, 'x', 65535);
    body[65535] = '\0';
    temp_dir_path(&world.dir, "store.db-wal", path);
    for (int i = 0; i < 400; i++) { /* 25 MiB */
        (void)snprintf(id, sizeof id, "e%d", i);
        expect_code(conformance_commit(t, conformance_event(id, body, NULL, 0)), STORE_ACCEPTED);
        conformance_count(t, "events", (size_t)i + 1);
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size < 10 << 20);
    }
    free(body);
}

/* --- what was taken away ---------------------------------------------------------------------- */

static bool holds(const char *name, const char *text)
{
    char path[TEMP_PATH_ROOM];
    bool found = false;
    struct stat st;
    char *bytes;

    temp_dir_path(&world.dir, name, path);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    assert_int_equal(fstat(fd, &st), 0);
    bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    found = memmem(bytes, (size_t)st.st_size, text, strlen(text)) != NULL;
    free(bytes);
    close(fd);
    return found;
}

static void keeps_nothing_of_what_was_forgotten(void **state)
{
    static const char secret[] = "somebody@secret.example", body[] = "{\"of\":\"somebody\"}";
    static const char *const key[] = {"user:u1"};
    struct store_under_test *t = conformance_begin(state);
    const struct change c = {.verb = CHANGE_SET,
                             .key = SLICE_LITERAL("user:u1"),
                             .field = SLICE_LITERAL("email"),
                             .value = SLICE_LITERAL(secret)};
    struct journal j = {t->store, t->name, arena_new(1 << 20), DEADLINE_MS};
    struct journal_page page;
    struct fail why = {""};
    int64_t removed;

    expect_code(conformance_commit(t, conformance_event("e1", body, &c, 1)), STORE_ACCEPTED);
    assert_true(holds("store.db-wal", secret) && holds("store.db-wal", body));
    assert_true(journal_forget(&j, key, 1, &removed, &why));
    assert_int_equal(removed, 1);
    assert_false(holds("store.db", secret) || holds("store.db-wal", secret));
    assert_true(holds("store.db", body));
    assert_true(journal_read(&j, JOURNAL_EVENTS, &(struct journal_range){.max = 1}, &page, &why));
    assert_true(journal_remove(&j, JOURNAL_EVENTS, &page.entry[0].id, 1, &removed, &why));
    assert_int_equal(removed, 1);
    assert_false(holds("store.db", body) || holds("store.db-wal", body));
    arena_free(j.arena);
}

/* More than one step of a trim, more than one page of keys. */
static void looks_after_many(void **state)
{
    struct store_under_test *t = conformance_begin(state);
    struct journal j = {t->store, t->name, arena_new(1 << 20), DEADLINE_MS};
    struct store_member m[STORE_BATCH_MAX];
    struct store_result r[STORE_BATCH_MAX];
    char id[STORE_BATCH_MAX][16], key[STORE_BATCH_MAX][16];
    struct change c[STORE_BATCH_MAX];
    struct journal_page page;
    struct fail why = {""};
    uint64_t cursor = 0, other = 0;
    int64_t removed;
    struct slice *found;
    size_t n, keys = 0;

    for (int b = 0; b < 40; b++) {
        for (int i = 0; i < STORE_BATCH_MAX; i++) {
            (void)snprintf(id[i], sizeof id[i], "e%d-%d", b, i);
            (void)snprintf(key[i], sizeof key[i], "user:%d-%d", b, i);
            c[i] = (struct change){.verb = CHANGE_SET,
                                   .key = slice_of(key[i]),
                                   .field = SLICE_LITERAL("a"),
                                   .value = SLICE_LITERAL("1")};
            m[i] = conformance_event(id[i], "b", &c[i], 1);
        }
        conformance_batch(t, m, STORE_BATCH_MAX, r);
        expect_code(r[STORE_BATCH_MAX - 1], STORE_ACCEPTED);
    }
    do {
        assert_true(journal_keys(&j, "user:", &cursor, &found, &n, &why));
        keys += n;
        if (keys == n) /* another walk at the same time, begun and left */
            assert_true(journal_keys(&j, "user:1", &other, &found, &n, &why));
        arena_reset(j.arena);
    } while (cursor != 0);
    assert_int_equal(keys, 40 * STORE_BATCH_MAX);
    assert_true(journal_read(&j, JOURNAL_EVENTS,
                             &(struct journal_range){.backwards = true, .max = 1}, &page, &why));
    assert_true(journal_trim(&j, JOURNAL_EVENTS, page.entry[0].id, &removed, &why));
    assert_int_equal(removed, 40 * STORE_BATCH_MAX - 1);
    conformance_count(t, "events", 1);
    arena_free(j.arena);
}

int main(void)
{
    static const struct CMUnitTest own[] = {
        cmocka_unit_test(is_its_users_alone),
        cmocka_unit_test(says_how_durable_it_is),
        cmocka_unit_test(follows_the_name_of_its_file),
        cmocka_unit_test(numbers_entries_as_redis_does),
        cmocka_unit_test(names_what_it_audits),
        cmocka_unit_test(forgets_what_expired_step_by_step),
        cmocka_unit_test(bounds_audit_and_window),
        cmocka_unit_test(bounds_its_wal),
        cmocka_unit_test(keeps_nothing_of_what_was_forgotten),
        cmocka_unit_test(looks_after_many),
    };

    return store_conformance_run("store_sqlite", own, sizeof own / sizeof *own, set_up, tear_down);
}
