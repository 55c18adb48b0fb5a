/* verb: what a verb of the tool is, and what it is called with.
 *
 * The table in verbs.c is the only list of them: usage, help, completion and the tests of the man
 * page follow it. A verb's own file holds its row and what it does. */
#ifndef GUICHET_TOOL_VERB_H
#define GUICHET_TOOL_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include "base/fail.h"
#include "tool/out.h"

#define VERB_OPTIONS_MAX  24 /* rows of one verb */
#define VERB_REPEATED_MAX 32 /* times that one option may be given */

/* How the program ends; scripts rely on it. */
enum verdict {
    VERDICT_DONE = 0,
    VERDICT_NO =
        1, /* it was done, and the answer is no: it does not verify, is not there, is not well */
    VERDICT_USAGE = 2, /* it was called wrongly, or the configuration is wrong */
    VERDICT_AWAY = 3   /* the store, a server or a file cannot be reached: perhaps later */
};

struct option_row {
    const char *name;     /* without "--"; NULL ends the rows */
    const char *argument; /* what follows it, as in "FILE"; NULL: nothing does */
    const char *help;     /* a line, begun in lower case, without a full stop */
    bool repeated;        /* may be given more than once */
};

struct call;

struct verb {
    const char *name;                /* one word, or two: "spool drain" */
    const char *operands;            /* as usage shows them: "[ID...]", or "" */
    const char *help;                /* a line */
    const struct option_row *option; /* beside --config, --json and --help; NULL: none */
    int least, most;                 /* operands; most -1: any number */
    enum verdict (*run)(struct call *c);
};

/* One call of a verb. */
struct call {
    const struct verb *verb;
    const char *config_file; /* --config, or NULL */
    struct out *out;         /* what it found; as JSON with --json */
    const char *const *operand;
    size_t noperands;
    struct {
        const char *text[VERB_REPEATED_MAX];
        size_t n;
    } given[VERB_OPTIONS_MAX]; /* by row */
};

/* The argument of the option, the last one if it was repeated; "" of one that takes none; NULL if it was not given. The name
 * must be one of the verb's. */
const char *call_option(const struct call *c, const char *name);
/* The i-th one; NULL behind the last. */
const char *call_each(const struct call *c, const char *name, size_t i);
/* A number from `least` to `most`, or `otherwise` where the option was not given. False: said why. */
bool call_number(const struct call *c, const char *name, long long least, long long most,
                 long long otherwise, long long *out);

/* Says "guichet VERB: ..." on stderr and returns the verdict. */
__attribute__((format(printf, 3, 4))) enum verdict call_end(const struct call *c, enum verdict v,
                                                            const char *format, ...);

/* All verbs, in the order in which help shows them. */
extern const struct verb *const verbs[];
extern const size_t nverbs;

#endif
