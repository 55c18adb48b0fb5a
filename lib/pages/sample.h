/* sample: bodies for the documentation, made from the tables that the real ones are judged by, and judged
 * by the same code: what the documentation says of a faulty one is what its sender is told. */
#ifndef GUICHET_PAGES_SAMPLE_H
#define GUICHET_PAGES_SAMPLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "events/event.h"
#include "events/table.h"
#include "verify/scheme.h"

/* What headers tell in a sample of a scheme whose id or type comes from there. */
#define SAMPLE_HEADER_ID   "example-1"
#define SAMPLE_HEADER_TYPE "push"
/* When the samples happened; and when what is answered says that they were processed. */
#define SAMPLE_STAMP     "2025-10-15T10:30:00Z"
#define SAMPLE_PROCESSED "2025-10-15T10:30:05Z"

/* Appends a sound body: of that type, or with type NULL one for a scheme without the table. */
void sample_body(const struct scheme *s, const struct event_type *type, struct buf *out);

/* The id of that body. */
void sample_id(const struct scheme *s, const struct event_type *type, struct buf *out);

/* A value of the field, as it stands in a sample. */
struct slice sample_value(const struct field *f);

/* Appends the body of the i-th faulty sample and fills *e with what event_read says of it. The name of
 * the fault, or NULL: there is none at i or beyond. Faults that this scheme does not have are passed over:
 * *i is then raised. */
const char *sample_fault(const struct scheme *s, size_t *i, struct buf *body, struct arena *arena,
                         struct event *e);

#endif
