/* wording: what the tables mean, in words that the page and the OpenAPI document share. */
#ifndef GUICHET_PAGES_WORDING_H
#define GUICHET_PAGES_WORDING_H

#include "base/buf.h"
#include "config/config.h"
#include "events/table.h"
#include "http/problem.h"
#include "http/route.h"
#include "verify/scheme.h"

/* The value of the scheme's signature header, as a form: "sha256=<hex>". */
void wording_signature_form(const struct scheme *s, struct buf *out);
/* What is signed with which key, in a sentence. */
void wording_signature(const struct scheme *s, struct buf *out);
/* What a field of an event must be. */
const char *wording_field(enum field_kind kind);
/* What an event of that type changes, or "" for one that has no words. */
const char *wording_change(const char *event_type);
/* What a sender knows of a header that Guichet answers with; "" for others. */
const char *wording_header(const char *name);

/* Whether the problem can be met at a provider's path as it is configured. */
bool wording_met_at_provider(const struct config *c, const struct config_provider *p,
                             enum problem_id id);
/* Likewise at an endpoint. */
bool wording_met_at_endpoint(const struct config *c, const struct endpoint *e, enum problem_id id);
/* Whether copies of the provider are read: they have a path and a token. And whether the problem can be met
 * at one of their paths then. */
bool wording_has_copies(const struct config_provider *p);
bool wording_met_at_copy(const struct config *c, const struct copy_endpoint *e, enum problem_id id);
/* Its path, below base_path: "/webhooks/airtable/{base}/{table}". */
void wording_copy_path(const struct config_provider *p, const struct copy_endpoint *e,
                       struct buf *out);
/* The status of the problem, with the provider's rate_limit_status; p may be NULL. */
int wording_status(const struct config_provider *p, enum problem_id id);

/* How the sender tries again: seconds to wait before each try, the first at once. */
#define WORDING_TRIES 5
extern const unsigned wording_wait_s[WORDING_TRIES];

/* The address before a path, as senders know it: public_url and base_path. With neither: "". */
void wording_base(const struct config *c, struct buf *out);

#endif
