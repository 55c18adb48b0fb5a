#include "tool/spool.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tool/host.h"
#include "tool/list.h"

#define PAUSE_MS 100
/* How long a store that is away is asked again: a breaker that other processes opened lets one probe
 * pass in a while. */
#define AWAY_MS 3000
/* How long another one may drain without any progress. */
#define BUSY_MS 60000

/* Whether this user may use the folder; *there: it exists. Opening it would make it. */
static enum verdict look_at_folder(struct call *c, const struct config *config, bool *there)
{
    const struct passwd *owner;
    struct stat st;

    if (config->spool_dir == NULL)
        return call_end(c, VERDICT_USAGE, "no spool is configured ([server] spool_dir)");
    *there = stat(config->spool_dir, &st) == 0;
    if (!*there)
        return errno == ENOENT
                   ? VERDICT_DONE
                   : call_end(c, VERDICT_AWAY, "%s: %s", config->spool_dir, strerror(errno));
    if (st.st_uid == geteuid())
        return VERDICT_DONE;
    owner = getpwuid(st.st_uid);
    if (owner == NULL)
        return call_end(c, VERDICT_USAGE, "%s belongs to user %ld; run this as that user",
                        config->spool_dir, (long)st.st_uid);
    return call_end(c, VERDICT_USAGE,
                    "%s belongs to %s; run this as that user: setpriv --reuid=%s --regid=%ld "
                    "--init-groups guichet %s",
                    config->spool_dir, owner->pw_name, owner->pw_name, (long)owner->pw_gid,
                    c->verb->name);
}

/* The host with its spool; *there: there is one. */
static enum verdict open_spool(struct call *c, struct host *h, bool *there)
{
    enum verdict v = host_open(c, h);
    struct fail why = {""};

    *there = false;
    if (v == VERDICT_DONE)
        v = look_at_folder(c, h->config, there);
    if (v == VERDICT_DONE && *there && program_open_spool(&h->program, &why) != 0)
        v = call_end(c, VERDICT_USAGE, "%s", why.text);
    return v;
}

/* --- list ----------------------------------------------------------------------------------------- */

static const char *provider_of(const struct config *config, const struct spool_item *item)
{
    uint8_t tag[SPOOL_TAG_BYTES];

    for (size_t i = 0; i < config->nproviders; i++)
        if (spool_tag(slice_of(config->provider[i].name), tag) &&
            memcmp(tag, item->provider, sizeof tag) == 0)
            return config->provider[i].name;
    return "(not configured)";
}

static void list_item(struct call *c, const struct config *config, const struct spool_item *item)
{
    static const char *const kinds[] = {
        [SPOOL_EVENT] = "event", [SPOOL_MARK] = "ping", [SPOOL_CONFLICT] = "conflict"};
    char name[SPOOL_NAME_ROOM];
    int64_t age_us = clock_now_us(&clock_system) - item->received_us;

    spool_item_name(item, name);
    out_number(c->out, "number", (int64_t)item->number);
    out_time(c->out, "at", item->received_us);
    out_number(c->out, "age_s", age_us > 0 ? age_us / US_PER_S : 0);
    out_text(c->out, "provider", slice_of(provider_of(config, item)));
    out_text(c->out, "kind", slice_of(kinds[item->kind]));
    out_number(c->out, "bytes", (int64_t)item->size);
    out_text(c->out, "file", slice_of(name));
    out_end(c->out);
}

static enum verdict list_all(struct call *c, const struct host *h, const struct list_order *order)
{
    struct spool_list items = {0};
    size_t place;

    if (!spool_list(h->program.spool, &items))
        return call_end(c, VERDICT_AWAY, "%s cannot be read: %s", spool_folder(h->program.spool),
                        strerror(errno));
    for (size_t i = 0; (place = list_place(order, i, items.n)) < items.n; i++)
        list_item(c, h->config, &items.item[place]);
    spool_list_free(&items);
    return VERDICT_DONE;
}

static enum verdict list(struct call *c)
{
    struct list_order order;
    struct host h;
    bool there;
    enum verdict v;

    if (!list_order_read(c, &order))
        return VERDICT_USAGE;
    v = open_spool(c, &h, &there);
    if (v == VERDICT_DONE && there)
        v = list_all(c, &h, &order);
    host_close(&h);
    return list_end(c, v);
}

const struct verb verb_spool_list = {
    .name = "spool list",
    .operands = "",
    .help = "lists what waits for the store, the oldest first",
    .option = (const struct option_row[]){LIST_ORDER_OPTIONS, {0}},
    .run = list,
};

/* --- drain ---------------------------------------------------------------------------------------- */

struct draining {
    struct receiver *receiver;
    struct spool *spool;
    struct drain_tally all;
    enum drain_state state;
    int64_t patient_ms; /* since when nothing has moved */
    bool shown;
};

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

static void show_progress(struct draining *d)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%zu committed, %zu to quarantine, %zu left  ", d->all.committed,
            d->all.quarantined, d->all.left);
    d->shown = true;
}

/* How many wait while another one drains. */
static size_t count_waiting(const struct draining *d)
{
    struct spool_list items = {0};
    size_t n = spool_list(d->spool, &items) ? items.n : d->all.left;

    spool_list_free(&items);
    return n;
}

/* One slice; true to go on. */
static bool drain_step(struct draining *d)
{
    int64_t now_ms = clock_monotonic_ms(&clock_system);
    struct drain_tally t;
    size_t before = d->all.left;

    d->state = receiver_drain_slice(d->receiver, &t);
    if (d->state == DRAIN_BUSY)
        t.left = count_waiting(d);
    d->all.committed += t.committed;
    d->all.quarantined += t.quarantined;
    d->all.set_aside += t.set_aside;
    d->all.left = t.left;
    show_progress(d);
    if (t.left != before)
        d->patient_ms = now_ms;
    switch (d->state) {
    case DRAIN_MORE:
        return true;
    case DRAIN_AWAY:
    case DRAIN_BUSY:
        pause_ms(PAUSE_MS);
        return now_ms - d->patient_ms < (d->state == DRAIN_AWAY ? AWAY_MS : BUSY_MS);
    default:
        return false;
    }
}

static void tell(struct call *c, const struct draining *d)
{
    if (d->shown)
        putc('\n', stderr);
    out_form(c->out, OUT_FACTS);
    out_number(c->out, "committed", (int64_t)d->all.committed);
    out_number(c->out, "quarantined", (int64_t)d->all.quarantined);
    out_number(c->out, "set_aside", (int64_t)d->all.set_aside);
    out_number(c->out, "left", (int64_t)d->all.left);
    out_end(c->out);
}

static enum verdict judge(struct call *c, const struct draining *d)
{
    switch (d->state) {
    case DRAIN_AWAY:
        return call_end(c, VERDICT_AWAY, "the store is away; what is left waits for it");
    case DRAIN_BUSY:
        return call_end(c, VERDICT_AWAY,
                        "another process has been draining for a minute without any progress");
    case DRAIN_STUCK:
        return call_end(c, VERDICT_NO,
                        "%zu cannot be committed now: their provider is not mounted, or the "
                        "backlog or the quarantine is full",
                        d->all.left);
    default:
        return VERDICT_DONE;
    }
}

static enum verdict drain_all(struct call *c, struct host *h)
{
    struct draining d = {.spool = h->program.spool};
    struct fail why = {""};

    d.receiver = program_receiver(&h->program, &why);
    if (d.receiver == NULL)
        return call_end(c, VERDICT_USAGE, "%s", why.text);
    d.patient_ms = clock_monotonic_ms(&clock_system);
    while (drain_step(&d))
        ;
    receiver_free(d.receiver);
    tell(c, &d);
    return judge(c, &d);
}

static enum verdict drain(struct call *c)
{
    struct draining none = {.state = DRAIN_DONE};
    struct host h;
    bool there;
    enum verdict v = open_spool(c, &h, &there);

    if (v == VERDICT_DONE && there)
        v = drain_all(c, &h);
    else if (v == VERDICT_DONE)
        tell(c, &none);
    host_close(&h);
    return v;
}

const struct verb verb_spool_drain = {
    .name = "spool drain",
    .operands = "",
    .help = "commits what waits, until nothing is left or the store is away",
    .run = drain,
};
