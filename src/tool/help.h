/* help: what the verbs' table says of itself. */
#ifndef GUICHET_TOOL_HELP_H
#define GUICHET_TOOL_HELP_H

#include <stdio.h>
#include "tool/verb.h"

void help_all(FILE *to);
void help_verb(FILE *to, const struct verb *v);
/* The verbs whose first of two words this is, such as "events"; returns how many there are, and prints
 * nothing where there is none. */
size_t help_group(FILE *to, const char *word);

extern const struct verb verb_help;
/* Prints a completion for bash, made of the table. */
extern const struct verb verb_completion;

#endif
