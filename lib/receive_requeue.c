#include "receive_work.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/text.h"

/* New entries of the quarantine that are looked through for a second copy. */
#define COPIES_MAX 50

static struct mount *mount_of(struct receiver *r, const char *provider)
{
    for (size_t i = 0; i < r->service.config->nproviders; i++)
        if (r->mount[i].verifier != NULL && strcmp(r->mount[i].config->name, provider) == 0)
            return &r->mount[i];
    return NULL;
}

static void stays(struct requeued *out, const char *reason, const char *detail)
{
    out->code = REQUEUE_STAYS;
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason);
    (void)snprintf(out->detail, sizeof out->detail, "%s", detail);
}

/* Two that let in the same entry, or one that was killed and comes again, are one request to the
 * store. */
static bool nonce_of(const struct journal *j, const struct journal_entry *e,
                     uint8_t out[static STORE_NONCE_BYTES])
{
    const struct slice part[] = {
        SLICE_LITERAL("guichet requeue"), {"", 1}, slice_of(j->provider), {"", 1}, slice_of(e->id)};
    uint8_t digest[SHA256_BYTES];

    if (!sha256(part, sizeof part / sizeof part[0], digest))
        return false;
    memcpy(out, digest, STORE_NONCE_BYTES);
    return true;
}

/* What the entry holds, checked; false: `out` says what is wrong with it. */
static bool open_entry(const struct journal *j, const struct mount *m,
                       const struct journal_entry *e, struct again *a, struct requeued *out)
{
    char digest[BASE64_ROOM(SHA256_BYTES)];

    *a = (struct again){.body = journal_value(e, "body"), .judged = true};
    if (!text_to_i64(journal_value(e, "at"), &a->arrived_us) ||
        !sha256(&a->body, 1, a->body_sha256) || !nonce_of(j, e, a->nonce)) {
        stays(out, "damaged", "the entry has no time of arrival");
        return false;
    }
    base64_encode(a->body_sha256, sizeof a->body_sha256, digest);
    if (!slice_is(journal_value(e, "digest"), digest)) {
        stays(out, "digest", "the body is not the one that was put in quarantine");
        return false;
    }
    /* What a header told when it came. */
    if (m->scheme->id_header != NULL)
        a->id = journal_value(e, "id");
    if (m->scheme->type_header != NULL)
        a->type = journal_value(e, "type");
    return true;
}

/* The commit keeps evidence of what it refuses. Of this event it is there already, with the time of
 * its arrival: the second copy goes. */
static void remove_copy(const struct journal *j, const struct journal_entry *e,
                        const struct journal_range *since, const char *reason)
{
    struct journal_page page;
    struct fail why;
    int64_t removed;

    if (slice_is(journal_value(e, "reason"), reason) ||
        !journal_read(j, JOURNAL_QUARANTINE, since, &page, &why))
        return;
    for (size_t i = 0; i < page.n; i++)
        if (slice_is(journal_value(&page.entry[i], "reason"), reason) &&
            slice_equal(journal_value(&page.entry[i], "digest"), journal_value(e, "digest")))
            (void)journal_remove(j, JOURNAL_QUARANTINE, &page.entry[i].id, 1, &removed, &why);
}

static bool away(struct requeued *out, const char *reason)
{
    out->code = REQUEUE_AWAY;
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason);
    return false;
}

/* Only when it is in the store does it leave the quarantine. */
static bool take_out(const struct journal *j, const struct journal_entry *e,
                     const struct store_result *s, struct requeued *out, struct fail *why)
{
    int64_t removed;

    if (!journal_remove(j, JOURNAL_QUARANTINE, &e->id, 1, &removed, why))
        return away(out, "the event is in the store, but its entry could not be taken out");
    out->code = s->code == STORE_DUPLICATE ? REQUEUE_KNOWN : REQUEUE_DONE;
    out->by_another = removed == 0;
    out->at_us = s->at_us;
    return true;
}

static bool commit(struct receiver *r, const struct mount *m, const struct journal *j,
                   const struct journal_entry *e, const struct store_member *member,
                   struct requeued *out, struct fail *why)
{
    struct journal_page newest;
    struct store_result s;

    if (!journal_read(j, JOURNAL_QUARANTINE, &(struct journal_range){.backwards = true, .max = 1},
                      &newest, why))
        return away(out, "store_unreachable");
    again_commit(r, m, member, 1, &s);
    switch (s.code) {
    case STORE_ACCEPTED:
    case STORE_DUPLICATE:
        return take_out(j, e, &s, out, why);
    case STORE_CONFLICT:
    case STORE_REFUSED:
        stays(out, s.word,
              s.code == STORE_CONFLICT ? "another event was accepted under its id"
                                       : "it cannot be applied");
        remove_copy(j, e,
                    &(struct journal_range){.after = newest.n > 0 ? newest.entry[0].id : NULL,
                                            .max = COPIES_MAX},
                    s.word);
        return true;
    case STORE_FAULT:
        stays(out, s.word, s.reason);
        return true;
    default:
        /* Room is missing for the evidence of it alone; or the backlog is full, or the store away. */
        if (s.word != NULL && strcmp(s.word, "quarantine_full") == 0) {
            stays(out, "conflict", "in conflict with an accepted event, or it cannot be applied");
            return true;
        }
        fail_set(why, "store: %s: %s", s.word != NULL ? s.word : "unavailable", s.reason);
        return away(out, s.word != NULL ? s.word : "unavailable");
    }
}

bool receiver_requeue(struct receiver *r, const struct journal *j, const struct journal_entry *e,
                      bool dry_run, struct requeued *out, struct fail *why)
{
    const struct mount *m = mount_of(r, j->provider);
    struct store_member member;
    struct event event;
    struct again a;

    *out = (struct requeued){.code = REQUEUE_DONE};
    if (m == NULL) {
        stays(out, "retired", "its provider is not mounted");
        return true;
    }
    if (!open_entry(j, m, e, &a, out))
        return true;
    switch (again_read(m, &a, j->arena, &event, &member)) {
    case EVENT_NO_MEMORY:
        fail_set(why, "no memory for the event");
        return away(out, "no_memory");
    case EVENT_INVALID:
        stays(out, event.reason, event.detail);
        return true;
    default:
        break;
    }
    if (dry_run)
        return true;
    member.reason = SLICE_LITERAL("requeued");
    return commit(r, m, j, e, &member, out, why);
}
