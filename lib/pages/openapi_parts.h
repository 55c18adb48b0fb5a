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

/* openapi_copy.c: the paths of copies, and what they answer with 200 and 304. */
void openapi_copies(struct openapi *o);
void openapi_copy_schemas(struct openapi *o);
/* openapi_answer.c: its problems. */
void openapi_copy_problems(struct openapi *o, const struct copy_endpoint *e, bool head);
/* Likewise "headers": what every answer has, and these. */
void openapi_headers(struct jsonw *j, const char *const name[], size_t n, bool has_body);

/* {"$ref": "#/components/<kind>/<name>"} under the key. */
void openapi_reference(struct jsonw *j, const char *key, const char *kind, const char *name);

#endif
