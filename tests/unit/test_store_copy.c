/* store/copy.h: from each kind of store to each, nothing is forgotten; and what must not be copied is not. */
#include "unit/redis_server.h"
#include "unit/sqlite_look.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/copy.h"
#include "store/group.h"
#include "store/memory.h"
#include "store/step.h"

#define TIMEOUT_MS 5000
#define EVENTS     130 /* of them some have more fields and texts than one answer of Redis brings */
#define TRIMMED    5
#define HOUR_US    (3600 * US_PER_S)
#define LONG_MS    600000

static struct {
    struct redis_server server;
    struct temp_dir dir;
    struct arena *arena;
    unsigned serial;
} world;

/* One move. */
struct scene {
    char from_url[600], to_url[600];
    struct store *from, *to;
    char name[32];
    struct store_provider provider;
    struct store_member event[EVENTS];
    char id[EVENTS][16], text[EVENTS][24], field[EVENTS][24];
    struct change change[EVENTS][4];
    int64_t at_us[EVENTS];
    size_t rows, differing;
    struct copy_row row[64];
};

static int set_up(void **state)
{
    (void)state;
    world.dir = temp_dir_new();
    world.arena = arena_new(256u << 20);
    if (redis_server_start(&world.server))
        return world.arena == NULL;
    print_error("redis-server does not start: is it installed?\n");
    return -1;
}

static int tear_down(void **state)
{
    (void)state;
    redis_server_stop(&world.server);
    temp_dir_remove(&world.dir);
    arena_free(world.arena);
    return 0;
}

static struct store *open_url(const char *url)
{
    struct fail why = {""};
    struct store *s = store_open(url, &clock_system, &why);

    if (s == NULL)
        fail_msg("%s", why.text);
    return s;
}

static void new_url(bool redis, int db, char out[static 600])
{
    char path[TEMP_PATH_ROOM], name[32];

    (void)snprintf(name, sizeof name, "store-%u.db", ++world.serial);
    temp_dir_path(&world.dir, name, path);
    if (redis)
        (void)snprintf(out, 600, "%s?db=%d", world.server.url, db);
    else
        (void)snprintf(out, 600, "sqlite://%s", path);
}

static struct scene *begin(bool from_redis, bool to_redis)
{
    static struct scene s;

    s = (struct scene){.rows = 0};
    redis_server_tell(&world.server, "FLUSHALL");
    new_url(from_redis, 0, s.from_url);
    new_url(to_redis, 1, s.to_url);
    s.from = open_url(s.from_url);
    s.to = open_url(s.to_url);
    (void)snprintf(s.name, sizeof s.name, "mover-%u", world.serial);
    s.provider = (struct store_provider){.name = s.name,
                                         .keep_ids_us = HOUR_US,
                                         .audit_limit = 10000,
                                         .history_limit = 1000,
                                         .rate_count = EVENTS,
                                         .rate_window_us = HOUR_US};
    return &s;
}

static void end(struct scene *s)
{
    store_free(s->from);
    store_free(s->to);
}

static struct journal journal_on(struct scene *s, struct store *store)
{
    arena_reset(world.arena);
    return (struct journal){store, s->name, world.arena, TIMEOUT_MS};
}

static struct store_result commit(struct scene *s, struct store *store,
                                  const struct store_member *m)
{
    struct store_batch batch = {&s->provider, m, 1, clock_monotonic_ms(&clock_system) + TIMEOUT_MS};
    struct store_result r;

    store_commit(store, &batch, &r);
    return r;
}

#define must(call)                                                                                 \
    do {                                                                                           \
        struct fail why = {""};                                                                    \
        if (!(call))                                                                               \
            fail_msg(#call ": %s", why.text);                                                      \
    } while (0)

/* --- what there is to lose ---------------------------------------------------------------------- */

static void fill_events(struct scene *s)
{
    for (size_t i = 0; i < EVENTS; i++) {
        (void)snprintf(s->id[i], sizeof s->id[i], "e%zu", i);
        (void)snprintf(s->text[i], sizeof s->text[i], "{\"n\":%zu}", i);
        (void)snprintf(s->field[i], sizeof s->field[i], "profile.f%zu", i);
        s->change[i][0] = (struct change){.verb = CHANGE_SET,
                                          .key = SLICE_LITERAL("user:wide"),
                                          .field = slice_of(s->field[i]),
                                          .value = slice_of(i % 3 == 0 ? "" : s->text[i])};
        s->change[i][1] = (struct change){.verb = CHANGE_APPEND,
                                          .key = SLICE_LITERAL("payments:long"),
                                          .value = slice_of(s->text[i])};
        s->change[i][2] = (struct change){.verb = CHANGE_SET_IF_NEWER,
                                          .key = SLICE_LITERAL("user:u1"),
                                          .field = SLICE_LITERAL("level"),
                                          .value = slice_of(s->id[i])};
        s->change[i][3] = (struct change){.verb = CHANGE_ADD,
                                          .key = SLICE_LITERAL("user:u1"),
                                          .field = SLICE_LITERAL("sum"),
                                          .value = SLICE_LITERAL("9000000000000000")};
        s->event[i] = conformance_event(s->id[i], s->text[i], s->change[i], 4);
        s->event[i].stamp_us = STAMP_US + (int64_t)i;
        struct store_result r = commit(s, s->from, &s->event[i]);
        expect_code(r, STORE_ACCEPTED);
        s->at_us[i] = r.at_us;
    }
}

static void fill_evidence(struct scene *s)
{
    struct store_member note = conformance_note("not_json", "{"), other = s->event[6];
    struct store_member mark = conformance_event("achHook", "", NULL, 0);

    for (int i = 0; i < 3; i++)
        expect_code(commit(s, s->from, &note), STORE_ACCEPTED);
    other.body = SLICE_LITERAL("{\"n\":\"another\"}");
    assert_true(sha256(&other.body, 1, other.body_sha256));
    memset(other.nonce, 7, sizeof other.nonce);
    expect_code(commit(s, s->from, &other), STORE_CONFLICT);
    mark.kind = STORE_MARK;
    expect_code(commit(s, s->from, &mark), STORE_ACCEPTED);
}

/* One group holds what two consumers took; one is as far as it can be; one has not begun. */
static void fill_groups(struct scene *s)
{
    struct journal j = journal_on(s, s->from);
    struct group_entry *e;
    struct journal_page page;
    int64_t removed;
    size_t n;

    must(group_make(&j, "mail", false, &why) && group_make(&j, "new", true, &why) &&
         group_make(&j, "old", false, &why));
    must(group_take(&j, "mail", "a", 20, LONG_MS, &e, &n, &why));
    assert_int_equal(n, 20);
    for (size_t i = 0; i < 3; i++)
        must(group_done(&j, "mail", e[i].entry.id, &why));
    must(group_bury(&j, "mail", &e[3], "exit 1", &why) &&
         group_bury(&j, "mail", &e[4], "exit 2", &why));
    must(group_take(&j, "mail", "b", 2, 0, &e, &n, &why)); /* again: delivered twice */
    assert_int_equal(n, 2);
    assert_int_equal(e[0].deliveries, 2);
    must(
        journal_read(&j, JOURNAL_EVENTS, &(struct journal_range){.max = TRIMMED + 1}, &page, &why));
    must(journal_trim(&j, JOURNAL_EVENTS, page.entry[TRIMMED].id, &removed, &why));
    assert_int_equal(removed, TRIMMED);
    /* The newest letter goes: the next one must not take its place. */
    must(journal_read(&j, JOURNAL_DEAD, &(struct journal_range){.backwards = true, .max = 1}, &page,
                      &why));
    must(journal_remove(&j, JOURNAL_DEAD, &page.entry[0].id, 1, &removed, &why));
}

static void fill(struct scene *s)
{
    const struct journal_field seal[] = {{SLICE_LITERAL("number"), SLICE_LITERAL("1")},
                                         {SLICE_LITERAL("mac"), SLICE_LITERAL("abc")}};
    const struct step_change step[] = {
        {STEP_PUT, SLICE_LITERAL(STEP_LISTED "app1:1:tbl1"), SLICE_LITERAL("rec2"),
         SLICE_LITERAL("{\"id\":\"rec2\"}")},
        {STEP_PUT, SLICE_LITERAL(STEP_LISTED "app1:1:tbl1"), SLICE_LITERAL("rec1"),
         SLICE_LITERAL("{\"id\":\"rec1\"}")},
        {STEP_SET, SLICE_LITERAL("hooks"), SLICE_LITERAL("ach1"), SLICE_LITERAL("app1")}};
    struct journal j = journal_on(s, s->from);
    bool done = false;

    fill_events(s);
    fill_evidence(s);
    fill_groups(s);
    j = journal_on(s, s->from);
    must(journal_seal(&j, "", seal, 2, &done, &why));
    assert_true(done);
    must(step_apply(&j, step, 3, 0, &why) == STEP_DONE);
    must(journal_lease(&j, "seal", "somebody", LONG_MS, &done, &why));
}

/* --- copying ------------------------------------------------------------------------------------ */

static struct scene *at_work; /* for callbacks */

static void collect(void *ctx, const struct copy_row *row)
{
    struct scene *s = ctx;

    assert_in_range(s->rows, 0, 63);
    s->differing += !row->same;
    s->row[s->rows++] = *row;
}

static struct copy copy_of(struct scene *s)
{
    s->rows = s->differing = 0;
    at_work = s;
    return (struct copy){.from = s->from,
                         .to = s->to,
                         .from_address = "the old one",
                         .to_address = "the new one",
                         .arena = world.arena,
                         .timeout_ms = TIMEOUT_MS,
                         .clock = &clock_system,
                         .report = collect,
                         .ctx = s};
}

static enum copy_end run(const struct copy *c, struct fail *why)
{
    struct transfer_names names = {.n = 0};
    enum copy_end end = copy_begin(c, &names, why);

    if (end != COPY_DONE)
        return end;
    assert_int_equal(names.n, 1);
    return copy_run(c, &names, why);
}

static void copy_whole(struct scene *s)
{
    struct copy c = copy_of(s);
    struct fail why = {""};
    enum copy_end got = run(&c, &why);

    for (size_t i = 0; i < s->rows; i++)
        if (!s->row[i].same)
            print_error("%s: %d, %d; %s, %s\n", s->row[i].what, (int)s->row[i].from,
                        (int)s->row[i].to, s->row[i].from_digest, s->row[i].to_digest);
    if (got != COPY_DONE)
        fail_msg("%d: %s", (int)got, why.text);
    assert_int_equal(s->differing, 0);
    assert_int_equal(s->rows, TRANSFER_PARTS + 1);
}

static int64_t copied(const struct scene *s, enum transfer_part part)
{
    assert_string_equal(s->row[part].what, transfer_part_names[part]);
    return s->row[part].to;
}

/* --- what must be as before --------------------------------------------------------------------- */

static void check_ids(struct scene *s)
{
    struct store_member again = s->event[0], other;

    for (size_t i = 0; i < EVENTS; i++) {
        struct store_result r;
        again = s->event[i];
        memset(again.nonce, 9, sizeof again.nonce); /* another request */
        r = commit(s, s->to, &again);
        expect_code(r, STORE_DUPLICATE);
        assert_int_equal(r.at_us, s->at_us[i]);
    }
    /* The very request, whose answer was lost: not a duplicate. */
    expect_code(commit(s, s->to, &s->event[7]), STORE_ACCEPTED);
    other = conformance_event("e8", "another body", NULL, 0);
    expect_code(commit(s, s->to, &other), STORE_CONFLICT);
}

static void check_window_and_order(struct scene *s)
{
    const struct change level = {.verb = CHANGE_SET_IF_NEWER,
                                 .key = SLICE_LITERAL("user:u1"),
                                 .field = SLICE_LITERAL("level"),
                                 .value = SLICE_LITERAL("older")};
    struct store_member fresh = conformance_event("fresh", "b", &level, 1);
    struct journal j = journal_on(s, s->to);
    struct journal_page old, new;

    fresh.stamp_us = STAMP_US;
    expect_code(commit(s, s->to, &fresh), STORE_LIMITED);
    must(journal_read(&j, JOURNAL_EVENTS, &(struct journal_range){.backwards = true, .max = 1},
                      &old, &why));
    fresh.exempt = true;
    expect_word(commit(s, s->to, &fresh), STORE_ACCEPTED, "stale");
    must(journal_read(&j, JOURNAL_EVENTS, &(struct journal_range){.backwards = true, .max = 1},
                      &new, &why));
    assert_true(journal_compare(new.entry[0].id, old.entry[0].id) > 0);
}

static void check_groups(struct scene *s)
{
    struct group_state before[GROUPS_MAX], after[GROUPS_MAX];
    struct journal from = journal_on(s, s->from), to = journal_on(s, s->to);
    struct group_entry *e;
    size_t n, m;

    must(group_list(&from, before, &n, &why) && group_list(&to, after, &m, &why));
    assert_int_equal(n, 3);
    assert_int_equal(m, 3);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(before[i].name, after[i].name);
        assert_int_equal(before[i].pending, after[i].pending);
        assert_int_equal(before[i].consumers, after[i].consumers);
        assert_int_equal(journal_compare(before[i].needed, after[i].needed), 0);
    }
    /* Nothing is due; the next is the first that nobody had taken. */
    must(group_take(&to, "mail", "a", 1, LONG_MS, &e, &n, &why));
    assert_int_equal(n, 1);
    assert_true(slice_is(e[0].entry.field[0].value, "e20"));
    must(group_take(&to, "mail", "c", 1, 0, &e, &n, &why));
    assert_int_equal(n, 1);
    assert_int_equal(e[0].deliveries, 3);
}

static void check_evidence(struct scene *s)
{
    struct store_member note = conformance_note("not_json", "{");
    struct transfer_place place = TRANSFER_PLACE_INIT;
    struct journal j = journal_on(s, s->to);
    struct transfer_page page;
    bool found = false;

    expect_code(commit(s, s->to, &note), STORE_ACCEPTED);
    while (place.stage == STAGE_LISTS) {
        must(transfer_read(&j, &place, &page, &why));
        for (size_t i = 0; i < page.n; i++)
            if (page.item[i].part == TRANSFER_QUARANTINE &&
                slice_is(transfer_value(&page.item[i], "reason"), "not_json")) {
                assert_true(slice_is(transfer_value(&page.item[i], "count"), "4"));
                found = true;
            }
    }
    assert_true(found);
    transfer_place_free(&place);
}

/* Not taken over, so that nobody waits for who held it. */
static void check_leases(struct scene *s)
{
    struct journal j = journal_on(s, s->to);
    bool held = false;

    must(journal_lease(&j, "seal", "another", LONG_MS, &held, &why));
    assert_true(held);
}

static void check_state(struct scene *s)
{
    struct journal j = journal_on(s, s->to);
    struct journal_entry user, wide;
    struct step_page page;
    struct slice *text;
    size_t n;

    must(journal_record(&j, "user:u1", &user, &why) &&
         journal_record(&j, "user:wide", &wide, &why));
    assert_true(slice_is(journal_value(&user, "level"), "e129"));
    assert_true(slice_is(journal_value(&user, "sum"), "1170000000000000000"));
    assert_int_equal(wide.nfields, EVENTS);
    must(
        step_list(&j, SLICE_LITERAL(STEP_LISTED "app1:1:tbl1"), SLICE_NONE, 10, 1000, &page, &why));
    assert_int_equal(page.n, 2);
    assert_true(slice_is(page.field[0].name, "rec1") && slice_is(page.field[1].name, "rec2"));
    must(journal_history(&j, "payments:long", &text, &n, &why));
    assert_int_equal(n, EVENTS);
    assert_true(slice_is(text[0], "{\"n\":0}") && slice_is(text[EVENTS - 1], "{\"n\":129}"));
}

static void check_old(struct scene *s)
{
    struct store_member again = s->event[1], fresh = conformance_event("late", "b", NULL, 0);
    const struct step_change step = {STEP_SET, SLICE_LITERAL("hooks"), SLICE_LITERAL("ach2"),
                                     SLICE_LITERAL("app1")};
    struct journal j = journal_on(s, s->from);
    char mark[TRANSFER_MARK_MAX];

    memset(again.nonce, 9, sizeof again.nonce);
    fresh.exempt = true;
    expect_code(commit(s, s->from, &again), STORE_DUPLICATE);
    expect_word(commit(s, s->from, &fresh), STORE_UNAVAILABLE, "store_closed");
    {
        struct fail why = {""};
        assert_int_equal(step_apply(&j, &step, 1, 0, &why), STEP_AWAY);
        assert_non_null(strstr(why.text, "moved to the new one"));
    }
    must(copy_open(&j, mark, &why) == COPY_DONE);
    assert_string_equal(mark, "moved to the new one");
    expect_code(commit(s, s->from, &fresh), STORE_ACCEPTED);
    must(copy_open(&j, mark, &why) == COPY_DONE);
    assert_string_equal(mark, "");
}

static void moves(bool from_redis, bool to_redis)
{
    struct scene *s = begin(from_redis, to_redis);

    fill(s);
    copy_whole(s);
    assert_int_equal(copied(s, TRANSFER_EVENTS), EVENTS - TRIMMED);
    assert_int_equal(copied(s, TRANSFER_IDS), EVENTS);
    assert_int_equal(copied(s, TRANSFER_RATE), EVENTS);
    assert_int_equal(copied(s, TRANSFER_HISTORIES), EVENTS);
    assert_int_equal(copied(s, TRANSFER_GROUPS), 3);
    assert_int_equal(copied(s, TRANSFER_TAKEN), 15);
    assert_int_equal(copied(s, TRANSFER_DEAD), 1);
    assert_int_equal(copied(s, TRANSFER_SEALS), 1);
    assert_int_equal(copied(s, TRANSFER_QUARANTINE), 2);
    assert_int_equal(copied(s, TRANSFER_NEWEST), 5);
    check_groups(s);
    check_state(s);
    check_ids(s);
    check_evidence(s);
    check_window_and_order(s);
    check_leases(s);
    check_old(s);
    end(s);
}

static void from_a_file_to_redis(void **state)
{
    (void)state;
    moves(false, true);
}

static void from_redis_to_a_file(void **state)
{
    (void)state;
    moves(true, false);
}

static void from_a_file_to_a_file(void **state)
{
    (void)state;
    moves(false, false);
}

static void from_redis_to_redis(void **state)
{
    (void)state;
    moves(true, true);
}

/* Names of every length, more of each kind than a page holds. */
static void many_pages(void **state)
{
    static const char *const sql[] = {
        "CREATE TEMP TABLE n AS WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r "
        "WHERE i < 2500) SELECT i, substr('a-name-that-is-cut-somewhere', 1, i * 5 % 28) || i AS "
        "name, '%s' AS p FROM r",
        "INSERT INTO ids SELECT p, name, zeroblob(32), randomblob(16), i, (strftime('%%s', 'now') "
        "+ 86400) * 1000000 FROM n",
        "INSERT INTO fields SELECT p, 'user:' || substr(name, 1, 9), name, i FROM n",
        "INSERT INTO fields SELECT p, 'payment:' || name, 'a', '' FROM n",
        "INSERT INTO histories SELECT p, 'payments:' || (i / 300), i, name FROM n",
        "INSERT INTO rate SELECT p, i + 1, i FROM n",
        "INSERT INTO events (provider, entry, id, type, at, body) SELECT p, i, name, 't', i, x'62' "
        "FROM n",
        "INSERT INTO consumer_groups SELECT p, 'group' || (i * 7), 3000 FROM n WHERE i < 20",
        "INSERT INTO taken SELECT p, 'group' || (7 + i % 19 * 7), i, 'a', 1000000000000000, 1 FROM "
        "n"};
    struct scene *s = begin(false, true);
    struct sqlite_look look = {.db = NULL};
    struct store_member first = conformance_event("first", "b", NULL, 0);
    char one[512];

    (void)state;
    expect_code(commit(s, s->from, &first), STORE_ACCEPTED);
    (void)snprintf(look.path, sizeof look.path, "%s", s->from_url + strlen("sqlite://"));
    sqlite_look_run(&look, "DELETE FROM events");
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(one, sizeof one, sql[i], s->name);
#pragma GCC diagnostic pop
        sqlite_look_run(&look, one);
    }
    sqlite_look_close(&look);
    copy_whole(s);
    assert_int_equal(copied(s, TRANSFER_IDS), 2501);
    assert_int_equal(copied(s, TRANSFER_RECORDS), 5000);
    assert_int_equal(copied(s, TRANSFER_HISTORIES), 2500);
    assert_int_equal(copied(s, TRANSFER_RATE), 2501);
    assert_int_equal(copied(s, TRANSFER_EVENTS), 2500);
    assert_int_equal(copied(s, TRANSFER_GROUPS), 19);
    assert_int_equal(copied(s, TRANSFER_TAKEN), 2500);
    end(s);
}

/* A server before 7.0 does not tell when a key ends, only how much is left. */
static void from_an_older_redis(void **state)
{
    (void)state;
    redis_server_tell(&world.server, "ACL SETUSER default -pexpiretime");
    moves(true, true);
    redis_server_tell(&world.server, "ACL SETUSER default +@all");
}

/* Ids keep the life that is left of them. */
static void ids_end_when_they_would_have(void **state)
{
    struct scene *s = begin(false, true);
    redisReply *life;

    (void)state;
    fill_events(s);
    copy_whole(s);
    redis_server_tell(&world.server, "SELECT 1");
    life = redis_server_ask(&world.server, "PTTL guichet:{%s}:id:e5", s->name);
    assert_in_range(life->integer, 3600000 - 120000, 3600000);
    freeReplyObject(life);
    redis_server_tell(&world.server, "SELECT 0");
    end(s);
}

/* --- what is not done ----------------------------------------------------------------------------- */

static void refused(struct scene *s, enum copy_end expected, const char *text)
{
    struct copy c = copy_of(s);
    struct fail why = {""};
    enum copy_end got = run(&c, &why);

    if (got != expected || strstr(why.text, text) == NULL)
        fail_msg("%d, not %d: %s", (int)got, (int)expected, why.text);
}

/* Whether the source takes events. */
static void expect_open(struct scene *s, bool open)
{
    static char id[16];
    struct store_member m;

    (void)snprintf(id, sizeof id, "new-%u", ++world.serial);
    m = conformance_event(id, "b", NULL, 0);
    m.exempt = true;
    expect_code(commit(s, s->from, &m), open ? STORE_ACCEPTED : STORE_UNAVAILABLE);
}

static void nothing_is_mixed(void **state)
{
    (void)state;
    for (int redis = 0; redis < 2; redis++) {
        struct scene *s = begin(!redis, redis);
        struct store_member m = conformance_event("there", "b", NULL, 0);
        fill_events(s);
        expect_code(commit(s, s->to, &m), STORE_ACCEPTED);
        refused(s, COPY_REFUSED, "is not empty");
        expect_open(s, true);
        expect_code(commit(s, s->to, &m), STORE_ACCEPTED); /* as it was: the same request */
        end(s);
    }
}

static void looking_changes_nothing(void **state)
{
    struct scene *s = begin(false, false);
    struct copy c = copy_of(s);
    struct fail why = {""};

    (void)state;
    fill(s);
    c.only_look = true;
    assert_int_equal(run(&c, &why), COPY_DONE);
    assert_int_equal(s->row[TRANSFER_IDS].from + s->row[TRANSFER_PARTS].from, EVENTS);
    assert_int_equal(s->row[TRANSFER_IDS].to, -1);
    assert_int_equal(access(s->to_url + strlen("sqlite://"), F_OK), -1);
    expect_open(s, true);
    end(s);
}

static void a_source_that_is_not_there(void **state)
{
    struct scene *s = begin(false, true);

    (void)state;
    refused(s, COPY_FAILED, "there is no store at");
    assert_int_equal(access(s->from_url + strlen("sqlite://"), F_OK), -1);
    end(s);
}

static void a_layout_that_is_not_known(void **state)
{
    struct scene *s = begin(false, true);
    struct sqlite_look look = {.db = NULL};

    (void)state;
    fill_events(s);
    store_free(s->from);
    (void)snprintf(look.path, sizeof look.path, "%s", s->from_url + strlen("sqlite://"));
    sqlite_look_run(&look, "PRAGMA user_version = 2");
    sqlite_look_close(&look);
    s->from = open_url(s->from_url);
    refused(s, COPY_FAILED, "layout 2");
    end(s);
}

/* Pages that hold something else than SQLite wrote there. */
static void a_damaged_file(void **state)
{
    struct scene *s = begin(false, true);
    const char *path = s->from_url + strlen("sqlite://");
    static const char rubbish[16384] = "rubbish";
    struct sqlite_look look = {.db = NULL};
    struct stat st;
    int fd;

    (void)state;
    fill_events(s);
    (void)snprintf(look.path, sizeof look.path, "%s", path);
    sqlite_look_run(&look, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite_look_close(&look);
    store_free(s->from);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    for (off_t at = st.st_size / 3; at < st.st_size; at += (off_t)sizeof rubbish)
        assert_true(pwrite(fd, rubbish, sizeof rubbish, at) > 0);
    assert_int_equal(close(fd), 0);
    s->from = open_url(s->from_url);
    {
        struct copy c = copy_of(s);
        struct fail why = {""};
        assert_int_equal(run(&c, &why), COPY_REFUSED);
        assert_non_null(strstr(why.text, "store_damaged"));
    }
    end(s);
}

static void damaged_keys(void **state)
{
    static const struct {
        const char *command, *says;
    } damage[] = {{"SET guichet:{%s}:id:e5 rubbish PX 1000000", "is no record of an id"},
                  {"PERSIST guichet:{%s}:id:e5", "never expires"},
                  {"SADD guichet:{%s}:user:u9 a", "is of a type that Guichet does not write"}};

    (void)state;
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        struct scene *s = begin(true, false);
        fill_events(s);
        redis_server_tell(&world.server, damage[i].command, s->name);
        refused(s, COPY_FAILED, damage[i].says);
        expect_open(s, true);
        end(s);
    }
}

static void a_store_of_another_kind(void **state)
{
    struct scene *s = begin(false, true);

    (void)state;
    store_free(s->from);
    s->from = memory_new(&clock_system);
    refused(s, COPY_FAILED, "cannot be copied");
    end(s);
}

/* --- in the middle ---------------------------------------------------------------------------------- */

static int pages;

static bool stop_at_the_fifth(void)
{
    return ++pages == 5;
}

static bool die_at_the_fifth(void)
{
    if (++pages == 5)
        (void)raise(SIGKILL);
    return false;
}

static void half_is_no_source(struct scene *s)
{
    struct copy c = copy_of(s);
    struct transfer_names names = {.n = 0};
    struct fail why = {""};

    assert_true(transfer_name(&names, slice_of(s->name)));
    c.from = s->to;
    c.to = s->from;
    assert_int_equal(copy_run(&c, &names, &why), COPY_REFUSED);
    assert_non_null(strstr(why.text, "half a copy"));
    {
        struct journal j = journal_on(s, s->to);
        char mark[TRANSFER_MARK_MAX];
        assert_int_equal(copy_open(&j, mark, &why), COPY_REFUSED);
    }
}

static void told_to_stop_it_takes_back(void **state)
{
    (void)state;
    for (int redis = 0; redis < 2; redis++) {
        struct scene *s = begin(!redis, redis);
        struct copy c = copy_of(s);
        struct store_member m = conformance_event("early", "b", NULL, 0);
        struct fail why = {""};

        fill(s);
        pages = 0;
        c.stopped = stop_at_the_fifth;
        assert_int_equal(run(&c, &why), COPY_FAILED);
        expect_code(commit(s, s->to, &m), STORE_UNAVAILABLE); /* half a copy takes nothing */
        expect_open(s, true);
        half_is_no_source(s);
        copy_whole(s);
        check_groups(s);
        check_ids(s);
        end(s);
    }
}

static void killed_it_is_repeated(void **state)
{
    (void)state;
    for (int redis = 0; redis < 2; redis++) {
        struct scene *s = begin(!redis, redis);
        struct fail why = {""};
        int status;
        pid_t pid;

        fill(s);
        pages = 0;
        pid = fork();
        if (pid == 0) {
            struct copy c = copy_of(s);
            c.from = open_url(s->from_url);
            c.to = open_url(s->to_url);
            c.stopped = die_at_the_fifth;
            (void)run(&c, &why);
            _exit(1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        /* Meanwhile events come again later, and what is known is known. */
        expect_open(s, false);
        half_is_no_source(s);
        copy_whole(s);
        check_groups(s);
        check_ids(s);
        check_old(s);
        end(s);
    }
}

static bool consume_meanwhile(void)
{
    struct fail why = {""};
    struct store *other = open_url(at_work->from_url);
    struct arena *own = arena_new(16u << 20);
    struct journal j = {other, at_work->name, own, TIMEOUT_MS};
    struct group_entry *e;
    size_t n;

    (void)group_take(&j, "old", "a", 1, LONG_MS, &e, &n, &why);
    arena_free(own);
    store_free(other);
    return false;
}

static bool take_an_id_away(void)
{
    redis_server_tell(&world.server, "SELECT 1");
    redis_server_tell(&world.server, "DEL guichet:{%s}:id:e5", at_work->name);
    redis_server_tell(&world.server, "SELECT 0");
    return false;
}

static bool change_a_field(void)
{
    redis_server_tell(&world.server, "SELECT 1");
    redis_server_tell(&world.server, "HSET guichet:{%s}:user:u1 level e128", at_work->name);
    redis_server_tell(&world.server, "SELECT 0");
    return false;
}

static bool shorten_a_life(void)
{
    redis_server_tell(&world.server, "SELECT 1");
    redis_server_tell(&world.server, "PEXPIRE guichet:{%s}:id:e5 3000000", at_work->name);
    redis_server_tell(&world.server, "SELECT 0");
    return false;
}

/* One item too few, one that is another, one that ends sooner: it is seen, and the old store goes on. */
static void what_differs_is_seen(void **state)
{
    static bool (*const meanwhile[])(void) = {consume_meanwhile, take_an_id_away, change_a_field,
                                              shorten_a_life};

    (void)state;
    for (size_t i = 0; i < sizeof meanwhile / sizeof *meanwhile; i++) {
        struct scene *s = begin(false, true);
        struct copy c = copy_of(s);
        struct fail why = {""};

        fill(s);
        c.stopped = meanwhile[i];
        assert_int_equal(run(&c, &why), COPY_DIFFERS);
        assert_in_range(s->differing, 1, 2);
        assert_non_null(strstr(why.text, "is not alike"));
        expect_open(s, true);
        copy_whole(s);
        end(s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_a_file_to_redis),
        cmocka_unit_test(from_redis_to_a_file),
        cmocka_unit_test(from_a_file_to_a_file),
        cmocka_unit_test(from_redis_to_redis),
        cmocka_unit_test(many_pages),
        cmocka_unit_test(from_an_older_redis),
        cmocka_unit_test(ids_end_when_they_would_have),
        cmocka_unit_test(nothing_is_mixed),
        cmocka_unit_test(looking_changes_nothing),
        cmocka_unit_test(a_source_that_is_not_there),
        cmocka_unit_test(a_layout_that_is_not_known),
        cmocka_unit_test(a_damaged_file),
        cmocka_unit_test(damaged_keys),
        cmocka_unit_test(a_store_of_another_kind),
        cmocka_unit_test(told_to_stop_it_takes_back),
        cmocka_unit_test(killed_it_is_repeated),
        cmocka_unit_test(what_differs_is_seen),
    };

    return cmocka_run_group_tests_name("store_copy", tests, set_up, tear_down);
}
