/* openapi: the API as an OpenAPI 3.1 document, made from the tables that the code itself follows: events
 * (events/table.h), schemes (verify/scheme.h), problems (http/problem.h), endpoints (http/route.h) and the
 * configuration in force.
 *
 * The example of a fault names how it is come by: `x-request`, an object with the body that was sent
 * (`body`) where it is another than that of the path's examples. Examples of requests and answers that
 * belong together have the same name. */
#ifndef GUICHET_PAGES_OPENAPI_H
#define GUICHET_PAGES_OPENAPI_H

#include "base/arena.h"
#include "base/buf.h"
#include "config/config.h"

#define OPENAPI_TYPE      "application/json"
#define OPENAPI_BYTES_MAX (2u << 20) /* 32 providers with all event types take about a quarter */

/* Appends the document. `arena` holds what lives until the request ends. */
void openapi_render(const struct config *c, const char *version, struct arena *arena,
                    struct buf *out);

#endif
