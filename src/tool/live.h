/* live: the secrets that specs give now, one by one, in the order of the slots. */
#ifndef GUICHET_TOOL_LIVE_H
#define GUICHET_TOOL_LIVE_H

#include "config/config.h"
#include "tool/verb.h"
#include "verify/secret.h"

#define LIVE_WHERE_MAX 512

struct live_secret {
    struct secret_text text;
    const char *kind; /* "env", "file", "dir", "literal", "stdin" */
    char where
        [LIVE_WHERE_MAX]; /* as a spec of its own, "dir:" with the file; of a literal its line */
};

struct live {
    size_t n;
    struct live_secret secret[SECRETS_LIVE_MAX];
};

/* NULL when memory is short. Secrets are wiped. */
struct live *live_new(void);
void live_free(struct live *l);

/* Adds what the list names. 0, or -1 with cause and remedy. */
int live_add_list(struct live *l, const struct config_list *list, struct fail *why);
/* The same for the argument of an option: env:NAME, file:PATH, dir:PATH, or - for standard input (once).
 * A literal is refused, for arguments can be seen by others. */
int live_add_option(struct live *l, const char *option, const char *spec, struct fail *why);

/* Copies the texts, to be wiped by the caller. */
void live_texts(const struct live *l, struct secret_text out[static SECRETS_LIVE_MAX]);

#endif
