#include "tool/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include "store/copy.h"
#include "tool/command.h"
#include "tool/host.h"
#include "verify/secret.h"

#define TIMEOUT_MS 30000 /* of each operation: a page is much at once */

static enum verdict verdict_of(enum copy_end end)
{
    static const enum verdict verdict[] = {[COPY_DONE] = VERDICT_DONE,
                                           [COPY_REFUSED] = VERDICT_NO,
                                           [COPY_DIFFERS] = VERDICT_NO,
                                           [COPY_FAILED] = VERDICT_AWAY};

    return verdict[end];
}

/* The providers that were named. */
static enum verdict choose(struct call *c, struct transfer_names *names)
{
    const char *named;

    for (size_t i = 0; (named = call_each(c, "provider", i)) != NULL; i++)
        if (!transfer_name(names, slice_of(named)))
            return call_end(c, VERDICT_USAGE, "\"%s\" is no name of a provider", named);
    return VERDICT_DONE;
}

/* --- copy ------------------------------------------------------------------------------------- */

struct copying {
    struct call *c;
    struct host h;
    struct store *to;
    char from[STORE_URL_MAX], where[STORE_URL_MAX]; /* as messages may show them */
};

static void digest(struct out *o, const char *name, const char *text)
{
    if (text[0] != '\0')
        out_text(o, name, slice_of(text));
    else
        out_none(o, name);
}

static void show_row(void *ctx, const struct copy_row *row)
{
    struct copying *k = ctx;
    struct out *o = k->c->out;

    out_text(o, "provider", slice_of(row->provider));
    out_text(o, "what", slice_of(row->what));
    out_number(o, "from", row->from);
    if (row->to < 0) {
        digest(o, "digest", row->from_digest);
    } else {
        out_number(o, "to", row->to);
        digest(o, "digest_from", row->from_digest);
        digest(o, "digest_to", row->to_digest);
        out_bool(o, "same", row->same);
    }
    out_end(o);
}

/* The address may stand in a file or a variable, for the list of processes shows what is given here. */
static enum verdict open_destination(struct copying *k)
{
    struct secret_text url;
    struct fail why = {""};
    enum verdict v = VERDICT_DONE;

    if (secret_read(k->c->operand[0], "the address", environ, &url, 1, &why) != 1)
        return call_end(k->c, VERDICT_USAGE, "%s", why.text);
    store_address(url.text, k->where, sizeof k->where);
    k->to = store_open(url.text, &clock_system, &why);
    if (k->to == NULL)
        v = call_end(k->c, VERDICT_USAGE, "%s", why.text);
    secret_wipe(&url, 1);
    return v;
}

static enum verdict run_copy(struct copying *k)
{
    const struct copy copy = {
        .from = k->h.store,
        .to = k->to,
        .from_address = k->from,
        .to_address = k->where,
        .arena = k->h.arena,
        .timeout_ms = TIMEOUT_MS,
        .clock = &clock_system,
        .only_look = call_option(k->c, "dry-run") != NULL,
        .stopped = command_stopped,
        .report = show_row,
        .ctx = k,
    };
    struct transfer_names names = {.n = 0};
    struct fail why = {""};
    enum verdict v = choose(k->c, &names);

    if (v != VERDICT_DONE)
        return v;
    v = verdict_of(copy_begin(&copy, &names, &why));
    if (v != VERDICT_DONE)
        return call_end(k->c, v, "%s", why.text);
    if (names.n == 0)
        return call_end(k->c, VERDICT_NO, "%s holds nothing; there is nothing to copy", k->from);
    out_form(k->c->out, OUT_ROWS);
    v = verdict_of(copy_run(&copy, &names, &why));
    if (v != VERDICT_DONE)
        return call_end(k->c, v, "%s", why.text);
    out_flush(k->c->out);
    if (copy.only_look)
        out_say(k->c->out, "\nNothing was changed. This is what would be copied to %s.", k->where);
    else
        out_say(k->c->out,
                "\nAll is alike. %s is closed: its events are answered 503 until [server] store "
                "names %s.",
                k->from, k->where);
    return v;
}

static enum verdict copy(struct call *c)
{
    struct copying k = {.c = c};
    enum verdict v = host_become(c, call_option(c, "user"));

    if (v == VERDICT_DONE)
        v = host_open_store(c, &k.h);
    if (v == VERDICT_DONE)
        v = open_destination(&k);
    if (v == VERDICT_DONE) {
        store_address(k.h.config->store, k.from, sizeof k.from);
        command_prepare();
        v = run_copy(&k);
    }
    store_free(k.to);
    host_close(&k.h);
    return v;
}

static const struct option_row copy_options[] = {
    {"provider", "NAME", "of that provider alone; else of all that the store holds", true},
    {"dry-run", NULL, "only shows what would be copied, and whether it may be", false},
    HOST_USER_OPTION,
    {0}};

const struct verb verb_store_copy = {
    "store copy", "TO", "moves all that the store holds to another store, and closes this one",
    copy_options, 1,    1,
    copy};

/* --- open ------------------------------------------------------------------------------------- */

static enum verdict open_all(struct call *c, struct host *h)
{
    const struct journal all = {h->store, "selftest", h->arena, TIMEOUT_MS};
    char mark[TRANSFER_MARK_MAX];
    struct transfer_names names = {.n = 0};
    struct fail why = {""};
    enum verdict v = choose(c, &names);

    if (v == VERDICT_DONE && names.n == 0 &&
        !(transfer_possible(&all, &why) && transfer_providers(&all, &names, &why)))
        v = call_end(c, VERDICT_AWAY, "%s", why.text);
    out_form(c->out, OUT_ROWS);
    for (size_t i = 0; i < names.n && v == VERDICT_DONE; i++) {
        const struct journal j = {h->store, names.name[i], h->arena, TIMEOUT_MS};
        v = verdict_of(copy_open(&j, mark, &why));
        if (v != VERDICT_DONE)
            return call_end(c, v, "%s", why.text);
        out_text(c->out, "provider", slice_of(names.name[i]));
        out_text(c->out, "was", slice_of(mark[0] != '\0' ? mark : "open"));
        out_end(c->out);
    }
    return v;
}

static enum verdict open_it(struct call *c)
{
    struct host h = {.config = NULL};
    enum verdict v = host_become(c, call_option(c, "user"));

    if (v == VERDICT_DONE)
        v = host_open_store(c, &h);
    if (v == VERDICT_DONE)
        v = open_all(c, &h);
    host_close(&h);
    return v;
}

static const struct option_row open_options[] = {
    {"provider", "NAME", "of that provider alone; else of all", true}, HOST_USER_OPTION, {0}};

const struct verb verb_store_open = {
    "store open", "", "lets a store take events again that `store copy` closed", open_options, 0, 0,
    open_it};
