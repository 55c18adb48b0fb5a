/* quarantine: what was authentic but refused: looking at it, letting it in again, dropping it. */
#ifndef GUICHET_TOOL_QUARANTINE_H
#define GUICHET_TOOL_QUARANTINE_H

#include "tool/host.h"

extern const struct verb verb_quarantine_list, verb_quarantine_show, verb_quarantine_requeue,
    verb_quarantine_drop;

/* Entries of a page: each holds a body. */
#define QUARANTINE_PAGE 32

/* Calls `visit` with the entries that the operands name, or else with all, as they lie there when
 * their turn comes; what a visit reads into the journal's arena is gone afterwards. An operand that names none is said and makes the verdict
 * VERDICT_NO. The walk ends early when a visit returns false. VERDICT_AWAY, said why, when the store
 * gave no answer. */
typedef bool quarantine_visit(void *ctx, const struct journal *j, const struct journal_entry *e);
enum verdict quarantine_walk(struct call *c, struct host *h, const struct config_provider *p,
                             quarantine_visit *visit, void *ctx);

#endif
