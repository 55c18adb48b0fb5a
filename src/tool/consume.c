#include "tool/consume.h"

#include <stdio.h>
#include <unistd.h>
#include "store/group.h"
#include "tool/deliver.h"
#include "tool/entries.h"
#include "tool/event_line.h"

#define IDLE_PAUSE_MS  250
#define AWAY_PAUSE_MS  1000
#define BACKOFF_MAX_MS 300000
#define TRIM_EVERY_MS  60000
#define TIMEOUT_MAX_S  86400

struct consumer {
    struct call *c;
    struct host h;
    const struct config_provider *provider;
    const char *group;
    char name[GROUP_NAME_MAX + 1];
    long long tries, backoff_ms, idle_ms;
    bool once, trim;
    int64_t trimmed_ms; /* monotonic: when it was last done */
    struct deliver deliver;
    struct journal journal; /* of the entry at hand, for the ticks */
    const char *entry;      /* likewise */
    bool lost;              /* somebody else has taken it over */
    int64_t held_ms;        /* monotonic: when it was last said that we are at it */
    int64_t done, dead;
    bool no_command; /* it could not be started, and --once does not wait for it */
};

/* --- one event -------------------------------------------------------------------------------- */

/* Says once in a while that this consumer is at it still. */
static void hold(void *ctx)
{
    struct consumer *k = ctx;
    int64_t now = clock_monotonic_ms(&clock_system);
    struct fail why;
    bool held;

    if (now - k->held_ms < k->idle_ms / 4)
        return;
    k->held_ms = now;
    if (group_hold(&k->journal, k->group, k->name, k->entry, &held, &why) && !held)
        k->lost = true;
}

/* How long until the next attempt: doubled each time. */
static int64_t wait_after(const struct consumer *k, long long attempt)
{
    int64_t wait = k->backoff_ms;

    for (long long i = 1; i < attempt && wait < BACKOFF_MAX_MS; i++)
        wait *= 2;
    return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

static void pause_holding(struct consumer *k, int64_t ms)
{
    int64_t end = clock_monotonic_ms(&clock_system) + ms, left = ms;

    while (left > 0 && !k->lost && !command_stopped()) {
        command_pause(left < 1000 ? left : 1000);
        hold(k);
        left = end - clock_monotonic_ms(&clock_system);
    }
}

/* The store must hear of it; until it does, the entry is ours. False: it was told to stop. */
static bool settle(struct consumer *k, const struct group_entry *e, const char *dead_because)
{
    struct fail why = {""};

    for (;;) {
        if (dead_because != NULL ? group_bury(&k->journal, k->group, e, dead_because, &why)
                                 : group_done(&k->journal, k->group, e->entry.id, &why))
            return true;
        (void)call_end(k->c, VERDICT_AWAY, "%s", why.text);
        if (command_stopped())
            return false;
        command_pause(AWAY_PAUSE_MS);
    }
}

/* A command that is being replaced, or a wrong name: were that an attempt, all that is handed on would
 * soon be dead letters. */
static void wait_for_command(struct consumer *k, long long *waits, const char *why)
{
    int64_t wait = wait_after(k, ++*waits);

    (void)call_end(k->c, VERDICT_AWAY, "%s; the event waits, this is no attempt", why);
    k->no_command = k->once;
    if (!k->once)
        pause_holding(k, wait > AWAY_PAUSE_MS ? wait : AWAY_PAUSE_MS);
}

/* Tries until it is done, given up, somebody else's, or the program is to stop. */
static void handle(struct consumer *k, const struct group_entry *e)
{
    struct fail why = {""};
    long long attempt = e->deliveries, waits = 0;

    k->entry = e->entry.id;
    k->lost = false;
    k->held_ms = clock_monotonic_ms(&clock_system);
    if (e->entry.nfields == 0) { /* it was taken away while it waited */
        (void)settle(k, e, NULL);
        return;
    }
    for (;;) {
        enum delivered d = deliver_event(&k->deliver, &e->entry, attempt, &why);
        if (d == DELIVER_NOT_TRIED) {
            wait_for_command(k, &waits, why.text);
            if (k->no_command || k->lost || command_stopped())
                return;
            continue;
        }
        if (d == DELIVER_DONE) {
            k->done += settle(k, e, NULL);
            return;
        }
        if (attempt >= k->tries || d == DELIVER_NEVER) {
            (void)call_end(k->c, VERDICT_NO, "entry %s: %s; it is a dead letter now", e->entry.id,
                           why.text);
            k->dead += settle(k, e, why.text);
            return;
        }
        (void)call_end(k->c, VERDICT_NO, "entry %s: %s; attempt %lld of %lld", e->entry.id,
                       why.text, attempt, k->tries);
        pause_holding(k, wait_after(k, attempt++));
        if (k->lost || command_stopped())
            return;
    }
}

/* --- all of them ------------------------------------------------------------------------------ */

static void trim_now_and_then(struct consumer *k)
{
    int64_t now = clock_monotonic_ms(&clock_system), removed;
    struct group_state group[GROUPS_MAX];
    const char *needed;
    struct fail why;
    size_t n;

    if (!k->trim || (k->trimmed_ms != 0 && now - k->trimmed_ms < TRIM_EVERY_MS))
        return;
    k->trimmed_ms = now;
    struct journal j = host_journal(&k->h, k->provider);
    if (!group_list(&j, group, &n, &why))
        return;
    needed = group_all_need(group, n);
    if (needed != NULL)
        (void)journal_trim(&j, JOURNAL_EVENTS, needed, &removed, &why);
}

static enum verdict work(struct consumer *k)
{
    struct fail why = {""};
    bool told = false;

    while (!command_stopped() && !k->no_command) {
        struct group_entry *entry;
        size_t n;
        k->journal = host_journal(&k->h, k->provider);
        if (!group_take(&k->journal, k->group, k->name, 1, k->idle_ms, &entry, &n, &why)) {
            if (!told || k->once)
                (void)call_end(k->c, VERDICT_AWAY, "%s", why.text);
            if (k->once)
                return VERDICT_AWAY;
            told = true;
            command_pause(AWAY_PAUSE_MS);
            (void)group_make(&k->journal, k->group, false, &why);
            continue;
        }
        told = false;
        if (n == 1) {
            handle(k, &entry[0]);
        } else if (k->once) {
            break;
        } else {
            command_pause(IDLE_PAUSE_MS);
        }
        trim_now_and_then(k);
    }
    k->trimmed_ms = 0;
    trim_now_and_then(k);
    return k->no_command ? VERDICT_AWAY : k->dead > 0 ? VERDICT_NO : VERDICT_DONE;
}

static void name_it(struct consumer *k)
{
    const char *name = call_option(k->c, "consumer");
    char host[GROUP_NAME_MAX] = "host";

    if (name == NULL) {
        (void)gethostname(host, sizeof host - 1);
        host[40] = '\0';
        (void)snprintf(k->name, sizeof k->name, "%s-%ld", host, (long)getpid());
    } else {
        (void)snprintf(k->name, sizeof k->name, "%s", name);
    }
}

static enum verdict consume(struct call *c)
{
    struct consumer k = {.c = c, .deliver = {.line = BUF_INIT(EVENT_LINE_MAX)}};
    long long idle_s, backoff_s, timeout_s;
    struct fail why = {""};
    enum verdict v;

    k.group = call_option(c, "group");
    if (k.group == NULL)
        return call_end(c, VERDICT_USAGE, "say --group NAME: who has read what is kept by it");
    name_it(&k);
    if (!group_is_name(k.group) || !group_is_name(k.name))
        return call_end(c, VERDICT_USAGE,
                        "a group has a name of 1 to %d letters, digits, dots, dashes and "
                        "underscores, and so has a consumer",
                        GROUP_NAME_MAX);
    if (!call_number(c, "tries", 1, 1000, 8, &k.tries) ||
        !call_number(c, "timeout", 1, TIMEOUT_MAX_S, 60, &timeout_s) ||
        !call_number(c, "backoff", 0, BACKOFF_MAX_MS / 1000, 1, &backoff_s) ||
        !call_number(c, "idle", 1, TIMEOUT_MAX_S, 60, &idle_s))
        return VERDICT_USAGE;
    k.idle_ms = idle_s * 1000;
    k.backoff_ms = backoff_s * 1000;
    k.once = call_option(c, "once") != NULL;
    k.trim = call_option(c, "trim") != NULL;
    v = host_open_store(c, &k.h);
    if (v == VERDICT_DONE) {
        k.provider = host_provider(c, &k.h, call_option(c, "provider"));
        v = k.provider != NULL ? VERDICT_DONE : VERDICT_USAGE;
    }
    if (v == VERDICT_DONE) {
        k.deliver.argv = c->operand;
        k.deliver.provider = k.provider->name;
        k.deliver.timeout_ms = timeout_s * 1000;
        k.deliver.tick = hold;
        k.deliver.ctx = &k;
        command_prepare();
        k.journal = host_journal(&k.h, k.provider);
        if (!group_make(&k.journal, k.group, call_option(c, "from-now") != NULL, &why))
            v = call_end(c, VERDICT_AWAY, "%s", why.text);
    }
    if (v == VERDICT_DONE)
        v = work(&k);
    if (v == VERDICT_DONE || v == VERDICT_NO) {
        out_form(c->out, OUT_FACTS);
        out_number(c->out, "done", k.done);
        out_number(c->out, "dead_letters", k.dead);
        out_end(c->out);
    }
    buf_free(&k.deliver.line);
    host_close(&k.h);
    return v;
}

static const struct option_row consume_options[] = {
    HOST_PROVIDER_OPTION,
    {"group", "NAME", "consumers of one group share the events; each group sees all", false},
    {"consumer", "NAME", "of this process; host and process number if it is not given", false},
    {"from-now", NULL, "a new group begins with what comes, not with what is there", false},
    {"tries", "N", "attempts before an event is a dead letter; 8", false},
    {"backoff", "SECONDS", "before the second attempt, doubled each time up to 300; 1", false},
    {"timeout", "SECONDS", "the command is killed after that; 60", false},
    {"idle", "SECONDS", "what a dead consumer held is taken over after that; 60", false},
    {"once", NULL, "end when nothing is left", false},
    {"trim", NULL, "take away what every group has done, once a minute and at the end", false},
    {0}};

const struct verb verb_consume = {"consume",
                                  "-- COMMAND [ARG...]",
                                  "hands each event to a command, as a JSON line on its input",
                                  consume_options,
                                  1,
                                  -1,
                                  consume};
