/* sqlite_turn: the threads of this process that write to one file queue here. The lock of the file cannot be
 * waited for until a deadline, so it is asked for again and again; that is left to one thread of each
 * process. Private to lib/store/sqlite*.c. */
#ifndef GUICHET_STORE_SQLITE_TURN_H
#define GUICHET_STORE_SQLITE_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"

struct sqlite_turn;

/* The queue of the file whose lock is open as `lock`, shared by all who join with the same one. NULL when
 * memory is short: its caller then does without. */
struct sqlite_turn *sqlite_turn_join(int lock);
/* The last to leave frees it. NULL is allowed. */
void sqlite_turn_leave(struct sqlite_turn *t);

/* False: the deadline has passed, and it is not the caller's turn. */
bool sqlite_turn_take(struct sqlite_turn *t, const struct clock *clock, int64_t deadline_ms);
void sqlite_turn_end(struct sqlite_turn *t);

#endif
