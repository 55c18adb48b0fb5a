/* docs: the API's documentation as a page for people, from the same tables as the OpenAPI document. */
#ifndef GUICHET_PAGES_DOCS_H
#define GUICHET_PAGES_DOCS_H

#include "base/buf.h"
#include "config/config.h"

#define DOCS_BYTES_MAX (1u << 20)

void docs_render(const struct config *c, struct buf *out);

#endif
