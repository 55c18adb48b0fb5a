#include <stdio.h>
#include <time.h>

#include "base/codec.h"
#include "tool/audit.h"

#define HOLD_MS   10000
#define RENEW_MS  3000
#define ARENA_MAX (1u << 20)

static bool take(struct audit_turn *t, struct fail *why)
{
    arena_reset(t->j.arena);
    t->until_ms = clock_monotonic_ms(&clock_system) + RENEW_MS;
    return journal_lease(&t->j, SEAL_LEASE, t->holder, HOLD_MS, &t->held, why);
}

bool audit_turn_take(struct call *c, struct host *h, const struct config_provider *p,
                     struct audit_turn *t)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    int64_t end_ms = clock_monotonic_ms(&clock_system) + AUDIT_TURN_MS;
    struct fail why = {""};
    uint8_t name[8];

    *t = (struct audit_turn){.j = {h->store, p->name, arena_new(ARENA_MAX), HOST_TIMEOUT_MS}};
    if (t->j.arena == NULL || !random_bytes(name, sizeof name)) {
        (void)call_end(c, VERDICT_AWAY, "no memory");
        return false;
    }
    hex_encode(name, sizeof name, t->holder);
    while (take(t, &why) && !t->held && clock_monotonic_ms(&clock_system) < end_ms)
        (void)nanosleep(&pause, NULL);
    if (!t->held)
        (void)call_end(c, VERDICT_AWAY, "%s",
                       why.text[0] != '\0' ? why.text
                                           : "the audit is being sealed or verified by another "
                                             "process; try again");
    return t->held;
}

bool audit_turn_keep(struct audit_turn *t, struct fail *why)
{
    if (clock_monotonic_ms(&clock_system) < t->until_ms)
        return true;
    if (!take(t, why))
        return false;
    if (!t->held)
        fail_set(why, "another process took over; try again");
    return t->held;
}

void audit_turn_leave(struct audit_turn *t)
{
    struct fail why;

    if (t->held)
        (void)journal_release(&t->j, SEAL_LEASE, t->holder, &why);
    arena_free(t->j.arena);
}
