/* redis_url: the address of a Redis server, or of the sentinels that know it, read from a URL. */
#ifndef GUICHET_STORE_REDIS_URL_H
#define GUICHET_STORE_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>
#include "base/fail.h"

#define REDIS_PATH_MAX     107 /* bytes of a unix socket's path, as sockaddr_un has room for */
#define REDIS_HOST_MAX     253
#define REDIS_USER_MAX     255
#define REDIS_PASSWORD_MAX 512
#define REDIS_PORT         6379
#define REDIS_DB_MAX       65535

#define REDIS_SENTINELS_MAX 9
#define REDIS_SENTINEL_PORT 26379
#define REDIS_MASTER_MAX    64 /* bytes of a master's name */

struct redis_address {
    char path[REDIS_PATH_MAX + 1]; /* "": host and port count */
    char host[REDIS_HOST_MAX + 1];
    int port;
    int db;
    char user[REDIS_USER_MAX + 1];         /* "": the default user */
    char password[REDIS_PASSWORD_MAX + 1]; /* "": none */
};

/* Reads unix://[user:password@]/path[?db=N] or redis://[user:password@]host[:port][/db]; user,
 * password and path are percent-decoded, an IPv6 address stands in brackets. The portable program
 * refuses names of hosts. False with the cause and remedy, which never show user or password. */
bool redis_url_parse(const char *url, struct redis_address *out, struct fail *why);

struct redis_place {
    char host[REDIS_HOST_MAX + 1];
    int port;
};

struct redis_sentinels {
    struct redis_place place[REDIS_SENTINELS_MAX];
    size_t n;
    char master[REDIS_MASTER_MAX + 1];
};

/* Reads sentinel://[user:password@]host[:port][,host[:port]...]/master[?db=N]. User, password and
 * database are those of the Redis servers, whose host and port stay empty. As redis_url_parse. */
bool redis_url_parse_sentinels(const char *url, struct redis_sentinels *out,
                               struct redis_address *server, struct fail *why);

#endif
