/* redis_server: a Redis server of a test's own, on a unix socket in a folder below $TMPDIR or /tmp. */
#ifndef GUICHET_TESTS_REDIS_SERVER_H
#define GUICHET_TESTS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>
#include "unit/store_conformance.h"
#include "unit/temp_dir.h"

struct redisContext;
struct redisReply;

struct redis_server {
    char dir[TEMP_DIR_ROOM];
    char socket[TEMP_DIR_ROOM + 8];
    char url[TEMP_DIR_ROOM + 16];
    pid_t pid; /* 0: not running */
    struct redisContext *context;
};

/* Starts one (appendonly yes, appendfsync always) in a new folder. False when there is no
 * redis-server. */
bool redis_server_start(struct redis_server *s);
/* Starts it again in its folder, with what it had written. */
bool redis_server_restart(struct redis_server *s);
/* Ends it with that signal and waits until it is gone. */
void redis_server_kill(struct redis_server *s, int signal);
/* Ends it and removes its folder. */
void redis_server_stop(struct redis_server *s);

/* A command; the answer is freed by the caller. The test fails when there is none. */
struct redisReply *redis_server_ask(struct redis_server *s, const char *format, ...);
/* A command whose answer is of no interest, but for an error. */
void redis_server_tell(struct redis_server *s, const char *format, ...);
/* Of all that is in the server. */
void redis_server_digest(struct redis_server *s, char out[static 41]);

/* For struct store_under_test: ctx is the struct redis_server. */
extern const struct store_look redis_server_look;

#endif
