#include <unistd.h>

#include "outbox/runner.h"
#include "tool/outbox.h"
#include "tool/sending.h"

static enum verdict read_options(struct call *c, struct runner_options *o)
{
    long long concurrency;

    if (!call_number(c, "concurrency", 1, RUNNER_CONCURRENCY_MAX, RUNNER_CONCURRENCY, &concurrency))
        return VERDICT_USAGE;
    *o = (struct runner_options){
        .clock = &clock_system,
        .tick_ms = RUNNER_TICK_MS,
        .concurrency = (size_t)concurrency,
        .drain = call_option(c, "drain") != NULL,
        .ca_file = call_option(c, "ca-file"),
        .alert_command = call_option(c, "alert-command"),
        .alert_url = call_option(c, "alert-url"),
        .metrics_file = call_option(c, "metrics-file"),
        .environment = environ,
    };
    if (o->alert_command == NULL)
        return VERDICT_DONE;
    if (o->alert_command[0] != '/' || access(o->alert_command, X_OK) != 0)
        return call_end(c, VERDICT_USAGE,
                        "--alert-command %s must be the absolute path of a program; "
                        "no shell reads it, and it gets no arguments",
                        o->alert_command);
    return VERDICT_DONE;
}

static enum verdict run(struct call *c)
{
    const char *target = call_option(c, "log");
    struct runner_options options;
    struct runner *r = NULL;
    struct log *tries = NULL;
    struct outbox *o = NULL;
    struct fail why = {""};
    enum verdict v = read_options(c, &options);

    if (v != VERDICT_DONE || (o = sending_open_outbox(c, true, &v)) == NULL)
        return v;
    if (target != NULL && (tries = log_open(target, &clock_system, &why)) == NULL) {
        v = call_end(c, VERDICT_USAGE, "--log: %s", why.text);
        goto done;
    }
    options.tries = tries;
    r = runner_new(o, &options, &why);
    if (r == NULL)
        v = call_end(c, VERDICT_USAGE, "%s", why.text);
    else if (runner_run(r, &why) != 0)
        v = call_end(c, VERDICT_AWAY, "%s", why.text);

done:
    runner_free(r);
    log_close(tries);
    outbox_close(o);
    return v;
}

static const struct option_row options[] = {
    SENDING_OUTBOX_OPTION,
    {"concurrency", "N", "tries at a time, 1 to 256; 16", false},
    {"log", "TARGET", "where a line a try goes: a file, stderr or syslog; stderr", false},
    {"metrics-file", "FILE", "metrics for Prometheus' node exporter", false},
    {"alert-command", "PROGRAM", "run when an event failed for good, without a shell", false},
    {"alert-url", "URL", "posted to then; also env:NAME or file:/PATH", false},
    {"ca-file", "FILE", "authorities to trust instead of the system's", false},
    {"drain", NULL, "end when nothing waits any more", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_outbox_run = {
    "outbox run", "", "sends what an outbox holds, until it is stopped", options, 0, 0, run};
