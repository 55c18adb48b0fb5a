/* host: the installation that a verb works on: its configuration, its store, its state and spool. */
#ifndef GUICHET_TOOL_HOST_H
#define GUICHET_TOOL_HOST_H

#include "program.h"
#include "store/journal.h"
#include "tool/verb.h"

#define HOST_TIMEOUT_MS 5000       /* of each operation on the store */
#define HOST_ARENA_MAX  (1u << 30) /* bytes that one page may take */

struct host {
    struct program program;
    const struct config *config; /* the program's */
    struct store *store;         /* NULL: not opened */
    struct arena *arena;
};

/* Reads the configuration that --config or its absence names. VERDICT_DONE, else said why. Ended by
 * host_close in either case. */
enum verdict host_open(struct call *c, struct host *h);
/* The store too; it is not contacted yet. */
enum verdict host_open_store(struct call *c, struct host *h);
void host_close(struct host *h);

/* The provider that is named or, with NULL, the only one there is, or the only one that hands events
 * off; NULL: said why. */
const struct config_provider *host_provider(struct call *c, const struct host *h,
                                            const char *named);

/* That provider's part of the store. Its arena is the host's, reset here. */
struct journal host_journal(struct host *h, const struct config_provider *p);

/* Opens configuration, store and provider (--provider, which must be an option of the verb), runs it
 * and closes them. */
enum verdict host_on_provider(struct call *c, enum verdict (*run)(struct call *c, struct host *h,
                                                                  const struct config_provider *p));

/* The row of --provider, for the tables of verbs. */
#define HOST_PROVIDER_OPTION                                                                       \
    {                                                                                              \
        "provider", "NAME", "the provider, where there are several", false                         \
    }

#endif
