/* The table of verbs, in the order in which help shows them. */
#include "tool/help.h"
#include "tool/outbox.h"
#include "tool/send.h"

const struct verb *const verbs[] = {
    &verb_help,        &verb_completion,   &verb_send,        &verb_outbox_run,
    &verb_outbox_list, &verb_outbox_retry, &verb_outbox_drop,
};
const size_t nverbs = sizeof verbs / sizeof verbs[0];
