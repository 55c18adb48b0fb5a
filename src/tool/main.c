/* guichet: the operator's tool. Finds the verb, reads its options by its table, runs it. */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/help.h"
#include "tool/verb.h"

enum { OPTION_CONFIG = VERB_OPTIONS_MAX, OPTION_JSON, OPTION_HELP, OPTIONS_ALL };

/* Core files would hold secrets and bodies; see the responder. */
static void leave_no_core(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 1) {
        limit.rlim_cur = 1;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
}

/* The verb that the words begin with, of two words if there is such a one. */
static const struct verb *find(int argc, char *argv[], int *words)
{
    char two[64];

    for (*words = 2; *words > 0; --*words) {
        if (argc < *words)
            continue;
        int n = snprintf(two, sizeof two, "%s%s%s", argv[0], *words == 2 ? " " : "",
                         *words == 2 ? argv[1] : "");
        for (size_t i = 0; n > 0 && n < (int)sizeof two && i < nverbs; i++)
            if (strcmp(verbs[i]->name, two) == 0)
                return verbs[i];
    }
    return NULL;
}

/* The verb's rows and the common ones, as getopt_long wants them. */
static void table_of(const struct verb *v, struct option out[static OPTIONS_ALL + 1])
{
    size_t n = 0;

    for (; v->option != NULL && v->option[n].name != NULL && n < VERB_OPTIONS_MAX; n++)
        out[n] = (struct option){
            .name = v->option[n].name,
            .has_arg = v->option[n].argument != NULL ? required_argument : no_argument,
            .val = (int)n + 1,
        };
    out[n++] = (struct option){"config", required_argument, NULL, OPTION_CONFIG + 1};
    out[n++] = (struct option){"json", no_argument, NULL, OPTION_JSON + 1};
    out[n++] = (struct option){"help", no_argument, NULL, OPTION_HELP + 1};
    out[n] = (struct option){NULL, 0, NULL, 0};
}

static enum verdict usage(const struct verb *v)
{
    help_verb(stderr, v);
    return VERDICT_USAGE;
}

/* Returns -1 to go on, else the verdict. */
static int read_options(struct call *c, int argc, char *argv[], bool *json)
{
    static struct option table[OPTIONS_ALL + 1];
    int o;

    table_of(c->verb, table);
    while ((o = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (o == OPTION_CONFIG + 1) {
            c->config_file = optarg;
        } else if (o == OPTION_JSON + 1) {
            *json = true;
        } else if (o == OPTION_HELP + 1) {
            help_verb(stdout, c->verb);
            return VERDICT_DONE;
        } else if (o < 1 || o > VERB_OPTIONS_MAX) {
            return (int)usage(c->verb);
        } else {
            const struct option_row *row = &c->verb->option[o - 1];
            size_t n = c->given[o - 1].n;
            if (n == (row->repeated ? VERB_REPEATED_MAX : 1)) {
                fprintf(stderr, "guichet %s: --%s may be given %s\n", c->verb->name, row->name,
                        row->repeated ? "32 times at most" : "once");
                return VERDICT_USAGE;
            }
            c->given[o - 1].text[n] = optarg != NULL ? optarg : "";
            c->given[o - 1].n = n + 1;
        }
    }
    c->operand = (const char *const *)(argv + optind);
    c->noperands = (size_t)(argc - optind);
    if ((int)c->noperands < c->verb->least ||
        (c->verb->most >= 0 && (int)c->noperands > c->verb->most)) {
        fprintf(stderr, "guichet %s: it takes %s\n", c->verb->name,
                c->verb->operands[0] != '\0' ? c->verb->operands : "nothing but options");
        return (int)usage(c->verb);
    }
    return -1;
}

/* A reader that has seen enough (`| head`) is no trouble; a full disk is. */
static int end_output(struct call *c, int verdict)
{
    bool unread;

    out_flush(c->out);
    unread = out_is_unread(c->out);
    if (out_free(c->out) || unread)
        return verdict;
    fprintf(stderr, "guichet %s: what was found could not all be written to standard output\n",
            c->verb->name);
    return verdict == VERDICT_DONE ? VERDICT_AWAY : verdict;
}

static int run(const struct verb *v, int argc, char *argv[])
{
    struct call c = {.verb = v};
    bool json = false;
    char name[64];
    int verdict;

    (void)snprintf(name, sizeof name, "guichet %s", v->name);
    argv[0] = name; /* for what getopt says */
    verdict = read_options(&c, argc, argv, &json);

    if (verdict >= 0)
        return verdict;
    c.out = out_new(stdout, json);
    if (c.out == NULL) {
        fputs("guichet: no memory\n", stderr);
        return VERDICT_AWAY;
    }
    verdict = (int)v->run(&c);
    return end_output(&c, verdict);
}

/* The first word of several verbs alone is a question: which are there? */
static enum verdict find_nothing(int argc, char *argv[])
{
    bool second = argc > 1 && argv[1][0] != '-';

    if (argc == 2 && strcmp(argv[1], "--help") == 0 && help_group(stdout, argv[0]) > 0)
        return VERDICT_DONE;
    if (!second && help_group(stderr, argv[0]) > 0)
        return VERDICT_USAGE;
    fprintf(stderr, "guichet: there is no verb \"%s%s%s\"; `guichet help` lists them\n", argv[0],
            second ? " " : "", second ? argv[1] : "");
    (void)help_group(stderr, argv[0]);
    return VERDICT_USAGE;
}

int main(int argc, char *argv[])
{
    const struct verb *v;
    int words;

    leave_no_core();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at the host's limit is a failed write */
    umask(027);
    if (argc < 2) {
        help_all(stderr);
        return VERDICT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("guichet " GUICHET_VERSION);
        return fflush(stdout) == 0 ? VERDICT_DONE : VERDICT_AWAY;
    }
    if (strcmp(argv[1], "--help") == 0) {
        help_all(stdout);
        return VERDICT_DONE;
    }
    v = find(argc - 1, argv + 1, &words);
    if (v == NULL)
        return find_nothing(argc - 1, argv + 1);
    return run(v, argc - words, argv + words);
}
