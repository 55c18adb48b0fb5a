/* The table of verbs, in the order in which help shows them. */
#include "tool/consume.h"
#include "tool/dead.h"
#include "tool/doctor.h"
#include "tool/events.h"
#include "tool/help.h"
#include "tool/users.h"

/* A row a line. */
/* clang-format off */
const struct verb *const verbs[] = {
    &verb_events_list,
    &verb_events_show,
    &verb_events_tail,
    &verb_events_export,
    &verb_events_trim,
    &verb_consume,
    &verb_groups_list,
    &verb_groups_drop,
    &verb_dead_list,
    &verb_dead_retry,
    &verb_dead_drop,
    &verb_users_show,
    &verb_users_forget,
    &verb_doctor,
    &verb_help,
    &verb_completion,
};
/* clang-format on */
const size_t nverbs = sizeof verbs / sizeof verbs[0];
