/* The table of verbs, in the order in which help shows them. */
#include "tool/help.h"

const struct verb *const verbs[] = {
    &verb_help,
    &verb_completion,
};
const size_t nverbs = sizeof verbs / sizeof verbs[0];
