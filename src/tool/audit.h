/* audit: what happened to every event, and the seals that show that it stands as it was written. */
#ifndef GUICHET_TOOL_AUDIT_H
#define GUICHET_TOOL_AUDIT_H

#include "store/seal.h"
#include "tool/host.h"

extern const struct verb verb_audit_list, verb_audit_export, verb_audit_seal, verb_audit_verify;

/* The turn of one who seals or wants nobody else to trim: the lease, taken within AUDIT_TURN_MS. */
#define AUDIT_TURN_MS 15000

struct audit_turn {
    struct journal j; /* with an arena of its own */
    char holder[JOURNAL_NAME_MAX + 1];
    int64_t until_ms; /* it is prolonged before that */
    bool held;
};

/* False, said why: another one has it, or the store is away. */
bool audit_turn_take(struct call *c, struct host *h, const struct config_provider *p,
                     struct audit_turn *t);
/* Prolongs it where it is time. False, why: it is lost. */
bool audit_turn_keep(struct audit_turn *t, struct fail *why);
void audit_turn_leave(struct audit_turn *t);

#endif
