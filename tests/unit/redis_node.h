/* redis_node: a Redis server or sentinel of a test's own among several, on 127.0.0.1 at a free port,
 * in a folder below /tmp. */
#ifndef GUICHET_TESTS_REDIS_NODE_H
#define GUICHET_TESTS_REDIS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct redisReply;

struct redis_node {
    char dir[64];
    int port;
    bool sentinel;
    char password[32]; /* the default user's, or "" */
    pid_t pid;         /* 0: not running */
};

/* Starts one with those lines in its configuration, beside the port and the folder, and waits until
 * it answers. The test fails when it does not. */
void redis_node_start(struct redis_node *n, bool sentinel, const char *password, const char *lines);
/* Starts it again as it was. */
void redis_node_restart(struct redis_node *n);
/* SIGSTOP and SIGCONT too. */
void redis_node_signal(struct redis_node *n, int signal_number);
/* Ends it and waits until it is gone. */
void redis_node_kill(struct redis_node *n);
/* Ends it and removes its folder. May be called on one that was never started. */
void redis_node_stop(struct redis_node *n);

/* A command over a connection of its own; the answer is freed by the caller. NULL: there is
 * none. */
struct redisReply *redis_node_ask(const struct redis_node *n, const char *format, ...);
/* A command that must succeed. */
void redis_node_tell(const struct redis_node *n, const char *format, ...);
/* A command that answers a number. */
long long redis_node_number(const struct redis_node *n, const char *format, ...);
/* Waits until the answer to the command, a text or a status, contains `text`; false after
 * `seconds`. */
bool redis_node_await(const struct redis_node *n, const char *text, int seconds,
                      const char *command);

int redis_node_free_port(void);
void redis_node_sleep_ms(int64_t ms);

#endif
