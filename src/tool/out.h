/* out: what a verb found, record by record: aligned columns for people, a JSON object a line for
 * scripts (--json).
 *
 * A record is a row of fields, given in order and ended by out_end. For people, OUT_ROWS prints a
 * heading and a line a record, OUT_FACTS a line a field. Bytes from outside are escaped in both, so that none
 * can steer a terminal. */
#ifndef GUICHET_TOOL_OUT_H
#define GUICHET_TOOL_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/slice.h"

enum out_form { OUT_ROWS, OUT_FACTS };

struct out;

/* NULL when memory is short. */
struct out *out_new(FILE *file, bool json);
/* Prints what is left. False when not everything could be written. NULL is legal. */
bool out_free(struct out *o);
/* It is a pipe whose reader has closed it. */
bool out_is_unread(const struct out *o);
/* Whether it is of use to print more: all was written so far, and somebody may read it still. */
bool out_is_wanted(const struct out *o);
/* Records that were ended. */
size_t out_records(const struct out *o);
bool out_is_json(const struct out *o);

/* The form of the records that follow. Prints what is left of those before. */
void out_form(struct out *o, enum out_form form);

/* A field of the record at hand; the name is a literal. */
void out_text(struct out *o, const char *name, struct slice text);
/* The same, for a word that says how things are: in colour on a terminal (not with NO_COLOR set, nor TERM=dumb). */
enum out_mood { OUT_GOOD, OUT_DOUBT, OUT_BAD };
void out_word(struct out *o, const char *name, const char *word, enum out_mood mood);
void out_number(struct out *o, const char *name, int64_t number);
void out_fraction(struct out *o, const char *name, double number);
void out_bool(struct out *o, const char *name, bool yes);
/* A moment, µs since 1970: RFC 3339 with µs. */
void out_time(struct out *o, const char *name, int64_t us);
/* JSON as it stands (one line, valid); for people the same text. */
void out_json(struct out *o, const char *name, struct slice json);
/* A line "name  value" for people alone, whose name comes from outside too. */
void out_named(struct out *o, struct slice name, struct slice text);
/* What may have many lines, for people alone: after the record, below its name. */
void out_body(struct out *o, const char *name, struct slice text);
/* There is none: null, "-". */
void out_none(struct out *o, const char *name);

/* The record is whole. */
void out_end(struct out *o);
/* Rows wait to be aligned, at most OUT_ROWS_MAX; out_flush prints them now (for what follows). */
#define OUT_ROWS_MAX 500
void out_flush(struct out *o);

/* A line for people alone. */
__attribute__((format(printf, 2, 3))) void out_say(struct out *o, const char *format, ...);

#endif
