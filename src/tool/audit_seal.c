#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/seal_check.h"
#include "store/seal_file.h"
#include "store/seal_make.h"
#include "tool/audit.h"

/* Times that another sealer may be faster; under the lease it happens once at most. */
#define RACES_MAX 10

/* --- seal ----------------------------------------------------------------------------------------- */

static enum verdict seal_provider(struct call *c, struct host *h, const struct config_provider *p,
                                  const struct seal_ring *ring)
{
    int64_t entries = 0, trimmed = 0, seals = 0;
    struct seal_note note = {0}, last = {0};
    enum seal_made made = SEAL_MADE_FULL;
    struct audit_turn turn;
    struct fail why = {""};
    int races = 0;

    if (!audit_turn_take(c, h, p, &turn)) {
        audit_turn_leave(&turn);
        return VERDICT_AWAY;
    }
    while (made == SEAL_MADE_FULL || (made == SEAL_MADE_RACED && races++ < RACES_MAX)) {
        struct journal j = host_journal(h, p);
        made = audit_turn_keep(&turn, &why)
                   ? seal_make(&j, ring, p->audit_limit, clock_now_us(&clock_system), &note, &why)
                   : SEAL_MADE_FAILED;
        if (note.number > 0)
            last = note;
        seals += note.count > 0;
        entries += note.count;
        trimmed += note.trimmed;
        note = (struct seal_note){0};
    }
    audit_turn_leave(&turn);
    out_text(c->out, "provider", slice_of(p->name));
    out_number(c->out, "seals", seals);
    out_number(c->out, "entries", entries);
    out_number(c->out, "trimmed", trimmed);
    if (last.number > 0) {
        char seal[SEAL_MAC_ROOM + 24];
        (void)snprintf(seal, sizeof seal, "%lld:%s", (long long)last.number, last.mac);
        out_text(c->out, "seal", slice_of(seal));
    } else {
        out_none(c->out, "seal");
    }
    out_end(c->out);
    if (made == SEAL_MADE_FAILED || made == SEAL_MADE_RACED)
        return call_end(c, VERDICT_AWAY, "%s: %s", p->name,
                        why.text[0] != '\0' ? why.text : "others seal all the time");
    return VERDICT_DONE;
}

static enum verdict no_key(struct call *c)
{
    return call_end(c, VERDICT_USAGE,
                    "no audit_key is configured; make one with `openssl rand -hex 32`, in a file "
                    "that only this user and the responder's can read, and set [server] audit_key "
                    "= file:/PATH");
}

static enum verdict seal_all(struct call *c, struct host *h)
{
    const char *named = call_option(c, "provider");
    enum verdict v = VERDICT_DONE;
    struct seal_ring ring;
    struct fail why = {""};

    if (named != NULL && host_provider(c, h, named) == NULL)
        return VERDICT_USAGE;
    if (seal_ring_read(&h->config->audit_key, environ, &ring, &why) != 0)
        return call_end(c, VERDICT_USAGE, "%s", why.text);
    if (ring.n == 0)
        return no_key(c);
    for (size_t i = 0; i < h->config->nproviders && v == VERDICT_DONE; i++)
        if (named == NULL || strcmp(named, h->config->provider[i].name) == 0)
            v = seal_provider(c, h, &h->config->provider[i], &ring);
    seal_ring_free(&ring);
    return v;
}

static enum verdict seal(struct call *c)
{
    struct host h;
    enum verdict v = host_open_store(c, &h);

    if (v == VERDICT_DONE)
        v = seal_all(c, &h);
    host_close(&h);
    return v;
}

const struct verb verb_audit_seal = {
    .name = "audit seal",
    .operands = "",
    .help = "seals what came since the newest seal, and trims what is sealed beyond audit_limit",
    .option = (const struct option_row[]){{"provider", "NAME", "only that provider", false}, {0}},
    .run = seal,
};

/* --- verify --------------------------------------------------------------------------------------- */

static void tell_finding(struct out *o, const struct seal_finding *f)
{
    out_text(o, "problem", slice_of(seal_trouble_word(f->trouble)));
    if (f->number > 0)
        out_number(o, "seal", f->number);
    else
        out_none(o, "seal");
    if (f->last > 0)
        out_number(o, "last", f->last);
    else
        out_none(o, "last");
    out_text(o, "entry", slice_of(f->entry));
    out_text(o, "other", slice_of(f->other));
    out_text(o, "meaning", slice_of(seal_trouble_text(f->trouble)));
    out_end(o);
}

static enum verdict tell(struct call *c, const char *provider, const struct seal_report *r)
{
    struct out *o = c->out;
    char seal[SEAL_MAC_ROOM + 24];

    for (size_t i = 0; i < r->nfindings && i < SEAL_FINDINGS_MAX; i++)
        tell_finding(o, &r->finding[i]);
    out_form(o, OUT_FACTS);
    out_text(o, "provider", slice_of(provider));
    out_bool(o, "intact", r->nfindings == 0);
    out_number(o, "problems", (int64_t)r->nfindings);
    out_number(o, "seals", r->seals);
    out_number(o, "entries", r->entries);
    out_number(o, "unprotected", r->unprotected);
    out_number(o, "not_sealed_yet", r->unsealed);
    out_number(o, "being_trimmed", r->trimmed_rest);
    if (r->newest > 0) {
        (void)snprintf(seal, sizeof seal, "%lld:%s", (long long)r->newest, r->mac);
        out_number(o, "first_seal", r->first);
        out_text(o, "newest_seal", slice_of(seal));
        out_time(o, "sealed_at", r->at_us);
    } else {
        out_none(o, "first_seal");
        out_none(o, "newest_seal");
        out_none(o, "sealed_at");
    }
    out_end(o);
    return r->nfindings == 0 ? VERDICT_DONE : VERDICT_NO;
}

/* The key of --key, which needs no configuration, or the configured ones. */
static bool read_given_key(struct call *c, const char *spec, struct seal_ring *ring)
{
    struct config_list list = {.n = 1};
    char origin[] = "--key";
    struct fail why = {""};
    int rc;

    if (strncmp(spec, "env:", 4) != 0 && strncmp(spec, "file:/", 6) != 0) {
        (void)call_end(c, VERDICT_USAGE,
                       "--key takes env:NAME or file:/PATH, never the key itself, which others "
                       "could see");
        return false;
    }
    list.item[0].text = strdup(spec);
    list.item[0].origin = origin;
    rc = list.item[0].text != NULL ? seal_ring_read(&list, environ, ring, &why) : -1;
    free(list.item[0].text);
    if (rc != 0)
        (void)call_end(c, VERDICT_USAGE, "%s", why.text);
    return rc == 0;
}

struct verifying {
    struct call *c;
    struct seal_ring ring;
    struct seal_expected expected;
    struct seal_report *report;
};

static enum verdict verify_with(struct verifying *v, const struct seal_source *source,
                                const char *provider)
{
    struct fail why = {""};

    if (!seal_check(source, &v->ring, provider, &v->expected, v->report, &why))
        return call_end(v->c, VERDICT_AWAY, "%s", why.text);
    return tell(v->c, provider, v->report);
}

static enum verdict verify_file(struct verifying *v, const char *name)
{
    FILE *from = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    struct seal_source source = {.read = seal_file_source};
    struct seal_file *f;
    struct fail why = {""};
    enum verdict verdict;

    if (from == NULL)
        return call_end(v->c, VERDICT_AWAY, "%s: %s", name, strerror(errno));
    f = seal_file_read(from, v->report, &why);
    if (from != stdin)
        fclose(from);
    if (f == NULL)
        return call_end(v->c, VERDICT_NO, "%s: %s", name, why.text);
    source.ctx = f;
    verdict = verify_with(v, &source, seal_file_provider(f));
    seal_file_free(f);
    return verdict;
}

/* A journal that keeps its turn: nobody trims what is being read. */
struct guarded {
    struct journal j;
    struct audit_turn turn;
};

static bool guarded_read(void *ctx, enum journal_list list, const struct journal_range *range,
                         struct journal_page *out, struct fail *why)
{
    struct guarded *g = ctx;

    return audit_turn_keep(&g->turn, why) && seal_check_journal(&g->j, list, range, out, why);
}

static enum verdict verify_store(struct verifying *v, struct host *h,
                                 const struct config_provider *p)
{
    struct guarded g = {.j = host_journal(h, p)};
    struct seal_source source = {guarded_read, &g};
    enum verdict verdict = VERDICT_AWAY;

    if (audit_turn_take(v->c, h, p, &g.turn))
        verdict = verify_with(v, &source, p->name);
    audit_turn_leave(&g.turn);
    return verdict;
}

/* The keys of the configuration and, without an export, its store. */
static enum verdict verify_configured(struct verifying *v, const char *file)
{
    struct fail why = {""};
    struct host h;
    enum verdict verdict = file == NULL ? host_open_store(v->c, &h) : host_open(v->c, &h);
    const struct config_provider *p;

    if (verdict == VERDICT_DONE && v->ring.n == 0 &&
        seal_ring_read(&h.config->audit_key, environ, &v->ring, &why) != 0)
        verdict = call_end(v->c, VERDICT_USAGE, "%s", why.text);
    if (verdict == VERDICT_DONE && v->ring.n == 0)
        verdict = no_key(v->c);
    if (verdict == VERDICT_DONE && file != NULL) {
        verdict = verify_file(v, file);
    } else if (verdict == VERDICT_DONE) {
        p = host_provider(v->c, &h, call_option(v->c, "provider"));
        verdict = p != NULL ? verify_store(v, &h, p) : VERDICT_USAGE;
    }
    host_close(&h);
    return verdict;
}

static enum verdict verify(struct call *c)
{
    const char *expect = call_option(c, "expect"), *key = call_option(c, "key");
    const char *file = call_option(c, "from-file");
    struct verifying v = {.c = c};
    enum verdict verdict;

    if (expect != NULL && !seal_expected_parse(expect, &v.expected))
        return call_end(c, VERDICT_USAGE,
                        "--expect takes a seal as `audit seal` and `audit verify` print it: its "
                        "number, a colon and its digits, 16 of them at least");
    if (key != NULL && !read_given_key(c, key, &v.ring))
        return VERDICT_USAGE;
    v.report = calloc(1, sizeof *v.report);
    if (v.report == NULL)
        verdict = call_end(c, VERDICT_AWAY, "no memory");
    else if (file != NULL && key != NULL)
        verdict = verify_file(&v, file);
    else
        verdict = verify_configured(&v, file);
    free(v.report);
    seal_ring_free(&v.ring);
    return verdict;
}

const struct verb verb_audit_verify = {
    .name = "audit verify",
    .operands = "",
    .help = "says whether the audit is as it was sealed, and which entries are not",
    .option =
        (const struct option_row[]){
            HOST_PROVIDER_OPTION,
            {"expect", "SEAL", "a seal that was noted elsewhere and must be there still", false},
            {"from-file", "FILE", "what `audit export` printed, in place of the store; - stdin",
             false},
            {"key", "SPEC", "env:NAME or file:/PATH, in place of the configured key", false},
            {0}},
    .run = verify,
};
