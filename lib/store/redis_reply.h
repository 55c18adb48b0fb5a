/* redis_reply: what Redis's answers mean: error texts, and the results of the commit script. */
#ifndef GUICHET_STORE_REDIS_REPLY_H
#define GUICHET_STORE_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include "store/store.h"

struct redisReply;

/* What to do inside the deadline. Nothing was done, or a repeat of the identical batch is harmless.
 */
enum redis_next {
    REDIS_AGAIN,    /* dial anew and repeat until the deadline */
    REDIS_PATIENCE, /* the same, but not for long: this server answers duplicates meanwhile */
    REDIS_LINGER,   /* repeat there, not for long either: it passes by itself */
    REDIS_MOVED,    /* repeat at the address that the text names */
    REDIS_GIVE_UP,  /* hurrying does not help */
    REDIS_BY_EVAL   /* the script is not loaded there */
};

struct redis_class {
    const char *begins; /* of the error text */
    const char *word;   /* of the result */
    enum store_code code;
    enum redis_next next;
    int64_t retry_after_us;
};

/* Why there is no result. */
struct redis_trouble {
    const struct redis_class *class;
    char text[STORE_REASON_MAX];
};

/* Troubles that are not said by the server. */
extern const struct redis_class redis_timeout;     /* it did not answer in time: outcome unknown */
extern const struct redis_class redis_unreachable; /* no connection, or it was lost */
extern const struct redis_class
    redis_confused; /* an answer of a shape that the script never gives */
extern const struct redis_class redis_few_replicas; /* done, but on fewer than were asked for */

void redis_trouble_set(struct redis_trouble *t, const struct redis_class *class, const char *text);
/* By an error's text; the first word decides, an unknown one is a fault. */
void redis_trouble_error(struct redis_trouble *t, const char *text);

/* The result of one member for which that trouble stands. */
void redis_trouble_result(const struct redis_trouble *t, struct store_result *result);

/* Reads the script's answer for n members. False with the trouble when it is an error, is of the
 * wrong shape, or when every member met the same passing trouble (then the results are filled too).
 */
bool redis_reply_results(const struct redisReply *reply, size_t n, struct store_result *result,
                         struct redis_trouble *t);

#endif
