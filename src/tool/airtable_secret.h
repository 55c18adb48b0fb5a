/* airtable_secret: verbs for the secrets of hooks, and for pings signed with them. */
#ifndef GUICHET_TOOL_AIRTABLE_SECRET_H
#define GUICHET_TOOL_AIRTABLE_SECRET_H

#include "tool/airtable.h"
#include "verify/secret.h"

/* "hex:" and two digits a byte, the longer of the two forms, and a NUL. */
#define SECRET_FORM_ROOM (2 * SECRET_BYTES_MAX + 8)

extern const struct verb verb_airtable_import_secret;
extern const struct verb verb_airtable_secret_convert;
extern const struct verb verb_airtable_simulate;
extern const struct verb verb_airtable_diagnose;

/* Sends a sound ping of the hook, with the headers of --header besides (it and --base must be options of
 * the verb). *status: the answer's; 0 when it was 200 with a body. False: there is no secret, or no answer. */
bool airtable_ping(struct airtable_call *a, const char *url, const char *hook, long *status,
                   struct fail *why);

#endif
