/* signing: what sign and verify have in common: a scheme, its secrets and its API keys, out of options
 * or out of the configuration. */
#ifndef GUICHET_TOOL_SIGNING_H
#define GUICHET_TOOL_SIGNING_H

#include "tool/host.h"
#include "tool/live.h"
#include "verify/scheme.h"

struct signing {
    struct host host; /* open where --provider was given */
    const struct scheme *scheme;
    int64_t tolerance_us; /* -1: the scheme's own */
    struct live *secret, *api_key;
};

/* Reads --scheme, --secret and --api-key, or --provider, and sees to it that standard input is not read
 * twice. VERDICT_DONE, else said why; ended by signing_close in either case. */
enum verdict signing_open(struct call *c, struct signing *s);
void signing_close(struct signing *s);

#define SIGNING_OPTIONS                                                                            \
    {"scheme", "NAME", "how it is signed: t4g, airtable, standard-webhooks, github, stripe",       \
     false},                                                                                       \
        {"secret", "SPEC", "env:NAME, file:/PATH, dir:/PATH or - for standard input", true},       \
        {"api-key", "SPEC", "the same for the API key, where the scheme has one", true},           \
        {"provider", "NAME", "all that out of the configuration, in place of the three", false},   \
    {                                                                                              \
        "body", "FILE", "the body; else standard input", false                                     \
    }

#endif
