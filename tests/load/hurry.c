/* hurry: works an outbox through as `guichet outbox run` does, but by a clock that runs faster: the
 * schedule's 36 minutes pass in a test's time. The waits are those of the schedule, told by that clock.
 *
 *     hurry OUTBOX SPEED EPOCH LOG [drain [ALERT-COMMAND]]
 *
 * SPEED: seconds of the clock in one of ours. EPOCH: when the clock showed the time that all clocks show,
 * in seconds since 1970: the same for all processes of one test, so that one goes on where a killed one was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "outbox/runner.h"

#define TICK_MS 5

struct fast {
    int64_t speed, epoch_us;
};

static int64_t fast_now_us(void *ctx)
{
    const struct fast *f = ctx;

    return f->epoch_us + (clock_now_us(&clock_system) - f->epoch_us) * f->speed;
}

static int64_t fast_monotonic_us(void *ctx)
{
    const struct fast *f = ctx;

    return clock_monotonic_us(&clock_system) * f->speed;
}

int main(int argc, char *argv[])
{
    struct fast fast;
    const struct clock clock = {fast_now_us, fast_monotonic_us, &fast};
    struct runner_options options = {.clock = &clock,
                                     .tick_ms = TICK_MS,
                                     .concurrency = RUNNER_CONCURRENCY,
                                     .drain = argc > 5,
                                     .environment = environ};
    struct runner *r = NULL;
    struct outbox *o = NULL;
    struct fail why = {""};
    int status = EXIT_FAILURE;

    if (argc < 5) {
        fputs("usage: hurry OUTBOX SPEED EPOCH LOG [drain [ALERT-COMMAND]]\n", stderr);
        return 2;
    }
    fast.speed = strtoll(argv[2], NULL, 10);
    fast.epoch_us = strtoll(argv[3], NULL, 10) * US_PER_S;
    options.alert_command = argc > 6 ? argv[6] : NULL;
    options.tries = log_open(argv[4], &clock_system, &why);
    if (options.tries != NULL)
        o = outbox_open(argv[1], true, &why);
    if (o != NULL)
        r = runner_new(o, &options, &why);
    if (r != NULL && runner_run(r, &why) == 0)
        status = EXIT_SUCCESS;
    else
        fprintf(stderr, "hurry: %s\n", why.text);
    runner_free(r);
    outbox_close(o);
    log_close(options.tries);
    return status;
}
