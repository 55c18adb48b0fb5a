/* base: one base of Airtable as a worker holds it: its API, its part of the store, its lease. Private to
 * lib/airtable. */
#ifndef GUICHET_AIRTABLE_BASE_H
#define GUICHET_AIRTABLE_BASE_H

#include "airtable/airtable.h"
#include "airtable/api.h"
#include "airtable/batch.h"
#include "airtable/keys.h"

#define GENERATION_ROOM 24

struct airtable {
    struct airtable_settings settings;
    struct journal journal; /* its arena is reset by whoever begins something new */
    struct api api;
    char base[AIRTABLE_ID_MAX + 1];
    char lease[JOURNAL_NAME_MAX + 1], holder[JOURNAL_NAME_MAX + 1];
    bool leased;
    int64_t leased_until_ms; /* monotonic: to be prolonged before */
    struct airtable_report *report;
};

/* What a call of the API means for the one who asked for all this. */
enum airtable_outcome base_outcome(enum api_code code);

/* A field of base:<app> as NUL-terminated text; "" when there is none. */
bool base_field(struct airtable *a, const char *field, char *out, size_t room, struct fail *why);

/* copy.c: fills a new generation with all tables and records and swaps it in. */
enum airtable_outcome copy_base(struct airtable *a, struct fail *why);
/* Adds all records of a table to the batch, as changes of that key. *found: whether there is such a
 * table. */
enum airtable_outcome copy_table(struct airtable *a, struct batch *b, const char *table,
                                 const char *records_key, bool *found, struct fail *why);
/* Adds a record to the batch. */
bool copy_record(struct batch *b, const char *records_key, const json_t *record);

/* drain.c: all payloads of a hook from its cursor on. */
enum airtable_outcome drain_hook(struct airtable *a, const char *hook, struct fail *why);

#endif
