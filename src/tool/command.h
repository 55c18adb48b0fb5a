/* command: another program, run with something on its standard input. */
#ifndef GUICHET_TOOL_COMMAND_H
#define GUICHET_TOOL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include "base/fail.h"
#include "base/slice.h"

enum command_end {
    COMMAND_EXITED,     /* status: its exit status */
    COMMAND_KILLED,     /* status: the signal */
    COMMAND_TIMED_OUT,  /* it and its process group were killed */
    COMMAND_NOT_STARTED /* why says so */
};

struct command_result {
    enum command_end end;
    int status;
};

/* Called about once a second while the command runs. */
typedef void command_tick(void *ctx);

/* Blocks SIGCHLD, SIGTERM, SIGINT and SIGHUP for this process; to be called once, before the first run.
 * command_stopped tells whether one of the last three has come. */
void command_prepare(void);
bool command_stopped(void);
/* Sleeps; ended early by such a signal. */
void command_pause(int64_t ms);

/* Runs argv (found by PATH, no shell) in a process group of its own with these variables beside ours
 * ("NAME=value", NULL-terminated), `input` on its standard input (it need not read it) and our standard
 * output and error, until it ends or timeout_ms passed. */
struct command_result command_run(const char *const argv[], const char *const variables[],
                                  struct slice input, int64_t timeout_ms, command_tick *tick,
                                  void *ctx, struct fail *why);

#endif
