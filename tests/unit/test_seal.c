/* The audit's seals: every kind of tampering is found and named, and nothing else is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/memory.h"
#include "store/memory_store.h"
#include "store/seal_check.h"
#include "store/seal_file.h"
#include "store/seal_make.h"

#define NOW_US    INT64_C(1760524205000000)
#define UNLIMITED 0

struct fixture {
    struct store *store;
    struct journal j;
    struct seal_ring ring;
    struct seal_report *report;
    struct journal_ops ops; /* the store's, with something changed */
};

static int64_t now(void *ctx)
{
    (void)ctx;
    return NOW_US;
}
static const struct clock CLOCK = {now, now, NULL};

static struct seal_ring ring_of(const char *one, const char *two)
{
    struct config_list list = {.n = two != NULL ? 2 : 1};
    char origin[] = "test", first[64], second[64];
    struct seal_ring ring;
    struct fail why;

    snprintf(first, sizeof first, "%s", one);
    snprintf(second, sizeof second, "%s", two != NULL ? two : "");
    list.item[0].text = first;
    list.item[1].text = second;
    list.item[0].origin = list.item[1].origin = origin;
    assert_int_equal(seal_ring_read(&list, NULL, &ring, &why), 0);
    return ring;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->store = memory_new(&CLOCK);
    f->j = (struct journal){f->store, "dazno", arena_new(16u << 20), 1000};
    f->ring = ring_of("audit-key-of-the-tests", NULL);
    f->report = calloc(1, sizeof *f->report);
    f->ops = *f->store->journal;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    store_free(f->store);
    arena_free(f->j.arena);
    seal_ring_free(&f->ring);
    free(f->report);
    free(f);
    return 0;
}

/* Events "FROM" to "TO", each with its audit entry. */
static void commit(struct fixture *f, int from, int to)
{
    const struct store_provider p = {
        .name = "dazno", .keep_ids_us = US_PER_S, .audit_limit = STORE_AUDIT_ALL};

    for (int i = from; i <= to; i++) {
        char id[16], body[32];
        struct store_member m = {
            .kind = STORE_EVENT, .type = SLICE_LITERAL("test"), .stamp_us = NOW_US};
        struct store_batch batch = {&p, &m, 1, 5000};
        struct store_result r;
        snprintf(id, sizeof id, "e%d", i);
        snprintf(body, sizeof body, "{\"n\":%d}", i);
        m.id = slice_of(id);
        m.body = slice_of(body);
        assert_true(sha256(&m.body, 1, m.body_sha256));
        assert_true(random_bytes(m.nonce, sizeof m.nonce));
        store_commit(f->store, &batch, &r);
        assert_int_equal(r.code, STORE_ACCEPTED);
    }
}

static struct seal_note seal(struct fixture *f, int64_t limit)
{
    struct seal_note note;
    struct fail why = {""};
    enum seal_made made;

    arena_reset(f->j.arena);
    made = seal_make(&f->j, &f->ring, limit, NOW_US, &note, &why);
    if (made != SEAL_MADE_ONE && made != SEAL_MADE_FULL)
        fail_msg("%d: %s", made, why.text);
    return note;
}

static struct object *list_of(struct fixture *f, enum journal_list list)
{
    return objects_make(&((struct memory *)f->store)->all, "dazno",
                        slice_of(journal_list_names[list]), true);
}

static struct object *audit(struct fixture *f)
{
    return list_of(f, JOURNAL_AUDIT);
}

static struct object *seals(struct fixture *f)
{
    return list_of(f, JOURNAL_SEALS);
}

/* What verification finds, one word and what it names for each: "changed 1/3-0 ". */
static const char *check_expecting(struct fixture *f, const char *expect)
{
    static char text[4096];
    struct seal_source source = {seal_check_journal, &f->j};
    struct seal_expected expected = {0};
    struct fail why = {""};
    size_t n = 0;

    assert_true(expect == NULL || seal_expected_parse(expect, &expected));
    memset(f->report, 0, sizeof *f->report);
    if (!seal_check(&source, &f->ring, "dazno", &expected, f->report, &why))
        fail_msg("%s", why.text);
    text[0] = '\0';
    for (size_t i = 0; i < f->report->nfindings && i < 50; i++) {
        const struct seal_finding *x = &f->report->finding[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %d/%s%s%s", i > 0 ? " " : "",
                              seal_trouble_word(x->trouble), (int)x->number, x->entry,
                              x->other[0] != '\0' ? "=" : "", x->other);
    }
    return text;
}

static const char *check(struct fixture *f)
{
    return check_expecting(f, NULL);
}

/* Three seals over 4, 3 and 3 entries, and two entries that have none. */
static void three_seals(struct fixture *f)
{
    commit(f, 1, 4);
    seal(f, UNLIMITED);
    commit(f, 5, 7);
    seal(f, UNLIMITED);
    commit(f, 8, 10);
    seal(f, UNLIMITED);
    commit(f, 11, 12);
}

/* --- nothing is wrong --------------------------------------------------------------------------- */

static void finds_nothing_where_nothing_was_touched(void **state)
{
    struct fixture *f = *state;
    struct seal_note note;
    struct fail why = {""};

    assert_string_equal(check(f), "");
    assert_int_equal(seal_make(&f->j, &f->ring, 0, NOW_US, &note, &why), SEAL_MADE_NONE);
    three_seals(f);
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->seals, 3);
    assert_int_equal(f->report->entries, 10);
    assert_int_equal(f->report->unsealed, 2);
    assert_int_equal(f->report->unprotected, 0);
    assert_int_equal(f->report->newest, 3);
    assert_int_equal(f->report->at_us, NOW_US);
    int64_t unsealed;
    assert_true(seal_unsealed(&f->j, &unsealed, &why));
    assert_int_equal(unsealed, 2);
}

static void seals_more_than_a_page(void **state)
{
    struct fixture *f = *state;
    struct seal_note note;
    struct fail why;

    commit(f, 1, SEAL_ENTRIES_MAX + 20);
    assert_int_equal(seal_make(&f->j, &f->ring, 0, NOW_US, &note, &why), SEAL_MADE_FULL);
    assert_int_equal(note.count, SEAL_ENTRIES_MAX);
    assert_int_equal(seal_make(&f->j, &f->ring, 0, NOW_US, &note, &why), SEAL_MADE_ONE);
    assert_int_equal(note.count, 20);
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->entries, SEAL_ENTRIES_MAX + 20);
}

/* --- entries -------------------------------------------------------------------------------------- */

static void names_a_changed_entry(void **state)
{
    struct fixture *f = *state;

    three_seals(f);
    row_put(&audit(f)->row[5], SLICE_LITERAL("outcome"), SLICE_LITERAL("duplicate"));
    assert_string_equal(check(f), "changed 2/6-0");
    row_put(&audit(f)->row[5], SLICE_LITERAL("outcome"), SLICE_LITERAL("accepted"));
    assert_string_equal(check(f), "");
    row_put(&audit(f)->row[5], SLICE_LITERAL("more"), SLICE_LITERAL(""));
    assert_string_equal(check(f), "changed 2/6-0");
    row_remove(&audit(f)->row[5], SLICE_LITERAL("more"));
    row_put(&audit(f)->row[11], SLICE_LITERAL("outcome"), SLICE_LITERAL("duplicate"));
    assert_string_equal(check(f), ""); /* not sealed yet */
}

/* What is signed is length-prefixed: text that moves over the border of two fields shows. */
static void names_text_that_moved_to_the_next_field(void **state)
{
    struct fixture *f = *state;
    struct row *r;

    three_seals(f);
    r = &audit(f)->row[0];
    assert_true(slice_is(row_get(r, SLICE_LITERAL("id")), "e1"));
    assert_true(slice_is(row_get(r, SLICE_LITERAL("type")), "test"));
    row_put(r, SLICE_LITERAL("id"), SLICE_LITERAL("e"));
    row_put(r, SLICE_LITERAL("type"), SLICE_LITERAL("1test"));
    assert_string_equal(check(f), "changed 1/1-0");
}

static void names_a_removed_entry(void **state)
{
    struct fixture *f = *state;

    three_seals(f);
    object_remove_row(audit(f), 9); /* the last one that is sealed */
    object_remove_row(audit(f), 4);
    object_remove_row(audit(f), 0);
    assert_string_equal(check(f), "removed 1/1-0 removed 2/5-0 removed 3/10-0");
}

static void names_an_inserted_entry(void **state)
{
    struct fixture *f = *state;
    struct row copy;

    commit(f, 1, 3);
    object_remove_row(audit(f), 1);
    commit(f, 4, 5);
    seal(f, UNLIMITED);
    commit(f, 6, 6);
    assert_string_equal(check(f), "");
    /* In the gap; rows stand in the order of their numbers. */
    copy = *object_add_row(audit(f));
    copy.number = 2;
    memmove(&audit(f)->row[2], &audit(f)->row[1], (audit(f)->n - 2) * sizeof copy);
    audit(f)->row[1] = copy;
    row_put(&audit(f)->row[1], SLICE_LITERAL("id"), SLICE_LITERAL("forged"));
    assert_string_equal(check(f), "inserted 1/2-0");
}

static void names_entries_that_changed_places(void **state)
{
    struct fixture *f = *state;
    struct object *o;
    struct row a;

    three_seals(f);
    o = audit(f);
    a = o->row[0];
    o->row[0].field = o->row[2].field;
    o->row[2].field = a.field;
    assert_string_equal(check(f), "moved 1/1-0=3-0 moved 1/3-0=1-0");
    o->row[2].field = o->row[0].field;
    o->row[0].field = a.field;
    assert_string_equal(check(f), "");
}

/* --- seals ---------------------------------------------------------------------------------------- */

static void names_a_changed_seal(void **state)
{
    static const char *const field[] = {"number", "previous",   "from", "to",      "count", "first",
                                        "kept",   "first_seal", "at",   "entries", "mac"};
    struct fixture *f = *state;

    three_seals(f);
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        struct row *r = &seals(f)->row[1];
        struct slice kept = text_keep(row_get(r, slice_of(field[i])));
        const char *found;
        row_put(r, slice_of(field[i]), SLICE_LITERAL("77"));
        found = check(f);
        if (strstr(found, "seal_changed") == NULL)
            fail_msg("%s: %s", field[i], found);
        assert_int_equal(f->report->unprotected, 3); /* what it covered */
        row_put(r, slice_of(field[i]), kept);
        text_drop(kept);
        assert_string_equal(check(f), "");
    }
}

static void names_a_missing_seal(void **state)
{
    struct fixture *f = *state;

    three_seals(f);
    object_remove_row(seals(f), 1);
    assert_string_equal(check(f), "seal_missing 2/");
    assert_int_equal(f->report->finding[0].last, 2);
    assert_int_equal(f->report->unprotected, 3);
    assert_int_equal(f->report->entries, 7);
    object_remove_row(seals(f), 0);
    assert_string_equal(check(f), "seal_missing 1/");
    assert_int_equal(f->report->finding[0].last, 2);
}

static void names_seals_that_changed_places(void **state)
{
    struct fixture *f = *state;
    struct field *a;

    three_seals(f);
    a = seals(f)->row[0].field;
    seals(f)->row[0].field = seals(f)->row[1].field;
    seals(f)->row[1].field = a;
    assert_string_equal(check(f), "seal_missing 1/ seal_misplaced 1/2-0");
}

/* Two stores with one key: a seal of the one, authentic, with its entries, in place of the other's. */
static void names_a_seal_of_another_history(void **state)
{
    struct fixture *f = *state;
    struct fixture g = *f;

    g.store = memory_new(&CLOCK);
    g.j.store = g.store;
    commit(&g, 101, 104);
    seal(&g, UNLIMITED);
    commit(&g, 5, 7);
    seal(&g, UNLIMITED);
    three_seals(f);
    struct row *mine = &seals(f)->row[1], *other = &seals(&g)->row[1];
    struct row kept = *mine;
    mine->field = other->field;
    mine->n = other->n;
    /* Its predecessor is another one, and so is what its successor follows. */
    assert_string_equal(check(f), "seal_exchanged 2/2-0 seal_exchanged 3/3-0");
    mine->field = kept.field;
    mine->n = kept.n;
    assert_string_equal(check(f), "");
    store_free(g.store);
}

static void notices_that_the_newest_end_was_cut_off(void **state)
{
    struct fixture *f = *state;
    char noted[SEAL_MAC_ROOM + 24], wrong[SEAL_MAC_ROOM + 24];

    three_seals(f);
    snprintf(noted, sizeof noted, "3:%s", (check(f), f->report->mac));
    assert_string_equal(check_expecting(f, noted), "");
    commit(f, 13, 14);
    seal(f, UNLIMITED);
    assert_string_equal(check_expecting(f, noted), ""); /* it grew since */
    snprintf(wrong, sizeof wrong, "3:%.*s", 20, strchr(noted, ':') + 1);
    assert_string_equal(check_expecting(f, wrong), ""); /* 16 digits are enough */
    wrong[5] = wrong[5] == '0' ? '1' : '0';
    assert_string_equal(check_expecting(f, wrong), "cut_off 3/");
    object_remove_row(seals(f), 3);
    object_remove_row(seals(f), 2);
    while (audit(f)->n > 7)
        object_remove_row(audit(f), 7);
    assert_string_equal(check(f), ""); /* alone it cannot be seen */
    assert_string_equal(check_expecting(f, noted), "cut_off 3/");
    struct seal_expected e;
    assert_false(seal_expected_parse("3", &e));
    assert_false(seal_expected_parse("3:0123456789abcde", &e));
    assert_false(seal_expected_parse("0:0123456789abcdef", &e));
    assert_false(seal_expected_parse("3:0123456789abcdeX", &e));
}

/* --- keys ----------------------------------------------------------------------------------------- */

static void another_key_fits_nothing(void **state)
{
    struct fixture *f = *state;
    struct seal_ring own = f->ring;
    struct seal_note note;
    struct fail why = {""};

    three_seals(f);
    f->ring = ring_of("another-key-of-the-tests", NULL);
    assert_string_equal(check(f), "foreign 0/");
    /* And nobody seals on behind a seal that is not his. */
    assert_int_equal(seal_make(&f->j, &f->ring, 0, NOW_US, &note, &why), SEAL_MADE_FAILED);
    assert_non_null(strstr(why.text, "not authentic"));
    assert_int_equal(seals(f)->n, 3);
    seal_ring_free(&f->ring);
    /* With both the chain goes on under the new one. */
    f->ring = ring_of("audit-key-of-the-tests", "another-key-of-the-tests");
    seal(f, UNLIMITED);
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->seals, 4);
    seal_ring_free(&f->ring);
    f->ring = own;
    assert_string_equal(check(f), "seal_changed 4/4-0");
}

static void a_short_or_empty_key_is_refused(void **state)
{
    struct config_list list = {.n = 1};
    char origin[] = "test", text[] = "fifteen-letters";
    struct seal_ring ring;
    struct fail why;

    (void)state;
    list.item[0].text = text;
    list.item[0].origin = origin;
    assert_int_equal(seal_ring_read(&list, NULL, &ring, &why), -1);
    assert_non_null(strstr(why.text, "at least 16"));
    assert_null(strstr(why.text, text));
    text[0] = '\0';
    assert_int_equal(seal_ring_read(&list, NULL, &ring, &why), -1);
}

/* --- trimming ------------------------------------------------------------------------------------- */

static void trims_only_what_is_sealed(void **state)
{
    struct fixture *f = *state;

    three_seals(f); /* 10 sealed, 2 not */
    commit(f, 13, 30);
    assert_int_equal(audit(f)->n, 30);
    /* Nothing has a seal that would not leave 25 under the others. */
    assert_int_equal(seal(f, 25).trimmed, 4);
    assert_int_equal(audit(f)->n, 26);
    assert_int_equal(seals(f)->n, 3);
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->first, 2);
    assert_int_equal(f->report->entries, 26);
    commit(f, 31, 31);
    assert_int_equal(seal(f, 5).trimmed, 6); /* whole seals: one of 20, one of 1 are left */
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->first, 4);
    commit(f, 32, 50);
    assert_int_equal(seal(f, 5).trimmed, 21); /* all but the seal itself */
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->first, 6);
    assert_int_equal(seals(f)->n, 1);
    int64_t unsealed;
    struct fail why;
    commit(f, 51, 53);
    assert_true(seal_unsealed(&f->j, &unsealed, &why));
    assert_int_equal(unsealed, 3);
    assert_int_equal(audit(f)->n, 19 + 3);
}

static void removal_at_the_front_is_no_trimming(void **state)
{
    struct fixture *f = *state;

    three_seals(f);
    seal(f, 8); /* the first seal is trimmed */
    assert_string_equal(check(f), "");
    object_remove_row(audit(f), 0);
    assert_string_equal(check(f), "removed 2/5-0");
    while (audit(f)->row[0].number < 8)
        object_remove_row(audit(f), 0);
    object_remove_row(seals(f), 0);
    assert_string_equal(check(f), "seal_missing 2/");
}

static bool dead_trim(const struct journal *j, enum journal_list list, const char *id,
                      int64_t *removed, struct fail *why)
{
    (void)j;
    (void)list;
    (void)id;
    (void)removed;
    fail_set(why, "killed");
    return false;
}

static void killed_between_seal_and_trim(void **state)
{
    struct fixture *f = *state;
    struct journal_ops dead = f->ops;
    struct seal_note note;
    struct fail why;

    dead.trim = dead_trim;
    three_seals(f);
    f->store->journal = &dead;
    assert_int_equal(seal_make(&f->j, &f->ring, 6, NOW_US, &note, &why), SEAL_MADE_FAILED);
    f->store->journal = &f->ops;
    assert_int_equal(seals(f)->n, 4);
    assert_int_equal(audit(f)->n, 12);
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->trimmed_rest, 4);
    commit(f, 13, 13);
    assert_int_equal(seal(f, 6).trimmed, 7);
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->trimmed_rest, 0);
    assert_int_equal(f->report->entries, 6);
}

/* An old seal that is missing: what is there stays for whoever looks into it. */
static void a_damaged_chain_is_not_trimmed(void **state)
{
    struct fixture *f = *state;

    three_seals(f);
    object_remove_row(seals(f), 1);
    assert_int_equal(seal(f, 2).trimmed, 0);
    assert_string_equal(check(f), "seal_missing 2/");
    assert_int_equal(audit(f)->n, 12);
}

/* --- two at once ---------------------------------------------------------------------------------- */

static struct fixture *rival;

/* Another one seals between our look at what is there and our seal. */
static bool seal_after_rival(const struct journal *j, const char *newest,
                             const struct journal_field *field, size_t n, bool *done,
                             struct fail *why)
{
    struct journal other = *j;
    struct seal_note note;
    bool ok;

    rival->store->journal = &rival->ops;
    other.arena = arena_new(1u << 20);
    assert_int_equal(seal_make(&other, &rival->ring, 0, NOW_US, &note, why), SEAL_MADE_ONE);
    arena_free(other.arena);
    ok = rival->ops.seal(j, newest, field, n, done, why);
    return ok;
}

static void two_sealers_at_once_make_one_chain(void **state)
{
    struct fixture *f = *state;
    struct journal_ops slow = f->ops;
    struct seal_note note;
    struct fail why;

    rival = f;
    slow.seal = seal_after_rival;
    for (int i = 0; i < 3; i++) {
        commit(f, 10 * i, 10 * i + 3);
        f->store->journal = &slow;
        assert_int_equal(seal_make(&f->j, &f->ring, 0, NOW_US, &note, &why), SEAL_MADE_RACED);
        assert_int_equal(note.number, 0);
        assert_int_equal(seal_make(&f->j, &f->ring, 0, NOW_US, &note, &why), SEAL_MADE_NONE);
    }
    assert_int_equal(seals(f)->n, 3);
    assert_string_equal(check(f), "");
    assert_int_equal(f->report->entries, 12);
}

/* --- an export ------------------------------------------------------------------------------------ */

static void write_list(struct fixture *f, FILE *to, enum journal_list list)
{
    struct journal_page page;
    struct fail why;

    assert_true(journal_read(&f->j, list, &(struct journal_range){.max = 500}, &page, &why));
    for (size_t i = 0; i < page.n; i++)
        assert_true(seal_file_write(to, list, &page.entry[i]));
}

static char *export(struct fixture *f)
{
    static char *text; /* the stream writes them when it is closed */
    static size_t n;
    FILE *to = open_memstream(&text, &n);

    assert_true(seal_file_begin(to, "dazno"));
    write_list(f, to, JOURNAL_SEALS);
    write_list(f, to, JOURNAL_AUDIT);
    fclose(to);
    return text;
}

/* What is found in an export; "(cause)" when it is none. */
static const char *check_text(struct fixture *f, const char *text)
{
    static char out[600];
    struct seal_expected none = {0};
    struct seal_source source = {.read = seal_file_source};
    struct fail why = {""};
    FILE *from = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    struct seal_file *file;

    memset(f->report, 0, sizeof *f->report);
    file = seal_file_read(from, f->report, &why);
    fclose(from);
    snprintf(out, sizeof out, "(%s)", why.text);
    if (file == NULL)
        return out;
    assert_string_equal(seal_file_provider(file), "dazno");
    source.ctx = file;
    assert_true(seal_check(&source, &f->ring, "dazno", &none, f->report, &why));
    out[0] = '\0';
    for (size_t i = 0; i < f->report->nfindings; i++)
        snprintf(out + strlen(out), sizeof out - strlen(out), "%s %s ",
                 seal_trouble_word(f->report->finding[i].trouble), f->report->finding[i].entry);
    seal_file_free(file);
    return out;
}

/* What is made of a line while it is read is not kept: of each there stays little more than itself. */
static void a_long_export_takes_little_memory(void **state)
{
    enum { LINES = 4000, BYTES_OF_A_LINE = 2000 };
    struct fixture *f = *state;
    struct fail why = {""};
    struct seal_file *file;
    FILE *all = tmpfile();
    size_t before;

    assert_non_null(all);
    assert_true(seal_file_begin(all, "dazno"));
    for (int i = 0; i < LINES; i++)
        fprintf(all, "{\"audit\":\"%d-0\",\"id\":\"e%d\",\"outcome\":\"accepted\"}\n", i + 1, i);
    rewind(all);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    file = seal_file_read(all, f->report, &why);
    assert_non_null(file);
    assert_in_range(mallinfo2().uordblks + mallinfo2().hblkhd - before, 0,
                    (size_t)LINES * BYTES_OF_A_LINE);
    seal_file_free(file);
    fclose(all);
}

static void an_export_is_checked_without_a_store(void **state)
{
    struct fixture *f = *state;
    char *text, *at, *line, changed[20000];

    three_seals(f);
    row_put(&audit(f)->row[11], SLICE_LITERAL("reason"), SLICE_LITERAL("\"\\\x7f\xc3\xa9\n"));
    seal(f, UNLIMITED);
    text = export(f);
    assert_true(strlen(text) < sizeof changed / 2);
    assert_string_equal(check_text(f, text), "");
    assert_int_equal(f->report->entries, 12);
    assert_int_equal(f->report->seals, 4);
    /* changed */
    at = strstr(text, "\"id\":\"e6\"");
    at[7] = '5';
    assert_string_equal(check_text(f, text), "changed 6-0 ");
    at[7] = '6';
    /* a line taken out */
    line = strstr(text, "{\"audit\":\"6-0\"");
    snprintf(changed, sizeof changed, "%.*s%s", (int)(line - text), text, strchr(line, '\n') + 1);
    assert_string_equal(check_text(f, changed), "removed 6-0 ");
    /* put behind the others */
    snprintf(changed + strlen(changed), sizeof changed - strlen(changed), "%.*s",
             (int)(strchr(line, '\n') + 1 - line), line);
    assert_string_equal(check_text(f, changed), "out_of_order 6-0 ");
    /* twice */
    snprintf(changed, sizeof changed, "%s%.*s", text, (int)(strchr(line, '\n') + 1 - line), line);
    assert_non_null(strstr(check_text(f, changed), "inserted 6-0 "));
    /* cut off within a line, no export at all */
    snprintf(changed, sizeof changed, "%.*s", (int)strlen(text) - 3, text);
    assert_non_null(strstr(check_text(f, changed), "cut off"));
    assert_non_null(strstr(check_text(f, "{\"a\":\"b\"}\n"), "audit export"));
    assert_non_null(strstr(check_text(f, "hello\n"), "line 1"));
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_nothing_where_nothing_was_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seals_more_than_a_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_a_changed_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_text_that_moved_to_the_next_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_a_removed_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_an_inserted_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_entries_that_changed_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_a_changed_seal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_a_missing_seal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_seals_that_changed_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_a_seal_of_another_history, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_that_the_newest_end_was_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_key_fits_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_short_or_empty_key_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trims_only_what_is_sealed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removal_at_the_front_is_no_trimming, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killed_between_seal_and_trim, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_chain_is_not_trimmed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_sealers_at_once_make_one_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_export_takes_little_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_export_is_checked_without_a_store, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
