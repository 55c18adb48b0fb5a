/* Looking at payloads, and putting another hook in the place of one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool/airtable.h"

static void put_payload(void *ctx, int64_t number, const char *json)
{
    struct call *c = ctx;

    out_number(c->out, "number", number);
    out_json(c->out, "payload", slice_of(json));
    out_end(c->out);
}

static enum verdict run_payloads(struct call *c)
{
    struct airtable_call a;
    struct fail why = {""};
    int64_t next = 0;
    long long cursor = 0;
    enum verdict v = airtable_open(c, &a);

    if (v == VERDICT_DONE && !call_number(c, "cursor", 1, INT64_MAX, 0, &cursor))
        v = VERDICT_USAGE;
    out_form(c->out, OUT_ROWS);
    if (v == VERDICT_DONE)
        v = airtable_verdict(
            &a, airtable_peek(a.airtable, c->operand[0], cursor, put_payload, c, &next, &why),
            &why);
    if (v == VERDICT_DONE)
        out_say(c->out, "the next cursor is %lld", (long long)next);
    airtable_close(&a);
    return v;
}

static const struct option_row payloads_options[] = {
    AIRTABLE_OPTIONS,
    {"cursor", "N", "from that payload on (where the drain is)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_payloads = {
    .name = "airtable payloads",
    .operands = "HOOK",
    .help = "shows a page of a hook's payloads, applying nothing",
    .option = payloads_options,
    .least = 1,
    .most = 1,
    .run = run_payloads,
};

/* --- another hook in its place ---------------------------------------------------------------- */

/* The hook that is named, as it is now. */
static enum verdict find(struct airtable_call *a, const char *id, struct airtable_hook *out)
{
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    struct fail why = {""};
    size_t n = 0;
    enum verdict v = airtable_verdict(a, airtable_hooks(a->airtable, hook, &n, &why), &why);

    for (size_t i = 0; v == VERDICT_DONE && i < n; i++)
        if (strcmp(hook[i].id, id) == 0 && hook[i].listed) {
            *out = hook[i];
            return VERDICT_DONE;
        }
    return v == VERDICT_DONE ? call_end(a->call, VERDICT_NO, "the base has no hook %s", id) : v;
}

/* A secret whose hook is gone proves nothing any more. */
static enum verdict drop_secret(struct airtable_call *a, const char *hook)
{
    const char *folder = airtable_secrets(a);
    int dir = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool gone = dir >= 0 && (unlinkat(dir, hook, 0) == 0 || errno == ENOENT);

    if (dir >= 0)
        (void)close(dir);
    return gone ? VERDICT_DONE
                : call_end(a->call, VERDICT_AWAY, "cannot remove the secret of %s: %s", hook,
                           strerror(errno));
}

/* First the new one with its secret, so that pings of both are verified; then what the old one still has;
 * then the old one goes. Stopped anywhere it may be run again: at worst there is a hook too many. */
static enum verdict replace(struct airtable_call *a, const struct airtable_hook *old)
{
    struct airtable_report report;
    struct airtable_hook made;
    struct fail why = {""};
    enum verdict v;

    v = airtable_verdict(
        a, airtable_create(a->airtable, old->url, airtable_keep_secret, a, &made, &why), &why);
    if (v == VERDICT_DONE)
        v = airtable_verdict(a, airtable_drain(a->airtable, true, false, &report, &why), &why);
    if (v == VERDICT_DONE)
        v = airtable_verdict(a, airtable_delete(a->airtable, old->id, &why), &why);
    if (v == VERDICT_DONE)
        v = drop_secret(a, old->id);
    if (v == VERDICT_DONE) {
        out_form(a->call->out, OUT_FACTS);
        airtable_put_hook(a, &made);
    }
    return v;
}

static enum verdict run_recreate(struct call *c)
{
    struct airtable_call a;
    struct airtable_hook old = {.known = false};
    enum verdict v = airtable_open(c, &a);

    if (v == VERDICT_DONE && airtable_secrets(&a) == NULL)
        v = VERDICT_USAGE;
    if (v == VERDICT_DONE)
        v = find(&a, c->operand[0], &old);
    if (v == VERDICT_DONE && old.url[0] == '\0')
        v = call_end(c, VERDICT_NO, "%s sends no pings, so there is no address for another one",
                     old.id);
    if (v == VERDICT_DONE) {
        out_say(c->out, "Airtable makes the secret of the new hook; nobody can choose it.");
        v = replace(&a, &old);
    }
    airtable_close(&a);
    return v;
}

static const struct option_row recreate_options[] = {
    AIRTABLE_OPTIONS,
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_recreate = {
    .name = "airtable recreate",
    .operands = "HOOK",
    .help = "puts a new hook, with a new secret, in the place of one: nothing is missed",
    .option = recreate_options,
    .least = 1,
    .most = 1,
    .run = run_recreate,
};
