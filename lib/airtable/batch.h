/* batch: the changes of one step on their way to the store, with the conditions that each step of a batch
 * begins with. What goes beyond one step goes in several: all but the last keep the conditions true. */
#ifndef GUICHET_AIRTABLE_BATCH_H
#define GUICHET_AIRTABLE_BATCH_H

#include "store/step.h"

#define BATCH_GUARDS_MAX 4

struct batch {
    const struct journal *journal;
    int64_t backlog_limit;
    struct step_change guard[BATCH_GUARDS_MAX];
    size_t nguards;
    struct step_change *change; /* STEP_CHANGES_MAX of them */
    size_t n, bytes;
    bool together;             /* what is added now belongs into one step, however large it is */
    struct arena *arena;       /* of the texts; reset after each step */
    enum step_outcome outcome; /* of the first step that was not done */
    struct fail why;           /* of that */
};

/* False when memory is short. */
bool batch_init(struct batch *b, const struct journal *j, int64_t backlog_limit);
void batch_free(struct batch *b);

/* A condition of every step from now on, or its new value. The key and field are not copied. */
void batch_guard(struct batch *b, const char *key, const char *field, const char *value);

/* Adds a change; when the step is full it is applied first. The texts are copied. */
void batch_add(struct batch *b, enum step_verb verb, const char *key, const char *field,
               struct slice value);
/* Whether n more changes of so many bytes fit into the step at hand. */
bool batch_has_room(const struct batch *b, size_t n, size_t bytes);
/* From now on to the next batch_end all changes (at most `n`) are in one step, with what is there already
 * if they may be expected to fit. */
void batch_together(struct batch *b, size_t n, size_t bytes);
/* Applies what there is. STEP_DONE only if everything was, from the first change on. */
enum step_outcome batch_end(struct batch *b, struct fail *why);

#endif
