/* drain: a hook while it is drained, and the page of payloads at hand. Private to lib/airtable/drain*.c. */
#ifndef GUICHET_AIRTABLE_DRAIN_H
#define GUICHET_AIRTABLE_DRAIN_H

#include "airtable/base.h"
#include "airtable/page.h"

#define NUMBER_ROOM 24

struct drain {
    struct airtable *a;
    const char *hook;
    struct batch batch;
    char hook_key[AIRTABLE_KEY_MAX], base_key[AIRTABLE_KEY_MAX], tables_key[AIRTABLE_KEY_MAX];
    char generation[GENERATION_ROOM], cursor[NUMBER_ROOM]; /* as the conditions demand them */
    int64_t first;                                         /* number of the page's first payload */
    int64_t gap;        /* payloads that were deleted before they were read */
    struct touched all; /* of the whole page */
    json_t *fresh;      /* table id -> record id -> record, read after the page */
    json_t *written;    /* table id -> set of records that the page has written already */
    json_t *schema;     /* the tables as they are now, or NULL: the same */
    json_t *copied;     /* set of tables that the page has copied whole */
    bool schema_written;
};

/* drain_read.c: reads again what the page touches: tables and fields where they differ, and the records
 * by their ids. */
enum airtable_outcome drain_read_page(struct drain *d, struct fail *why);
/* Whether the tables that were read have that one. */
bool drain_read_has(const struct drain *d, const char *table);

/* drain_write.c: adds to the batch what a payload does, and its entry of the hand-off. */
enum airtable_outcome drain_write_payload(struct drain *d, const json_t *payload, struct fail *why);
bool drain_write_event(struct drain *d, int64_t number, const json_t *payload);

#endif
