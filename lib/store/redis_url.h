/* redis_url: the address of a Redis server, read from a URL. */
#ifndef GUICHET_STORE_REDIS_URL_H
#define GUICHET_STORE_REDIS_URL_H

#include <stdbool.h>
#include "base/fail.h"

#define REDIS_PATH_MAX     107 /* bytes of a unix socket's path, as sockaddr_un has room for */
#define REDIS_HOST_MAX     253
#define REDIS_USER_MAX     255
#define REDIS_PASSWORD_MAX 512
#define REDIS_PORT         6379
#define REDIS_DB_MAX       65535

struct redis_address {
    char path[REDIS_PATH_MAX + 1]; /* "": host and port count */
    char host[REDIS_HOST_MAX + 1];
    int port;
    int db;
    char user[REDIS_USER_MAX + 1];         /* "": the default user */
    char password[REDIS_PASSWORD_MAX + 1]; /* "": none */
};

/* Reads unix://[user:password@]/path[?db=N] or redis://[user:password@]host[:port][/db]; user,
 * password and path are percent-decoded, an IPv6 address stands in brackets. False with the cause
 * and remedy, which never show user or password. */
bool redis_url_parse(const char *url, struct redis_address *out, struct fail *why);

#endif
