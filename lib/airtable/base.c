/* The worker's side of a base: its lease, and what is to be done in which order. */
#include "airtable/base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "airtable/hooks.h"
#include "airtable/known.h"
#include "verify/mac.h"

/* Long enough for a step and the question whether to go on; short, for a worker that was killed keeps it
 * as long. */
#define LEASE_HOLD_MS  6000
#define LEASE_EVERY_MS 1500
#define STORE_MS       5000
#define ARENA_MAX      (256u << 20)

enum airtable_outcome base_outcome(enum api_code code)
{
    switch (code) {
    case API_OK:
        return AIRTABLE_DONE;
    case API_AWAY:
        return AIRTABLE_AWAY;
    case API_STOPPED:
        return AIRTABLE_STOPPED;
    default:
        return AIRTABLE_REFUSED;
    }
}

bool base_field(struct airtable *a, const char *field, char *out, size_t room, struct fail *why)
{
    char key[AIRTABLE_KEY_MAX];
    struct slice found;

    airtable_key(key, "base", a->base, NULL, NULL);
    if (!step_read(&a->journal, slice_of(key), &field, 1, &found, why))
        return false;
    (void)snprintf(out, room, "%.*s", found.p != NULL ? (int)found.n : 0,
                   found.p != NULL ? found.p : "");
    return true;
}

/* --- the lease ------------------------------------------------------------------------------------ */

static int64_t monotonic_ms(void)
{
    return clock_monotonic_ms(&clock_system);
}

static bool take_lease(struct airtable *a, bool *held, struct fail *why)
{
    if (!journal_lease(&a->journal, a->lease, a->holder, LEASE_HOLD_MS, held, why))
        return false;
    a->leased = *held;
    a->leased_until_ms = monotonic_ms() + LEASE_EVERY_MS;
    return true;
}

static void give_lease_back(struct airtable *a)
{
    struct fail ignored;

    if (a->leased)
        (void)journal_release(&a->journal, a->lease, a->holder, &ignored);
    a->leased = false;
}

/* What is asked before requests and while they run. A store that cannot be asked just now does not stop
 * anything: the conditions of the next step decide. */
static bool go_on(void *ctx)
{
    struct airtable *a = ctx;
    struct fail ignored;
    bool held;

    if (a->settings.stop != NULL && a->settings.stop(a->settings.ctx))
        return false;
    if (!a->leased || monotonic_ms() < a->leased_until_ms)
        return true;
    return !take_lease(a, &held, &ignored) || held;
}

/* --- life ----------------------------------------------------------------------------------------- */

static bool name_holder(struct airtable *a)
{
    char host[32] = "";
    uint8_t random[8];

    (void)gethostname(host, sizeof host - 1);
    if (!random_bytes(random, sizeof random))
        return false;
    (void)snprintf(a->holder, sizeof a->holder, "%.24s:%ld:%02x%02x%02x%02x%02x%02x%02x%02x", host,
                   (long)getpid(), random[0], random[1], random[2], random[3], random[4], random[5],
                   random[6], random[7]);
    return true;
}

static bool connect_to(struct airtable *a, struct fail *why)
{
    char line[HTTP_HEADER_MAX];
    struct slice token = a->settings.token;
    int n = snprintf(line, sizeof line, "Authorization: Bearer %.*s", (int)token.n, token.p);

    if (token.n == 0 || memchr(token.p, ' ', token.n) != NULL || n >= (int)sizeof line)
        fail_set(why, "the token of Airtable is one word, such as pat...");
    else
        a->api.http = http_client_new(a->settings.url != NULL ? a->settings.url : API_URL,
                                      (const char *const[]){line, NULL}, go_on, a, why);
    explicit_bzero(line, sizeof line);
    a->settings.token = SLICE_NONE;
    return a->api.http != NULL;
}

struct airtable *airtable_new(const struct airtable_settings *s, struct fail *why)
{
    struct airtable *a;

    if (!airtable_id_is(slice_of(s->base), "app")) {
        fail_set(why, "the id of a base begins with app, as in the address of its page: "
                      "https://airtable.com/app...; set AIRTABLE_BASE_ID");
        return NULL;
    }
    a = calloc(1, sizeof *a);
    if (a == NULL || (a->journal.arena = arena_new(ARENA_MAX)) == NULL || !name_holder(a)) {
        fail_set(why, "no memory, or no random bytes");
        goto failed;
    }
    a->settings = *s;
    (void)snprintf(a->base, sizeof a->base, "%s", s->base);
    (void)snprintf(a->lease, sizeof a->lease, "airtable:%s", a->base);
    a->journal.store = s->store;
    a->journal.provider = s->provider;
    a->journal.timeout_ms = STORE_MS;
    a->api = (struct api){.limiter = {.journal = &a->journal, .base = a->base},
                          .base = a->base,
                          .go_on = go_on,
                          .ctx = a};
    if (connect_to(a, why))
        return a;

failed:
    airtable_free(a);
    return NULL;
}

void airtable_free(struct airtable *a)
{
    if (a == NULL)
        return;
    http_client_free(a->api.http);
    arena_free(a->journal.arena);
    free(a);
}

/* --- a drain -------------------------------------------------------------------------------------- */

static void say_of(struct airtable *a, const char *hook, const char *text)
{
    char line[2 * AIRTABLE_TEXT_MAX];

    (void)snprintf(line, sizeof line, "%.60s: %.400s", hook, text);
    if (a->settings.say != NULL)
        a->settings.say(a->settings.ctx, line);
}

static bool brings_payloads(const struct airtable_hook *h)
{
    return h->known && h->listed && h->alive && h->error[0] == '\0';
}

/* A hook that Airtable does not list: one that was ours is lost; one of which only a ping is known may be
 * another base's. */
static bool note_absent(struct airtable *a, const struct airtable_hook *h, struct fail *why)
{
    char key[AIRTABLE_KEY_MAX], foreign[AIRTABLE_KEY_MAX];
    bool ours = h->cursor > 0;

    if (strcmp(h->error, HOOK_LOST) == 0)
        return true;
    airtable_key(key, "hook", h->id, NULL, NULL);
    known_foreign(a->base, foreign);
    const struct step_change note = {STEP_SET, slice_of(key), slice_of(ours ? "error" : foreign),
                                     slice_of(ours ? HOOK_LOST : "1")};
    return step_apply(&a->journal, &note, 1, 0, why) == STEP_DONE;
}

static void say_what_is_wrong(struct airtable *a, const struct airtable_hook *h, size_t n)
{
    static const char remedy[] =
        "the base changes unnoticed until `guichet airtable setup` has made "
        "a hook";

    for (size_t i = 0; i < n; i++) {
        if (!h[i].known || (!h[i].listed && h[i].cursor == 0))
            continue;
        if (h[i].error[0] != '\0' && h[i].listed)
            say_of(a, h[i].id, "it is in error, from which no hook comes back");
        else
            say_of(a, h[i].id, h[i].listed ? "it has expired" : "it does not exist any more");
    }
    say_of(a, a->base, remedy);
}

static enum airtable_outcome refresh_if_due(struct airtable *a, bool wanted, struct fail *why)
{
    char generation[GENERATION_ROOM], stale[AIRTABLE_TEXT_MAX];

    if (!base_field(a, "generation", generation, sizeof generation, why) ||
        !base_field(a, "stale", stale, sizeof stale, why))
        return AIRTABLE_AWAY;
    if (!wanted && generation[0] != '\0' && stale[0] == '\0')
        return AIRTABLE_DONE;
    if (stale[0] != '\0')
        say_of(a, a->base, stale);
    return copy_base(a, why);
}

static enum airtable_outcome drain_known(struct airtable *a, bool all, struct fail *why)
{
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    enum airtable_outcome outcome;
    size_t n = 0;

    outcome = hooks_read(a, hook, &n, why);
    for (size_t i = 0; i < n && outcome == AIRTABLE_DONE; i++) {
        const struct airtable_hook *h = &hook[i];
        if (!h->known)
            continue;
        if (!h->listed && !note_absent(a, h, why))
            outcome = AIRTABLE_AWAY;
        if (h->listed && (all || h->due || h->next > h->cursor)) {
            outcome = drain_hook(a, h->id, why);
            a->report->hooks++;
        }
    }
    return outcome;
}

/* As they are after the drain, which may have met an error payload. */
static enum airtable_outcome count_sound(struct airtable *a, struct fail *why)
{
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    size_t n = 0;
    enum airtable_outcome outcome = hooks_read(a, hook, &n, why);

    a->report->sound = 0;
    for (size_t i = 0; outcome == AIRTABLE_DONE && i < n; i++)
        a->report->sound += brings_payloads(&hook[i]);
    if (outcome == AIRTABLE_DONE && !hooks_note_expiry(a, hook, n, why))
        return AIRTABLE_AWAY;
    if (outcome == AIRTABLE_DONE && a->report->sound == 0)
        say_what_is_wrong(a, hook, n);
    return outcome;
}

/* The copy is the base as it was at that time, or later. */
static bool note_as_of(struct airtable *a, int64_t at_us, struct fail *why)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, at_us);
    const struct step_change note = {STEP_SET, SLICE_LITERAL("as_of"), slice_of(a->base),
                                     slice_of(text)};
    return step_apply(&a->journal, &note, 1, 0, why) == STEP_DONE;
}

enum airtable_outcome airtable_drain(struct airtable *a, bool all, bool refresh,
                                     struct airtable_report *report, struct fail *why)
{
    enum airtable_outcome outcome = AIRTABLE_AWAY;
    int64_t requests = a->api.requests, asked_us = 0;
    bool held = false;

    *report = (struct airtable_report){0};
    a->report = report;
    arena_reset(a->journal.arena);
    if (!take_lease(a, &held, why))
        return AIRTABLE_AWAY;
    if (!held) {
        fail_set(why, "another worker is at this base");
        return AIRTABLE_BUSY;
    }
    /* First the copy, so that there is something to apply payloads to; again, if they show a gap. */
    outcome = refresh_if_due(a, refresh, why);
    if (outcome == AIRTABLE_DONE && !step_now(&a->journal, &asked_us, why))
        outcome = AIRTABLE_AWAY;
    if (outcome == AIRTABLE_DONE)
        outcome = drain_known(a, all, why);
    if (outcome == AIRTABLE_DONE) {
        int64_t refreshes = report->refreshes;
        outcome = refresh_if_due(a, false, why);
        if (outcome == AIRTABLE_DONE && report->refreshes > refreshes)
            outcome = drain_known(a, true, why); /* what came while it was copied */
    }
    if (outcome == AIRTABLE_DONE)
        outcome = count_sound(a, why);
    /* Without a sound hook nobody knows what changed since the copy was begun. */
    if (outcome == AIRTABLE_DONE && report->sound > 0 && !note_as_of(a, asked_us, why))
        outcome = AIRTABLE_AWAY;
    give_lease_back(a);
    report->requests = a->api.requests - requests;
    return outcome;
}

bool airtable_due(struct airtable *a, int64_t full_us, bool *due, bool *old, struct fail *why)
{
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    char generation[GENERATION_ROOM], stale[AIRTABLE_TEXT_MAX], refreshed[GENERATION_ROOM];
    size_t n = 0;
    int64_t now_us;

    *due = *old = false;
    arena_reset(a->journal.arena);
    if (!known_hooks(&a->journal, a->base, hook, &n, why) ||
        !base_field(a, "generation", generation, sizeof generation, why) ||
        !base_field(a, "stale", stale, sizeof stale, why) ||
        !base_field(a, "refreshed", refreshed, sizeof refreshed, why) ||
        !step_now(&a->journal, &now_us, why))
        return false;
    *old = full_us > 0 && refreshed[0] != '\0' && now_us - strtoll(refreshed, NULL, 10) >= full_us;
    *due = generation[0] == '\0' || stale[0] != '\0';
    for (size_t i = 0; i < n; i++)
        *due = *due || hook[i].due;
    return true;
}
