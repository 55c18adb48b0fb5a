/* A completion for bash, from the table of verbs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/help.h"

/* One line of a case: the words so far and what may follow them. */
static void completions_of(FILE *to, const char *pattern, const struct verb *v)
{
    fprintf(to, "    \"%s\") words=\"", pattern);
    for (const struct option_row *o = v->option; o != NULL && o->name != NULL; o++)
        fprintf(to, "--%s ", o->name);
    fputs("--config --json --help\" ;;\n", to);
}

/* The second words of all verbs that begin with the first one of verb i, unless an earlier verb
 * begins so too. */
static void second_words(FILE *to, size_t i)
{
    const char *space = strchr(verbs[i]->name, ' ');
    size_t n = space != NULL ? (size_t)(space - verbs[i]->name) + 1 : 0;

    for (size_t k = 0; k < i; k++)
        if (n > 0 && strncmp(verbs[k]->name, verbs[i]->name, n) == 0)
            return;
    if (n == 0)
        return;
    fprintf(to, "    \"%.*s\") words=\"", (int)n - 1, verbs[i]->name);
    for (size_t k = i; k < nverbs; k++)
        if (strncmp(verbs[k]->name, verbs[i]->name, n) == 0)
            fprintf(to, "%s ", verbs[k]->name + n);
    fputs("\" ;;\n", to);
}

static void print(FILE *to)
{
    fputs("# bash completion for guichet; made by `guichet completion`.\n"
          "_guichet() {\n"
          "    local words='' at=$COMP_CWORD first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}\n"
          "    COMPREPLY=()\n"
          "    if [ \"$at\" -gt 1 ] && [ \"$first\" = help ]; then # it takes the words of a verb\n"
          "        at=$((at - 1)) first=$second second=${COMP_WORDS[3]}\n"
          "    fi\n"
          "    if [ \"$at\" -eq 1 ]; then\n",
          to);
    fprintf(to, "        words=\"");
    for (size_t i = 0; i < nverbs; i++)
        fprintf(to, "%.*s ", (int)strcspn(verbs[i]->name, " "), verbs[i]->name);
    fputs("\"\n"
          "    else\n"
          "    [ \"$at\" -eq 2 ] && second=\n"
          "    case \"$first${second:+ $second}\" in\n",
          to);
    for (size_t i = 0; i < nverbs; i++) {
        second_words(to, i);
        if (strchr(verbs[i]->name, ' ') != NULL)
            completions_of(to, verbs[i]->name, verbs[i]);
    }
    fputs("    esac\n"
          "    case \"$first\" in\n",
          to);
    for (size_t i = 0; i < nverbs; i++)
        if (strchr(verbs[i]->name, ' ') == NULL)
            completions_of(to, verbs[i]->name, verbs[i]);
    fputs("    esac\n"
          "    fi\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
          "    [ \"${#COMPREPLY[@]}\" -gt 0 ] || compopt -o default\n"
          "}\n"
          "complete -F _guichet guichet\n",
          to);
}

static enum verdict completion(struct call *c)
{
    char *text = NULL;
    size_t n = 0;
    FILE *memory;

    if (!out_is_json(c->out)) {
        print(stdout);
        return VERDICT_DONE;
    }
    memory = open_memstream(&text, &n);
    if (memory != NULL)
        print(memory);
    if (memory == NULL || fclose(memory) != 0)
        return call_end(c, VERDICT_AWAY, "no memory");
    out_text(c->out, "shell", SLICE_LITERAL("bash"));
    out_text(c->out, "completion", (struct slice){text, n});
    out_end(c->out);
    free(text);
    return VERDICT_DONE;
}

const struct verb verb_completion = {"completion", "", "prints a completion for bash", NULL, 0, 0,
                                     completion};
