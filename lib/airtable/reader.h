/* reader: the copy of a base, for whoever serves it to readers. It asks the store alone: the API is the
 * worker's, and so is the limit of its requests.
 *
 * A page is read from one generation (airtable/keys.h). A cursor names the generation and the last record
 * that was read, so that whoever follows it meets each record that stays once, though others come and go. A
 * full refresh makes another generation; the old one, in which nothing changes any more, can be read on
 * until the next refresh begins: then its cursors are READER_GONE. */
#ifndef GUICHET_AIRTABLE_READER_H
#define GUICHET_AIRTABLE_READER_H

#include "airtable/keys.h"
#include "store/journal.h"

#define READER_RECORDS_MAX 100     /* of a page */
#define READER_BYTES_MAX   1048576 /* of a page, beyond which it ends with the record at hand */
#define READER_CURSOR_ROOM (20 + 1 + AIRTABLE_ID_MAX + 1)

enum reader_outcome {
    READER_FOUND,
    READER_ABSENT,  /* no such base, table or record */
    READER_NOT_YET, /* the first copy is not made yet */
    READER_GONE,    /* the cursor's generation is no more */
    READER_AWAY     /* the store gave no answer: why says so */
};

/* How fresh a copy is. Times are µs since 1970. */
struct reader_copy {
    int64_t generation;   /* that was read */
    int64_t as_of_us;     /* it is the base as it was then, or later */
    int64_t refreshed_us; /* when the copy was begun, by a full refresh */
    int64_t applied_us;   /* when payloads were applied last; 0: never */
    bool old;             /* there is a newer generation already */
    bool pending;         /* a ping came that is not answered yet: something has changed since */
    bool refreshing;      /* a full refresh is under way */
    struct slice
        stale; /* why a full refresh is due, until which changes may be missing; empty: none is */
};

/* What is read lies in the journal's memory. Ids are ids (airtable_id_is). */

/* Its tables, in order of their ids. */
enum reader_outcome reader_base(const struct journal *j, const char *base, struct reader_copy *copy,
                                struct journal_entry *tables, struct fail *why);

/* At most `max` records (1 to READER_RECORDS_MAX) in order of their ids, from the cursor on ("": from the
 * first), which must be one (reader_is_cursor). next: the next page's cursor; "": there is none. */
struct reader_page {
    struct reader_copy copy;
    struct journal_field *record; /* id, JSON */
    size_t n;
    char next[READER_CURSOR_ROOM];
};
enum reader_outcome reader_page(const struct journal *j, const char *base, const char *table,
                                const char *cursor, size_t max, struct reader_page *out,
                                struct fail *why);
bool reader_is_cursor(struct slice text);

/* One record, JSON. */
enum reader_outcome reader_record(const struct journal *j, const char *base, const char *table,
                                  const char *record, struct reader_copy *copy, struct slice *json,
                                  struct fail *why);

#endif
