/* check: the production checklist, one line a matter. Each part is in a file of its own. */
#ifndef GUICHET_TOOL_CHECK_H
#define GUICHET_TOOL_CHECK_H

#include "config/config.h"
#include "tool/verb.h"

enum check_level { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check {
    struct call *c;
    const struct config *config;
    bool only_5xx; /* the senders retry nothing but 5xx */
    unsigned count[3];
};

/* A line: the matter ("store.version"), whom it is about (a provider; "": everything), what was found,
 * and what to do ("" where all is well). */
__attribute__((format(printf, 6, 7))) void check_line(struct check *k, enum check_level level,
                                                      const char *matter, const char *about,
                                                      const char *remedy, const char *format, ...);

void check_settings(struct check *k); /* check_settings.c */
void check_keys(struct check *k);     /* check_keys.c */
void check_host(struct check *k);     /* check_host.c */
void check_store(struct check *k);    /* check_store.c */
void check_sender(struct check *k);   /* check_sender.c; needs no configuration */

/* The clock of this host against the world's, as far as the kernel is told. */
void check_clock(struct check *k);

extern const struct verb verb_check;

#endif
