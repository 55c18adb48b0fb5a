/* airtable: verbs for a base of Airtable, its hooks and their secrets; and what these share. */
#ifndef GUICHET_TOOL_AIRTABLE_H
#define GUICHET_TOOL_AIRTABLE_H

#include "airtable/airtable.h"
#include "tool/command.h"
#include "tool/host.h"

extern const struct verb verb_airtable_drain;
extern const struct verb verb_airtable_watch;
extern const struct verb verb_airtable_list;
extern const struct verb verb_airtable_create;
extern const struct verb verb_airtable_setup;
extern const struct verb verb_airtable_enable;
extern const struct verb verb_airtable_disable;
extern const struct verb verb_airtable_refresh;
extern const struct verb verb_airtable_delete;
extern const struct verb verb_airtable_payloads;
extern const struct verb verb_airtable_recreate;

/* What a verb of these works on. */
struct airtable_call {
    struct call *call;
    struct host host;
    const struct config_provider *provider;
    struct airtable *airtable;
};

#define AIRTABLE_ENV_OPTION                                                                        \
    {                                                                                              \
        "env-file", "FILE", "take variables from there, such as AIRTABLE_PERSONAL_TOKEN=pat...",   \
            false                                                                                  \
    }

/* The rows that every one of these verbs has. */
#define AIRTABLE_OPTIONS                                                                           \
    HOST_PROVIDER_OPTION, AIRTABLE_ENV_OPTION,                                                     \
        {"base", "ID", "the base, instead of AIRTABLE_BASE_ID", false},                            \
        {"token-file", "FILE", "the file with the token, instead of AIRTABLE_PERSONAL_TOKEN",      \
         false},                                                                                   \
    {                                                                                              \
        "api", "URL", "where the API is, instead of AIRTABLE_API_URL or Airtable's own", false     \
    }

/* Sets the variables that the file of --env-file (AIRTABLE_ENV_OPTION) has. VERDICT_DONE, else said why. */
enum verdict airtable_read_variables(struct call *c);

/* VERDICT_DONE, else said why; ended by airtable_close in either case. */
enum verdict airtable_open(struct call *c, struct airtable_call *a);
/* Without the API: the configuration and the provider. */
enum verdict airtable_open_local(struct call *c, struct airtable_call *a);
void airtable_close(struct airtable_call *a);

bool airtable_hook_is(const char *id);

/* Says what the outcome was if it is not AIRTABLE_DONE. */
enum verdict airtable_verdict(struct airtable_call *a, enum airtable_outcome outcome,
                              const struct fail *why);

/* Keeps the hook's secret in the folder that the provider's `secret = dir:PATH` names: a file named after
 * the hook, 0600, whole or not there at all. `ctx` is the struct airtable_call. */
bool airtable_keep_secret(void *ctx, const char *hook, const char *secret, struct fail *why);
/* The folder; NULL, and said why: the provider has none. */
const char *airtable_secrets(struct airtable_call *a);

/* Where pings go: --url (an option of the verb) or WEBHOOK_PUBLIC_URL; NULL: said why. */
const char *airtable_public_url(struct call *c);

/* Finds a sound hook for that address whose secret is in the folder and has it send pings, or makes one;
 * shows it. */
enum verdict airtable_setup_hook(struct airtable_call *a, const char *url);

/* The fields of a hook, as a record. */
void airtable_put_hook(struct airtable_call *a, const struct airtable_hook *h);

#endif
