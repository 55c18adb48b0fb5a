/* keys: what lies in the store for a base of Airtable, below guichet:{provider}: as everything else.
 *
 *   hooks                       hook id -> base: the hooks below
 *   hook:<ach>                  a hook that is known here (a ping of it was received, or it was made here):
 *                               cursor (number of the first payload that is not applied yet), base, pinged
 *                               (the mark in `dirty` that the last whole drain answered), drained (when
 *                               that was, µs), off (set: its pings were switched off here), error (code of
 *                               its error payload, or LOST: it never comes back), foreign.<app> (set: that
 *                               base has no such hook)
 *   base:<app>                  generation (the one to read), previous, building (being filled), dropping
 *                               (going), refreshed (when that generation was begun, µs), applied (when
 *                               payloads were applied last, µs), stale (why a full refresh is due; absent:
 *                               none is)
 *   tables:<app>:<generation>   table id -> JSON, as the meta API gives it: id, name, primaryFieldId, fields
 *   records:<app>:<generation>:<tbl>   record id -> JSON: id, createdTime, fields (by field id)
 *   as_of                       base -> when the copy was last known to be right: it is the base as it was
 *                               then, µs, or later
 *   expiry                      base -> when the first of its hooks that are alive ends, µs: for the metrics
 *   api:<app>                   requests (when the last five were made, µs), pause (until when, after 429)
 *   lease:airtable:<app>        who drains or refreshes this base just now
 *
 * A reader takes `generation` first and then reads in it: a full refresh fills another one and swaps it
 * in at once; the previous one stays whole until the next full refresh begins. Payloads that are applied
 * are entries of the hand-off: id <ach>:<number>, type airtable.payload. */
#ifndef GUICHET_AIRTABLE_KEYS_H
#define GUICHET_AIRTABLE_KEYS_H

#include <stdbool.h>
#include "base/slice.h"

#define AIRTABLE_ID_MAX  40  /* bytes */
#define AIRTABLE_KEY_MAX 160 /* of a key, and a NUL */

/* Reasons for a full refresh. What changed before a hook was made, and after the one before it had ended,
 * no payload tells of. */
#define AIRTABLE_NEW_HOOK "there is a new hook"
#define AIRTABLE_GAP      "payloads were deleted before they were read"

/* Ids stand in keys and in addresses: three lower-case letters, then letters and digits. */
bool airtable_id_is(struct slice id, const char *prefix);

/* "hook:<id>" and so on; generation and table may be NULL where a key has none. */
void airtable_key(char out[static AIRTABLE_KEY_MAX], const char *kind, const char *id,
                  const char *generation, const char *table);

#endif
