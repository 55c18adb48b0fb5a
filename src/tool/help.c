#include "tool/help.h"

#include <string.h>
#include "base/buf.h"

#define NAME_WIDTH 24

void help_all(FILE *to)
{
    fputs("usage: guichet VERB [OPTION...] [OPERAND...]\n"
          "       guichet help VERB | --help | --version\n\n",
          to);
    for (size_t i = 0; i < nverbs; i++)
        fprintf(to, "  %-*s %s\n", NAME_WIDTH, verbs[i]->name, verbs[i]->help);
    fputs("\nEvery verb takes --config FILE, --json and --help. It ends with 0 when it is done, 1 "
          "when\n"
          "the answer is no, 2 when it was called wrongly or the configuration is wrong, 3 when\n"
          "something could not be reached.\n",
          to);
}

static void option_line(FILE *to, const struct option_row *o)
{
    char shown[64];

    (void)snprintf(shown, sizeof shown, "--%s%s%s", o->name, o->argument != NULL ? " " : "",
                   o->argument != NULL ? o->argument : "");
    fprintf(to, "  %-*s %s%s\n", NAME_WIDTH, shown, o->help,
            o->repeated ? "; may be repeated" : "");
}

void help_verb(FILE *to, const struct verb *v)
{
    static const struct option_row common[] = {
        {"config", "FILE", "the configuration, found as guichet.fcgi finds it", false},
        {"json", NULL, "one JSON object a line", false},
        {"help", NULL, "this text", false},
    };

    fprintf(to, "usage: guichet %s [OPTION...]%s%s\n%s\n\n", v->name,
            v->operands[0] != '\0' ? " " : "", v->operands, v->help);
    for (const struct option_row *o = v->option; o != NULL && o->name != NULL; o++)
        option_line(to, o);
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        option_line(to, &common[i]);
}

size_t help_group(FILE *to, const char *word)
{
    size_t n = strlen(word), found = 0;

    for (size_t i = 0; n > 0 && i < nverbs; i++) {
        if (strncmp(verbs[i]->name, word, n) != 0 || verbs[i]->name[n] != ' ')
            continue;
        if (found++ == 0)
            fprintf(to, "usage: guichet %s VERB [OPTION...] [OPERAND...]\n\n", word);
        fprintf(to, "  %-*s %s\n", NAME_WIDTH, verbs[i]->name, verbs[i]->help);
    }
    return found;
}

/* What help_verb says, for scripts. */
static void verb_json(struct out *o, const struct verb *v)
{
    struct buf options = BUF_INIT(65536);

    buf_adds(&options, "[");
    for (const struct option_row *row = v->option; row != NULL && row->name != NULL; row++) {
        buf_addf(&options, "%s{\"name\":\"%s\",\"argument\":", row == v->option ? "" : ",",
                 row->name);
        if (row->argument != NULL) {
            buf_adds(&options, "\"");
            buf_add_json(&options, slice_of(row->argument), SIZE_MAX);
            buf_adds(&options, "\"");
        } else {
            buf_adds(&options, "null");
        }
        buf_adds(&options, ",\"help\":\"");
        buf_add_json(&options, slice_of(row->help), SIZE_MAX);
        buf_addf(&options, "\",\"repeated\":%s}", row->repeated ? "true" : "false");
    }
    buf_adds(&options, "]");
    out_text(o, "verb", slice_of(v->name));
    out_text(o, "operands", slice_of(v->operands));
    out_text(o, "help", slice_of(v->help));
    out_json(o, "options", buf_slice(&options));
    out_end(o);
    buf_free(&options);
}

/* Whether the name is the verb's, its first word, or none. */
static bool is_asked(const struct verb *v, const char *name)
{
    size_t n = strlen(name);

    return n == 0 || (strncmp(v->name, name, n) == 0 && (v->name[n] == '\0' || v->name[n] == ' '));
}

static size_t print_json(struct out *o, const char *name)
{
    size_t found = 0;

    for (size_t i = 0; i < nverbs; i++)
        if (is_asked(verbs[i], name)) {
            verb_json(o, verbs[i]);
            found++;
        }
    return found;
}

static size_t print(const char *name)
{
    if (name[0] == '\0')
        help_all(stdout);
    for (size_t i = 0; i < nverbs; i++)
        if (strcmp(verbs[i]->name, name) == 0) {
            help_verb(stdout, verbs[i]);
            return 1;
        }
    return name[0] == '\0' ? nverbs : help_group(stdout, name);
}

static enum verdict help(struct call *c)
{
    char name[64];

    (void)snprintf(name, sizeof name, "%s%s%s", c->noperands > 0 ? c->operand[0] : "",
                   c->noperands > 1 ? " " : "", c->noperands > 1 ? c->operand[1] : "");
    if ((out_is_json(c->out) ? print_json(c->out, name) : print(name)) > 0)
        return VERDICT_DONE;
    return call_end(c, VERDICT_USAGE, "there is no verb \"%s\"; `guichet help` lists them", name);
}

const struct verb verb_help = {"help", "[VERB]", "lists the verbs, or explains one", NULL, 0,
                               2,      help};
