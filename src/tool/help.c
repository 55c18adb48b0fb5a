#include "tool/help.h"

#include <string.h>

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

static enum verdict help(struct call *c)
{
    char name[64];

    if (c->noperands == 0) {
        help_all(stdout);
        return VERDICT_DONE;
    }
    (void)snprintf(name, sizeof name, "%s%s%s", c->operand[0], c->noperands > 1 ? " " : "",
                   c->noperands > 1 ? c->operand[1] : "");
    for (size_t i = 0; i < nverbs; i++)
        if (strcmp(verbs[i]->name, name) == 0) {
            help_verb(stdout, verbs[i]);
            return VERDICT_DONE;
        }
    if (c->noperands == 1 && help_group(stdout, name) > 0)
        return VERDICT_DONE;
    return call_end(c, VERDICT_USAGE, "there is no verb \"%s\"; `guichet help` lists them", name);
}

const struct verb verb_help = {"help", "[VERB]", "lists the verbs, or explains one", NULL, 0,
                               2,      help};

/* One line of a case: the words so far and what may follow them. */
static void completions_of(const char *pattern, const struct verb *v)
{
    printf("    \"%s\") words=\"", pattern);
    for (const struct option_row *o = v->option; o != NULL && o->name != NULL; o++)
        printf("--%s ", o->name);
    puts("--config --json --help\" ;;");
}

/* The second words of all verbs that begin with the first one of verb i, unless an earlier verb
 * begins so too. */
static void second_words(size_t i)
{
    const char *space = strchr(verbs[i]->name, ' ');
    size_t n = space != NULL ? (size_t)(space - verbs[i]->name) + 1 : 0;

    for (size_t k = 0; k < i; k++)
        if (n > 0 && strncmp(verbs[k]->name, verbs[i]->name, n) == 0)
            return;
    if (n == 0)
        return;
    printf("    \"%.*s\") words=\"", (int)n - 1, verbs[i]->name);
    for (size_t k = i; k < nverbs; k++)
        if (strncmp(verbs[k]->name, verbs[i]->name, n) == 0)
            printf("%s ", verbs[k]->name + n);
    puts("\" ;;");
}

static enum verdict completion(struct call *c)
{
    (void)c;
    puts("# bash completion for guichet; made by `guichet completion`.\n"
         "_guichet() {\n"
         "    local words='' first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}\n"
         "    COMPREPLY=()\n"
         "    if [ \"$COMP_CWORD\" -eq 1 ]; then");
    printf("        words=\"");
    for (size_t i = 0; i < nverbs; i++)
        printf("%.*s ", (int)strcspn(verbs[i]->name, " "), verbs[i]->name);
    puts("\"\n"
         "    else\n"
         "    [ \"$COMP_CWORD\" -eq 2 ] && second=\n"
         "    case \"$first${second:+ $second}\" in");
    for (size_t i = 0; i < nverbs; i++) {
        second_words(i);
        if (strchr(verbs[i]->name, ' ') != NULL)
            completions_of(verbs[i]->name, verbs[i]);
    }
    puts("    esac\n"
         "    case \"$first\" in");
    for (size_t i = 0; i < nverbs; i++)
        if (strchr(verbs[i]->name, ' ') == NULL)
            completions_of(verbs[i]->name, verbs[i]);
    puts("    esac\n"
         "    fi\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "    [ \"${#COMPREPLY[@]}\" -gt 0 ] || compopt -o default\n"
         "}\n"
         "complete -F _guichet guichet");
    return VERDICT_DONE;
}

const struct verb verb_completion = {"completion", "", "prints a completion for bash", NULL, 0, 0,
                                     completion};
