#include "store/trial.h"

#include "base/codec.h"

bool trial_make(struct trial *t, const struct store_provider *real)
{
    static const enum store_kind kind[TRIAL_MEMBERS] = {STORE_EVENT, STORE_EVENT, STORE_EVENT,
                                                        STORE_MARK, STORE_NOTE};
    struct slice record = SLICE_LITERAL("record:1"), one = SLICE_LITERAL("1");

    *t = (struct trial){.field = {SLICE_LITERAL("name"), one},
                        .provider = {.name = real->name,
                                     .rate_count = 1000000,
                                     .rate_window_us = 1,
                                     .keep_ids_us = 60 * US_PER_S,
                                     .audit_limit = 10,
                                     .history_limit = 1,
                                     .min_replicas = real->min_replicas}};
    t->change[0] = (struct change){CHANGE_SET, record, SLICE_LITERAL("set"), one, 0, 0, 0, NULL};
    t->change[1] =
        (struct change){CHANGE_SET_IF_NEWER, record, SLICE_LITERAL("newer.1"), one, 2, 0, 0, NULL};
    t->change[2] =
        (struct change){CHANGE_SET_EARLIEST, record, SLICE_LITERAL("earliest"), one, 0, 0, 0, NULL};
    t->change[3] = (struct change){CHANGE_ADD, record, SLICE_LITERAL("sum"), one, 0, 0, 0, NULL};
    t->change[4] =
        (struct change){CHANGE_APPEND, SLICE_LITERAL("list:1"), SLICE_NONE, one, 0, 0, 0, NULL};
    t->change[5] = t->change[4];
    /* Last, for what stands behind it would not happen where a trial before was cut off. */
    t->change[6] = (struct change){
        CHANGE_CREATE_ONCE, SLICE_LITERAL("once:1"), SLICE_NONE, SLICE_NONE, 0, 1, 1, &t->field};
    for (size_t i = 0; i < TRIAL_MEMBERS; i++) {
        struct store_member *m = &t->member[i];
        *m = (struct store_member){.kind = kind[i],
                                   .type = SLICE_LITERAL("selftest"),
                                   .changes = t->change,
                                   .nchanges = TRIAL_CHANGES,
                                   .reason = kind[i] == STORE_NOTE ? SLICE_LITERAL("selftest")
                                                                   : SLICE_NONE};
        if (!random_bytes(m->nonce, sizeof m->nonce))
            return false;
    }
    hex_encode(t->member[0].nonce, STORE_NONCE_BYTES, t->id);
    for (size_t i = 0; i < TRIAL_MEMBERS; i++)
        t->member[i].id = slice_of(t->id);
    t->member[2].body_sha256[0] = 1;
    return true;
}

bool trial_judge(const struct trial *t, const struct store_result *result, size_t *failed,
                 struct fail *why)
{
    static const enum store_code want[TRIAL_MEMBERS] = {
        STORE_ACCEPTED, STORE_DUPLICATE, STORE_CONFLICT, STORE_ACCEPTED, STORE_ACCEPTED};

    for (size_t i = 0; i < TRIAL_MEMBERS; i++) {
        if (result[i].code == want[i])
            continue;
        *failed = i;
        fail_set(why, "%s: the self-test of provider %s, step %zu of %d: %s",
                 result[i].word != NULL ? result[i].word : "fault", t->provider.name, i + 1,
                 TRIAL_MEMBERS,
                 result[i].reason[0] != '\0' ? result[i].reason : "an unexpected answer");
        return false;
    }
    return true;
}
