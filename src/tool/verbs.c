/* The table of verbs, in the order in which help shows them. */
#include "tool/check.h"
#include "tool/help.h"
#include "tool/keys.h"

const struct verb *const verbs[] = {
    &verb_help, &verb_completion, &verb_keygen, &verb_secrets,
    &verb_sign, &verb_verify,     &verb_check,
};
const size_t nverbs = sizeof verbs / sizeof verbs[0];
