#include "observe/state.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "observe/state_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Raised when the file's content means something else although its sizes and names are the same. */
#define STATE_MAGIC "guichet-state-2"

_Static_assert(sizeof(STATE_MAGIC) == STATE_FILE_MAGIC, "the magic fills its field");
_Static_assert(offsetof(struct state_shared, magic) == 0, "the magic comes first");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "only lock-free atomics work across processes");

const int64_t state_bucket_us[STATE_BUCKETS - 1] = {100,    250,    500,     1000,    2500,
                                                    5000,   10000,  25000,   50000,   100000,
                                                    250000, 500000, 1000000, 2500000, 5000000};

static const char *const outcome_name[OUTCOME_COUNT] = {
    [OUTCOME_ACCEPTED] = "accepted", [OUTCOME_DUPLICATE] = "duplicate",
    [OUTCOME_CONFLICT] = "conflict", [OUTCOME_LIMITED] = "limited",
    [OUTCOME_INVALID] = "invalid",   [OUTCOME_UNAUTHORIZED] = "unauthorized",
    [OUTCOME_REJECTED] = "rejected", [OUTCOME_UNAVAILABLE] = "unavailable",
    [OUTCOME_SPOOLED] = "spooled",   [OUTCOME_ERROR] = "error",
};

static const char *const reason_name[SIGNATURE_REASON_COUNT] = {
    [SIGNATURE_OK] = "ok",
    [SIGNATURE_MISSING] = "missing",
    [SIGNATURE_MALFORMED] = "malformed",
    [SIGNATURE_API_KEY] = "api_key",
    [SIGNATURE_MISMATCH] = "mismatch",
    [SIGNATURE_STALE] = "stale",
    [SIGNATURE_DOUBLED] = "doubled",
};

struct state {
    struct state_shared *shared;
    struct state_file file; /* fd -1: private */
    pthread_mutex_t mutex;  /* with the file's lock: threads, then processes */
    const char *type[STATE_TYPES_MAX];
    size_t ntypes; /* with `other` and `none`, the last two */
};

/* FNV-1a, 64 bits: tells layouts apart, protects nothing. */
static uint64_t digest_add(uint64_t digest, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        digest = (digest ^ p[i]) * UINT64_C(0x100000001B3);
    return digest;
}

static uint64_t digest_names(uint64_t digest, const char *const *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        digest = digest_add(digest, name[i], strlen(name[i]) + 1);
    return digest;
}

static uint64_t layout(const struct state *s)
{
    const uint64_t sizes[] = {
        sizeof(struct state_shared),
        offsetof(struct state_shared, provider),
        sizeof(struct state_provider),
        offsetof(struct state_shared, store),
        sizeof(struct state_histogram),
        offsetof(struct state_shared, findings),
        sizeof(struct state_findings),
        offsetof(struct state_shared, secret_use),
        sizeof(struct state_breaker),
        offsetof(struct state_shared, health_up),
        offsetof(struct state_shared, day),
        sizeof(struct state_minute),
        STATE_TYPES_MAX,
        STATE_SECRETS_MAX,
    };
    uint64_t digest = UINT64_C(0xCBF29CE484222325);

    digest = digest_add(digest, STATE_MAGIC, sizeof(STATE_MAGIC));
    digest = digest_add(digest, sizes, sizeof(sizes));
    digest = digest_add(digest, state_bucket_us, sizeof(state_bucket_us));
    digest = digest_names(digest, outcome_name, COUNT(outcome_name));
    digest = digest_names(digest, reason_name, COUNT(reason_name));
    return digest_names(digest, s->type, s->ntypes);
}

static void lock(struct state *s)
{
    pthread_mutex_lock(&s->mutex);
    if (s->file.fd >= 0)
        state_file_lock(&s->file);
}

static void unlock(struct state *s)
{
    if (s->file.fd >= 0)
        state_file_unlock(&s->file);
    pthread_mutex_unlock(&s->mutex);
}

/* The id of the running boot; "" when the system does not tell. */
static void read_boot_id(char *out, size_t room)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, room - 1) : -1;

    out[n > 0 ? (size_t)n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
}

/* Makes a new content whole, and an old one fit for this boot. Under the lock. */
static void prepare(struct state_shared *shared)
{
    char boot_id[sizeof(shared->boot_id)];

    read_boot_id(boot_id, sizeof(boot_id));
    if (boot_id[0] == '\0' || strncmp(shared->boot_id, boot_id, sizeof(boot_id)) != 0) {
        atomic_store(&shared->breaker.open, 0);
        atomic_store(&shared->breaker.opened_us, 0);
        atomic_store(&shared->breaker.next_probe_ms, 0);
        atomic_store(&shared->health_asked_ms, 0);
        atomic_store(&shared->health_up, 0);
        atomic_store(&shared->standing, 0);
        atomic_store(&shared->glance.asked_ms, 0);
        memcpy(shared->boot_id, boot_id, sizeof(boot_id));
    }
    if (shared->magic[0] == '\0') {
        atomic_store(&shared->created_us, clock_now_us(&clock_system));
        memcpy(shared->magic, STATE_MAGIC, sizeof(STATE_MAGIC));
    }
}

static struct state *state_new(const char *const *types, size_t ntypes, struct fail *why)
{
    if (ntypes > STATE_TYPES_MAX - 2) {
        fail_set(why,
                 "%zu event types are more than the %d that can be counted; raise STATE_TYPES_MAX",
                 ntypes, STATE_TYPES_MAX - 2);
        return NULL;
    }
    struct state *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        fail_set(why, "no memory for the shared state; give the process more");
        return NULL;
    }
    s->file = (struct state_file){.fd = -1, .map = MAP_FAILED};
    pthread_mutex_init(&s->mutex, NULL);
    for (size_t i = 0; i < ntypes; i++)
        s->type[s->ntypes++] = types[i];
    s->type[s->ntypes++] = "other";
    s->type[s->ntypes++] = "none";
    return s;
}

uint64_t state_layout(const char *const *types, size_t ntypes)
{
    struct state *s = state_new(types, ntypes, NULL);
    uint64_t digest = s != NULL ? layout(s) : 0;

    state_close(s);
    return digest;
}

struct state *state_open(const char *dir, const char *const *types, size_t ntypes, struct fail *why)
{
    char name[64];
    struct state *s = state_new(types, ntypes, why);

    if (s == NULL)
        return NULL;
    snprintf(name, sizeof(name), "state-%lu-%016llx", (unsigned long)geteuid(),
             (unsigned long long)layout(s));
    if (state_file_open(&s->file, dir, name, sizeof(struct state_shared), why) != 0) {
        state_close(s);
        return NULL;
    }
    s->shared = s->file.map;
    if (s->shared->magic[0] != '\0' &&
        memcmp(s->shared->magic, STATE_MAGIC, STATE_FILE_MAGIC) != 0) {
        fail_set(why, "%s/%s is no state file of Guichet; remove it", dir, name);
        state_close(s);
        return NULL;
    }
    prepare(s->shared);
    state_file_unlock(&s->file);
    return s;
}

struct state *state_private(const char *const *types, size_t ntypes)
{
    struct state *s = state_new(types, ntypes, NULL);

    if (s == NULL)
        return NULL;
    s->file.size = sizeof(struct state_shared);
    s->file.map =
        mmap(NULL, s->file.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s->file.map == MAP_FAILED) {
        state_close(s);
        return NULL;
    }
    s->shared = s->file.map;
    prepare(s->shared);
    return s;
}

void state_close(struct state *s)
{
    if (s == NULL)
        return;
    state_file_close(&s->file);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

struct state_shared *state_shared(struct state *s)
{
    return s->shared;
}

/* The row of that name, or the first free one, or NULL. A row's first byte is written last, so that it
 * is free until its name is whole. */
static struct state_provider *find_row(struct state_shared *shared, const char *name)
{
    for (size_t i = 0; i < COUNT(shared->provider); i++) {
        struct state_provider *row = &shared->provider[i];
        if (__atomic_load_n(&row->name[0], __ATOMIC_ACQUIRE) == '\0' ||
            strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

struct state_provider *state_provider(struct state *s, const char *name)
{
    size_t n = strlen(name);
    struct state_provider *row = find_row(s->shared, name);

    if (n == 0 || n >= sizeof(row->name))
        return NULL;
    if (row == NULL || __atomic_load_n(&row->name[0], __ATOMIC_ACQUIRE) != '\0')
        return row;
    lock(s);
    row = find_row(s->shared, name); /* somebody else may have been first */
    if (row != NULL && row->name[0] == '\0') {
        memcpy(row->name + 1, name + 1, n);
        __atomic_store_n(&row->name[0], name[0], __ATOMIC_RELEASE);
    }
    unlock(s);
    return row;
}

unsigned state_type(const struct state *s, const char *name, size_t n)
{
    size_t other = s->ntypes - 2;

    for (size_t i = 0; i < other; i++)
        if (strlen(s->type[i]) == n && memcmp(s->type[i], name, n) == 0)
            return (unsigned)i;
    return (unsigned)other;
}

unsigned state_type_none(const struct state *s)
{
    return (unsigned)s->ntypes - 1;
}

size_t state_type_count(const struct state *s)
{
    return s->ntypes;
}

const char *state_type_name(const struct state *s, unsigned type)
{
    return s->type[type < s->ntypes ? type : s->ntypes - 1];
}

const char *state_outcome_name(enum outcome o)
{
    return outcome_name[o];
}

const char *state_reason_name(enum signature_reason r)
{
    return reason_name[r];
}

void state_set_findings(struct state *s, const char *store_digest, const char *run_id,
                        int self_test, int durable, int evicting, int64_t now_us)
{
    struct state_findings *f = &s->shared->findings;

    lock(s);
    atomic_store(&f->checked_us, 0);
    snprintf(f->run_id, sizeof(f->run_id), "%s", run_id);
    snprintf(f->store, sizeof(f->store), "%s", store_digest);
    atomic_store(&f->self_test, self_test);
    atomic_store(&f->durable, durable);
    atomic_store(&f->evicting, evicting);
    atomic_store(&f->checked_us, now_us);
    unlock(s);
}
