/* setting: one value into its member of struct config or struct config_provider, as its row of the
 * table says. */
#ifndef GUICHET_CONFIG_SETTING_H
#define GUICHET_CONFIG_SETTING_H

#include "base/fail.h"
#include "config/config.h"
#include "config/keys.h"

/* Sets the member. `base` is the struct config, or for rows of SECTION_PROVIDER the struct
 * config_provider. What was there is freed; a list is added to, and `origin` stands beside the
 * item. 0, or -1 with what the value should have been (never with the value, if it is
 * sensitive). */
int setting_set(void *base, const struct key *k, struct slice value, const char *origin,
                struct fail *why);

/* Frees what the member owns, secrets overwritten with zeros. */
void setting_free(void *base, const struct key *k);

/* Whether the text of a sensitive row is itself secret: a literal rather than the name of a place
 * where the secret is, or an address with a password in it. */
bool setting_is_literal(const struct key *k, struct slice text);

/* The length in front of the address proper of a store's URL: "scheme://", and behind it where user
 * and password end. Equal when there are none. */
size_t setting_scheme_length(struct slice url);
size_t setting_credentials_end(struct slice url);

#endif
