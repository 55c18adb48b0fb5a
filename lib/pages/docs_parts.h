/* docs_parts: the sections of the documentation; private to docs*.c. */
#ifndef GUICHET_PAGES_DOCS_PARTS_H
#define GUICHET_PAGES_DOCS_PARTS_H

#include "base/buf.h"
#include "config/config.h"

/* docs_provider.c: one section for each provider that is in use. */
void docs_providers(const struct config *c, struct buf *out);
/* docs_answers.c: every status, and when to try again. */
void docs_answers(const struct config *c, struct buf *out);
void docs_retries(struct buf *out);
/* docs_signing.c: how to sign in five languages; nothing where no provider signs so. */
bool docs_has_signing(const struct config *c);
void docs_signing(const struct config *c, struct buf *out);

/* A provider of the six event types that is in use, or NULL. */
const struct config_provider *docs_sender(const struct config *c);

#endif
