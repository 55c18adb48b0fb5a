/* page: what a page of payloads says has changed. Pure.
 *
 * A payload tells which records, fields and tables a transaction created, changed or destroyed; keys and
 * sources that are not known are passed over. Its cell values are not in the form that records are read
 * in, so what it names is read again. */
#ifndef GUICHET_AIRTABLE_PAGE_H
#define GUICHET_AIRTABLE_PAGE_H

#include <jansson.h>
#include <stdbool.h>

/* Sets are JSON objects whose values mean nothing. */
struct touched {
    json_t *records;   /* table id -> set of record ids to be read again */
    json_t *gone;      /* table id -> set of record ids that were destroyed */
    json_t *tables;    /* set of ids of tables whose records must all be read again */
    bool schema;       /* tables or fields are others now */
    const char *error; /* the code of an error payload, or NULL; the payload's */
};

/* Adds what the payload touches. False when memory is short. */
bool touched_add(struct touched *t, const json_t *payload);
bool touched_init(struct touched *t);
void touched_free(struct touched *t);

#endif
