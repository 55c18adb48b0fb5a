/* The store: reachable, right, durable, roomy, in step. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "receive.h"
#include "store/store.h"
#include "store/transfer.h"
#include "tool/check_judge.h"

#define TIMEOUT_MS  5000
#define ADDRESS_MAX 256
#define ARENA_MAX   65536
#define MIB         1048576.0

/* One that holds keys: the store, or a node of a Cluster. */
struct server {
    const char *name; /* the first provider that is on it; "": it is the only server */
    struct store_facts facts;
    int64_t asked_us, told_us; /* before and after */
    int64_t ids_bytes;         /* that the ids of its providers will take */
};

struct look {
    struct check *k;
    struct store *store;
    const struct config_provider *of[CONFIG_PROVIDERS_MAX];
    struct store_provider provider[CONFIG_PROVIDERS_MAX];
    size_t n;
    struct server server[CONFIG_PROVIDERS_MAX];
    size_t nservers;
};

static int64_t deadline(void)
{
    return clock_monotonic_ms(&clock_system) + TIMEOUT_MS;
}

static void name_providers(struct look *l)
{
    const struct config *c = l->k->config;

    for (size_t i = 0; i < c->nproviders; i++) {
        const struct config_provider *p = &c->provider[i];
        if (p->retired)
            continue;
        l->of[l->n] = p;
        l->provider[l->n++] = receiver_store_provider(c, p);
    }
}

/* A password and events in clear between hosts. */
static void check_address(struct look *l)
{
    const char *url = l->k->config->store;
    char shown[ADDRESS_MAX];
    bool local = strncmp(url, "unix://", 7) == 0 || strncmp(url, "redis://", 8) != 0;

    store_address(url, shown, sizeof shown);
    if (strncmp(shown, "redis://127.", 12) == 0 || strncmp(shown, "redis://localhost", 17) == 0 ||
        strncmp(shown, "redis://[::1]", 13) == 0)
        local = true;
    if (strncmp(url, "sentinel://", 11) == 0)
        local = false;
    check_line(l->k, local ? CHECK_OK : CHECK_WARN, "store.address", "",
               local ? "" : "keep that network private, or put a TLS tunnel between", "%s%s", shown,
               local ? "" : ": what goes there is not encrypted");
}

static bool check_reachable(struct look *l)
{
    struct fail why = {""};
    bool up = store_probe(l->store, TIMEOUT_MS, &why);

    check_line(l->k, up ? CHECK_OK : CHECK_FAIL, "store.reachable", "",
               up ? "" : "is it running, and may this user reach it?", "%s",
               up ? "it answers" : why.text);
    return up;
}

static void check_durability(struct look *l, const struct store_findings *f)
{
    static const int demanded[] = {
        [DURABILITY_ALWAYS] = 2, [DURABILITY_EVERYSEC] = 1, [DURABILITY_NONE] = 0};
    enum config_durability believed = l->k->config->durability;

    if (f->durable < 0)
        check_line(l->k, CHECK_WARN, "store.durable", "", "", "%s", f->durability.text);
    else if (f->durable < demanded[believed])
        check_line(l->k, CHECK_FAIL, "store.durable", "",
                   "set the store as [server] durability says, or say there what it is",
                   "what is acknowledged may be lost: %s", f->durability.text);
    else if (believed == DURABILITY_NONE)
        check_line(l->k, CHECK_WARN, "store.durable", "",
                   "set [server] durability = always and the store to it",
                   "[server] durability = none: what is acknowledged may be lost");
    else
        check_line(l->k, CHECK_OK, "store.durable", "", "", "%s", f->durability.text);
}

static void check_findings(struct look *l, const struct store_findings *f)
{
    if (f->self_test == 1)
        check_line(l->k, CHECK_OK, "store.self_test", "", "", "a commit with every verb works");
    else
        check_line(l->k, f->self_test == 0 ? CHECK_FAIL : CHECK_WARN, "store.self_test", "",
                   f->self_test == 0 ? "" : "try again later", "%s", f->problem.text);
    for (size_t i = 0; f->self_test == 1 && i < l->nservers; i++) {
        const struct server *s = &l->server[i];
        bool seen = judge_version_shows_acl(s->facts.version);
        if (s->facts.version[0] == '\0')
            continue;
        check_line(l->k, seen ? CHECK_OK : CHECK_WARN, "store.permissions", s->name,
                   seen ? "" : "give the user all commands of README's list, or use Redis 7",
                   seen ? "the user may run all that is needed"
                        : "a server before 7.0 does not tell which commands a user lacks, and one "
                          "that is missed strikes in the middle of a commit");
    }
    check_durability(l, f);
    check_line(l->k,
               f->evicting == 1  ? CHECK_FAIL
               : f->evicting < 0 ? CHECK_WARN
                                 : CHECK_OK,
               "store.evicting", "", f->evicting == 0 ? "" : "set maxmemory-policy noeviction",
               "%s",
               f->evicting == 1  ? "it may drop ids and events when its memory is full"
               : f->evicting < 0 ? "whether it evicts cannot be seen"
                                 : "it drops nothing");
}

static void check_time(struct look *l, const struct server *s)
{
    int64_t clock_us = s->facts.clock_us, off_us;
    enum check_level level;

    if (clock_us == 0) {
        check_line(l->k, CHECK_OK, "store.clock", s->name, "", "it has none of its own");
        return;
    }
    /* Only what lies outside the time of asking is an offset. */
    off_us = clock_us < s->asked_us  ? clock_us - s->asked_us
             : clock_us > s->told_us ? clock_us - s->told_us
                                     : 0;
    level = judge_clock(off_us);
    check_line(l->k, level, "store.clock", s->name,
               level == CHECK_OK ? "" : "keep both hosts' clocks in step (chrony, timesyncd)",
               "%.3f s from ours", (double)off_us / US_PER_S);
}

static void check_version(struct look *l, const struct server *s)
{
    enum check_level level = judge_version(s->facts.version);

    if (s->facts.version[0] == '\0')
        return; /* no server */
    check_line(l->k, level, "store.version", s->name,
               level == CHECK_OK ? "" : "use Redis 6.2 or later", "%s", s->facts.version);
}

/* What the ids of the provider will take, on its server. */
static void add_ids(struct look *l, const struct config_provider *p, struct server *s)
{
    const struct scheme *scheme = scheme_find(p->scheme);
    int64_t need =
        judge_ids_bytes(p->rate_count, p->rate_window_us, p->keep_ids_us, s->facts.id_bytes);

    if (s->facts.id_bytes == 0 || scheme == NULL || scheme->ping)
        return; /* not a store in memory, or no ids */
    if (need < 0)
        check_line(l->k, CHECK_WARN, "store.memory", p->name, "set a rate_limit",
                   "without a rate_limit nothing bounds the memory of its ids");
    else
        s->ids_bytes = need < INT64_MAX - s->ids_bytes ? s->ids_bytes + need : INT64_MAX;
}

static void check_memory(struct look *l, const struct server *s)
{
    const struct store_facts *f = &s->facts;
    enum check_level level;

    if (f->id_bytes == 0)
        return; /* not a store in memory */
    level = judge_memory(s->ids_bytes, f->memory_used, f->memory_max);
    check_line(l->k, level, "store.memory", s->name,
               level == CHECK_OK ? "" : "raise maxmemory, or lower keep_ids or rate_limit",
               "the ids take up to %.0f MiB (rate_limit x keep_ids x %" PRId64 " bytes); "
               "%.0f MiB are used, %s%.0f%s",
               (double)s->ids_bytes / MIB, f->id_bytes, (double)f->memory_used / MIB,
               f->memory_max > 0 ? "at most " : "maxmemory is ",
               f->memory_max > 0 ? (double)f->memory_max / MIB : 0.0,
               f->memory_max > 0 ? " MiB" : " (no limit: see that the host has them)");
}

/* The server that has the provider's keys (NULL: any), asked once; NULL: it gave no answer. */
static struct server *ask_server(struct look *l, const char *provider)
{
    struct server *s = &l->server[l->nservers];

    *s = (struct server){.name = provider != NULL ? provider : ""};
    s->asked_us = clock_now_us(&clock_system);
    if (!store_read_facts(l->store, provider, deadline(), &s->facts))
        return NULL;
    s->told_us = clock_now_us(&clock_system);
    for (size_t i = 0; i < l->nservers; i++)
        if (strcmp(l->server[i].facts.run_id, s->facts.run_id) == 0)
            return &l->server[i];
    l->nservers++;
    return s;
}

static void check_servers(struct look *l)
{
    bool silent[CONFIG_PROVIDERS_MAX];

    if (l->n == 0)
        (void)ask_server(l, NULL);
    for (size_t i = 0; i < l->n; i++) {
        struct server *s = ask_server(l, l->provider[i].name);
        silent[i] = s == NULL;
        if (s != NULL)
            add_ids(l, l->of[i], s);
    }
    /* Where none answers this is no server, or check_findings says why. */
    for (size_t i = 0; l->nservers > 0 && i < l->n; i++)
        if (silent[i])
            check_line(l->k, CHECK_FAIL, "store.reachable", l->provider[i].name,
                       "is its node of the Cluster running?", "its server gives no answer");
    if (l->nservers == 1)
        l->server[0].name = "";
    for (size_t i = 0; i < l->nservers; i++) {
        check_version(l, &l->server[i]);
        check_time(l, &l->server[i]);
        check_memory(l, &l->server[i]);
    }
}

static void check_gauge(struct look *l, const char *matter, const char *provider, int64_t used,
                        int64_t limit, const char *remedy)
{
    enum check_level level = judge_fill(used, limit);

    check_line(l->k, level, matter, provider, level == CHECK_OK ? "" : remedy,
               limit > 0 ? "%" PRId64 " of at most %" PRId64 " entries" : "%" PRId64 " entries",
               used, limit);
}

static void check_fill(struct look *l, const struct store_provider *p)
{
    struct store_gauges g;

    if (!store_read_gauges(l->store, p, deadline(), &g)) {
        check_line(l->k, CHECK_WARN, "store.backlog", p->name, "try again", "not known");
        return;
    }
    check_gauge(l, "store.backlog", p->name, g.backlog_entries, p->backlog_limit,
                "see to the consumer and trim what it has done, or raise backlog_limit");
    check_gauge(l, "store.quarantine", p->name, g.quarantine_entries, p->quarantine_limit,
                "look through it (`guichet quarantine list`), or raise quarantine_limit");
}

/* A store that was copied takes nothing more. */
static void check_open(struct look *l, const char *provider)
{
    struct journal j = {l->store, provider, arena_new(ARENA_MAX), TIMEOUT_MS};
    char mark[TRANSFER_MARK_MAX];
    struct fail why = {""};

    if (j.arena == NULL || !transfer_mark(&j, mark, &why))
        check_line(l->k, CHECK_WARN, "store.open", provider, "try again", "not known: %s",
                   why.text);
    else
        check_line(l->k, mark[0] == '\0' ? CHECK_OK : CHECK_FAIL, "store.open", provider,
                   mark[0] == '\0' ? ""
                                   : "name the store to which it was copied in [server] store, or "
                                     "open this one (`guichet store open`)",
                   "%s%s", mark[0] == '\0' ? "it takes events" : "it takes no events: ", mark);
    arena_free(j.arena);
}

void check_store(struct check *k)
{
    const struct config *c = k->config;
    struct look l = {.k = k};
    struct store_findings findings;
    struct fail why = {""};

    name_providers(&l);
    l.store = store_open(c->store, &clock_system, &why);
    if (l.store == NULL) {
        check_line(k, CHECK_FAIL, "store.address", "", "", "%s: %s", c->store_origin, why.text);
        return;
    }
    check_address(&l);
    if (check_reachable(&l)) {
        /* First, for commits go where a Cluster sends them, and only then it is known where the keys
         * of each provider are. */
        store_examine(l.store, l.provider, l.n, deadline(), &findings);
        check_servers(&l);
        check_findings(&l, &findings);
        for (size_t i = 0; i < l.n; i++) {
            check_open(&l, l.provider[i].name);
            check_fill(&l, &l.provider[i]);
        }
    }
    store_free(l.store);
}
