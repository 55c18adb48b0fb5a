/* openapi_parts: what the parts of openapi share; private to openapi*.c. */
#ifndef GUICHET_PAGES_OPENAPI_PARTS_H
#define GUICHET_PAGES_OPENAPI_PARTS_H

#include "base/arena.h"
#include "pages/jsonw.h"
#include "pages/wording.h"

struct openapi {
    const struct config *config;
    struct arena *arena;
    struct jsonw json;
};

/* openapi_schema.c: "components". */
void openapi_components(struct openapi *o);
/* Whether the API has events of the table at all. */
bool openapi_has_events(const struct config *c);

/* openapi_answer.c: the members of "responses". */
void openapi_provider_answers(struct openapi *o, const struct config_provider *p);
/* head: without bodies. */
void openapi_endpoint_answers(struct openapi *o, const struct endpoint *e, bool head);

/* {"$ref": "#/components/<kind>/<name>"} under the key. */
void openapi_reference(struct jsonw *j, const char *key, const char *kind, const char *name);

#endif
