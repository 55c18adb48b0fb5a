/* The table of verbs, in the order in which help shows them. */
#include "tool/audit.h"
#include "tool/help.h"
#include "tool/quarantine.h"
#include "tool/spool.h"

const struct verb *const verbs[] = {
    &verb_spool_list,
    &verb_spool_drain,
    &verb_quarantine_list,
    &verb_quarantine_show,
    &verb_quarantine_requeue,
    &verb_quarantine_drop,
    &verb_audit_list,
    &verb_audit_export,
    &verb_audit_seal,
    &verb_audit_verify,
    &verb_help,
    &verb_completion,
};
const size_t nverbs = sizeof verbs / sizeof verbs[0];
