/* The table of verbs, in the order in which help shows them. */
#include "tool/airtable_secret.h"
#include "tool/audit.h"
#include "tool/check.h"
#include "tool/consume.h"
#include "tool/dead.h"
#include "tool/doctor.h"
#include "tool/events.h"
#include "tool/help.h"
#include "tool/keys.h"
#include "tool/outbox.h"
#include "tool/quarantine.h"
#include "tool/send.h"
#include "tool/spool.h"
#include "tool/status.h"
#include "tool/store.h"
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
    &verb_quarantine_list,
    &verb_quarantine_show,
    &verb_quarantine_requeue,
    &verb_quarantine_drop,
    &verb_spool_list,
    &verb_spool_drain,
    &verb_audit_list,
    &verb_audit_export,
    &verb_audit_seal,
    &verb_audit_verify,
    &verb_store_copy,
    &verb_store_open,
    &verb_status,
    &verb_check,
    &verb_doctor,
    &verb_keygen,
    &verb_secrets,
    &verb_sign,
    &verb_verify,
    &verb_send,
    &verb_outbox_run,
    &verb_outbox_list,
    &verb_outbox_retry,
    &verb_outbox_drop,
    &verb_airtable_drain,
    &verb_airtable_watch,
    &verb_airtable_list,
    &verb_airtable_create,
    &verb_airtable_setup,
    &verb_airtable_enable,
    &verb_airtable_disable,
    &verb_airtable_refresh,
    &verb_airtable_delete,
    &verb_airtable_recreate,
    &verb_airtable_payloads,
    &verb_airtable_import_secret,
    &verb_airtable_secret_convert,
    &verb_airtable_simulate,
    &verb_airtable_diagnose,
    &verb_help,
    &verb_completion,
};
/* clang-format on */
const size_t nverbs = sizeof verbs / sizeof verbs[0];
