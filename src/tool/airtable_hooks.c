/* Hooks: looking at them, making them, looking after them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/airtable.h"
#include "tool/list.h"

static enum verdict run_list(struct call *c)
{
    struct airtable_call a;
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    struct fail why = {""};
    size_t n = 0;
    enum verdict v = airtable_open(c, &a);

    if (v == VERDICT_DONE)
        v = airtable_verdict(&a, airtable_hooks(a.airtable, hook, &n, &why), &why);
    out_form(c->out, OUT_ROWS);
    for (size_t i = 0; v == VERDICT_DONE && i < n; i++)
        airtable_put_hook(&a, &hook[i]);
    airtable_close(&a);
    return list_end(c, v);
}

static const struct option_row common_options[] = {
    AIRTABLE_OPTIONS,
    {NULL, NULL, NULL, false},
};

const struct verb verb_airtable_list = {
    .name = "airtable list",
    .operands = "",
    .help = "lists the base's hooks: state, expiry, lag, last result",
    .option = common_options,
    .run = run_list,
};

/* --- new ones --------------------------------------------------------------------------------- */

static const struct option_row create_options[] = {
    AIRTABLE_OPTIONS,
    {"url", "URL", "where pings go, instead of WEBHOOK_PUBLIC_URL", false},
    {NULL, NULL, NULL, false},
};

const char *airtable_public_url(struct call *c)
{
    const char *url = call_option(c, "url");

    if (url == NULL)
        url = getenv("WEBHOOK_PUBLIC_URL");
    if (url != NULL && (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) &&
        strlen(url) < AIRTABLE_TEXT_MAX)
        return url;
    (void)call_end(
        c, VERDICT_USAGE,
        "where should pings go? Set WEBHOOK_PUBLIC_URL or --url to this endpoint's public "
        "address, such as https://example.org/webhooks/airtable/refresh");
    return NULL;
}

static enum verdict create(struct airtable_call *a, const char *url)
{
    struct airtable_hook made;
    struct fail why = {""};
    enum verdict v;

    if (airtable_secrets(a) == NULL)
        return VERDICT_USAGE;
    v = airtable_verdict(a, airtable_create(a->airtable, url, airtable_keep_secret, a, &made, &why),
                         &why);
    if (v == VERDICT_DONE) {
        out_form(a->call->out, OUT_FACTS);
        airtable_put_hook(a, &made);
    }
    return v;
}

static enum verdict run_create(struct call *c)
{
    struct airtable_call a;
    enum verdict v = airtable_open(c, &a);
    const char *url = v == VERDICT_DONE ? airtable_public_url(c) : NULL;

    if (v == VERDICT_DONE)
        v = url != NULL ? create(&a, url) : VERDICT_USAGE;
    airtable_close(&a);
    return v;
}

const struct verb verb_airtable_create = {
    .name = "airtable create",
    .operands = "",
    .help = "makes a hook; its secret, which Airtable makes, is kept in the provider's folder",
    .option = create_options,
    .run = run_create,
};

/* Whether the hook's secret is in the folder: without it no ping of it can be verified. */
static bool has_secret(struct airtable_call *a, const char *hook)
{
    const char *folder = airtable_secrets(a);
    int dir = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool there = dir >= 0 && faccessat(dir, hook, F_OK, 0) == 0;

    if (dir >= 0)
        (void)close(dir);
    return there;
}

enum verdict airtable_setup_hook(struct airtable_call *a, const char *url)
{
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    struct fail why = {""};
    size_t n = 0;
    enum verdict v;

    if (airtable_secrets(a) == NULL)
        return VERDICT_USAGE;
    v = airtable_verdict(a, airtable_hooks(a->airtable, hook, &n, &why), &why);
    if (v != VERDICT_DONE)
        return v;
    for (size_t i = 0; i < n; i++) {
        struct airtable_hook *h = &hook[i];
        if (!h->listed || !h->alive || h->error[0] != '\0' || strcmp(h->url, url) != 0 ||
            !has_secret(a, h->id))
            continue;
        if (h->cursor == 0) {
            v = airtable_verdict(a, airtable_adopt(a->airtable, h->id, &why), &why);
            h->known = v == VERDICT_DONE;
        }
        if (v == VERDICT_DONE && !h->notifies) {
            v = airtable_verdict(a, airtable_enable(a->airtable, h->id, true, &why), &why);
            h->notifies = v == VERDICT_DONE;
        }
        out_form(a->call->out, OUT_FACTS);
        if (v == VERDICT_DONE)
            airtable_put_hook(a, h);
        return v;
    }
    return create(a, url);
}

static enum verdict run_setup(struct call *c)
{
    struct airtable_call a;
    enum verdict v = airtable_open(c, &a);
    const char *url = v == VERDICT_DONE ? airtable_public_url(c) : NULL;

    if (v == VERDICT_DONE)
        v = url != NULL ? airtable_setup_hook(&a, url) : VERDICT_USAGE;
    airtable_close(&a);
    return v;
}

const struct verb verb_airtable_setup = {
    .name = "airtable setup",
    .operands = "",
    .help = "sees to it that a sound hook for the URL exists and is on",
    .option = create_options,
    .run = run_setup,
};

/* --- existing ones ---------------------------------------------------------------------------- */

/* Opens, asks `act` for each operand and shows what became of it. */
static enum verdict for_each(struct call *c,
                             enum airtable_outcome (*act)(struct airtable_call *a, const char *hook,
                                                          int64_t *expires_us, struct fail *why))
{
    struct airtable_call a;
    enum verdict v = airtable_open(c, &a);

    out_form(c->out, OUT_ROWS);
    for (size_t i = 0; v == VERDICT_DONE && i < c->noperands; i++) {
        struct fail why = {""};
        int64_t expires_us = 0;
        v = airtable_verdict(&a, act(&a, c->operand[i], &expires_us, &why), &why);
        if (v != VERDICT_DONE)
            break;
        out_text(c->out, "hook", slice_of(c->operand[i]));
        if (expires_us != 0)
            out_time(c->out, "expires", expires_us);
        out_end(c->out);
    }
    airtable_close(&a);
    return v;
}

static enum airtable_outcome enable_one(struct airtable_call *a, const char *hook,
                                        int64_t *expires_us, struct fail *why)
{
    (void)expires_us;
    return airtable_enable(a->airtable, hook, true, why);
}

static enum airtable_outcome disable_one(struct airtable_call *a, const char *hook,
                                         int64_t *expires_us, struct fail *why)
{
    (void)expires_us;
    return airtable_enable(a->airtable, hook, false, why);
}

static enum airtable_outcome refresh_one(struct airtable_call *a, const char *hook,
                                         int64_t *expires_us, struct fail *why)
{
    return airtable_prolong(a->airtable, hook, expires_us, why);
}

static enum airtable_outcome delete_one(struct airtable_call *a, const char *hook,
                                        int64_t *expires_us, struct fail *why)
{
    (void)expires_us;
    return airtable_delete(a->airtable, hook, why);
}

static enum verdict run_enable(struct call *c)
{
    return for_each(c, enable_one);
}

static enum verdict run_disable(struct call *c)
{
    return for_each(c, disable_one);
}

static enum verdict run_refresh(struct call *c)
{
    return for_each(c, refresh_one);
}

static enum verdict run_delete(struct call *c)
{
    return for_each(c, delete_one);
}

#define HOOK_VERB(word, text)                                                                      \
    const struct verb verb_airtable_##word = {                                                     \
        .name = "airtable " #word,                                                                 \
        .operands = "HOOK...",                                                                     \
        .help = (text),                                                                            \
        .option = common_options,                                                                  \
        .least = 1,                                                                                \
        .most = 10,                                                                                \
        .run = run_##word,                                                                         \
    }

HOOK_VERB(enable, "has Airtable send a hook's pings (again)");
HOOK_VERB(disable, "has Airtable send no pings of a hook; payloads go on");
HOOK_VERB(refresh, "prolongs a hook's life to seven days from now");
HOOK_VERB(delete, "deletes a hook, at Airtable and here; its secret's file stays");
